"""Endpoints on PostgreSQL: the part of ``MessageStore`` that keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.store.codec import encode_json
from parcelwire.store.postgres.idempotency import IdempotencyMixin
from parcelwire.store.postgres.pool import Link, Row
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import clean, is_id, key_of, some_id
from parcelwire.store.rules import merge_endpoint
from parcelwire.store.sealing import without_secrets
from parcelwire.tracking.ports import NewMessage, Once
from parcelwire.webhooks.failing import is_news, note_result
from parcelwire.webhooks.ports import AttemptResult

_SQL: Final = load_queries("messages.sql")

_DELETE_SECONDS: Final = 600.0
"""An endpoint may have a great many messages to bury."""

SEALED: Final = 22
"""Where a row of ``endpoint`` has what of it is sealed."""

_headers_decoder: Final = msgspec.json.Decoder(dict[str, str])


class Endpoints(IdempotencyMixin):
    """Endpoints of the worlds."""

    async def add_endpoint(self, endpoint: Endpoint, *, once: Once | None = None) -> None:
        """See ``MessageStore``."""

        async def effect(link: Link) -> None:
            key = await self._sealing_key(link)
            sealed = self._sealing.seal_endpoint(_cleaned(endpoint), key)
            await link.fetch(_SQL["add_endpoint"], *_columns(endpoint, sealed))

        if once is not None:
            await self._write_once(effect, once)
        else:
            await self._database.transact(effect, is_repeatable=False)

    async def list_endpoints(self, world_id: int) -> list[Endpoint]:
        """See ``MessageStore``."""
        rows = await self._database.fetch(_SQL["list_endpoints"], world_id)
        return [self._endpoint(row) for row in rows]

    async def load_endpoint(self, world_id: int, endpoint_id: str) -> Endpoint | None:
        """See ``MessageStore``."""
        if not is_id(endpoint_id):
            return None
        rows = await self._database.fetch(_SQL["load_endpoint"], world_id, endpoint_id)
        return self._endpoint(rows[0]) if rows else None

    def _endpoint(self, row: Row) -> Endpoint:
        return self._sealing.open_endpoint(endpoint_of(row), row[SEALED])

    async def save_endpoint(
        self, endpoint: Endpoint, *, expected: Endpoint | None = None, once: Once | None = None
    ) -> bool:
        """See ``MessageStore``."""

        async def effect(link: Link) -> bool:
            if not is_id(endpoint.id):
                return False
            rows = await link.fetch(_SQL["lock_endpoint"], endpoint.world_id, endpoint.id)
            if not rows:
                return False
            stored, sealed = self._endpoint(rows[0]), rows[0][SEALED]
            merged = _cleaned(merge_endpoint(stored, endpoint, expected))
            if not self._sealing.are_kept(stored, merged):
                sealed = self._sealing.seal_endpoint(merged, await self._sealing_key(link))
            await link.fetch(_SQL["save_endpoint"], *_columns(merged, sealed))
            return True

        if once is not None:
            return await self._write_once(effect, once)
        return await self._database.transact(effect)

    async def delete_endpoint(self, world_id: int, endpoint_id: str) -> bool:
        """See ``MessageStore``."""
        if not is_id(endpoint_id):
            return False

        async def work(link: Link) -> bool:
            if not await link.fetch(_SQL["delete_endpoint"], world_id, endpoint_id):
                return False
            await bury(link, endpoint_id)
            return True

        return await self._database.transact(work, is_repeatable=False)


async def bury(link: Link, endpoint_id: str) -> None:
    """Give up all messages of an endpoint that is gone."""
    await link.fetch(_SQL["drop_queues"], endpoint_id, timeout=_DELETE_SECONDS)
    await link.fetch(_SQL["drop_skipped"], endpoint_id, timeout=_DELETE_SECONDS)
    await link.fetch(_SQL["bury_messages"], endpoint_id, timeout=_DELETE_SECONDS)


async def note_results(
    link: Link, results: Sequence[tuple[str, AttemptResult]]
) -> list[NewMessage]:
    """Write into endpoints what attempts (with their endpoint's id) say about them, in order.

    Return the notices among them that are news.
    """
    notices: list[NewMessage] = []
    rows = await link.fetch(_SQL["lock_endpoints"], sorted({one for one, _ in results}))
    # What is sealed has no part in it, and stays as it is.
    before = {endpoint.id: endpoint for endpoint in map(endpoint_of, rows)}
    sealed = {row[0].hex: row[SEALED] for row in rows}
    after = dict(before)
    for endpoint_id, result in results:
        if endpoint_id in after:  # else it was deleted
            if is_news(after[endpoint_id], result):
                notices += result.notices
            after[endpoint_id] = note_result(after[endpoint_id], result)
    for endpoint_id, endpoint in after.items():
        if endpoint != before[endpoint_id]:
            await link.fetch(_SQL["save_endpoint"], *_columns(endpoint, sealed[endpoint_id]))
    return notices


def _cleaned(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint with its secrets as PostgreSQL keeps texts."""
    return replace(
        endpoint,
        secret=clean(endpoint.secret),
        previous_secret=clean(endpoint.previous_secret),
    )


def _columns(endpoint: Endpoint, sealed: bytes) -> tuple[Any, ...]:
    """Return a row's values: what is sealed is left out of the others."""
    if sealed:
        endpoint = without_secrets(endpoint)
    return (
        some_id(endpoint.id),
        endpoint.world_id,
        endpoint.is_enabled,
        endpoint.created_at,
        clean(endpoint.url),
        clean(endpoint.dialect),
        clean(endpoint.secret),
        [key_of(status) for status in endpoint.statuses],
        clean(endpoint.disabled_reason),
        clean(endpoint.description),
        [key_of(event_type) for event_type in endpoint.event_types],
        endpoint.is_paused,
        clean(endpoint.previous_secret),
        endpoint.previous_secret_until,
        encode_json(endpoint.headers).decode(),
        endpoint.rate_per_second,
        endpoint.concurrency,
        endpoint.failing_since,
        endpoint.failing_reported_at,
        endpoint.failing_until,
        endpoint.failing_ms,
        endpoint.failing_count,
        sealed,
    )


def endpoint_of(row: Row) -> Endpoint:
    """Return the record of a row of ``endpoint``, without what of it is sealed."""
    return Endpoint(
        id=row[0].hex,
        world_id=row[1],
        is_enabled=row[2],
        created_at=row[3],
        url=row[4],
        dialect=row[5],
        secret=row[6],
        statuses=tuple(row[7]),
        disabled_reason=row[8],
        description=row[9],
        event_types=tuple(row[10]),
        is_paused=row[11],
        previous_secret=row[12],
        previous_secret_until=row[13],
        headers=_headers_decoder.decode(row[14]),
        rate_per_second=row[15],
        concurrency=row[16],
        failing_since=row[17],
        failing_reported_at=row[18],
        failing_until=row[19],
        failing_ms=row[20],
        failing_count=row[21],
    )
