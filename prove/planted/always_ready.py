"""Readiness says that all is well without asking the database."""

from __future__ import annotations

from typing import Any

from prove.planted import Method, spoil_store


@spoil_store("is_ready")
def _(is_ready: Method) -> Method:
    del is_ready

    async def say_yes(store: Any) -> bool:
        del store
        return True

    return say_yes
