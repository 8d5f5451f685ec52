"""Trackings read from rows: whole, or as far as the columns beside an unreadable document tell."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from parcelwire.domain.tracking import Tracking
from parcelwire.store.unreadable import UNREADABLE, Unreadable
from parcelwire.tracking.ports import PollState, Stored
from parcelwire.tracking.slices import in_slices


class StandIns(ABC):
    """What both engines do alike; how a row looks is theirs."""

    _unreadable: Unreadable

    @abstractmethod
    def _stored_of(self, row: Any) -> Stored:
        """Read a row; raises one of ``UNREADABLE`` where its document cannot be read."""

    @abstractmethod
    def _poll_of(self, row: Any) -> PollState:
        """Read what a row tells of the polls."""

    @abstractmethod
    def _name_of(self, row: Any) -> str:
        """Return what a row is called in a message to the operator."""

    @abstractmethod
    async def _stand_in(self, row: Any) -> Tracking | None:
        """Return what the columns tell of a row's tracking; None: it was deleted just now."""

    async def _first(self, rows: Sequence[Any]) -> Stored | None:
        """Return the record of the first row, or its stand-in; None where there is no row."""
        if not rows:
            return None
        try:
            return self._stored_of(rows[0])
        except UNREADABLE:
            return next(iter(await self._stored(rows)), None)

    async def _stored(self, rows: Sequence[Any]) -> list[Stored]:
        """Return the records of rows, with a stand-in for each that cannot be read."""
        try:
            return await in_slices(self._stored_of, rows)
        except UNREADABLE:
            found = await in_slices(self._stored_or_none, rows)
        shown = []
        for one, row in zip(found, rows, strict=True):
            record = one or await self._instead_of(row)
            if record is not None:
                shown.append(record)
        return shown

    async def _instead_of(self, row: Any) -> Stored | None:
        tracking = await self._stand_in(row)
        return None if tracking is None else Stored(tracking, self._poll_of(row))

    def _stored_or_none(self, row: Any) -> Stored | None:
        return self._unreadable.read(self._stored_of, row, self._name_of)
