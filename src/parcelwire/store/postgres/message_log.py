"""Messages looked back at, on PostgreSQL: lists, attempts, sending again, and forgetting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any, Final

from parcelwire.domain.clock import Instant
from parcelwire.store.message_ways import FEW_WAITING, may_be_few, replayed, way_of
from parcelwire.store.postgres.idempotency import IdempotencyMixin
from parcelwire.store.postgres.message_search import MessageSearch, Place
from parcelwire.store.postgres.messages import shown_message_of
from parcelwire.store.postgres.pool import Link
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import FIRST_ID, is_id
from parcelwire.store.unreadable import Unreadable
from parcelwire.tracking.ports import Once
from parcelwire.webhooks.ports import Attempt, Message, MessageFilter, MessagePage, MessageState

_SQL: Final = load_queries("messages.sql")

REPLAYED_AT_ONCE: Final = 1_000
"""Messages taken up again in one transaction: it holds their queues."""

WINDOW: Final = 2_000
"""Messages looked at in one step when old ones are sought."""


class MessageLog(IdempotencyMixin):
    """The part of ``MessageStore`` that looks back."""

    _unreadable: Unreadable

    _pruned_to: str = FIRST_ID
    """The message up to which old ones were sought, in the round at hand."""
    _looked_to: Any = (FIRST_ID, FIRST_ID)
    """The queue up to which messages were sought that wait too long, in the round at hand."""

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
    ) -> MessagePage:
        """See ``MessageStore``."""
        fetch = self._database.fetch
        if limit <= 0 or not _may_match(where) or (before is not None and not is_id(before)):
            return MessagePage()
        place: Place | None = None
        if before is not None:
            known = await fetch(_SQL["place_of_message"], world_id, before)
            if not known:
                return MessagePage()
            place = tuple(known[0])
        way = way_of(where, few_wait=await self._do_few_wait(world_id, where))
        search = MessageSearch(world_id, where, way)
        end = await self._end(search, place, limit + 1) if search.may_pass_over else None
        query, arguments = search.page(place, end, limit + 1)
        rows = await fetch(query, *arguments)
        shown = [shown_message_of(row, self._unreadable) for row in rows[:limit]]
        if len(rows) > limit:
            return MessagePage(shown, shown[-1].id)
        return MessagePage(shown, end[1].hex if end else None)

    async def _end(self, search: MessageSearch, place: Place | None, limit: int) -> Place | None:
        query, arguments = search.end(place, limit)
        rows = await self._database.fetch(query, *arguments)
        return tuple(rows[0]) if rows else None

    async def _do_few_wait(self, world_id: int, where: MessageFilter) -> bool:
        if not may_be_few(where):
            return False
        rows = await self._database.fetch(
            _SQL["count_pending"], world_id, where.endpoint_id, FEW_WAITING + 1
        )
        return bool(rows[0][0] <= FEW_WAITING)

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
                response_body=row[6],
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
        for their queues.
        """
        found = self._replayable(world_id, where, limit)

        async def revive(link: Link, ids: list[Any]) -> int:
            return len(await _revive(link, world_id, ids, now, also_waiting=False))

        if once is not None:
            ids = [message_id async for some in found for message_id in some]
            return await self._write_once(partial(revive, ids=ids), once)
        taken = 0
        async for some in found:
            taken += await self._database.transact(partial(revive, ids=some))
        return taken

    async def _replayable(
        self, world_id: int, where: MessageFilter, limit: int
    ) -> AsyncIterator[list[Any]]:
        """Find what a replay takes up, oldest first, in portions that one transaction can take."""
        wanted = replayed(where)
        if wanted is None or not _may_match(wanted):
            return
        search = MessageSearch(world_id, wanted, way_of(wanted), oldest_first=True)
        place: Place | None = None
        while limit > 0:
            portion = min(REPLAYED_AT_ONCE, limit)
            end = await self._end(search, place, portion)
            query, arguments = search.replayable(place, end, portion)
            rows = await self._database.fetch(query, *arguments)
            if rows:
                yield [row[1] for row in rows]
            limit -= len(rows)
            place = tuple(rows[-1]) if len(rows) == portion else end
            if place is None:
                return

    async def give_up_waiting(self, now: Instant, *, before: Instant, limit: int = 1_000) -> int:
        """See ``MessageStore``."""
        del now
        fetch, first = self._database.fetch, self._looked_to
        ends = await fetch(_SQL["end_of_queues"], *first, WINDOW - 1)
        rows = await fetch(_SQL["long_waiting"], *first, WINDOW, before, limit)
        if len(rows) < limit:
            self._looked_to = ends[0] if ends else (FIRST_ID, FIRST_ID)
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


async def _revive(
    link: Link, world_id: int, ids: Sequence[Any], now: Instant, *, also_waiting: bool
) -> list[Any]:
    """Make messages pending again, each in its place in its queue; return their ids.

    The queues are held first, so that nobody else changes these messages; then it is seen which of
    them are still there, and still as they were.
    """
    if not ids:
        return []
    queues = await link.fetch(_SQL["open_queues"], world_id, ids, now)
    if not queues:
        return []
    columns = ([queue[0] for queue in queues], [queue[1] for queue in queues])
    rows = await link.fetch(_SQL["lock_messages"], world_id, ids, *columns, also_waiting)
    found = [row[0] for row in rows]
    await link.fetch(_SQL["revive_messages"], found, now, *columns)
    await link.fetch(_SQL["settle_queues"], *columns)
    return found
