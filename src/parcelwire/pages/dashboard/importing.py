"""CSV files that are worked through in the background, and survive a restart.

::

    upload -> rows in portions (kind "upload-rows") + a job (kind "upload") + a place in the queue
    runner -> portion by portion: create_many under an idempotency key -> refusals -> the job's sums

A portion that was created and whose sums were not written down is created again under the same
key, which tells what became of it the first time.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import logging
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from parcelwire.couriers.registry import Registry
from parcelwire.domain.account import account_of, is_test_world
from parcelwire.domain.clock import DAY, SECOND, Clock, Instant
from parcelwire.pages.dashboard.drafting import FieldError, draft_of_row, sentence_of
from parcelwire.store.port import Store, StoreUnavailableError
from parcelwire.tracking.creating import Outcome
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.errors import AlreadyExistsError, TrackingError
from parcelwire.tracking.ports import AlreadyDoneError, Identifiers, Once
from parcelwire.tracking.service import TrackingService
from parcelwire.tracking.spreadsheet import Sheet, SheetError, examine, guarded

log = logging.getLogger(__name__)

JOB: Final = "upload"
ROWS: Final = "upload-rows"
REFUSED: Final = "upload-refused"
QUEUE: Final = "upload-queue"
EVERYBODYS: Final = "all"

PORTION: Final = 100
MOST_ROWS: Final = 100_000
_KEPT: Final = 30 * DAY
_LEASE: Final = 60 * SECOND
_IDLE_SECONDS: Final = 2.0


class Job(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file on its way in."""

    id: str
    world_id: int
    name: str
    headings: tuple[str, ...] = ()
    columns: dict[str, str] = {}
    """What is known of the columns: field -> heading."""
    rows: int = 0
    portions: int = 0
    next_portion: int = 0
    created: int = 0
    existing: int = 0
    refused: int = 0
    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    why: str = ""
    created_at: Instant = 0
    finished_at: Instant | None = None

    @property
    def done(self) -> int:
        """How many rows are through."""
        return self.created + self.existing + self.refused

    @property
    def percent(self) -> int:
        """How far it is."""
        return 100 if not self.rows else min(100, 100 * self.done // self.rows)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in {"done", "failed"}


class KeptRow(msgspec.Struct, frozen=True):
    """One row of a file, as it waits to be created."""

    line: int
    cells: list[str]
    fields: dict[str, str]
    problem: str = ""


class Refused(msgspec.Struct, frozen=True):
    """A row that was not taken, and why."""

    line: int
    cells: list[str]
    reason: str


class _Place(msgspec.Struct, frozen=True):
    """A job's place in the queue."""

    world_id: int
    leased_until: Instant = 0


class _Told(msgspec.Struct, frozen=True):
    """What became of one draft, as it is recorded under the portion's key."""

    kind: Literal["created", "existing", "refused"]
    reason: str = ""


_job: Final = msgspec.json.Decoder(Job)
_rows: Final = msgspec.json.Decoder(list[KeptRow])
_refused: Final = msgspec.json.Decoder(list[Refused])
_place: Final = msgspec.json.Decoder(_Place)
_told: Final = msgspec.json.Decoder(list[_Told])
_encode: Final = msgspec.json.Encoder().encode


def decode_job(document: bytes) -> Job:
    """Return a job as it was kept."""
    return _job.decode(document)


# --- taking a file in -------------------------------------------------------------------------


class ReadFile(msgspec.Struct, frozen=True):
    """A file as it was understood."""

    headings: tuple[str, ...]
    columns: dict[str, str]
    rows: list[KeptRow]


def read_file(data: bytes, *, courier_code: str | None, registry: Registry) -> ReadFile:
    """Return the rows of an uploaded file. Reads and writes a temporary file: not for the loop.

    Raises:
        SheetError: it cannot be read as a table; the message says why.
    """

    def resolve(word: str) -> str:
        courier = registry.resolve(word)
        if courier is None:
            named = [one for one in registry.search(word) if one.name.casefold() == word.casefold()]
            courier = named[0] if len(named) == 1 else None
        return courier.code if courier is not None else word

    with tempfile.TemporaryDirectory(prefix="parcelwire-upload-") as folder:
        file = Path(folder) / "file"
        file.write_bytes(data)
        try:
            sheet = Sheet(file, examine(file), {}, courier=courier_code, resolve=resolve)
            rows = []
            for row in sheet.rows():
                rows.append(KeptRow(row.line, row.cells, row.fields, row.problem))
                if len(rows) > MOST_ROWS:
                    msg = f"it has more than {MOST_ROWS:,} rows; divide it"
                    raise SheetError(msg)
        except SheetError as error:
            # The message names the temporary file; the person knows it as theirs.
            raise SheetError(str(error).replace(str(file), "the file")) from None
    columns = {field: sheet.headings[index] for field, index in sheet.fields.items()}
    if not rows:
        msg = "the file has no rows beside its headings"
        raise SheetError(msg)
    return ReadFile(tuple(sheet.headings), columns, rows)


async def take_in(
    store: Store,
    read: ReadFile,
    *,
    name: str,
    world_id: int,
    identifiers: Identifiers,
    now: Instant,
) -> Job:
    """Store a file's rows and the job that works through them; wake the runner afterwards."""
    job_id = identifiers.new_id(now)
    portions = [read.rows[start : start + PORTION] for start in range(0, len(read.rows), PORTION)]
    for number, rows in enumerate(portions):
        await _put(store, ROWS, job_id, f"{number:06}", _encode(rows), now)
    job = Job(
        id=job_id,
        world_id=world_id,
        name=name,
        headings=read.headings,
        columns=read.columns,
        rows=len(read.rows),
        portions=len(portions),
        created_at=now,
    )
    await _put(store, JOB, str(world_id), job_id, _encode(job), now)
    # Last: a runner that sees it finds everything else there.
    await _put(store, QUEUE, EVERYBODYS, job_id, _encode(_Place(world_id)), now)
    return job


async def load_job(store: Store, world_id: int, job_id: str) -> Job | None:
    """Return one job of a world."""
    document = await store.load_record(JOB, str(world_id), job_id)
    return None if document is None else decode_job(document)


async def list_jobs(store: Store, world_id: int, *, most: int = 20) -> list[Job]:
    """Return the newest jobs of a world, newest first."""
    found: list[bytes] = []
    after = ""
    while True:
        page = await store.list_records(JOB, str(world_id), after=after, limit=500)
        found = [*found, *(document for _, document in page)][-most:]
        if len(page) < 500:
            return [decode_job(document) for document in reversed(found)]
        after = page[-1][0]


async def refused_rows(store: Store, job: Job) -> list[Refused]:
    """Return all rows of a job that were refused, in their order."""
    found: list[Refused] = []
    after = ""
    while page := await store.list_records(REFUSED, job.id, after=after):
        for _, document in page:
            found.extend(_refused.decode(document))
        after = page[-1][0]
    return found


def report_of(job: Job, refused: Iterable[Refused]) -> str:
    """Return refused rows as a CSV file that can be mended and uploaded again."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow([*map(guarded, job.headings), "refused in line", "refused because"])
    width = len(job.headings)
    for one in refused:
        cells = (one.cells + [""] * width)[:width]
        table.writerow([*map(guarded, cells), one.line, guarded(one.reason)])
    # With the mark, spreadsheets know that it is UTF-8.
    return "\ufeff" + text.getvalue()


# --- working through --------------------------------------------------------------------------


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
            for job_id, _ in page:
                place = await self._claim(job_id)
                if place is not None:
                    await self._portion(job_id, place)
                    return True
            after = page[-1][0]
        return False

    async def _claim(self, job_id: str) -> _Place | None:
        """Take a job for a while; None when somebody else has it, or it is gone."""
        now = self._clock.now()
        claimed: list[_Place] = []

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

    async def _portion(self, job_id: str, place: _Place) -> None:
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
            await _put(store, REFUSED, job_id, f"{number:06}", _encode(refused), now)

        def count(kind: str) -> int:
            return sum(one.kind == kind for one in told)

        def advance(before: bytes | None) -> bytes | None:
            if before is None:
                return None
            kept = _job.decode(before)
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

    async def _finish(self, job_id: str, place: _Place, job: Job | None) -> None:
        store, now = self._store, self._clock.now()

        def finish(before: bytes | None) -> bytes | None:
            if before is None:
                return None
            kept = _job.decode(before)
            return before if kept.is_over else _encode(replace(kept, state="done", finished_at=now))

        if job is not None:
            await store.change_record(JOB, str(place.world_id), job_id, finish, at=now)
        await store.delete_records(ROWS, job_id)
        await store.change_record(QUEUE, EVERYBODYS, job_id, lambda _: None, at=now)
        for kind in (JOB, REFUSED, ROWS):
            await store.prune_records(kind, now - _KEPT)

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
        if is_test_world(world_id):
            return None
        account = await self._store.load_account(account_of(world_id))
        return None if account is None else account.tracking_quota


def _told_of(outcome: Outcome) -> _Told:
    error: TrackingError | None = outcome.error
    if error is None:
        return _Told("created")
    if isinstance(error, AlreadyExistsError):
        return _Told("existing")
    return _Told("refused", sentence_of(error))


async def _put(
    store: Store, kind: str, scope: str, record_id: str, document: bytes, now: Instant
) -> None:
    await store.change_record(kind, scope, record_id, lambda _: document, at=now)


__all__ = [
    "ImportRunner",
    "Job",
    "ReadFile",
    "Refused",
    "list_jobs",
    "load_job",
    "read_file",
    "refused_rows",
    "report_of",
    "take_in",
]
