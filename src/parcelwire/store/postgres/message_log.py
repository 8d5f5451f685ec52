"""Messages looked back at, on PostgreSQL: lists, attempts, sending again, and forgetting."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from parcelwire.domain.clock import Instant
from parcelwire.store.postgres.done import Doings
from parcelwire.store.postgres.messages import shown_message_of
from parcelwire.store.postgres.pool import Link, Row
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import FIRST_ID, clean, is_id, within
from parcelwire.store.unreadable import Unreadable
from parcelwire.tracking.ports import Once
from parcelwire.webhooks.ports import Attempt, Message, MessageFilter, MessageState

_SQL: Final = load_queries("messages.sql")

_PLACE_OF: Final = "(select created_at, id from message where id = "
REPLAYED_AT_ONCE: Final = 1_000
"""Messages taken up again in one transaction: it holds their lanes."""

WINDOW: Final = 2_000
"""Messages looked at in one step when old ones are sought."""


class MessageLog(Doings):
    """The part of ``MessageStore`` that looks back."""

    _unreadable: Unreadable

    _pruned_to: str = FIRST_ID
    """The message up to which old ones were sought, in the round at hand."""

    async def load_message(self, world_id: int, message_id: str) -> Message | None:
        """See ``MessageStore``."""
        if not is_id(message_id):
            return None
        rows = await self._database.fetch(_SQL["load_message"], world_id, message_id)
        return shown_message_of(rows[0], self._unreadable) if rows else None

    async def list_messages(
        self,
        world_id: int,
        where: MessageFilter,
        *,
        before: str | None = None,
        limit: int = 50,
    ) -> list[Message]:
        """See ``MessageStore``."""
        if not _may_match(where) or (before is not None and not is_id(before)):
            return []
        query, arguments = list_query(world_id, where, before, limit)
        rows = await self._database.fetch(query, *arguments)
        return [shown_message_of(row, self._unreadable) for row in rows]

    async def count_waiting(self, endpoint_id: str, *, most: int = 10_000) -> int:
        """See ``MessageStore``."""
        if not is_id(endpoint_id):
            return 0
        rows = await self._database.fetch(_SQL["count_waiting"], endpoint_id, most)
        return int(rows[0][0])

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

    async def resend(
        self, world_id: int, message_id: str, now: Instant, *, once: Once | None = None
    ) -> bool:
        """See ``MessageStore``."""

        async def effect(link: Link) -> bool:
            ids = [message_id] if is_id(message_id) else []
            return bool(await _revive(link, world_id, ids, now, also_waiting=True))

        if once is not None:
            return await self._write_once(effect, once)
        return await self._database.transact(effect)

    async def replay(
        self,
        world_id: int,
        where: MessageFilter,
        now: Instant,
        *,
        limit: int = 10_000,
        once: Once | None = None,
    ) -> int:
        """See ``MessageStore``.

        Without ``once`` it is done in portions, each durable by itself, so that nobody waits long
        for their lanes.
        """
        if once is not None:

            async def effect(link: Link) -> int:
                return (await _replay(link, world_id, where, now, limit))[0]

            return await self._write_once(effect, once)
        taken = 0
        rows: list[Row] = []
        while taken < limit:
            portion = min(REPLAYED_AT_ONCE, limit - taken)
            place = (rows[-1][1], rows[-1][0]) if rows else None

            async def work(
                link: Link, portion: int = portion, place: tuple[Instant, Any] | None = place
            ) -> tuple[int, list[Row]]:
                return await _replay(link, world_id, where, now, portion, place)

            count, rows = await self._database.transact(work)
            taken += count
            if len(rows) < portion:
                break
        return taken

    async def give_up_waiting(self, now: Instant, *, before: Instant, limit: int = 1_000) -> int:
        """See ``MessageStore``."""
        del now
        rows = await self._database.fetch(_SQL["long_waiting"], before, limit)
        if not rows:
            return 0
        ids = [row[0] for row in rows]
        return int((await self._database.fetch(_SQL["give_up_waiting"], ids))[0][0])

    async def prune_messages(self, before: Instant, *, limit: int = 1_000) -> int:
        """See ``MessageStore``."""
        gone = 0
        after: Any = self._pruned_to
        is_done = False
        while gone < limit and not is_done:
            rows = await self._database.fetch(_SQL["oldest_messages"], after, WINDOW)
            # Ids begin with their time; a window without any old message ends it.
            is_done = not any(created_at < before for _, created_at, _ in rows)
            old = [
                message_id
                for message_id, created_at, state in rows
                if created_at < before and state != MessageState.PENDING.value
            ][: limit - gone]
            if old:
                gone += await self._database.transact(
                    partial(_delete, ids=old), is_repeatable=False
                )
            if rows:
                after = old[-1] if gone >= limit else rows[-1][0]
        # Those that wait for a receiver are passed over once in a round, not at every call.
        self._pruned_to = FIRST_ID if is_done else after
        return gone


async def _delete(link: Link, *, ids: list[Any]) -> int:
    rows = await link.fetch(_SQL["hold_old_messages"], ids)
    deleted = await link.fetch(_SQL["delete_messages"], [row[0] for row in rows])
    return int(deleted[0][0])


def _may_match(where: MessageFilter) -> bool:
    """Tell whether the ids of a filter can be ids at all."""
    return all(text is None or is_id(text) for text in (where.endpoint_id, where.tracking_id))


def _conditions(world_id: int, where: MessageFilter, limit: int) -> tuple[list[str], list[Any]]:
    """Return conditions over ``message m`` and their arguments; the world is $1, the limit $2."""
    arguments: list[Any] = [world_id, within(max(0, limit))]
    texts = ["m.world_id = $1"]
    states = [state.value for state in where.states]
    is_dead = where.states == (MessageState.DEAD,)
    if is_dead:
        texts.append("m.is_dead")
    for text, value in (
        ("m.endpoint_id = {}", where.endpoint_id),
        ("m.tracking_id = {}", where.tracking_id),
        ("m.state = any({}::text[])", states if states and not is_dead else None),
        ("m.event_type = any({}::text[])", [clean(one) for one in where.event_types] or None),
        ("m.created_at >= {}", _bound(where.created_min)),
        ("m.created_at <= {}", _bound(where.created_max)),
    ):
        if value is not None:
            arguments.append(value)
            texts.append(text.format(f"${len(arguments)}"))
    return texts, arguments


def _bound(value: Instant | None) -> Instant | None:
    return None if value is None else within(value)


def list_query(
    world_id: int, where: MessageFilter, before: str | None, limit: int
) -> tuple[str, list[Any]]:
    """Return the statement that lists messages, newest first, and its arguments."""
    texts, arguments = _conditions(world_id, where, limit)
    if before is not None:
        arguments.append(before)
        place = f"{_PLACE_OF}${len(arguments)} and world_id = $1)"
        texts.append(f"(m.created_at, m.id) < {place}")
    return _SQL["list_messages"].replace("/* conditions */", " and ".join(texts)), arguments


def replay_query(
    world_id: int, where: MessageFilter, place: tuple[Instant, Any] | None, limit: int
) -> tuple[str, list[Any]]:
    """Return the statement that finds the oldest matching messages after a place."""
    texts, arguments = _conditions(world_id, where, limit)
    if place is not None:
        arguments += place
        texts.append(f"(m.created_at, m.id) > (${len(arguments) - 1}, ${len(arguments)})")
    return _SQL["replayable"].replace("/* conditions */", " and ".join(texts)), arguments


async def _replay(
    link: Link,
    world_id: int,
    where: MessageFilter,
    now: Instant,
    limit: int,
    place: tuple[Instant, Any] | None = None,
) -> tuple[int, list[Row]]:
    """Take up again the oldest ``limit`` matching messages after a place.

    Return how many were taken, and all that were looked at (id, time).
    """
    if not _may_match(where):
        return 0, []
    query, arguments = replay_query(world_id, where, place, limit)
    rows = await link.fetch(query, *arguments)
    taken = await _revive(link, world_id, [row[0] for row in rows], now, also_waiting=False)
    return len(taken), rows


async def _revive(
    link: Link, world_id: int, ids: Sequence[Any], now: Instant, *, also_waiting: bool
) -> list[Any]:
    """Make messages pending again, each in its place in its lane; return their ids.

    The lanes are held first, so that nobody else changes these messages; then it is seen which of
    them are still there, and still as they were.
    """
    if not ids:
        return []
    lanes = await link.fetch(_SQL["open_lanes"], world_id, ids, now)
    if not lanes:
        return []
    columns = ([lane[0] for lane in lanes], [lane[1] for lane in lanes])
    rows = await link.fetch(_SQL["lock_messages"], world_id, ids, *columns, also_waiting)
    found = [row[0] for row in rows]
    await link.fetch(_SQL["revive_messages"], found, now, *columns)
    await link.fetch(_SQL["settle_lanes"], *columns)
    return found
