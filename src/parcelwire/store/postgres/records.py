"""Small documents by kind, scope and id, on PostgreSQL."""

from __future__ import annotations

from typing import Final

from parcelwire.accounts.ports import Change
from parcelwire.domain.clock import Instant
from parcelwire.store.codec import pack, unpack
from parcelwire.store.postgres.database import Database
from parcelwire.store.postgres.pool import Link, Row
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import is_id, key_of
from parcelwire.store.unreadable import Unreadable

_SQL: Final = load_queries("records.sql")


class Records:
    """``RecordStore``."""

    _database: Database
    _unreadable: Unreadable

    async def load_record(self, kind: str, scope: str, record_id: str) -> bytes | None:
        """See ``RecordStore``."""
        rows = await self._database.fetch(_SQL["load"], *map(key_of, (kind, scope, record_id)))
        return unpack(rows[0][0]) if rows else None

    async def list_records(
        self, kind: str, scope: str, *, after: str = "", limit: int = 100
    ) -> list[tuple[str, bytes]]:
        """See ``RecordStore``."""

        async def follow(after: str, most: int) -> list[Row]:
            return await self._database.fetch(
                _SQL["list"], *map(key_of, (kind, scope, after)), most
            )

        return await self._unreadable.records(follow, kind, after, limit)

    async def list_scopes(self, kind: str, *, after: str = "", limit: int = 100) -> list[str]:
        """See ``RecordStore``."""
        rows = await self._database.fetch(
            _SQL["scopes"], key_of(kind), key_of(after), max(0, limit)
        )
        return [row[0] for row in rows]

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
        place = tuple(map(key_of, (kind, scope, record_id)))
        if tracking_id is not None and not is_id(tracking_id):
            return None

        async def work(link: Link) -> tuple[bytes | None, Exception | None]:
            # First, as everywhere: the tracking, then what belongs to it.
            if tracking_id is not None and not await link.fetch(_SQL["hold_tracking"], tracking_id):
                return None, None
            # A row that is not there yet cannot be locked.
            await link.fetch(_SQL["lock"], "\x1f".join(place))
            rows = await link.fetch(_SQL["load"], *place)
            before = unpack(rows[0][0]) if rows else None
            try:
                after = change(before)
            except Exception as error:  # noqa: BLE001  # raised below: it is none of the database's
                return None, error
            if after is not None:
                await link.fetch(_SQL["save"], *place, at, pack(after), tracking_id)
            elif before is not None:
                await link.fetch(_SQL["delete"], *place)
            return after, None

        after, error = await self._database.transact(work, is_repeatable=False)
        if error is not None:
            raise error
        return after

    async def delete_records(self, kind: str, scope: str) -> int:
        """See ``RecordStore``."""
        rows = await self._database.fetch(
            _SQL["delete_kind"], key_of(kind), key_of(scope), is_repeatable=False
        )
        return int(rows[0][0])

    async def prune_records(self, kind: str, before: Instant, *, limit: int = 1_000) -> int:
        """See ``RecordStore``."""
        rows = await self._database.fetch(
            _SQL["prune"], key_of(kind), before, max(0, limit), is_repeatable=False
        )
        return int(rows[0][0])
