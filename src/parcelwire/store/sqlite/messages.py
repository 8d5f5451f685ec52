"""Endpoints, and messages on their way in order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from hashlib import sha256
from typing import Any, Final

import apsw
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import Instant
from parcelwire.store.codec import decode_endpoint, encode_json
from parcelwire.store.rules import (
    LOOKED_AT_ONCE,
    RECALLED_AT_ONCE,
    merge_endpoint,
    portions,
)
from parcelwire.store.sealing import without_secrets
from parcelwire.store.sqlite import outbox, outcomes, queries
from parcelwire.store.sqlite.connection import Row, fetch
from parcelwire.store.sqlite.idempotency import IdempotencyMixin
from parcelwire.store.sqlite.ids import id_value, public_id
from parcelwire.store.sqlite.rows import message_of, name_of_message
from parcelwire.store.unreadable import UNREADABLE
from parcelwire.tracking.ports import NewMessage, Once
from parcelwire.webhooks.failing import is_news, note_result, says_something
from parcelwire.webhooks.ports import AttemptResult, ClaimedMessage, MessageState, Skipped

BURIED_AT_ONCE: Final = 1_000
"""Messages of a deleted endpoint that are given up in one transaction."""

BEING_DELETED: Final = "it is being deleted; if it is still here in a minute, delete it again"

_SkippedRows = dict[outbox.StoredId, list[Row]]


class Messages(IdempotencyMixin):
    """``MessageStore``."""

    # -- endpoints ------------------------------------------------------------------------------

    async def add_endpoint(self, endpoint: Endpoint, *, once: Once | None = None) -> None:
        """See ``MessageStore``."""
        identity = id_value(endpoint.id)

        def work(connection: apsw.Connection) -> None:
            sealed = self._sealing.seal_endpoint(endpoint, self._sealing_key(connection))
            document = _document(endpoint, sealed)
            connection.execute(
                queries.ADD_ENDPOINT,
                (identity, endpoint.world_id, int(endpoint.is_enabled), document, sealed),
            )

        await self._write_once(work, once)

    async def list_endpoints(self, world_id: int) -> list[Endpoint]:
        """See ``MessageStore``."""
        rows = await self._reader.rows(queries.ENDPOINTS, (world_id,))
        return self._unreadable.each(self._opened, rows, _name_of_endpoint)

    async def load_endpoint(self, world_id: int, endpoint_id: str) -> Endpoint | None:
        """See ``MessageStore``."""
        rows = await self._reader.rows(queries.LOAD_ENDPOINT, (id_value(endpoint_id), world_id))
        return self._endpoint(*rows[0]) if rows else None

    def _opened(self, row: Row) -> Endpoint:
        return self._endpoint(*row)

    def _endpoint(self, document: bytes, sealed: bytes) -> Endpoint:
        return self._sealing.endpoint_of(document, sealed)

    async def save_endpoint(
        self, endpoint: Endpoint, *, expected: Endpoint | None = None, once: Once | None = None
    ) -> bool:
        """See ``MessageStore``."""
        place = (id_value(endpoint.id), endpoint.world_id)

        def work(connection: apsw.Connection) -> bool:
            rows = fetch(connection, queries.LOAD_ENDPOINT, place)
            if not rows:
                return False
            stored, sealed = self._endpoint(*rows[0]), rows[0][1]
            merged = merge_endpoint(stored, endpoint, expected)
            if not self._sealing.are_kept(stored, merged):
                sealed = self._sealing.seal_endpoint(merged, self._sealing_key(connection))
            _save(connection, place[0], merged, sealed)
            return True

        return await self._write_once(work, once)

    async def delete_endpoint(self, world_id: int, endpoint_id: str) -> bool:
        """See ``MessageStore``.

        What waits for it is given up in slices, so that others find the writer free in between. The
        endpoint is off meanwhile, and goes with the last slice: whoever is interrupted can delete
        it again.
        """
        place = (id_value(endpoint_id), world_id)
        while True:
            is_there, is_done = await self._write(lambda connection: _bury(connection, *place))
            if is_done:
                return is_there

    # -- sending --------------------------------------------------------------------------------

    async def add_messages(
        self, messages: Sequence[NewMessage], *, once: Once | None = None
    ) -> None:
        """See ``MessageStore``."""
        items = [outbox.prepared(message) for message in messages]

        def work(connection: apsw.Connection) -> None:
            for item in items:
                outbox.add_message(connection, item)

        if items or once is not None:
            await self._write_once(work, once)

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
        if not self._sealing.is_complete():
            return []
        skip = encode_json([endpoint_id.upper() for endpoint_id in skip_endpoints])

        def work(connection: apsw.Connection) -> list[tuple[Row, list[Row], _SkippedRows]]:
            outbox.end_leases(connection, now)
            ready = fetch(connection, queries.READY_ENDPOINTS, (skip, now))
            most = min(limit, per_endpoint)
            lines = [
                fetch(connection, queries.COUNT_READY_LINES, (identity, now, most))[0][0]
                for identity, *_ in ready
            ]
            shares = _shares(lines, limit)
            has_skipped = outbox.has_skipped(connection)
            found = []
            for (identity, document, sealed, _), share in zip(ready, shares, strict=True):
                if share:
                    rows = outbox.claim(connection, now, lease_until, identity, share)
                    skipped = (
                        outbox.skipped_before(connection, identity, rows) if has_skipped else {}
                    )
                    found.append(((document, sealed), rows, skipped))
            return found

        claimed: list[ClaimedMessage] = []
        for stored, rows, skipped in await self._write(work):
            endpoint = self._unreadable.read(self._opened, stored, _name_of_endpoint)
            if endpoint is None or endpoint.unopened_reason:
                continue  # theirs who can read it, or have the key, when the leases have ended
            for row in rows:
                message = self._unreadable.read(message_of, row, name_of_message)
                if message is not None:
                    claimed.append(
                        ClaimedMessage(message, endpoint, _skipped(skipped[row[0]]))
                        if skipped
                        else ClaimedMessage(message, endpoint)
                    )
        return claimed

    async def finish_attempts(self, results: Sequence[AttemptResult]) -> None:
        """See ``MessageStore``."""
        plain = [result for result in results if outcomes.is_plain(result)]
        others = [result for result in results if not outcomes.is_plain(result)]
        document = outcomes.document_of(plain)
        gives_up = any(result.state is MessageState.DEAD for result in results)

        def work(connection: apsw.Connection) -> None:
            has_skipped = gives_up or outbox.has_skipped(connection)
            one_by_one = others
            if has_skipped:
                one_by_one = [*plain, *others]
            elif plain:
                outcomes.finish_plain(connection, document)
            for result in one_by_one:
                endpoint_id = outbox.finish(connection, result, has_skipped=has_skipped)
                if endpoint_id is None:
                    continue
                if says_something(result) and _note(connection, endpoint_id, result):
                    for notice in result.notices:
                        outbox.add_message(connection, outbox.prepared(notice))

        if results:
            await self._write(work)

    async def next_message_due(self) -> Instant | None:
        """See ``MessageStore``."""
        ((ready_at,),) = await self._reader.rows(queries.NEXT_READY)
        return ready_at  # type: ignore[no-any-return]  # the column's type

    async def recall_messages(
        self, now: Instant, *, beyond: Instant, far_only: bool = False
    ) -> int:
        """See ``MessageStore``. Readers seek: the writer has only to write, and seldom that."""
        when = {"now": now, "beyond": beyond}
        recalled = 0
        last: outbox.Line = outbox.FIRST_LINE
        while True:
            if far_only:
                bindings = {"beyond": beyond, "limit": RECALLED_AT_ONCE}
                lines = await self._reader.rows(queries.FAR_LINES, bindings)
                is_done = len(lines) < RECALLED_AT_ONCE
            else:
                place = {"endpoint": last[0], "tracking": last[1], "limit": LOOKED_AT_ONCE}
                rows = await self._reader.scan(queries.LINES_AFTER, when | place)
                lines = [row[:2] for row in rows if row[2]]
                is_done = len(rows) < LOOKED_AT_ONCE
                last = rows[-1][:2] if rows else last
            before = recalled
            for portion in portions(lines, RECALLED_AT_ONCE):
                recalled += await self._write(
                    partial(outbox.recall, lines=portion, now=now, beyond=beyond)
                )
            # Those that are left at the far end are on their way.
            if is_done or (far_only and recalled == before):
                return recalled


def _bury(
    connection: apsw.Connection, identity: outbox.StoredId, world_id: int
) -> tuple[bool, bool]:
    """Give up a slice of an endpoint's messages; with the last one delete it.

    Return whether it was there, and whether all is done.
    """
    rows = fetch(connection, queries.LOAD_ENDPOINT, (identity, world_id))
    if not rows:
        return False, True
    most = BURIED_AT_ONCE
    if (
        outbox.kill(connection, identity, most) < most
        and _run(connection, queries.DROP_SKIPPED, (identity, most)) < most
    ):
        connection.execute(queries.DELETE_ENDPOINT, (identity, world_id))
        connection.execute(queries.DROP_LINES, (identity,))
        return True, True
    document, sealed = rows[0]
    try:
        endpoint = decode_endpoint(document)
    except UNREADABLE:
        return True, False  # nothing is composed for it, so it need not be switched off
    off = replace(endpoint, is_enabled=False, is_paused=False, disabled_reason=BEING_DELETED)
    if off != endpoint:
        _save(connection, identity, off, sealed)
    return True, False


def _run(connection: apsw.Connection, sql: str, bindings: tuple[Any, ...]) -> int:
    connection.execute(sql, bindings)
    return connection.changes()


def _save(
    connection: apsw.Connection, identity: outbox.StoredId, endpoint: Endpoint, sealed: bytes
) -> None:
    document = _document(endpoint, sealed)
    values = (int(endpoint.is_enabled), document, sealed, identity, endpoint.world_id)
    connection.execute(queries.SAVE_ENDPOINT, values)


def _document(endpoint: Endpoint, sealed: bytes) -> bytes:
    """Return what lies open of an endpoint: what is sealed is left out of it."""
    return encode_json(without_secrets(endpoint) if sealed else endpoint)


def _note(connection: apsw.Connection, endpoint_id: outbox.StoredId, result: AttemptResult) -> bool:
    """Write into an endpoint what an attempt says about it; tell whether its notices are news."""
    news = False
    for document, sealed in fetch(connection, queries.ENDPOINT_BY_ID, (endpoint_id,)):
        # What is sealed has no part in it, and stays as it is.
        endpoint = decode_endpoint(document)
        news = is_news(endpoint, result)
        noted = note_result(endpoint, result)
        if noted != endpoint:
            _save(connection, endpoint_id, noted, sealed)
    return news


def _name_of_endpoint(row: Row) -> str:
    # Its id stands in the document; the digest tells it from others.
    return f"the endpoint with the SHA-256 {sha256(row[0]).hexdigest()[:16]}"


def _skipped(rows: list[Row]) -> tuple[Skipped, ...]:
    return tuple(Skipped(public_id(identity), sequence) for identity, sequence in reversed(rows))


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
