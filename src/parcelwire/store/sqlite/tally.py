"""Counters of one transaction, written once at its end instead of once per tracking."""

from __future__ import annotations

from typing import Final
from weakref import WeakKeyDictionary

import apsw

from parcelwire.store.sqlite import queries


class Tally:
    """What the works of the transaction at hand have counted."""

    def __init__(self) -> None:
        self._created: dict[int, int] = {}
        self._totals: dict[tuple[int, str, int], int] = {}

    def create(self, world_id: int, status: str, is_archived: int) -> None:
        """Count one tracking that was made."""
        self._created[world_id] = self._created.get(world_id, 0) + 1
        self.move(world_id, status, is_archived, 1)

    def move(self, world_id: int, status: str, is_archived: int, by: int) -> None:
        """Count one tracking into (1) or out of (-1) its status."""
        key = (world_id, status, is_archived)
        self._totals[key] = self._totals.get(key, 0) + by

    def write(self, connection: apsw.Connection) -> None:
        """Bring the counters in the database up to date; for whoever reads them, and at the end."""
        for world_id, count in self._created.items():
            connection.execute(queries.ADD_CREATED, (world_id, count))
        for (world_id, status, is_archived), count in self._totals.items():
            if count:
                connection.execute(queries.COUNT_ONE, (world_id, status, is_archived, count))
        self.forget()

    def forget(self) -> None:
        """Drop what was counted: it is written, or its transaction is rolled back."""
        self._created.clear()
        self._totals.clear()


_TALLIES: Final[WeakKeyDictionary[apsw.Connection, Tally]] = WeakKeyDictionary()


def tally_of(connection: apsw.Connection) -> Tally:
    """Return the tally of the transaction that ``connection`` has open."""
    tally = _TALLIES.get(connection)
    if tally is None:
        tally = _TALLIES[connection] = Tally()
    return tally
