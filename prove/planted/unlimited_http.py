"""The HTTP server takes heads of any size, for any time, on any number of connections."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from parcelwire.bootstrap.settings import server_limits
from parcelwire.cli import serve
from parcelwire.server.limits import ServerLimits

_ENDLESS = 1 << 40


def _no_limits(*arguments: Any, **options: Any) -> ServerLimits:
    return replace(
        server_limits(*arguments, **options),
        max_head_bytes=_ENDLESS,
        max_connections=_ENDLESS,
        head_timeout_seconds=float(_ENDLESS),
    )


serve.server_limits = _no_limits  # type: ignore[attr-defined]  # the bug
