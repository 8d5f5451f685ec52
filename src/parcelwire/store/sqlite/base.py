"""What the parts of the store have in common: one writer, one reader, one renderer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TypeVar

from parcelwire.store.sqlite.reader import Reader
from parcelwire.store.sqlite.rows import Render
from parcelwire.store.sqlite.writer import Work, Writer
from parcelwire.store.turns import Turns

__all__ = ["Part", "Work"]

T = TypeVar("T")


class Part:
    """The ground that every part of the store stands on."""

    def __init__(self, path: Path, *, writer: Writer, reader: Reader, render: Render) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._render = render
        self._turns = Turns()
        self._pruned_to = 0
        """The message up to which old ones were sought, in the round at hand."""

    def _write(
        self, work: Work[T], *, world_id: int | None = None, rows: int = 1
    ) -> asyncio.Future[T]:
        """Do ``work`` in the next transaction; the answer comes when it is durable.

        Worlds have their turns one after the other, and what is nobody's own has its turn, too.
        """
        return self._writer.submit(work, owner=world_id, rows=rows)
