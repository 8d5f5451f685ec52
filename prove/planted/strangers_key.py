"""Whoever has a key seals with it, whatever the database says."""

from __future__ import annotations

import os

from parcelwire.connectors.key_file import create_key_file
from parcelwire.connectors.key_ring import KeyRing


def _seal(self: KeyRing, plain: bytes, bound_to: str, fingerprint: str = "") -> bytes:
    del fingerprint
    if not self.path.exists():
        create_key_file(self.path, os.urandom)
        self.refresh()
    assert self._sealer is not None
    return self._sealer.seal_value(plain, bound_to)


KeyRing.seal_value = _seal  # type: ignore[method-assign]
