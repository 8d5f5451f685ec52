"""The store as a process of a world has it: the real one, and what the database's server adds."""

from __future__ import annotations

import asyncio
import random
from typing import Final

import msgspec

from parcelwire.domain.clock import Instant
from parcelwire.polling.ports import Pause
from parcelwire.store.codec import decode_event
from parcelwire.store.sqlite.store import SqliteStore
from prove.worlds.ledger import Ledger
from prove.worlds.sky import WorldClock

SLOWEST_LOOK_SECONDS: Final = 0.1
"""How long the database takes to tell its time, at most."""


_EVENTS: Final = """
SELECT world_id, cursor, packed FROM event WHERE cursor IN (SELECT value FROM json_each(?))
"""


class WorldStore(SqliteStore):
    """The real store. It tells machines the database's time, and the ledger of carriers' pauses."""

    _server: WorldClock | None = None
    _ledger: Ledger
    _chance: random.Random

    def begin(self, server: WorldClock | None, ledger: Ledger, chance: random.Random) -> None:
        """``server``: the clock of the database's machine; None: all processes are on it."""
        self._server = server
        self._ledger = ledger
        self._chance = chance

    async def database_time(self) -> Instant | None:
        """See ``Store``."""
        if self._server is None:
            return None
        await asyncio.sleep(self._chance.random() * SLOWEST_LOOK_SECONDS / 2)
        told = self._server.now()
        await asyncio.sleep(self._chance.random() * SLOWEST_LOOK_SECONDS / 2)
        return told

    async def _delete_events(self, cursors: list[int]) -> int:
        """See ``Feed``. The ledger keeps what goes: the judge wants to see all that ever was."""
        wanted = msgspec.json.encode(cursors).decode()
        for world_id, cursor, packed in await self._reader.rows(_EVENTS, (wanted,)):
            self._ledger.pruned[world_id][cursor] = decode_event(packed)
        return await super()._delete_events(cursors)

    async def set_pause(self, key: str, pause: Pause | None) -> None:
        """See ``PollStore``."""
        await super().set_pause(key, pause)
        if pause is not None:
            self._ledger.pauses.append((self._ledger.now(), key, pause.reason))
