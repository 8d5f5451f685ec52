"""One change in ten is stored without its event, so that the feed has gaps."""

from __future__ import annotations

import random
from typing import Any

from msgspec.structs import replace

from parcelwire.tracking.ports import Save
from prove.planted import Method, spoil_store

_chance = random.Random(10)


@spoil_store("save")
def _(save: Method) -> Method:
    async def save_silently(store: Any, change: Save) -> Any:
        is_silent = _chance.random() < 0.1
        return await save(store, replace(change, event=None) if is_silent else change)

    return save_silently
