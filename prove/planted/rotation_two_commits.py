"""An endpoint's old seal is taken off in one transaction, and the new one put on in the next."""

from __future__ import annotations

import apsw

from parcelwire.domain.sealing import id_of
from parcelwire.store.sealing import place_of_endpoint
from parcelwire.store.sqlite import sealings
from parcelwire.store.sqlite.connection import fetch
from parcelwire.store.sqlite.ids import public_id
from parcelwire.store.sqlite.sealings import Sealings


def _reseal(self: Sealings, connection: apsw.Connection, key: str, limit: int) -> int:
    rows = fetch(connection, sealings.OLD_ENDPOINTS, (id_of(key), max(0, limit)))
    for row_key, identity, sealed in rows:
        place = place_of_endpoint(public_id(identity))
        plain = self._sealing.open(sealed, place)
        connection.execute(sealings.RESEAL_ENDPOINT, (b"", row_key))
        connection.execute("COMMIT")
        again = self._sealing.seal(plain, place, key)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(sealings.RESEAL_ENDPOINT, (again, row_key))
    return len(rows)


Sealings._reseal_endpoints = _reseal  # type: ignore[method-assign]
