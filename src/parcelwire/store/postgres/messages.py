"""Messages on their way, on PostgreSQL: the part of ``MessageStore`` that sends them.

    message          what to tell, and how far it got
    pending_message  the undelivered ones; in each queue the smallest sequence has its turn
    delivery_queue   one row per (endpoint, tracking) with undelivered ones: when due, its lease

A lease on the queue keeps everybody else from all its messages, so at most one is under way.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any, Final

from parcelwire.domain.clock import Clock, Instant
from parcelwire.store.codec import pack, unpack
from parcelwire.store.postgres.database import Database
from parcelwire.store.postgres.endpoints import Endpoints, bury, note_results
from parcelwire.store.postgres.pool import Link, Row
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import (
    FIRST_ID,
    clean,
    is_id,
    only_ids,
    read_id,
    some_id,
)
from parcelwire.store.rules import (
    LONGEST_LEASE,
    LOOKED_AT_ONCE,
    NAMED_SKIPPED,
    RECALLED_AT_ONCE,
    portions,
)
from parcelwire.store.unreadable import Unreadable
from parcelwire.tracking.ports import NewMessage, Once
from parcelwire.webhooks.failing import says_something
from parcelwire.webhooks.ports import (
    AttemptResult,
    ClaimedMessage,
    Message,
    MessageState,
    Skipped,
)

_SQL: Final = load_queries("messages.sql")


def message_columns(messages: Sequence[NewMessage]) -> tuple[list[Any], ...]:
    """Return new messages as columns, in the order of the queries."""
    # In one order of queues, whoever writes: so two writers wait for each other, never crosswise.
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


class Messages(Endpoints):
    """Messages in order."""

    _unreadable: Unreadable

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add_messages(
        self, messages: Sequence[NewMessage], *, once: Once | None = None
    ) -> None:
        """See ``MessageStore``."""
        columns = message_columns(messages)
        if once is None:
            if messages:
                await self._database.fetch(_SQL["add_messages"], *columns)
            return

        async def effect(link: Link) -> None:
            await link.fetch(_SQL["add_messages"], *columns)

        await self._write_once(effect, once)

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
        if limit <= 0 or per_endpoint <= 0 or not self._sealing.is_complete():
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
            # One that cannot be read holds up its own line only.
            messages = self._unreadable.each(message_of, rows, name_of_message)
            ids = sorted({message.endpoint_id for message in messages})
            found = await link.fetch(_SQL["endpoints_of_claim"], ids)
            # It may be deleted just now. One that cannot be opened here is theirs who have the key,
            # when the leases have ended.
            endpoints = {
                endpoint.id: endpoint
                for endpoint in map(self._endpoint, found)
                if not endpoint.unopened_reason
            }
            behind = {row[0].hex for row in found if row[-1]}
            skipped = await _skipped(link, [one for one in messages if one.endpoint_id in behind])
            return [
                ClaimedMessage(
                    message, endpoints[message.endpoint_id], tuple(skipped.get(message.id, ()))
                )
                for message in messages
                if message.endpoint_id in endpoints
            ]

        return await self._database.run(work, is_repeatable=True)

    async def finish_attempts(self, results: Sequence[AttemptResult]) -> None:
        """See ``MessageStore``."""
        known = [one for one in results if is_id(one.attempt.message_id)]
        if not known:
            return
        known.sort(key=lambda one: one.attempt.message_id)
        # Repeatable: an attempt that is there already counts no second time.
        columns = (
            [one.attempt.message_id for one in known],
            [some_id(one.attempt.id) for one in known],
            [one.attempt.at for one in known],
            [one.attempt.duration_ms for one in known],
            [one.attempt.status for one in known],
            [clean(one.attempt.error) for one in known],
            [clean(one.attempt.response_body) for one in known],
            [one.state.value for one in known],
            [one.next_at for one in known],
        )
        if not any(one.notices or says_something(one) for one in known):
            await self._database.fetch(_SQL["finish_attempts"], *columns)
            return

        async def work(link: Link) -> None:
            rows = await link.fetch(_SQL["finish_attempts"], *columns)
            endpoint_of_new = {row[0].hex: row[1].hex for row in rows}
            told = [one for one in results if one.attempt.id in endpoint_of_new]
            spoken = [(endpoint_of_new[one.attempt.id], one) for one in told if says_something(one)]
            if spoken and (notices := await note_results(link, spoken)):
                await link.fetch(_SQL["add_messages"], *message_columns(notices))

        await self._database.transact(work)

    async def next_message_due(self) -> Instant | None:
        """See ``MessageStore``."""
        rows = await self._database.fetch(
            _SQL["next_message_due"], self._clock.now(), LONGEST_LEASE
        )
        for endpoint_id, is_gone, _ in rows:
            if is_gone:
                # Queued by a change that had read the endpoint just before it was deleted.
                await self._database.transact(partial(bury, endpoint_id=read_id(endpoint_id)))
        return min((row[2] for row in rows if row[2] is not None), default=None)

    async def recall_messages(
        self, now: Instant, *, beyond: Instant, far_only: bool = False
    ) -> int:
        """See ``MessageStore``."""
        fetch = self._database.fetch
        recalled = 0
        last: tuple[Any, Any] = (FIRST_ID, FIRST_ID)
        while True:
            if far_only:
                queues = await fetch(_SQL["far_queues"], beyond, RECALLED_AT_ONCE)
                is_done = len(queues) < RECALLED_AT_ONCE
            else:
                rows = await fetch(_SQL["queues_after"], now, beyond, *last, LOOKED_AT_ONCE)
                queues = [row for row in rows if row[2]]
                is_done = len(rows) < LOOKED_AT_ONCE
                last = (rows[-1][0], rows[-1][1]) if rows else last
            for portion in portions(queues, RECALLED_AT_ONCE):
                columns = ([queue[0] for queue in portion], [queue[1] for queue in portion])
                found = await fetch(_SQL["recall_messages"], now, beyond, *columns)
                recalled += found[0][0]
            if is_done:
                return recalled


def message_of(row: Row) -> Message:
    """Return the record of a row of ``message``."""
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


def shown_message_of(row: Row, unreadable: Unreadable) -> Message:
    """Return the record of a row of ``message``, for whoever looks back.

    Its payload is empty where it cannot be read.
    """
    found = unreadable.read(message_of, row, name_of_message)
    return found or message_of((*row[:7], pack(b""), *row[8:]))


def name_of_message(row: Row) -> str:
    """Return what a row of ``message`` is called in a message to the operator."""
    return f"message {row[0].hex}"


async def _skipped(link: Link, messages: Sequence[Message]) -> dict[str, list[Skipped]]:
    """Return what was given up before each of ``messages``, by their ids."""
    found: dict[str, list[Skipped]] = {}
    if messages:
        rows = await link.fetch(
            _SQL["skipped_before"],
            [one.id for one in messages],
            [one.endpoint_id for one in messages],
            [some_id(one.tracking_id) for one in messages],
            [one.sequence for one in messages],
            NAMED_SKIPPED,
        )
        for message_id, skipped_id, sequence in rows:
            found.setdefault(message_id.hex, []).append(Skipped(skipped_id.hex, sequence))
    return found
