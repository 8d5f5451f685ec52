"""Messages looked back at: lists, attempts, sending again, and forgetting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final

import apsw
import msgspec

from parcelwire.domain.clock import Instant
from parcelwire.store.message_ways import FEW_WAITING, may_be_few, replayed, way_of
from parcelwire.store.rules import portions
from parcelwire.store.sqlite import message_queries, outbox, queries
from parcelwire.store.sqlite.connection import Row, fetch
from parcelwire.store.sqlite.idempotency import IdempotencyMixin
from parcelwire.store.sqlite.ids import id_value, public_id
from parcelwire.store.sqlite.message_search import MessageSearch, Place
from parcelwire.store.sqlite.outbox import FIRST_LINE
from parcelwire.store.sqlite.rows import shown_message_of
from parcelwire.store.sweeping import Looked
from parcelwire.tracking.ports import Once
from parcelwire.webhooks.ports import Attempt, Message, MessageFilter, MessagePage, MessageState

REPLAYED_AT_ONCE: Final = 500
"""Messages taken up again in one transaction: others wait for the writer meanwhile."""

PRUNED_AT_ONCE: Final = 250
"""Messages deleted in one transaction."""

WINDOW: Final = 2_000
"""Messages looked at in one step when old ones are sought."""


class MessageLog(IdempotencyMixin):
    """The part of ``MessageStore`` that looks back."""

    _looked_to: outbox.Line = FIRST_LINE
    """The line up to which messages were sought that wait too long, in the round at hand."""

    async def load_message(self, world_id: int, message_id: str) -> Message | None:
        """See ``MessageStore``."""
        rows = await self._reader.rows(
            message_queries.LOAD_MESSAGE, (id_value(message_id), world_id)
        )
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
        if limit <= 0:
            return MessagePage()
        place: Place | None = None
        if before is not None:
            known = await self._reader.rows(
                message_queries.PLACE_OF_MESSAGE, (id_value(before), world_id)
            )
            if not known:
                return MessagePage()
            place = known[0]
        way = way_of(where, few_wait=await self._do_few_wait(world_id, where))
        search = MessageSearch(world_id, where, way)
        ends: list[Row] = []
        read = self._reader.rows
        if search.may_pass_over:
            read = self._reader.scan
            ends = await read(*search.end(place, limit + 1))
        rows = await read(*search.page(place, ends[0][:2] if ends else None, limit + 1))
        shown = [shown_message_of(row, self._unreadable) for row in rows[:limit]]
        if len(rows) > limit:
            return MessagePage(shown, shown[-1].id)
        return MessagePage(shown, public_id(ends[0][2]) if ends else None)

    async def _do_few_wait(self, world_id: int, where: MessageFilter) -> bool:
        if not may_be_few(where):
            return False
        bindings = {
            "world": world_id,
            "endpoint": None if where.endpoint_id is None else id_value(where.endpoint_id),
            "most": FEW_WAITING + 1,
        }
        ((count,),) = await self._reader.rows(message_queries.COUNT_PENDING, bindings)
        return bool(count <= FEW_WAITING)

    async def count_waiting(self, endpoint_id: str, *, most: int = 10_000) -> int:
        """See ``MessageStore``."""
        rows = await self._reader.rows(message_queries.COUNT_WAITING, (id_value(endpoint_id), most))
        return int(rows[0][0])

    async def list_attempts(self, message_id: str) -> list[Attempt]:
        """See ``MessageStore``."""
        rows = await self._reader.rows(message_queries.ATTEMPTS, (id_value(message_id),))
        return [
            Attempt(
                id=public_id(identity),
                message_id=public_id(message),
                at=at,
                duration_ms=duration_ms,
                status=status,
                error=error,
                response_body=response_body,
            )
            for identity, message, at, duration_ms, status, error, response_body in rows
        ]

    async def resend(
        self, world_id: int, message_id: str, now: Instant, *, once: Once | None = None
    ) -> bool:
        """See ``MessageStore``."""
        identity = id_value(message_id)

        def work(connection: apsw.Connection) -> bool:
            rows = fetch(connection, message_queries.BEFORE_RESEND, (identity, world_id))
            if not rows or not fetch(connection, queries.HAS_ENDPOINT, (rows[0][1],)):
                return False
            outbox.revive(connection, rows, now)
            return True

        return await self._write_once(work, once)

    async def replay(
        self,
        world_id: int,
        where: MessageFilter,
        now: Instant,
        *,
        limit: int = 10_000,
        once: Once | None = None,
    ) -> int:
        """See ``MessageStore``. Readers seek them: the writer has only to write.

        Without ``once`` it is done in portions, each durable by itself, so that nobody waits long
        for the writer.
        """
        found = self._replayable(world_id, where, limit)
        if once is not None:
            keys = [key async for some in found for key in some]
            return await self._write_once(partial(_replay, keys=keys, now=now), once)
        taken = 0
        async for keys in found:
            taken += await self._write(partial(_replay, keys=keys, now=now))
        return taken

    async def _replayable(
        self, world_id: int, where: MessageFilter, limit: int
    ) -> AsyncIterator[list[int]]:
        """Find what a replay takes up, oldest first, in portions that one transaction can take."""
        wanted = replayed(where)
        if wanted is None:
            return
        search = MessageSearch(world_id, wanted, way_of(wanted), oldest_first=True)
        place: Place | None = None
        while limit > 0:
            portion = min(REPLAYED_AT_ONCE, limit)
            ends = await self._reader.scan(*search.end(place, portion))
            end = ends[0][:2] if ends else None
            rows = await self._reader.scan(*search.replayable(place, end, portion))
            if rows:
                yield [key for _, key in rows]
            limit -= len(rows)
            place = rows[-1] if len(rows) == portion else end
            if place is None:
                return

    async def give_up_waiting(self, now: Instant, *, before: Instant, limit: int = 1_000) -> int:
        """See ``MessageStore``."""
        # Sought by a reader, so that the writer has only to write.
        scan, first = self._reader.scan, self._looked_to
        ends = await scan(message_queries.END_OF_LINES, (*first, WINDOW - 1))
        found = await scan(message_queries.LONG_WAITING, (*first, WINDOW, before, limit))
        if len(found) < limit:
            self._looked_to = ends[0] if ends else FIRST_LINE
        keys = [key for (key,) in found]

        def give_up(connection: apsw.Connection, wanted: str) -> int:
            rows = fetch(connection, message_queries.GIVE_UP_WAITING, (wanted,))
            for row in rows:
                connection.execute(queries.ADD_SKIPPED, row)
            outbox.settle_idle(connection, dict.fromkeys(row[:2] for row in rows), now)
            return len(rows)

        gone = 0
        for portion in portions(keys, PRUNED_AT_ONCE):
            wanted = msgspec.json.encode(portion).decode()
            gone += await self._write(partial(give_up, wanted=wanted))
        return gone

    async def prune_messages(self, before: Instant, *, limit: int = 1_000) -> int:
        """See ``MessageStore``."""

        async def look(after: int) -> Looked:
            rows = await self._reader.scan(message_queries.OLDEST_MESSAGES, (after, WINDOW))
            return [
                (key, created_at < before, state != MessageState.PENDING.value)
                for key, created_at, state in rows
            ]

        async def delete(old: list[int]) -> int:
            gone = 0
            for portion in portions(old, PRUNED_AT_ONCE):
                gone += await self._delete_messages(portion)
            return gone

        return await self._message_sweep.prune(look, delete, limit=limit)

    async def _delete_messages(self, keys: Sequence[int]) -> int:
        wanted = msgspec.json.encode(keys).decode()

        def work(connection: apsw.Connection) -> int:
            rows = fetch(connection, message_queries.DELETE_MESSAGES, (wanted,))
            for key, identity, endpoint_id, tracking_id, sequence in rows:
                connection.execute(message_queries.DELETE_PAYLOAD, (key,))
                connection.execute(message_queries.DELETE_ATTEMPTS, (key,))
                line = (endpoint_id, tracking_id, sequence, identity)
                connection.execute(message_queries.DELETE_SKIPPED, line)
            return len(rows)

        return await self._write(work)


def _replay(connection: apsw.Connection, *, keys: list[int], now: Instant) -> int:
    """Take up again those messages that still can be; return how many."""
    wanted = msgspec.json.encode(keys).decode()
    rows = fetch(connection, message_queries.STILL_REPLAYABLE, (wanted,))
    outbox.revive(connection, rows, now)
    return len(rows)
