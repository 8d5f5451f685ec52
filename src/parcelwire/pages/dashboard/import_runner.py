"""Works through uploaded files, portion by portion; see ``importing``."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from parcelwire.accounts.quotas import tracking_quota
from parcelwire.domain.account import account_of
from parcelwire.domain.clock import DAY, SECOND, Clock, Instant
from parcelwire.pages.dashboard.drafting import FieldError, draft_of_row, sentence_of
from parcelwire.pages.dashboard.importing import (
    EVERYBODYS,
    JOB,
    QUEUE,
    REFUSED,
    ROWS,
    Job,
    KeptRow,
    Place,
    Refused,
    decode_job,
    load_job,
    put,
)
from parcelwire.store.port import Store, StoreUnavailableError
from parcelwire.tracking.creating import Outcome
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.errors import AlreadyExistsError, TrackingError
from parcelwire.tracking.ports import AlreadyDoneError, Once
from parcelwire.tracking.service import TrackingService
from parcelwire.tracking.suspension import Suspensions

log = logging.getLogger(__name__)

_KEPT: Final = 30 * DAY
_LEASE: Final = 60 * SECOND
_IDLE_SECONDS: Final = 2.0


class _Told(msgspec.Struct, frozen=True):
    """What became of one draft, as it is recorded under the portion's key."""

    kind: Literal["created", "existing", "refused"]
    reason: str = ""


_rows: Final = msgspec.json.Decoder(list[KeptRow])
_place: Final = msgspec.json.Decoder(Place)
_told: Final = msgspec.json.Decoder(list[_Told])
_encode: Final = msgspec.json.Encoder().encode


class ImportRunner:
    """Works through what was uploaded, in whichever process has workers."""

    def __init__(
        self,
        store: Store,
        service: TrackingService,
        clock: Clock,
        *,
        idle_seconds: float = _IDLE_SECONDS,
    ) -> None:
        """Nothing happens before ``run`` or ``step``."""
        self._store = store
        self._service = service
        self._clock = clock
        self._suspensions = Suspensions(store, clock)
        self._idle_seconds = idle_seconds
        self._woken = asyncio.Event()
        self._is_stopping = False

    def wake(self) -> None:
        """Say that a file was uploaded."""
        self._woken.set()

    def stop(self) -> None:
        """Finish the portion under way, then end."""
        self._is_stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Work until stopped."""
        while not self._is_stopping:
            self._woken.clear()
            try:
                if await self.step():
                    continue
            except StoreUnavailableError as error:
                log.warning("uploads wait: %s", error)
            except Exception:
                log.exception("an upload could not be worked on")
            if not self._is_stopping:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), self._idle_seconds)

    async def step(self) -> bool:
        """Do one portion of the first job that nobody else works on; False: there is none."""
        after = ""
        while page := await self._store.list_records(QUEUE, EVERYBODYS, after=after):
            for job_id, document in page:
                if await self._suspensions.holds(_place.decode(document).world_id):
                    continue
                place = await self._claim(job_id)
                if place is not None:
                    await self._portion(job_id, place)
                    return True
            after = page[-1][0]
        return False

    async def _claim(self, job_id: str) -> Place | None:
        """Take a job for a while; None when somebody else has it, or it is gone."""
        now = self._clock.now()
        claimed: list[Place] = []

        def claim(document: bytes | None) -> bytes | None:
            claimed.clear()
            if document is None:
                return None
            place = _place.decode(document)
            if now < place.leased_until <= now + _LEASE:
                return document
            claimed.append(place)
            return _encode(replace(place, leased_until=now + _LEASE))

        await self._store.change_record(QUEUE, EVERYBODYS, job_id, claim, at=now)
        return claimed[0] if claimed else None

    async def _portion(self, job_id: str, place: Place) -> None:
        store, now = self._store, self._clock.now()
        scope = str(place.world_id)
        job = await load_job(store, place.world_id, job_id)
        if job is None or job.is_over or job.next_portion >= job.portions:
            await self._finish(job_id, place, job)
            return
        number = job.next_portion
        document = await store.load_record(ROWS, job_id, f"{number:06}")
        rows = _rows.decode(document) if document is not None else []
        told = await self._create(job, number, rows)
        refused = [
            Refused(row.line, row.cells, one.reason)
            for row, one in zip(rows, told, strict=True)
            if one.kind == "refused"
        ]
        if refused:
            await put(store, REFUSED, job_id, f"{number:06}", _encode(refused), now)

        def count(kind: str) -> int:
            return sum(one.kind == kind for one in told)

        def advance(before: bytes | None) -> bytes | None:
            if before is None:
                return None
            kept = decode_job(before)
            if kept.next_portion != number:
                return before
            return _encode(
                replace(
                    kept,
                    state="running",
                    next_portion=number + 1,
                    created=kept.created + count("created"),
                    existing=kept.existing + count("existing"),
                    refused=kept.refused + count("refused"),
                )
            )

        await store.change_record(JOB, scope, job_id, advance, at=now)
        await store.change_record(ROWS, job_id, f"{number:06}", lambda _: None, at=now)
        if number + 1 >= job.portions:
            await self._finish(job_id, place, job)
        else:
            release = _encode(replace(place, leased_until=0))
            await store.change_record(
                QUEUE, EVERYBODYS, job_id, lambda one: one and release, at=now
            )

    async def _finish(self, job_id: str, place: Place, job: Job | None) -> None:
        store, now = self._store, self._clock.now()

        def finish(before: bytes | None) -> bytes | None:
            if before is None:
                return None
            kept = decode_job(before)
            return before if kept.is_over else _encode(replace(kept, state="done", finished_at=now))

        if job is not None:
            await store.change_record(JOB, str(place.world_id), job_id, finish, at=now)
        await store.delete_records(ROWS, job_id)
        await store.change_record(QUEUE, EVERYBODYS, job_id, lambda _: None, at=now)
        before = min(now - _KEPT, await self._oldest_waiting(now))
        for kind in (JOB, REFUSED, ROWS):
            await store.prune_records(kind, before)

    async def _oldest_waiting(self, now: Instant) -> Instant:
        """Return when the oldest upload came that still waits: its account may be suspended."""
        # Ids begin with their time.
        for job_id, document in await self._store.list_records(QUEUE, EVERYBODYS, limit=1):
            job = await load_job(self._store, _place.decode(document).world_id, job_id)
            if job is not None:
                return job.created_at
        return now

    async def _create(self, job: Job, number: int, rows: Sequence[KeptRow]) -> list[_Told]:
        """Follow the numbers of a portion, once; return what became of each row."""
        told: list[_Told | None] = []
        drafts: list[Draft] = []
        for row in rows:
            try:
                if row.problem:
                    told.append(_Told("refused", row.problem))
                    continue
                drafts.append(draft_of_row(row.fields))
                told.append(None)
            except FieldError as error:
                told.append(_Told("refused", f"{error.field}: {error.message}"))
        results: list[_Told] = []
        if drafts:
            once = Once(
                world_id=job.world_id,
                key=f"upload {job.id} {number}",
                fingerprint=hashlib.sha256(f"upload {job.id} {number}".encode()).digest(),
                at=self._clock.now(),
                answer=lambda outcomes: (200, _encode([_told_of(one) for one in outcomes])),
            )
            try:
                outcomes = await self._service.create_many(
                    job.world_id, drafts, quota=await self._quota(job.world_id), once=once
                )
                results = [_told_of(one) for one in outcomes]
            except AlreadyDoneError as error:
                results = _told.decode(error.record.body)
        made = iter(results)
        return [one or next(made) for one in told]

    async def _quota(self, world_id: int) -> int | None:
        return tracking_quota(await self._store.load_account(account_of(world_id)), world_id)


def _told_of(outcome: Outcome) -> _Told:
    error: TrackingError | None = outcome.error
    if error is None:
        return _Told("created")
    if isinstance(error, AlreadyExistsError):
        return _Told("existing")
    return _Told("refused", sentence_of(error))
