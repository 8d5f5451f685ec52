"""What the parts of the store have in common: one writer, one reader, one renderer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final, TypeVar

import apsw

from parcelwire.store.port import KeyUnavailableError
from parcelwire.store.sealing import Sealing, ValueSealer
from parcelwire.store.sqlite.connection import fetch
from parcelwire.store.sqlite.reader import Reader
from parcelwire.store.sqlite.rows import Render
from parcelwire.store.sqlite.writer import Work, Writer
from parcelwire.store.sweeping import Sweep
from parcelwire.store.turns import Turns
from parcelwire.store.unreadable import Unreadable

__all__ = ["Part", "Work"]

T = TypeVar("T")

CURRENT_KEY: Final = "SELECT fingerprint FROM sealing_key WHERE is_current = 1"


class Part:
    """The ground that every part of the store stands on."""

    def __init__(
        self,
        path: Path,
        *,
        writer: Writer,
        reader: Reader,
        render: Render,
        sealer: ValueSealer | None = None,
    ) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._render = render
        self._sealing = Sealing(sealer)
        self._turns = Turns()
        self._unreadable = Unreadable()
        self._message_sweep = Sweep()
        self._event_sweep = Sweep()

    def _write(
        self, work: Work[T], *, world_id: int | None = None, rows: int = 1
    ) -> asyncio.Future[T]:
        """Do ``work`` in the next transaction; the answer comes when it is durable.

        Worlds have their turns one after the other, and what is nobody's own has its turn, too.
        """
        return self._writer.submit(work, owner=world_id, rows=rows)

    def _sealing_key(self, connection: apsw.Connection) -> str:
        """Return the fingerprint of the key that seals, as of this transaction.

        Empty when nothing is sealed here.

        Raises:
            KeyUnavailableError: the installation has no key yet.
        """
        if not self._sealing.is_on:
            return ""
        for (fingerprint,) in fetch(connection, CURRENT_KEY):
            return str(fingerprint)
        msg = "the installation has no key to seal with yet: start the server once"
        raise KeyUnavailableError(msg)
