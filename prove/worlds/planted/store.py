"""Bugs in what the store writes and shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import apsw
from msgspec.structs import replace

from parcelwire.domain.changes import Event
from parcelwire.store.codec import pack
from parcelwire.store.sqlite import queries
from parcelwire.store.sqlite.writer import Work
from parcelwire.tracking.ports import (
    AlreadyDoneError,
    Once,
    Save,
)
from prove.worlds.disk import Disk
from prove.worlds.planted.bug import Bug
from prove.worlds.process import Parts
from prove.worlds.stores import WorldStore


class _LazyDisk(Disk):
    """A commit is acknowledged before it is flushed."""

    synchronous: Literal["FULL", "NORMAL"] = "NORMAL"


class _LosesOutboxRow(WorldStore):
    """Every third change forgets its last message."""

    _changes = 0

    async def change_courier(
        self, change: Save, *, once: Once | None = None
    ) -> Literal["saved", "conflict", "taken"]:
        if change.messages:
            self._changes += 1
            if self._changes % 3 == 0:
                change = replace(change, messages=change.messages[:-1])
        return await super().change_courier(change, once=once)


class _SkipsInFeed(WorldStore):
    """A full page of the feed leaves out the last event but one."""

    async def events_after(self, world_id: int, cursor: int, limit: int) -> list[tuple[int, Event]]:
        page = await super().events_after(world_id, cursor, limit)
        return [*page[:-2], page[-1]] if 1 < len(page) == limit else page


class _RecordsApart(WorldStore):
    """The record of an idempotency key has a transaction of its own, after the effect's."""

    async def _write_once(
        self,
        work: Work[Any],
        once: Once | None,
        *,
        counts: Callable[[Any], bool] = lambda _: True,
        rows: int = 1,
    ) -> Any:
        if once is None:
            return await self._write(work)
        record = await self.find_idempotency_record(once.world_id, once.key)
        if record is not None:
            raise AlreadyDoneError(record)
        result = await self._write(work)
        if not counts(result) or (answered := once.answer(result)) is None:
            return result
        status, body = answered
        values = (once.world_id, once.key, once.fingerprint, once.at, status, pack(body))

        def write(connection: apsw.Connection) -> None:
            connection.execute(queries.ADD_DONE, values)

        await self._write(write)
        return result


BUGS: Final = (
    Bug("acknowledged before it is durable", Parts(disk=_LazyDisk), 2),
    Bug("a row of the outbox lost", Parts(store=_LosesOutboxRow), 1),
    Bug("the cursor of the feed skips an event", Parts(store=_SkipsInFeed), 1),
    Bug("an idempotency record outside the transaction", Parts(store=_RecordsApart), 7),
)
