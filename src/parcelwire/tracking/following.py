"""Follows the events feed of every world, and remembers in the store how far it came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from parcelwire.domain.account import Account, world_of
from parcelwire.domain.changes import Event
from parcelwire.domain.clock import CLOCKS_DIFFER, Clock, Instant
from parcelwire.tracking.ports import TrackingPlace

KIND: Final = "cursor"
"""Of the records that say how far somebody came: scope = the world, id = who follows."""


DATA_FAULTS: Final = (ValueError, TypeError, LookupError, msgspec.MsgspecError)
"""What comes of stored data that is not as it should be; an outage of the store is none of these.
What is wrong with one world's data is no reason to leave the others out.
"""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a follower came in one world."""

    cursor: int = 0
    since: Instant = 0
    """When it began."""
    is_filled: bool = False
    """Whether it has gone through all that was there when it began, where it does such a thing."""
    place: TrackingPlace | None = None
    """How far it came with that."""

    def began_at(self, now: Instant) -> Instant:
        """Return when it began; 0 when a clock says so that was ahead and has gone back since."""
        return self.since if self.since <= now + CLOCKS_DIFFER else 0


class FeedStore(Protocol):
    """What a follower needs of the store."""

    async def list_accounts(self) -> list[Account]:
        """Return all accounts by number."""
        ...

    async def events_after(self, world_id: int, cursor: int, limit: int) -> list[tuple[int, Event]]:
        """Return events after ``cursor`` with their own cursors, ascending."""
        ...

    async def feed_ends(self) -> dict[int, int | None]:
        """Return for each world a cursor behind which it has no event; None: it may have some."""
        ...

    async def load_record(self, kind: str, scope: str, record_id: str) -> bytes | None:
        """Return one document."""
        ...

    async def change_record(
        self,
        kind: str,
        scope: str,
        record_id: str,
        change: Callable[[bytes | None], bytes | None],
        *,
        at: Instant,
        tracking_id: str | None = None,
    ) -> bytes | None:
        """Read, change and write one record in one transaction; nothing once its tracking, if it
        has one, is deleted.
        """
        ...


_decode: Final = msgspec.json.Decoder(Mark).decode
_encode: Final = msgspec.json.Encoder().encode


class Follower:
    """One reader of the feed, by name; all processes that use the name share its marks.

    Two of them may read the same events: what is done with an event must bear being done twice.
    """

    def __init__(self, name: str, store: FeedStore, clock: Clock, *, batch: int = 500) -> None:
        """``batch``: events read at a time."""
        self._name = name
        self._store = store
        self._clock = clock
        self._batch = batch
        self._marks: dict[int, Mark] = {}
        """As last seen: what others have done since may be read again, once."""
        self._ends: dict[int, int | None] = {}
        """Where the feed of each world ended when ``worlds`` looked, as ``feed_ends`` says it."""
        self._idle: set[int] = set()
        """Worlds in which nothing had happened behind the mark when ``worlds`` looked."""

    async def worlds(self) -> list[int]:
        """Return all worlds.

        One look finds those in which nothing has happened; the next ``read`` of each is spared.
        """
        ends = self._ends = await self._store.feed_ends()
        self._idle = {
            world_id
            for world_id, mark in self._marks.items()
            if (end := ends.get(world_id, 0)) is not None and end <= mark.cursor
        }
        return [
            world_of(account.number, is_test)
            for account in await self._store.list_accounts()
            for is_test in (False, True)
        ]

    async def mark(self, world_id: int) -> Mark:
        """Return how far this follower is known to have come; made at first sight.

        Then it begins where the feed ends: what a clock says of earlier and later may be wrong.
        """
        known = self._marks.get(world_id)
        if known is None:
            fresh = Mark(since=self._clock.now(), cursor=await self._end(world_id))
            known = await self._change(world_id, lambda before: before or fresh)
        return known

    async def _end(self, world_id: int) -> int:
        end = self._ends.get(world_id, 0)
        if end is None:
            # Events that have no place in the feed yet get one when it is read.
            await self._store.events_after(world_id, 0, 1)
            end = (await self._store.feed_ends()).get(world_id, 0)
        return end or 0

    async def read(self, world_id: int) -> list[tuple[int, Event]]:
        """Return what happened after the mark, oldest first."""
        if world_id in self._idle:
            self._idle.remove(world_id)
            return []
        mark = await self.mark(world_id)
        events = await self._store.events_after(world_id, mark.cursor, self._batch)
        if not events:
            return []
        document = await self._store.load_record(KIND, str(world_id), self._name)
        shared = mark if document is None else _decode(document)
        self._marks[world_id] = shared
        return [(cursor, event) for cursor, event in events if cursor > shared.cursor]

    async def advance(self, world_id: int, cursor: int) -> None:
        """Say that everything up to ``cursor`` is done with."""
        await self._change(
            world_id,
            lambda before: msgspec.structs.replace(
                before or Mark(), cursor=max(cursor, before.cursor if before else 0)
            ),
        )

    async def fill(self, world_id: int, place: TrackingPlace | None) -> None:
        """Say how far what was there at the beginning is gone through; None = to its end."""

        def note(before: Mark | None) -> Mark:
            mark = before or Mark()
            if mark.is_filled:
                return mark
            return msgspec.structs.replace(mark, place=place, is_filled=place is None)

        await self._change(world_id, note)

    async def _change(self, world_id: int, change: Callable[[Mark | None], Mark]) -> Mark:
        document = await self._store.change_record(
            KIND,
            str(world_id),
            self._name,
            lambda before: _encode(change(None if before is None else _decode(before))),
            at=self._clock.now(),
        )
        mark = Mark() if document is None else _decode(document)
        self._marks[world_id] = mark
        return mark
