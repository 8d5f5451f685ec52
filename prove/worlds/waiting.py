"""Users who wait: for parcels that nobody hears of any more, in worlds of more than two months.

What was said of such a parcel by hand holds when it has expired; and it can be taken up again.
"""

from __future__ import annotations

import asyncio
from typing import Final

from parcelwire.domain.clock import DAY
from parcelwire.domain.status import Status
from parcelwire.store.port import StoreUnavailableError
from parcelwire.tracking.errors import NotFoundError, RetrackNotAllowedError
from prove.worlds.ledger import Parcel
from prove.worlds.process import UnknownOutcomeError
from prove.worlds.users import Shop

EXPIRED_BY: Final = 66 * DAY
"""Who was created on the first day has expired by then: after sixty days, at the next question."""
_FIRST_INDEX: Final = 700_000
"""Of the parcels: their numbers are not those of other users."""


class PatientShop(Shop):
    """A shop with parcels of which nobody hears anything."""

    async def run(self, parcels: int) -> None:
        """Follow silent parcels to the end of a long world."""
        if self._plan.active > EXPIRED_BY:
            await asyncio.gather(*(self._wait(index) for index in range(2)))

    async def _wait(self, index: int) -> None:
        chance = self._chance
        parcel = self._parcel(_FIRST_INDEX + index)
        self._carriers.couriers_of[parcel.number] = ""
        await self._until(chance.randrange(DAY))
        await self._create(parcel)
        await self._until(chance.randrange(DAY, 40 * DAY))
        await self._set_status(parcel, Status.EXCEPTION)
        await self._until(EXPIRED_BY + chance.randrange(DAY))
        await self._take_up_again(parcel)

    async def _take_up_again(self, parcel: Parcel) -> None:
        stored = await self._load(parcel)
        if stored is None:
            return
        tracking = stored.tracking
        if parcel.overrides == {Status.EXCEPTION} and tracking.status is not Status.EXCEPTION:
            self._ledger.wrong(f"{parcel.number} was set by hand, and stands at {tracking.status}")
        if tracking.expired_at is None:
            return  # a clock that was set lets it live longer
        self._ledger.note("user: expired", parcel.number, tracking.status)
        try:
            await self._ask(lambda one: one.service.retrack(stored))
        except (UnknownOutcomeError, StoreUnavailableError):
            self._ledger.note("user: retrack?", parcel.number)
        except RetrackNotAllowedError:
            self._ledger.wrong(f"{parcel.number} has expired, and may not be taken up again")
        except NotFoundError:
            self._gone(parcel, "retrack")
