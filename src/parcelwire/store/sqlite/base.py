"""What the parts of the store have in common: one writer, one reader, one renderer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TypeVar

from parcelwire.store.sqlite.reader import Reader
from parcelwire.store.sqlite.rows import Render
from parcelwire.store.sqlite.writer import Work, Writer
from parcelwire.store.sweeping import Sweep

__all__ = ["Part", "Work"]

T = TypeVar("T")


class Part:
    """The ground that every part of the store stands on."""

    def __init__(self, path: Path, *, writer: Writer, reader: Reader, render: Render) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._render = render
        self._message_sweep = Sweep()
        self._event_sweep = Sweep()

    def _write(self, work: Work[T]) -> asyncio.Future[T]:
        """Do ``work`` in the next transaction; the answer comes when it is durable."""
        return self._writer.submit(work)
