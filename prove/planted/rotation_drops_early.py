"""The old key leaves the file when the new one is there, before everything is sealed anew."""

from __future__ import annotations

import os
from typing import Any

from parcelwire.bootstrap.rotation import Rotation
from parcelwire.connectors.key_file import replace_key_file

_reseal = Rotation._reseal


async def _drop_and_reseal(self: Rotation, on_progress: Any) -> int:
    replace_key_file(self._ring.path, self._ring.key_bytes()[:1], os.urandom)
    return await _reseal(self, on_progress)


Rotation._reseal = _drop_and_reseal  # type: ignore[method-assign]
