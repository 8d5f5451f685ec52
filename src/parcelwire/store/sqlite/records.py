"""Small documents by kind, scope and id."""

from __future__ import annotations

from typing import Final

import apsw

from parcelwire.accounts.ports import Change
from parcelwire.domain.clock import Instant
from parcelwire.store.codec import pack, unpack
from parcelwire.store.sqlite import queries
from parcelwire.store.sqlite.base import Part
from parcelwire.store.sqlite.connection import Row, fetch
from parcelwire.store.sqlite.ids import id_value

LOAD: Final = "SELECT document FROM record WHERE kind = ? AND scope = ? AND id = ?"
LIST: Final = """
SELECT id, document FROM record WHERE kind = ? AND scope = ? AND id > ? ORDER BY id LIMIT ?
"""
SCOPES: Final = """
WITH RECURSIVE found (scope) AS (
    SELECT min(scope) FROM record WHERE kind = ?1 AND scope > ?2
    UNION ALL
    SELECT (SELECT min(scope) FROM record WHERE kind = ?1 AND scope > found.scope)
    FROM found WHERE found.scope IS NOT NULL
)
SELECT scope FROM found WHERE scope IS NOT NULL LIMIT ?3
"""
SAVE: Final = """
INSERT INTO record (kind, scope, id, at, document, tracking_id) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (kind, scope, id) DO UPDATE SET
    at = excluded.at, document = excluded.document,
    tracking_id = coalesce(excluded.tracking_id, tracking_id)
"""
DELETE: Final = "DELETE FROM record WHERE kind = ? AND scope = ? AND id = ?"
DELETE_KIND: Final = "DELETE FROM record WHERE kind = ? AND scope = ?"
PRUNE: Final = """
DELETE FROM record WHERE rowid IN (
    SELECT rowid FROM record WHERE kind = ? AND at < ? ORDER BY at LIMIT ?
)
"""

_Outcome = tuple[bytes | None, Exception | None]


class Records(Part):
    """``RecordStore``."""

    async def load_record(self, kind: str, scope: str, record_id: str) -> bytes | None:
        """See ``RecordStore``."""
        rows = await self._reader.rows(LOAD, (kind, scope, record_id))
        return unpack(rows[0][0]) if rows else None

    async def list_records(
        self, kind: str, scope: str, *, after: str = "", limit: int = 100
    ) -> list[tuple[str, bytes]]:
        """See ``RecordStore``."""

        async def follow(after: str, most: int) -> list[Row]:
            return await self._reader.rows(LIST, (kind, scope, after, most))

        return await self._unreadable.records(follow, kind, after, limit)

    async def list_scopes(self, kind: str, *, after: str = "", limit: int = 100) -> list[str]:
        """See ``RecordStore``."""
        rows = await self._reader.rows(SCOPES, (kind, after, max(0, limit)))
        return [scope for (scope,) in rows]

    async def change_record(
        self,
        kind: str,
        scope: str,
        record_id: str,
        change: Change,
        *,
        at: Instant,
        tracking_id: str | None = None,
    ) -> bytes | None:
        """See ``RecordStore``."""
        place = (kind, scope, record_id)
        owner = None if tracking_id is None else id_value(tracking_id)

        def work(connection: apsw.Connection) -> _Outcome:
            if owner is not None and not fetch(connection, queries.KEY_OF_TRACKING, (owner,)):
                return None, None
            rows = fetch(connection, LOAD, place)
            before = unpack(rows[0][0]) if rows else None
            try:
                after = change(before)
            except Exception as error:  # noqa: BLE001  # raised below: here it would undo others' work
                return None, error
            if after is not None:
                connection.execute(SAVE, (*place, at, pack(after), owner))
            elif before is not None:
                connection.execute(DELETE, place)
            return after, None

        after, error = await self._write(work)
        if error is not None:
            raise error
        return after

    async def delete_records(self, kind: str, scope: str) -> int:
        """See ``RecordStore``."""
        return await self._write(lambda connection: _run(connection, DELETE_KIND, (kind, scope)))

    async def prune_records(self, kind: str, before: Instant, *, limit: int = 1_000) -> int:
        """See ``RecordStore``."""
        values = (kind, before, max(0, limit))
        return await self._write(lambda connection: _run(connection, PRUNE, values))


def _run(connection: apsw.Connection, sql: str, bindings: tuple[str | int, ...]) -> int:
    connection.execute(sql, bindings)
    return connection.changes()
