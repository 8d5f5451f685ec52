"""A change is stored in one transaction and its messages in a second one, a moment later."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec.structs import replace

from parcelwire.tracking.ports import Save
from prove.planted import DELAY_SECONDS, Method, later, spoil_store


@spoil_store("save")
def _(save: Method) -> Method:
    async def save_then_tell(store: Any, change: Save) -> Any:
        async def tell() -> None:
            await asyncio.sleep(DELAY_SECONDS)
            await store.add_messages(change.messages)

        is_saved = await save(store, replace(change, messages=()))
        if is_saved and change.messages:
            later(tell())
        return is_saved

    return save_then_tell
