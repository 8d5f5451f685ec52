"""Readiness only reads, as one that counts the rows of a table does."""

from __future__ import annotations

from typing import Any

from prove.planted import Method, spoil_store


@spoil_store("try_write")
def _(try_write: Method) -> Method:
    del try_write

    async def read(store: Any) -> None:
        await store.list_accounts()

    return read
