"""Users who delete parcels while others still do things with them, and after that.

The carrier is being asked, somebody changes the parcel, its customer wants mails about it: whoever
holds a copy of the parcel goes on, and nothing of that may be kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec.structs import replace

from parcelwire.domain.clock import HOUR
from parcelwire.notices.subscriptions import Subscriptions
from parcelwire.store.port import StoreUnavailableError
from parcelwire.tracking.errors import NotFoundError
from parcelwire.tracking.ports import Stored
from prove.worlds.process import Process, UnknownOutcomeError
from prove.worlds.sky import WorldIdentifiers
from prove.worlds.users import ASKING_SECONDS, Shop

CUSTOMER: Final = "jo@customer.example"
FOLLOWED: Final = 3 * HOUR
"""For so long a parcel is followed at most before it is deleted."""
_FIRST_INDEX: Final = 600_000
"""Of the parcels: their numbers are not those of other users."""


class LeavingShop(Shop):
    """A shop that deletes parcels, with customers who have not heard of it."""

    async def run(self, parcels: int) -> None:
        """Create some parcels and delete them in the middle of things."""
        # Tokens only: nothing that these people see by them is told apart by its id.
        self._identifiers = WorldIdentifiers(-self._plan.seed, {}, self._clock)
        await asyncio.gather(*(self._leave(index) for index in range(3)))

    async def _leave(self, index: int) -> None:
        chance = self._chance
        start = chance.randrange(self._plan.active)
        parcel = self._parcel(_FIRST_INDEX + index)
        await self._until(start)
        await self._create(parcel)
        await self._until(start + chance.randrange(FOLLOWED))
        stored = await self._load(parcel)
        if stored is None:
            return
        doing = (
            self._look_now(parcel),
            self._update(parcel),
            self._subscribe(stored),
            self._adopt(stored),
            self._delete_now(parcel),
        )
        await asyncio.gather(*(self._soon(one) for one in doing))
        await self._subscribe(stored)
        await self._adopt(stored)

    async def _soon(self, doing: Awaitable[None]) -> None:
        await asyncio.sleep(self._chance.random() * ASKING_SECONDS)
        await doing

    async def _subscribe(self, stored: Stored) -> None:
        """Want mails about a parcel, from its page."""
        await self._as_customer(lambda one: one.subscribe(stored, CUSTOMER, "en"))

    async def _adopt(self, stored: Stored) -> None:
        """Be told because the shop gave the address."""
        details = replace(stored.tracking.details, customer_email=CUSTOMER)
        tracking = replace(stored.tracking, details=details)
        await self._as_customer(lambda one: one.adopt(tracking))

    async def _as_customer(self, work: Callable[[Subscriptions], Awaitable[Any]]) -> None:
        async def call(one: Process) -> None:
            subscriptions = Subscriptions(
                one.store, clock=one.clock, identifiers=self._identifiers, confirmations_per_day=0
            )
            await work(subscriptions)

        try:
            await self._ask(call)
        except (UnknownOutcomeError, StoreUnavailableError, NotFoundError):
            self._ledger.note("customer: no answer")
