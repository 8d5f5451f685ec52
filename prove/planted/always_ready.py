"""Readiness says that all is well without asking the database."""

from __future__ import annotations

from typing import Any

from prove.planted import Method, spoil_store


@spoil_store("try_write")
def _(try_write: Method) -> Method:
    del try_write

    async def say_yes(store: Any) -> None:
        del store

    return say_yes
