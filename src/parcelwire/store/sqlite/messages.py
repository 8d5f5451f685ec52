"""Endpoints, messages in order, and attempts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import apsw
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import Instant
from parcelwire.store.codec import decode_endpoint, encode_json
from parcelwire.store.sqlite import outbox, queries
from parcelwire.store.sqlite.base import Part
from parcelwire.store.sqlite.connection import Row, fetch
from parcelwire.store.sqlite.ids import id_value, public_id
from parcelwire.store.sqlite.rows import MESSAGE, message_of
from parcelwire.tracking.ports import NewMessage
from parcelwire.webhooks.ports import (
    Attempt,
    AttemptResult,
    ClaimedMessage,
    Message,
    MessageState,
)


class Messages(Part):
    """``MessageStore``."""

    # -- endpoints ------------------------------------------------------------------------------

    async def add_endpoint(self, endpoint: Endpoint) -> None:
        """See ``MessageStore``."""
        values = (
            id_value(endpoint.id),
            endpoint.world_id,
            int(endpoint.is_enabled),
            encode_json(endpoint),
        )
        await self._write(lambda connection: _run(connection, queries.ADD_ENDPOINT, values))

    async def list_endpoints(self, world_id: int) -> list[Endpoint]:
        """See ``MessageStore``."""
        rows = await self._reader.rows(queries.ENDPOINTS, (world_id,))
        return [decode_endpoint(document) for (document,) in rows]

    async def load_endpoint(self, world_id: int, endpoint_id: str) -> Endpoint | None:
        """See ``MessageStore``."""
        rows = await self._reader.rows(queries.LOAD_ENDPOINT, (id_value(endpoint_id), world_id))
        return decode_endpoint(rows[0][0]) if rows else None

    async def save_endpoint(self, endpoint: Endpoint) -> bool:
        """See ``MessageStore``."""
        values = (
            int(endpoint.is_enabled),
            encode_json(endpoint),
            id_value(endpoint.id),
            endpoint.world_id,
        )
        changed = await self._write(
            lambda connection: _run(connection, queries.SAVE_ENDPOINT, values)
        )
        return changed > 0

    async def delete_endpoint(self, world_id: int, endpoint_id: str) -> bool:
        """See ``MessageStore``."""
        identity = id_value(endpoint_id)

        def work(connection: apsw.Connection) -> bool:
            if not _run(connection, queries.DELETE_ENDPOINT, (identity, world_id)):
                return False
            connection.execute(queries.DROP_LINES, (identity,))
            connection.execute(queries.KILL_PENDING, (identity,))
            return True

        return await self._write(work)

    # -- sending --------------------------------------------------------------------------------

    async def add_messages(self, messages: Sequence[NewMessage]) -> None:
        """See ``MessageStore``."""
        items = [outbox.prepared(message) for message in messages]

        def work(connection: apsw.Connection) -> None:
            for item in items:
                outbox.add_message(connection, item)

        if items:
            await self._write(work)

    async def claim_messages(
        self,
        now: Instant,
        *,
        lease_until: Instant,
        limit: int,
        per_endpoint: int,
        skip_endpoints: Collection[str] = (),
    ) -> list[ClaimedMessage]:
        """See ``MessageStore``.

        When ``limit`` is too small for all, every endpoint has its share before one has more.
        """
        skip = {id_value(endpoint_id) for endpoint_id in skip_endpoints}

        def work(connection: apsw.Connection) -> list[tuple[bytes, list[Row]]]:
            outbox.end_leases(connection, now)
            ready = [
                (identity, document)
                for identity, document, _ in connection.execute(queries.READY_ENDPOINTS, (now,))
                if identity not in skip
            ]
            lines = {
                identity: connection.execute(
                    queries.READY_LINES, (identity, now, min(limit, per_endpoint))
                ).fetchall()
                for identity, _ in ready
            }
            shares = _shares([len(lines[identity]) for identity, _ in ready], limit)
            return [
                (
                    document,
                    outbox.claim(connection, lease_until, identity, lines[identity][:share]),
                )
                for (identity, document), share in zip(ready, shares, strict=True)
                if share
            ]

        claimed = []
        for document, rows in await self._write(work):
            endpoint = decode_endpoint(document)
            claimed += [ClaimedMessage(message_of(row), endpoint) for row in rows]
        return claimed

    async def finish_attempts(self, results: Sequence[AttemptResult]) -> None:
        """See ``MessageStore``."""

        def work(connection: apsw.Connection) -> None:
            for result in results:
                endpoint_id = outbox.finish(connection, result)
                if endpoint_id is not None and result.disable_endpoint_why:
                    _disable(connection, endpoint_id, result.disable_endpoint_why)

        if results:
            await self._write(work)

    async def next_message_due(self) -> Instant | None:
        """See ``MessageStore``."""
        ((ready_at,),) = await self._reader.rows(queries.NEXT_READY)
        return ready_at  # type: ignore[no-any-return]  # the column's type

    # -- looking back ---------------------------------------------------------------------------

    async def load_message(self, world_id: int, message_id: str) -> Message | None:
        """See ``MessageStore``."""
        rows = await self._reader.rows(queries.LOAD_MESSAGE, (id_value(message_id), world_id))
        return message_of(rows[0]) if rows else None

    async def list_messages(
        self,
        world_id: int,
        *,
        endpoint_id: str | None = None,
        tracking_id: str | None = None,
        state: MessageState | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[Message]:
        """See ``MessageStore``."""
        conditions, values = ["m.world_id = ?"], [world_id]
        bindings: list[Any] = list(values)
        if tracking_id is not None:
            conditions.append("m.tracking_id = ?")
            bindings.append(id_value(tracking_id))
        if endpoint_id is not None:
            conditions.append("m.endpoint_id = ?")
            bindings.append(id_value(endpoint_id))
        if state is not None:
            conditions.append("m.state = ?")
            bindings.append(state.value)
        if before is not None:
            conditions.append("m.key < (SELECT key FROM message WHERE id = ? AND world_id = ?)")
            bindings += [id_value(before), world_id]
        index = (
            "message_by_tracking"
            if tracking_id is not None
            else "message_by_endpoint"
            if endpoint_id is not None
            else "message_by_world"
        )
        sql = (
            f"SELECT {MESSAGE} FROM message m INDEXED BY {index} "  # noqa: S608  # our own words
            "JOIN payload y ON y.key = m.key "
            f"WHERE {' AND '.join(conditions)} ORDER BY m.key DESC LIMIT ?"
        )
        # Messages of one state may lie far apart.
        read = self._reader.rows if state is None else self._reader.scan
        return [message_of(row) for row in await read(sql, (*bindings, limit))]

    async def list_attempts(self, message_id: str) -> list[Attempt]:
        """See ``MessageStore``."""
        rows = await self._reader.rows(queries.ATTEMPTS, (id_value(message_id),))
        return [
            Attempt(
                id=public_id(identity),
                message_id=public_id(message),
                at=at,
                duration_ms=duration_ms,
                status=status,
                error=error,
                answer=answer,
            )
            for identity, message, at, duration_ms, status, error, answer in rows
        ]

    async def resend(self, world_id: int, message_id: str, now: Instant) -> bool:
        """See ``MessageStore``."""
        identity = id_value(message_id)
        return await self._write(
            lambda connection: outbox.resend(connection, world_id, identity, now)
        )


def _run(connection: apsw.Connection, sql: str, bindings: tuple[Any, ...]) -> int:
    connection.execute(sql, bindings)
    return connection.changes()


def _disable(connection: apsw.Connection, endpoint_id: outbox.StoredId, why: str) -> None:
    for (document,) in fetch(connection, queries.ENDPOINT_BY_ID, (endpoint_id,)):
        endpoint = replace(decode_endpoint(document), is_enabled=False, disabled_why=why)
        values = (0, encode_json(endpoint), endpoint_id, endpoint.world_id)
        connection.execute(queries.SAVE_ENDPOINT, values)


def _shares(wanted: list[int], limit: int) -> list[int]:
    """Deal ``limit`` out to those who want some, as evenly as their wants allow."""
    shares = [0] * len(wanted)
    left = limit
    hungry = [place for place, want in enumerate(wanted) if want]
    while left > 0 and hungry:
        portion = max(1, left // len(hungry))
        for place in hungry:
            given = min(portion, wanted[place] - shares[place], left)
            shares[place] += given
            left -= given
        hungry = [place for place in hungry if shares[place] < wanted[place]]
    return shares
