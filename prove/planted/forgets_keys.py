"""Idempotency keys are taken and never looked at."""

from __future__ import annotations

from typing import Any

from prove.planted import Method, spoil_store


def _forgetful(write: Method) -> Method:
    async def write_again(store: Any, *arguments: Any, once: Any = None, **more: Any) -> Any:
        del once
        return await write(store, *arguments, **more)

    return write_again


for name in ("create_trackings", "add_endpoint", "add_key"):
    spoil_store(name)(_forgetful)
