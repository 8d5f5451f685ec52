"""Trackings: creating, changing and deleting them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import apsw

from parcelwire.domain.tracking import Tracking
from parcelwire.store.codec import encode_event, pack
from parcelwire.store.past_polls import encode_past
from parcelwire.store.rules import (
    DELETED_AT_ONCE,
    KEPT_RAW_RESPONSES,
    LANE_SAMPLE,
    check_new,
    check_save,
)
from parcelwire.store.sqlite import journeys, poll_queries, queries
from parcelwire.store.sqlite.connection import fetch
from parcelwire.store.sqlite.idempotency import IdempotencyMixin
from parcelwire.store.sqlite.ids import id_value, public_id
from parcelwire.store.sqlite.outbox import PreparedMessage, add_message, prepared
from parcelwire.store.sqlite.reading import Reading
from parcelwire.store.sqlite.rows import (
    TRACKING_COLUMNS,
    Written,
    poll_values,
    written,
)
from parcelwire.store.sqlite.tally import tally_of
from parcelwire.tracking.ports import (
    Creation,
    LaneHistory,
    NewTracking,
    Once,
    PollResult,
    RawResponse,
    Save,
)

_COURIER = TRACKING_COLUMNS.index("courier_code")
_NUMBER = TRACKING_COLUMNS.index("number")
_VERSION = TRACKING_COLUMNS.index("version")
_STATUS = TRACKING_COLUMNS.index("status")
_ARCHIVED = TRACKING_COLUMNS.index("is_archived")

SaveResult = Literal["saved", "conflict", "taken"]


class Trackings(Reading, IdempotencyMixin):
    """The part of ``TrackingStore`` that handles one tracking at a time."""

    async def create_trackings(
        self, new: Sequence[NewTracking], *, quota: int | None = None, once: Once | None = None
    ) -> list[Creation]:
        """See ``TrackingStore``."""
        if not new and once is None:
            return []
        check_new(new)
        items = [
            (
                written(item.tracking, self._render_if_told),
                (item.due_at, item.due_reason, item.leased_until),
            )
            for item in new
        ]

        def work(connection: apsw.Connection) -> list[Creation]:
            return _create(connection, items, quota) if items else []

        if once is not None:
            return await self._write_once(work, once, rows=len(items))
        return await self._write(work, world_id=new[0].tracking.world_id, rows=len(items))

    def _render_if_told(self, tracking: Tracking) -> bytes:
        """Leave the rendition of a new tracking to its readers, until its carrier has said
        something.

        Most are saved again before anybody reads them, and the bytes cost more to write than all
        the rest of a create.
        """
        return self._render(tracking) if tracking.checkpoints else b""

    async def save(self, change: Save, *, once: Once | None = None) -> bool:
        """See ``TrackingStore``.

        Raises:
            ValueError: when the versions do not follow, or another tracking has the number and
                courier (``change_courier`` is the call for that).
        """
        result = await self.change_courier(change, once=once)
        if result == "taken":
            msg = "another tracking has this number and courier"
            raise ValueError(msg)
        return result == "saved"

    async def change_courier(self, change: Save, *, once: Once | None = None) -> SaveResult:
        """See ``TrackingStore``."""
        check_save(change)
        prepared_save = _PreparedSave(change, written(change.tracking, self._render))
        if once is None:
            return await self._write(prepared_save.apply, world_id=change.tracking.world_id)
        return await self._write_once(prepared_save.apply, once, counts=_is_saved)

    async def save_polls(self, results: Sequence[PollResult]) -> None:
        """See ``TrackingStore``."""
        if not results:
            return
        items = [
            (
                *poll_values(result.poll),
                encode_past(result.past),
                id_value(result.tracking_id),
                result.lease,
            )
            for result in results
        ]
        if all(result.raw is None for result in results):
            await self._write(lambda connection: _finish_polls(connection, items), rows=len(items))
            return
        raws = [None if result.raw is None else _raw_values(result.raw) for result in results]
        await self._write(lambda connection: _save_polls(connection, items, raws), rows=len(items))

    async def delete_trackings(self, world_id: int, tracking_ids: Sequence[str]) -> list[str]:
        """See ``TrackingStore``."""
        ids = [id_value(tracking_id) for tracking_id in dict.fromkeys(tracking_ids)]
        gone: list[bytes | str] = []
        for start in range(0, len(ids), DELETED_AT_ONCE):
            portion = ids[start : start + DELETED_AT_ONCE]
            work = partial(_delete, world_id=world_id, ids=portion)
            gone += await self._write(work, world_id=world_id, rows=len(portion))
        return [public_id(value) for value in gone]

    async def lane_history(
        self, courier_code: str, origin: str, destination: str, *, is_test: bool
    ) -> LaneHistory:
        """See ``TrackingStore``."""
        rows = await self._reader.scan(
            queries.LANE,
            (courier_code, origin.upper(), destination.upper(), int(is_test), LANE_SAMPLE),
        )
        return LaneHistory(
            total=sum(count for _, count in rows),
            transit_days=tuple(
                days for days, count in rows if days is not None for _ in range(count)
            ),
        )

    async def courier_counts(self, world_id: int, *, recent: int = 20_000) -> dict[str, int]:
        """See ``TrackingStore``."""
        rows = await self._reader.scan(
            queries.COURIER_COUNTS, {"world_id": world_id, "recent": recent}
        )
        return dict(rows)


def _is_saved(result: SaveResult) -> bool:
    return result == "saved"


def _raw_values(raw: RawResponse) -> tuple[Any, ...]:
    return (raw.at, raw.connector, raw.outcome, pack(raw.body))


# --- in the writer's transaction ----------------------------------------------------------------


def _create(
    connection: apsw.Connection,
    items: Sequence[tuple[Written, tuple[Any, ...]]],
    quota: int | None,
) -> list[Creation]:
    execute = connection.cursor().execute  # the connection's own makes a cursor for each statement
    world_id = items[0][0].world_id
    room = None if quota is None else quota - _created_count(connection, world_id)
    creations: list[Creation] = []
    tally = tally_of(connection)
    for item, poll in items:
        if room is not None and room <= 0:
            existing = _id_of_number(connection, item)
            creations.append(
                Creation(result="over_quota")
                if existing is None
                else Creation(result="exists", existing_id=existing)
            )
            continue
        execute(queries.CREATE_TRACKING, (item.id, world_id, *item.values))
        if not connection.changes():
            existing = _id_of_number(connection, item)
            creations.append(Creation(result="exists", existing_id=existing))
            continue
        key = connection.last_insert_rowid()
        execute(queries.ADD_DOC, (key, item.packed, item.rendition))
        execute(queries.ADD_POLL, (key, world_id, *poll))
        tally.create(world_id, item.status, int(item.is_archived))
        creations.append(_CREATED)
        if room is not None:
            room -= 1
    return creations


_CREATED = Creation(result="created")


def _created_count(connection: apsw.Connection, world_id: int) -> int:
    tally_of(connection).write(connection)
    rows = fetch(connection, queries.CREATED_COUNT, (world_id,))
    return int(rows[0][0]) if rows else 0


def _id_of_number(connection: apsw.Connection, item: Written) -> str | None:
    rows = fetch(
        connection,
        queries.ID_OF_NUMBER,
        (item.world_id, item.values[_NUMBER], item.values[_COURIER]),
    )
    return public_id(rows[0][0]) if rows else None


class _PreparedSave:
    """A change made ready for the writer, so that its transaction need not wait for it."""

    def __init__(self, change: Save, tracking: Written) -> None:
        self._tracking = tracking
        self._expected_version = change.expected_version
        self._event = (
            None
            if change.event is None
            else (
                change.event.world_id,
                id_value(change.event.tracking_id),
                encode_event(change.event),
            )
        )
        self._messages: list[PreparedMessage] = [prepared(message) for message in change.messages]
        self._poll = (
            None if change.poll is None else (*poll_values(change.poll), encode_past(change.past))
        )
        self._raw = None if change.raw is None else _raw_values(change.raw)

    def apply(self, connection: apsw.Connection) -> SaveResult:
        """Write all of it, or nothing."""
        execute = connection.execute
        after = self._tracking
        rows = fetch(connection, queries.BEFORE_SAVE, (after.id, after.world_id))
        if not rows:
            return "conflict"
        key, *before = rows[0]
        if before[_VERSION] != self._expected_version:
            return "conflict"
        is_renamed = (
            before[_NUMBER] != after.values[_NUMBER] or before[_COURIER] != after.values[_COURIER]
        )
        if is_renamed and _id_of_number(connection, after) is not None:
            return "taken"
        _update_columns(connection, key, before, after.values)
        execute(queries.SAVE_DOC, (after.packed, after.rendition, key))
        if (before[_STATUS], before[_ARCHIVED]) != (after.status, int(after.is_archived)):
            tally = tally_of(connection)
            tally.move(after.world_id, before[_STATUS], before[_ARCHIVED], -1)
            tally.move(after.world_id, after.status, int(after.is_archived), 1)
        if self._poll is not None:
            execute(poll_queries.SAVE_POLL, (*self._poll, key))
        if self._raw is not None:
            _add_raw(connection, key, self._raw)
        if self._event is not None:
            execute(queries.ADD_EVENT, self._event)
        for message in self._messages:
            add_message(connection, message)
        return "saved"


def _update_columns(
    connection: apsw.Connection, key: int, before: Sequence[Any], after: Sequence[Any]
) -> None:
    """Write the columns that moved: SQLite rewrites the indexes of every column that is named."""
    moved = [
        (name, new)
        for name, old, new in zip(TRACKING_COLUMNS, before, after, strict=True)
        if old != new
    ]
    assignments = ", ".join(f"{name} = ?" for name, _ in moved)
    connection.execute(
        f"UPDATE tracking SET {assignments} WHERE key = ?",  # noqa: S608  # our own column names
        (*(value for _, value in moved), key),
    )


def _add_raw(connection: apsw.Connection, key: int, raw: tuple[Any, ...]) -> None:
    connection.execute(queries.ADD_RAW_RESPONSE, (key, *raw))
    connection.execute(queries.FORGET_RAW_RESPONSES, (key, KEPT_RAW_RESPONSES))


def _finish_polls(connection: apsw.Connection, items: Sequence[tuple[Any, ...]]) -> None:
    connection.executemany(poll_queries.FINISH_POLL, items)


def _save_polls(
    connection: apsw.Connection,
    items: Sequence[tuple[Any, ...]],
    raws: Sequence[tuple[Any, ...] | None],
) -> None:
    for item, raw in zip(items, raws, strict=True):
        connection.execute(poll_queries.FINISH_POLL, item)
        if raw is not None and connection.changes():
            rows = fetch(connection, queries.KEY_OF_TRACKING, (item[-2],))
            _add_raw(connection, rows[0][0], raw)


def _delete(
    connection: apsw.Connection, *, world_id: int, ids: Sequence[bytes | str]
) -> list[bytes | str]:
    gone: list[bytes | str] = []
    for identity in ids:
        rows = fetch(connection, queries.BEFORE_DELETE, (identity, world_id))
        if not rows:
            continue
        key, status, is_archived = rows[0]
        connection.execute(journeys.DELETE, (key, world_id))
        for statement in (
            queries.DELETE_TRACKING,
            queries.DELETE_DOC,
            queries.DELETE_POLL,
            queries.DELETE_RAW_RESPONSES,
        ):
            connection.execute(statement, (key,))
        connection.execute(queries.DELETE_RECORDS, (identity,))
        connection.execute(queries.DELETE_RECORDS_OF_SCOPE, (public_id(identity),))
        tally_of(connection).move(world_id, status, is_archived, -1)
        gone.append(identity)
    return gone
