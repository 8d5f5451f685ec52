"""With which key a transaction seals: the one that the database names in this transaction."""

from __future__ import annotations

from typing import Final

from parcelwire.store.port import KeyUnavailableError
from parcelwire.store.postgres.database import Database
from parcelwire.store.postgres.pool import Link
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.sealing import Sealing

SQL: Final = load_queries("sealing.sql")

_TRIES: Final = 3


class KeyNaming:
    """What every part of the store that seals stands on."""

    _database: Database
    _sealing: Sealing

    async def _sealing_key(self, link: Link) -> str:
        """Return the fingerprint of the key that seals, and keep it so until the commit.

        Empty when nothing is sealed here.

        Raises:
            KeyUnavailableError: the installation has no key yet.
        """
        if not self._sealing.is_on:
            return ""
        for _ in range(_TRIES):
            # Whoever waited for a rotation to begin finds no row: the old key is current no more,
            # and the new one was not there when the statement began.
            for row in await link.fetch(SQL["current_key"]):
                return str(row[0])
        msg = "the installation has no key to seal with yet: start the server once"
        raise KeyUnavailableError(msg)
