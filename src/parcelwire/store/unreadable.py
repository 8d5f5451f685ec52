"""Stored documents that cannot be read: damaged ones, and those that another version wrote.

One is a row among many and must not keep the others from being read. Each is told of once, and
nothing is written over it: whoever mends or restores it finds all of it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from hashlib import sha256
from typing import Any, Final, TypeVar

import msgspec

from parcelwire.domain.account import Connection
from parcelwire.domain.changes import Event
from parcelwire.domain.clock import Instant
from parcelwire.domain.status import DEFAULT_SUBSTATUS, Status
from parcelwire.domain.tracking import Details, Tracking
from parcelwire.store.codec import decode_connection, decode_event, event_at, unpack
from parcelwire.store.sweeping import Looked
from parcelwire.tracking.errors import UnreadableDocumentError

MOST_TOLD: Final = 1_000
"""Documents that are told of one by one."""

STAND_IN_VERSION: Final = 0
"""Of a stand-in; no tracking that was stored has it."""

STAND_IN_COLUMNS: Final = (
    "id, world_id, number, courier_code, status, is_archived, created_at, updated_at, ordered_at,"
    " order_id, order_number, page_token"
)
"""The columns that ``stand_in`` is made of."""

UNREADABLE: Final = (ValueError, msgspec.MsgspecError)
"""What is raised for a document that cannot be read."""

_log: Final = logging.getLogger(__name__)

Row = TypeVar("Row")
Value = TypeVar("Value")
Place = TypeVar("Place", int, str)


class Unreadable:
    """Remembers which documents could not be read."""

    def __init__(self) -> None:
        """Nothing is known of any."""
        self._told: set[str] = set()

    def read(
        self, read: Callable[[Row], Value], row: Row, name: Callable[[Row], str]
    ) -> Value | None:
        """Return what ``read`` makes of a row; None, and told once, where that cannot be read."""
        try:
            return read(row)
        except UNREADABLE as error:
            self.tell(name(row), error)
            return None

    def each(
        self, read: Callable[[Row], Value], rows: Iterable[Row], name: Callable[[Row], str]
    ) -> list[Value]:
        """Return what ``read`` makes of each row, without those that cannot be read."""
        found = []
        for row in rows:
            value = self.read(read, row, name)
            if value is not None:
                found.append(value)
        return found

    def tell(self, name: str, error: Exception) -> None:
        """Log, once, that something cannot be read."""
        if name in self._told or len(self._told) > MOST_TOLD:
            return
        self._told.add(name)
        if len(self._told) > MOST_TOLD:
            _log.error("more than %d stored documents cannot be read", MOST_TOLD)
            return
        _log.error(
            "the stored document of %s cannot be read (%s: %s); it is left as it is",
            name,
            type(error).__name__,
            str(error)[:200],
        )

    async def page(
        self,
        fetch: Callable[[Place, int], Awaitable[Sequence[Any]]],
        start: Place,
        limit: int,
        *,
        read: Callable[[Any], Value],
        name: Callable[[Any], str],
    ) -> list[Value]:
        """Return up to ``limit`` values that can be read, from ``start`` on.

        ``fetch`` gives rows that follow a place, so many at most; each row begins with its place.
        Where some cannot be read the next ones stand for them: fewer than ``limit`` are the last.
        """
        found: list[Value] = []
        while True:
            wanted = limit - len(found)
            rows = await fetch(start, wanted)
            found += self.each(read, rows, name)
            if len(rows) < wanted or len(found) >= limit or not rows:
                return found
            start = rows[-1][0]

    async def events(
        self, fetch: Callable[[int, int], Awaitable[Sequence[Any]]], start: int, limit: int
    ) -> list[tuple[int, Event]]:
        """Return up to ``limit`` events with their cursors; see ``page``."""
        return await self.page(fetch, start, limit, read=_event_of, name=_name_of_event)

    def look_for_old_events(self, rows: Sequence[Any], before: Instant) -> Looked:
        """Tell which events, rows of (cursor, document), are older than ``before``.

        One that cannot be read goes with those around it.
        """
        found = []
        is_old = False
        for row in rows:
            at = self.read(_instant_of_event, row, _name_of_event)
            is_old = is_old if at is None else at < before
            found.append((row[0], is_old, True))
        return found

    async def records(
        self,
        fetch: Callable[[str, int], Awaitable[Sequence[Any]]],
        kind: str,
        after: str,
        limit: int,
    ) -> list[tuple[str, bytes]]:
        """Return up to ``limit`` records of a kind with their ids; see ``page``."""

        def name(row: Any) -> str:
            # The id may be a secret's digest, or somebody's.
            return f"a record of the kind {kind} with the SHA-256 {sha256(row[1]).hexdigest()[:16]}"

        return await self.page(fetch, after, max(0, limit), read=_record_of, name=name)


def _record_of(row: Any) -> tuple[str, bytes]:
    return row[0], unpack(row[1])


def _event_of(row: Any) -> tuple[int, Event]:
    return row[0], decode_event(row[1])


def _instant_of_event(row: Any) -> Instant:
    return event_at(row[1])


def _name_of_event(row: Any) -> str:
    return f"event {row[0]}"


def connection_of(row: Any) -> Connection:
    """Return the carrier connection of a row that begins with its document."""
    return decode_connection(row[0])


def name_of_connection(row: Any) -> str:
    """Return what a connection is called in a message to the operator; its id follows its document.

    By its id it can be removed.
    """
    return f"carrier connection {row[1]}"


def stand_in(row: Any) -> Tracking:
    """Return what the columns beside a tracking's document tell of it, for lists and pages.

    ``row`` are the ``STAND_IN_COLUMNS``, with the id as hex digits. It has no history, and a change
    of it cannot be saved, see ``check_readable``.
    """
    (
        identity,
        world_id,
        number,
        courier_code,
        status,
        is_archived,
        created_at,
        updated_at,
        ordered_at,
        order_id,
        order_number,
        page_token,
    ) = row
    return Tracking(
        id=identity,
        world_id=world_id,
        number=number,
        typed_number=number,
        courier_code=courier_code,
        created_at=created_at,
        updated_at=updated_at,
        page_token=page_token,
        version=STAND_IN_VERSION,
        details=Details(order_id=order_id, order_number=order_number),
        ordered_at=ordered_at,
        status=Status(status),
        substatus=DEFAULT_SUBSTATUS[Status(status)],
        is_archived=bool(is_archived),
        is_stopped=True,
        stopped_reason="unreadable",
    )


def check_readable(tracking_id: str, expected_version: int) -> None:
    """Check that a change was worked out from a document, not from what stands in for one.

    Raises:
        UnreadableDocumentError: it was not; nothing may be written.
    """
    if expected_version == STAND_IN_VERSION:
        raise UnreadableDocumentError(tracking_id)
