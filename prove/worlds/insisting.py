"""Users who insist: whose call was refused, and who send it again under the same idempotency key.

What was in the way is gone by then; so this time it must have its effect, once.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from parcelwire.api.native.idempotency import Repeatable, fingerprint_of
from parcelwire.api.native.problems import ProblemError
from parcelwire.domain.clock import HOUR
from parcelwire.store.port import StoreUnavailableError
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.errors import AlreadyExistsError, OverQuotaError
from parcelwire.tracking.ports import AlreadyDoneError, Stored
from prove.worlds.ledger import Parcel
from prove.worlds.process import Process, UnknownOutcomeError
from prove.worlds.users import PATIENCE, Shop

_CREATED: Final = 201
_FIRST_INDEX: Final = 800_000
"""Of the parcels: their numbers are not those of other users."""


class _Answer(msgspec.Struct):
    """What a call under a key was answered."""

    id: str


class InsistentShop(Shop):
    """A shop whose calls are refused at first."""

    async def run(self, parcels: int) -> None:
        """Be refused now and then, and insist."""
        active = self._plan.active
        for index in range(self._chance.randint(1, 2)):
            await self._until(self._chance.randrange(active - HOUR))
            await self._insist_on_number(self._known_parcel(_FIRST_INDEX + 2 * index))
            await self._insist_on_quota(self._known_parcel(_FIRST_INDEX + 2 * index + 1))

    async def _insist_on_number(self, parcel: Parcel) -> None:
        """Create what exists; delete that, and ask for the same again."""
        await self._create(parcel)
        if parcel.is_there != {True}:
            return
        call = self._call(parcel)
        if await self._create_once(parcel, call) is not None:
            self._ledger.wrong(f"{parcel.number} was created twice, the second time under a key")
        await self._delete_now(parcel)
        if parcel.is_there == {False}:
            await self._create_surely(parcel, call)

    async def _insist_on_quota(self, parcel: Parcel) -> None:
        """Create with a quota that is used up; have it raised, and ask for the same again."""
        call = self._call(parcel)
        if await self._create_once(parcel, call, quota=0) is not None:
            self._ledger.wrong(f"{parcel.number} was created beyond the quota")
        await self._create_surely(parcel, call)

    def _call(self, parcel: Parcel) -> Repeatable:
        return Repeatable(
            self._world_id,
            f"insist {parcel.number}",
            fingerprint_of("POST", "/trackings", b"", parcel.number.encode()),
            self._clock.now(),
        )

    async def _create_surely(self, parcel: Parcel, call: Repeatable) -> None:
        tracking_id = await self._create_once(parcel, call)
        if tracking_id is None:
            self._ledger.wrong(
                f"{parcel.number} is refused under its key, and nothing is in the way any more"
            )
            return
        self._ledger.note("user: insisted", parcel.number, tracking_id)
        self._come_to_be(parcel, tracking_id)
        if await self._create_once(parcel, call) != tracking_id:
            self._ledger.wrong(f"{parcel.number} is answered otherwise under the same key")

    async def _create_once(
        self, parcel: Parcel, call: Repeatable, quota: int | None = None
    ) -> str | None:
        """Send one call until it is answered; return the new tracking's id, None when refused."""
        draft = Draft(number=parcel.number, courier_code=parcel.courier)

        def shape(stored: Stored) -> _Answer:
            return _Answer(stored.tracking.id)

        async def create(one: Process) -> str:
            stored = await one.service.create(
                self._world_id, draft, quota=quota, once=call.once(_CREATED, shape)
            )
            return stored.tracking.id

        for _ in range(PATIENCE):
            try:
                return await self._ask(create)
            except AlreadyDoneError as error:
                return self._replayed(call, error)
            except (AlreadyExistsError, OverQuotaError) as error:
                self._ledger.note("user: refused", parcel.number, type(error).__name__)
                return None
            except (UnknownOutcomeError, StoreUnavailableError):
                self._ledger.note("user: again", parcel.number)
                await asyncio.sleep(60)
        msg = "nobody answers"
        raise RuntimeError(msg)

    def _replayed(self, call: Repeatable, error: AlreadyDoneError) -> str | None:
        try:
            status, body = call.replay(error.record)
        except ProblemError as problem:
            self._ledger.wrong(f"{call.key}: {problem.problem.code}")
            return None
        return msgspec.json.decode(body, type=_Answer).id if status == _CREATED else None
