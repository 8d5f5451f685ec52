"""What ``import`` does with rows: chunks of 40, each noted when it is answered.

::

    rows ──> forty of them ──> create_chunk (the client's retries) ──> Journal.note ──> outcomes
                   └─ after a kill: the first chunk may have been done by the run before, so what it
                      is said to conflict with is looked at: younger than that run means its own
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from itertools import islice
from time import time as system_time

import msgspec

from parcelwire.cli.import_state import Journal, Refusal, Step
from parcelwire.cli.spreadsheet import Row
from parcelwire.client import AsyncParcelwire, calls
from parcelwire.client.bulk_create import CHUNK, Chunk, plan
from parcelwire.client.call_attempts import SLACK_SECONDS, http_date
from parcelwire.client.errors import (
    ConflictError,
    CreateResult,
    InvalidRequestError,
    QuotaExceededError,
)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row."""

    is_created: bool = False
    is_existing: bool = False
    code: int | str | None = None
    reason: str = ""


CREATED = Outcome(is_created=True)
EXISTING = Outcome(is_existing=True)


class Loader:
    """Hands rows to a server, and goes on where the journal says."""

    def __init__(self, client: AsyncParcelwire, journal: Journal) -> None:
        self._client = client
        self._journal = journal
        self._is_first = False
        """The chunk to come may have been done by a run that was killed."""
        self.is_quota_used_up = False

    async def begin(self, *, restart: bool = False) -> None:
        """Find out how far it came.

        Raises:
            ParcelwireError: the server gave no answer, or refuses the key.
        """
        engine = self._client.engine
        # Asked before anything is sent: the key is tried, and the server's clock read.
        attempts = engine.open(calls.list_trackings({"items_amount": 1}))
        await engine.run(attempts)
        if self._journal.header is not None and not restart:
            self._is_first = True
            return
        said = attempts.response.headers.get("date") if attempts.response is not None else None
        now = http_date(said) if said else None
        self._journal.begin(system_time() if now is None else now)

    async def load(self, rows: Iterable[Row]) -> AsyncIterator[tuple[Row, Outcome]]:
        """Yield every row with what became of it, those of earlier runs first.

        Ends early when the account's quota is used up.

        Raises:
            ParcelwireError: the server gave no answer for longer than the retries last.
        """
        source = iter(rows)
        for step in list(self._journal.steps):
            refused = {one.row: one for one in step.refused}
            kinds = iter([CREATED] * step.created + [EXISTING] * step.existing)
            for row in islice(source, step.rows):
                if (one := refused.get(row.index)) is not None:
                    yield row, Outcome(code=one.code, reason=one.reason)
                else:
                    # Only the sums were noted: which of both it was makes no difference any more.
                    yield row, next(kinds, EXISTING)
        while chunk := list(islice(source, CHUNK)):
            outcomes = await self._send(chunk)
            if outcomes is None:
                self.is_quota_used_up = True
                return
            self._journal.note(_step(chunk, outcomes))
            for row, outcome in zip(chunk, outcomes, strict=True):
                yield row, outcome

    async def _send(self, rows: list[Row]) -> list[Outcome] | None:
        """Return what became of each row; None: the quota did not last for all of them."""
        good = [row for row in rows if not row.problem]
        results: dict[int, CreateResult] = {}
        if good:
            await self._create(good, results)
        self._is_first = False
        if any(isinstance(one.error, QuotaExceededError) for one in results.values()):
            # What of it was made is told by its age when the import goes on with more quota.
            return None
        return [_outcome(row, results.get(row.index)) for row in rows]

    async def _create(self, rows: list[Row], results: dict[int, CreateResult]) -> None:
        planned, (chunk,) = plan(row.fields for row in rows)
        try:
            await self._client.trackings.create_chunk(chunk)
        except InvalidRequestError:
            if len(rows) == 1:
                raise
            # The call as a whole was refused: by a row that cannot even be asked for.
            for row in rows:
                await self._create_alone(row, results)
            return
        if self._is_first:
            await self._claim(chunk)
        results.update({row.index: one for row, one in zip(rows, planned.items, strict=True)})

    async def _create_alone(self, row: Row, results: dict[int, CreateResult]) -> None:
        try:
            await self._create([row], results)
        except InvalidRequestError as error:
            number = row.fields["tracking_number"]
            results[row.index] = CreateResult(index=0, tracking_number=number, error=error)

    async def _claim(self, chunk: Chunk) -> None:
        """Tell what the killed run had made from what was there before it."""
        conflicts = chunk.conflicts()
        header = self._journal.header
        if not conflicts or header is None:
            return
        numbers = [one.tracking_number for one in conflicts]
        known = await self._client.trackings.list(tracking_numbers=numbers, page_size=200).all()
        since = header.began_at - SLACK_SECONDS
        made = {one.id for one in known if _is_since(one.created_at, since)}
        chunk.claim(known, made)


def _is_since(moment: datetime | None, since: float) -> bool:
    return moment is not None and moment.tzinfo is not None and moment.timestamp() >= since


def _outcome(row: Row, result: CreateResult | None) -> Outcome:
    if result is None:
        return Outcome(reason=row.problem)
    if result.is_created:
        return CREATED
    if isinstance(result.error, ConflictError):
        return EXISTING
    assert result.error is not None  # noqa: S101  (a result has a tracking or an error)
    return Outcome(code=result.error.code, reason=result.error.message)


def _step(rows: list[Row], outcomes: list[Outcome]) -> Step:
    return Step(
        rows=len(rows),
        created=sum(one.is_created for one in outcomes),
        existing=sum(one.is_existing for one in outcomes),
        refused=tuple(
            Refusal(row=row.index, code=one.code, reason=one.reason)
            for row, one in zip(rows, outcomes, strict=True)
            if not one.is_created and not one.is_existing
        ),
    )
