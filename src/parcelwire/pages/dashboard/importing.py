"""CSV files that are worked through in the background, and survive a restart.

::

    upload -> rows in portions (kind "upload-rows") + a job (kind "upload") + a place in the queue
    runner -> portion by portion: create_many under an idempotency key -> refusals -> the job's sums

A portion that was created and whose sums were not written down is created again under the same
key, which tells what became of it the first time.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final, Literal

import msgspec

from parcelwire.couriers.registry import Registry
from parcelwire.domain.clock import Instant
from parcelwire.store.port import Store
from parcelwire.tracking.ports import Identifiers
from parcelwire.tracking.spreadsheet import (
    LONGEST_CELL,
    LONGEST_HEADING,
    MOST_COLUMNS,
    Sheet,
    SheetError,
    examine,
)
from parcelwire.tracking.spreadsheet_cells import copied, guarded

JOB: Final = "upload"
ROWS: Final = "upload-rows"
REFUSED: Final = "upload-refused"
QUEUE: Final = "upload-queue"
EVERYBODYS: Final = "all"

PORTION: Final = 100
MOST_ROWS: Final = 100_000


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


class Place(msgspec.Struct, frozen=True):
    """A job's place in the queue."""

    world_id: int
    leased_until: Instant = 0


_job: Final = msgspec.json.Decoder(Job)
_refused: Final = msgspec.json.Decoder(list[Refused])
_encode: Final = msgspec.json.Encoder().encode


def decode_job(document: bytes) -> Job:
    """Return a job as it was kept."""
    return _job.decode(document)


# --- taking a file in -------------------------------------------------------------------------


class ReadFile(msgspec.Struct, frozen=True):
    """A file as it was understood."""

    headings: tuple[str, ...]
    """Those of the columns that are used: nothing of the others is kept."""
    columns: dict[str, str]
    rows: list[KeptRow]


def read_file(data: bytes, *, courier_code: str | None, registry: Registry) -> ReadFile:
    """Return the rows of an uploaded file. Reads and writes a temporary file: not for the loop.

    Raises:
        SheetError: it cannot be read as a table; the message says why.
    """

    def resolve(word: str) -> str:
        courier = registry.resolve_or_name(word)
        return courier.code if courier is not None else word

    with tempfile.TemporaryDirectory(prefix="parcelwire-upload-") as folder:
        file = Path(folder) / "file"
        file.write_bytes(data)
        try:
            sheet = Sheet(file, examine(file), {}, courier=courier_code, resolve=resolve)
            rows = []
            known = sorted(sheet.fields.values())
            for row in sheet.rows():
                rows.append(KeptRow(row.line, _kept(row.cells, known), row.fields, row.problem))
                if len(rows) > MOST_ROWS:
                    msg = f"it has more than {MOST_ROWS:,} rows; divide it"
                    raise SheetError(msg)
        except SheetError as error:
            # The message names the temporary file; the person knows it as theirs.
            raise SheetError(str(error).replace(str(file), "the file")) from None
    headings = tuple(sheet.headings[column] for column in known)
    columns = {field: sheet.headings[index] for field, index in sheet.fields.items()}
    if not rows:
        msg = "the file has no rows beside its headings"
        raise SheetError(msg)
    return ReadFile(headings, columns, rows)


def _kept(cells: list[str], known: list[int]) -> list[str]:
    """Return the cells that are used, none longer than can be sent: a refusal repeats them."""
    return [cells[column][:LONGEST_CELL] if column < len(cells) else "" for column in known]


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
        await put(store, ROWS, job_id, f"{number:06}", _encode(rows), now)
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
    await put(store, JOB, str(world_id), job_id, _encode(job), now)
    # Last: a runner that sees it finds everything else there.
    await put(store, QUEUE, EVERYBODYS, job_id, _encode(Place(world_id)), now)
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


async def refused_portions(store: Store, job: Job) -> AsyncIterator[list[Refused]]:
    """Yield the rows of a job that were refused, in their order, those of one portion at a time."""
    after = ""
    while page := await store.list_records(REFUSED, job.id, after=after, limit=1):
        ((after, document),) = page
        yield _refused.decode(document)


async def first_refused(store: Store, job: Job, most: int) -> list[Refused]:
    """Return the first rows of a job that were refused, ``most`` at most."""
    found: list[Refused] = []
    async for rows in refused_portions(store, job):
        found.extend(rows[: most - len(found)])
        if len(found) >= most:
            break
    return found


async def report_of(store: Store, job: Job) -> AsyncIterator[bytes]:
    """Yield a CSV file of the refused rows, portion by portion, to be mended and uploaded again.

    Memory holds one portion at a time, whatever the file's size.
    """
    headings = [cell[:LONGEST_HEADING] for cell in job.headings[:MOST_COLUMNS]]
    width = len(headings)
    first: list[str | int] = [*map(guarded, headings), "refused in line", "refused because"]
    # With the mark, spreadsheets know that it is UTF-8.
    yield b"\xef\xbb\xbf" + _lines([first])
    async for rows in refused_portions(store, job):
        yield _lines(
            [*map(copied, (one.cells + [""] * width)[:width]), one.line, guarded(one.reason)]
            for one in rows
        )


def _lines(rows: Iterable[list[str | int]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


async def put(
    store: Store, kind: str, scope: str, record_id: str, document: bytes, now: Instant
) -> None:
    """Write one record, whatever was there."""
    await store.change_record(kind, scope, record_id, lambda _: document, at=now)
