"""A rotation that follows a killed one begins anew, with one more key."""

from __future__ import annotations

from typing import Any

from parcelwire.bootstrap.rotation import Rotation, RotationResult

_run = Rotation._run


async def _begin_anew(self: Rotation, **options: Any) -> RotationResult:
    await self._write_new_key()
    return await _run(self, **options)


Rotation._run = _begin_anew  # type: ignore[method-assign]
