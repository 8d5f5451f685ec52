"""The people of a world: shops with their parcels, and whoever looks after the endpoints.

Each does one thing after another and remembers what was promised. When a process dies before it
answers, both may be: the next look at the store says which.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from copy import copy
from typing import Final, TypeVar

from parcelwire.domain.clock import SECOND
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.store.port import StoreUnavailableError
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.errors import (
    AlreadyExistsError,
    NotFoundError,
    RetrackNotAllowedError,
)
from parcelwire.tracking.ports import Stored
from prove.worlds.carriers import FIRST, NOBODY, Carriers
from prove.worlds.carriers import SECOND as SECOND_COURIER
from prove.worlds.ledger import Ledger, Parcel
from prove.worlds.process import Process, UnknownOutcomeError
from prove.worlds.sky import Plan, WorldClock

T = TypeVar("T")
Alive = Callable[[], Awaitable[Process]]
"""Gives a living process, waiting for one if need be."""

PATIENCE: Final = 40
ASKING_SECONDS: Final = 1.5
"""About as long as a carrier takes to answer."""


class Shop:
    """One account's shop and its parcels."""

    def __init__(
        self,
        plan: Plan,
        clock: WorldClock,
        ledger: Ledger,
        *,
        carriers: Carriers,
        alive: Alive,
        account: int,
        chance: random.Random,
    ) -> None:
        """``account`` is the number of the shop's account; it uses the live world."""
        self._plan = plan
        self._clock = clock
        self._ledger = ledger
        self._carriers = carriers
        self._alive = alive
        self._account = account
        self._world_id = account * 2
        self._chance = chance

    async def run(self, parcels: int) -> None:
        """Create parcels and do things with them until the active time is over."""
        await asyncio.gather(*(self._follow(index) for index in range(parcels)))

    async def _follow(self, index: int) -> None:
        chance, plan = self._chance, self._plan
        start = chance.randrange(plan.active // 2)
        parcel = self._parcel(index)
        await self._until(start)
        await self._create(parcel)
        for at in sorted(chance.randrange(start, plan.active) for _ in range(chance.randint(0, 6))):
            await self._until(at)
            act = chance.choices(
                (
                    self._update,
                    self._look_now,
                    self._override,
                    self._stop,
                    self._retrack,
                    self._move,
                    self._delete,
                    self._create,
                ),
                (6, 4, 2, 0.7, 2, 0.7, 0.8, 1.5),
            )[0]
            await act(parcel)

    def _parcel(self, index: int) -> Parcel:
        chance = self._chance
        couriers = tuple(self._carriers.policies)
        right = chance.choice(couriers)
        number = (
            f"99{self._account:02d}{chance.randrange(10**8):08d}{index:06d}"
            if right == FIRST
            else f"RR{chance.randrange(10**6):06d}{index:03d}IT"
        )
        self._carriers.couriers_of[number] = right if chance.random() < 0.93 else ""
        named = right if chance.random() < 0.85 else chance.choice((*couriers, NOBODY))
        parcel = Parcel(
            number=number, courier=named, account=self._account, world_id=self._world_id
        )
        self._ledger.parcels.append(parcel)
        return parcel

    def _known_parcel(self, index: int) -> Parcel:
        """Return a parcel that the first carrier knows and is asked for.

        A search for the right one would ask others, and a corrected courier frees the number.
        """
        parcel = self._parcel(index)
        parcel.courier = next(iter(self._carriers.policies))
        self._carriers.couriers_of[parcel.number] = parcel.courier
        return parcel

    async def _until(self, at: int) -> None:
        await asyncio.sleep(max(0, at - self._clock.true_ms()) / SECOND)

    # -- what is done ---------------------------------------------------------------------------

    async def _create(self, parcel: Parcel) -> None:
        draft = Draft(number=parcel.number, courier_code=parcel.courier)
        was_there = set(parcel.is_there)
        parcel.is_there.add(True)
        try:
            tracking = await self._ask(self._creating(draft))
        except AlreadyExistsError as error:
            self._ledger.note("user: exists", parcel.number)
            if error.existing_id not in {one.id for one in self._ledger.parcels}:
                self._ledger.wrong(f"{parcel.number} is said to exist, and nobody created it")
            parcel.is_there = was_there
        except (UnknownOutcomeError, StoreUnavailableError):
            self._ledger.note("user: create?", parcel.number)
            await self._find_out(parcel)
        else:
            self._ledger.note("user: created", parcel.number, tracking.id)
            if was_there == {True}:
                await self._check_twice(parcel)
            self._come_to_be(parcel, tracking.id)

    def _creating(self, draft: Draft) -> Callable[[Process], Awaitable[Tracking]]:
        async def create(one: Process) -> Tracking:
            return (await one.service.create(self._world_id, draft)).tracking

        async def create_many(one: Process) -> Tracking:
            # The second of the two is there already when its turn comes.
            first, second = await one.service.create_many(self._world_id, [draft, draft])
            if second.error is None:
                self._ledger.wrong(f"{draft.number} was created twice in one batch")
            if first.tracking is None:
                raise first.error or RuntimeError
            return first.tracking

        return create_many if self._chance.random() < 0.3 else create

    async def _check_twice(self, parcel: Parcel) -> None:
        """A number can be followed twice only if its first tracking has another courier by now."""
        first = await self._load(parcel)
        if first is not None and first.tracking.courier_code == parcel.courier:
            self._ledger.wrong(f"{parcel.number} was created twice")

    async def _find_out(self, parcel: Parcel) -> None:
        """See whether a create or delete without an answer took place."""
        found = await self._certain(lambda one: one.store.find(self._world_id, parcel.number))
        known = {one.id for one in self._ledger.parcels}
        parcel.is_there = {parcel.id in {one.tracking.id for one in found}}
        if parcel.id and parcel.is_there == {False}:
            self._ledger.deleted.setdefault(parcel.id, self._ledger.now())
        for one in reversed(found):
            if one.tracking.id not in known:
                self._come_to_be(parcel, one.tracking.id)

    def _come_to_be(self, parcel: Parcel, tracking_id: str) -> None:
        """Note a new tracking; the one that the number had before is left as it is."""
        self._ledger.created[self._world_id] += 1
        if parcel.id:
            self._ledger.parcels.append(copy(parcel))
        parcel.id = tracking_id
        parcel.is_there = {True}
        parcel.notes, parcel.archived, parcel.overrides = {None}, {False}, {None}
        parcel.ordered = {None}

    async def _update(self, parcel: Parcel) -> None:
        note = f"note {self._chance.randrange(10**6)}"
        is_archived = self._chance.choice((None, None, True, False))
        # The first moment of 1970 is a time like any other.
        ordered_at = self._chance.choice((None, None, 0, 1_700_000_000_000))
        stored = await self._load(parcel)
        if stored is None:
            return
        before = set(parcel.notes), set(parcel.archived), set(parcel.ordered)
        parcel.notes.add(note)
        if ordered_at is not None:
            parcel.ordered.add(ordered_at)
        if is_archived is not None:
            parcel.archived.add(is_archived)
        try:
            await self._ask(
                lambda one: one.service.update(
                    stored,
                    details={"note": note},
                    is_archived=is_archived,
                    ordered_at=ordered_at,
                )
            )
        except (UnknownOutcomeError, StoreUnavailableError):
            self._ledger.note("user: update?", parcel.number)
        except NotFoundError:
            parcel.notes, parcel.archived, parcel.ordered = before
            self._gone(parcel, "update")
        else:
            self._ledger.note("user: updated", parcel.number, note)
            parcel.notes = {note}
            if is_archived is not None:
                parcel.archived = {is_archived}
            if ordered_at is not None:
                parcel.ordered = {ordered_at}

    async def _override(self, parcel: Parcel) -> None:
        status = self._chance.choice((Status.DELIVERED, Status.EXCEPTION, None))
        await self._set_status(parcel, status)

    async def _set_status(self, parcel: Parcel, status: Status | None) -> None:
        stored = await self._load(parcel)
        if stored is None:
            return
        parcel.overrides.add(status)
        try:
            await self._ask(
                lambda one: one.service.update(
                    stored, status_override=status, clears_override=status is None
                )
            )
        except (UnknownOutcomeError, StoreUnavailableError):
            self._ledger.note("user: override?", parcel.number)
        except NotFoundError:
            self._gone(parcel, "override")
        else:
            self._ledger.note("user: override", parcel.number, status)
            parcel.overrides = {status}

    async def _look_now(self, parcel: Parcel) -> None:
        stored = await self._load(parcel)
        if stored is not None:
            await self._try("refresh", parcel, lambda one: one.service.refresh_now(stored))

    async def _stop(self, parcel: Parcel) -> None:
        stored = await self._load(parcel)
        if stored is not None:
            await self._try("stop", parcel, lambda one: one.service.stop(stored))

    async def _retrack(self, parcel: Parcel) -> None:
        stored = await self._load(parcel)
        if stored is not None:
            await self._try("retrack", parcel, lambda one: one.service.retrack(stored))

    async def _move(self, parcel: Parcel) -> None:
        stored = await self._load(parcel)
        if stored is None:
            return
        codes = [code for code in (FIRST, SECOND_COURIER) if code in self._carriers.policies]
        code = self._chance.choice(codes)
        await self._try("move", parcel, lambda one: one.service.change_courier(stored, code))

    async def _delete(self, parcel: Parcel) -> None:
        """Delete a parcel at the very time at which its carrier is asked."""
        asking = asyncio.ensure_future(self._look_now(parcel))
        # Not by the chance that all draw from: whoever deletes changes nothing for the others.
        await asyncio.sleep(random.Random(parcel.number).random() * ASKING_SECONDS)
        await self._delete_now(parcel)
        await asking

    async def _delete_now(self, parcel: Parcel) -> None:
        if not parcel.id:
            return
        was_there = set(parcel.is_there)
        parcel.is_there.add(False)
        try:
            gone = await self._ask(lambda one: one.service.delete(self._world_id, [parcel.id]))
        except (UnknownOutcomeError, StoreUnavailableError):
            self._ledger.note("user: delete?", parcel.number)
            await self._find_out(parcel)
        else:
            self._ledger.note("user: deleted", parcel.number, *gone)
            if not gone and was_there == {True}:
                self._ledger.wrong(f"{parcel.number} was there, and delete did not find it")
            parcel.is_there = {False}
            self._ledger.deleted.setdefault(parcel.id, self._ledger.now())

    # -- how it is done -------------------------------------------------------------------------

    async def _load(self, parcel: Parcel) -> Stored | None:
        if not parcel.id:
            return None
        try:
            return await self._certain(lambda one: one.service.get(self._world_id, parcel.id))
        except NotFoundError:
            self._gone(parcel, "get")
            return None

    def _gone(self, parcel: Parcel, what: str) -> None:
        self._ledger.note(f"user: {what}: not found", parcel.number)
        if parcel.is_there == {True}:
            self._ledger.wrong(f"{parcel.number} ({parcel.id}) was created, and {what} misses it")

    async def _try(
        self, what: str, parcel: Parcel, work: Callable[[Process], Awaitable[Stored]]
    ) -> None:
        try:
            await self._ask(work)
        except (UnknownOutcomeError, StoreUnavailableError):
            self._ledger.note(f"user: {what}?", parcel.number)
        except (RetrackNotAllowedError, AlreadyExistsError) as error:
            self._ledger.note(f"user: {what} refused", parcel.number, type(error).__name__)
        except NotFoundError:
            self._gone(parcel, what)
        else:
            self._ledger.note(f"user: {what}", parcel.number)

    async def _ask(self, work: Callable[[Process], Awaitable[T]]) -> T:
        return await (await self._alive()).call(work)

    async def _certain(self, work: Callable[[Process], Awaitable[T]]) -> T:
        return await answered(lambda: self._ask(work))


async def answered(ask: Callable[[], Awaitable[T]], patience: int = PATIENCE) -> T:
    """Ask what may be asked twice again until there is an answer."""
    for _ in range(patience):
        try:
            return await ask()
        except (UnknownOutcomeError, StoreUnavailableError):
            await asyncio.sleep(60)
    msg = "nobody answers"
    raise RuntimeError(msg)
