"""Endpoints, messages and attempts on PostgreSQL: implements ``MessageStore``.

    message   what to tell, and how far it got
    waiting   the undelivered ones; the smallest sequence of an (endpoint, tracking) has its turn
    lane      one row per (endpoint, tracking) with undelivered ones: when it is due, and its lease

A lease on the lane keeps everybody else from all its messages, so at most one is under way.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any, Final

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import Clock, Instant
from parcelwire.store.codec import pack, unpack
from parcelwire.store.postgres.database import Database
from parcelwire.store.postgres.pool import Link, Row
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import (
    clean,
    is_id,
    key_of,
    only_ids,
    read_id,
    some_id,
)
from parcelwire.store.rules import LONGEST_LEASE
from parcelwire.tracking.ports import NewMessage
from parcelwire.webhooks.ports import (
    Attempt,
    AttemptResult,
    ClaimedMessage,
    Message,
    MessageState,
)

_SQL: Final = load_queries("messages.sql")

_PLACE_OF: Final = "(select created_at, id from message where id = "

_DELETE_SECONDS: Final = 600.0
"""An endpoint may have a great many messages to bury."""


def message_columns(messages: Sequence[NewMessage]) -> tuple[list[Any], ...]:
    """Return new messages as columns, in the order of the queries."""
    # In one order of lanes, whoever writes: so two writers wait for each other, never crosswise.
    ordered = sorted(messages, key=lambda one: (one.endpoint_id, one.tracking_id, one.sequence))
    return (
        [some_id(one.id) for one in ordered],
        [some_id(one.endpoint_id) for one in ordered],
        [some_id(one.tracking_id) for one in ordered],
        [some_id(one.event_id) for one in ordered],
        [one.world_id for one in ordered],
        [one.created_at for one in ordered],
        [one.sequence for one in ordered],
        [clean(one.event_type) for one in ordered],
        [pack(one.payload) for one in ordered],
    )


class Messages:
    """Endpoints, messages in order, attempts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add_endpoint(self, endpoint: Endpoint) -> None:
        """See ``MessageStore``."""
        await self._database.fetch(
            _SQL["add_endpoint"], *_endpoint_columns(endpoint), is_repeatable=False
        )

    async def list_endpoints(self, world_id: int) -> list[Endpoint]:
        """See ``MessageStore``."""
        rows = await self._database.fetch(_SQL["list_endpoints"], world_id)
        return [_endpoint(row) for row in rows]

    async def load_endpoint(self, world_id: int, endpoint_id: str) -> Endpoint | None:
        """See ``MessageStore``."""
        if not is_id(endpoint_id):
            return None
        rows = await self._database.fetch(_SQL["load_endpoint"], world_id, endpoint_id)
        return _endpoint(rows[0]) if rows else None

    async def save_endpoint(self, endpoint: Endpoint) -> bool:
        """See ``MessageStore``."""
        if not is_id(endpoint.id):
            return False
        rows = await self._database.fetch(_SQL["save_endpoint"], *_endpoint_columns(endpoint))
        return bool(rows)

    async def delete_endpoint(self, world_id: int, endpoint_id: str) -> bool:
        """See ``MessageStore``."""
        if not is_id(endpoint_id):
            return False

        async def work(link: Link) -> bool:
            if not await link.fetch(_SQL["delete_endpoint"], world_id, endpoint_id):
                return False
            await _bury(link, endpoint_id)
            return True

        return await self._database.transact(work, is_repeatable=False)

    async def add_messages(self, messages: Sequence[NewMessage]) -> None:
        """See ``MessageStore``."""
        if messages:
            await self._database.fetch(_SQL["add_messages"], *message_columns(messages))

    async def claim_messages(
        self,
        now: Instant,
        *,
        lease_until: Instant,
        limit: int,
        per_endpoint: int,
        skip_endpoints: Collection[str] = (),
    ) -> list[ClaimedMessage]:
        """See ``MessageStore``."""
        if limit <= 0 or per_endpoint <= 0:
            return []

        async def work(link: Link) -> list[ClaimedMessage]:
            rows = await link.fetch(
                _SQL["claim_messages"],
                now,
                lease_until,
                limit,
                per_endpoint,
                only_ids(skip_endpoints),
                LONGEST_LEASE,
            )
            if not rows:
                return []
            messages = [_message(row) for row in rows]
            ids = sorted({message.endpoint_id for message in messages})
            endpoints = {
                endpoint.id: endpoint
                for endpoint in map(_endpoint, await link.fetch(_SQL["load_endpoints"], ids))
            }
            return [
                ClaimedMessage(message, endpoints[message.endpoint_id])
                for message in messages
                if message.endpoint_id in endpoints  # it may be deleted just now
            ]

        return await self._database.run(work, is_repeatable=True)

    async def finish_attempts(self, results: Sequence[AttemptResult]) -> None:
        """See ``MessageStore``."""
        known = [one for one in results if is_id(one.attempt.message_id)]
        if not known:
            return
        known.sort(key=lambda one: one.attempt.message_id)
        # Repeatable: an attempt that is there already counts no second time.
        await self._database.fetch(
            _SQL["finish_attempts"],
            [one.attempt.message_id for one in known],
            [some_id(one.attempt.id) for one in known],
            [one.attempt.at for one in known],
            [one.attempt.duration_ms for one in known],
            [one.attempt.status for one in known],
            [clean(one.attempt.error) for one in known],
            [clean(one.attempt.answer) for one in known],
            [one.state.value for one in known],
            [one.next_at for one in known],
            [clean(one.disable_endpoint_why) for one in known],
        )

    async def next_message_due(self) -> Instant | None:
        """See ``MessageStore``."""
        rows = await self._database.fetch(
            _SQL["next_message_due"], self._clock.now(), LONGEST_LEASE
        )
        for endpoint_id, is_gone, _ in rows:
            if is_gone:
                # Queued by a change that had read the endpoint just before it was deleted.
                await self._database.transact(partial(_bury, endpoint_id=read_id(endpoint_id)))
        return min((row[2] for row in rows if row[2] is not None), default=None)

    async def load_message(self, world_id: int, message_id: str) -> Message | None:
        """See ``MessageStore``."""
        if not is_id(message_id):
            return None
        rows = await self._database.fetch(_SQL["load_message"], world_id, message_id)
        return _message(rows[0]) if rows else None

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
        wanted = {"endpoint_id": endpoint_id, "tracking_id": tracking_id, "id": before}
        if any(text is not None and not is_id(text) for text in wanted.values()):
            return []
        query = ["m.world_id = $1"]
        arguments: list[Any] = [world_id, max(0, limit)]
        for column in ("endpoint_id", "tracking_id"):
            if wanted[column] is not None:
                arguments.append(wanted[column])
                query.append(f"m.{column} = ${len(arguments)}")
        if state is not None:
            arguments.append(state.value)
            query.append(f"m.state = ${len(arguments)}")
        if before is not None:
            arguments.append(before)
            query.append(f"(m.created_at, m.id) < {_PLACE_OF}${len(arguments)})")
        rows = await self._database.fetch(
            _SQL["list_messages"].replace("/* conditions */", " and ".join(query)), *arguments
        )
        return [_message(row) for row in rows]

    async def list_attempts(self, message_id: str) -> list[Attempt]:
        """See ``MessageStore``."""
        if not is_id(message_id):
            return []
        rows = await self._database.fetch(_SQL["list_attempts"], message_id)
        return [
            Attempt(
                id=row[0].hex,
                message_id=row[1].hex,
                at=row[2],
                duration_ms=row[3],
                status=row[4],
                error=row[5],
                answer=row[6],
            )
            for row in rows
        ]

    async def resend(self, world_id: int, message_id: str, now: Instant) -> bool:
        """See ``MessageStore``."""
        if not is_id(message_id):
            return False

        async def work(link: Link) -> bool:
            lanes = await link.fetch(_SQL["open_lane"], world_id, message_id, now)
            if not lanes:
                return False
            queued_anew = await link.fetch(_SQL["queue_again"], message_id)
            await link.fetch(_SQL["revive_message"], message_id, now)
            await link.fetch(_SQL["settle_lane"], *lanes[0], len(queued_anew))
            return True

        return await self._database.transact(work)


async def _bury(link: Link, endpoint_id: str) -> None:
    await link.fetch(_SQL["drop_lanes"], endpoint_id, timeout=_DELETE_SECONDS)
    await link.fetch(_SQL["bury_messages"], endpoint_id, timeout=_DELETE_SECONDS)


def _endpoint_columns(endpoint: Endpoint) -> tuple[Any, ...]:
    return (
        some_id(endpoint.id),
        endpoint.world_id,
        endpoint.is_enabled,
        endpoint.created_at,
        clean(endpoint.url),
        clean(endpoint.dialect),
        clean(endpoint.secret),
        [key_of(status) for status in endpoint.statuses],
        clean(endpoint.disabled_why),
        clean(endpoint.description),
    )


def _endpoint(row: Row) -> Endpoint:
    return Endpoint(
        id=row[0].hex,
        world_id=row[1],
        is_enabled=row[2],
        created_at=row[3],
        url=row[4],
        dialect=row[5],
        secret=row[6],
        statuses=tuple(row[7]),
        disabled_why=row[8],
        description=row[9],
    )


def _message(row: Row) -> Message:
    return Message(
        id=row[0].hex,
        endpoint_id=row[1].hex,
        world_id=row[2],
        tracking_id=read_id(row[3]),
        sequence=row[4],
        event_id=read_id(row[5]),
        event_type=row[6],
        payload=unpack(row[7]),
        created_at=row[8],
        state=MessageState(row[9]),
        attempts=row[10],
        due_at=row[11],
    )
