"""Creations are answered with success before they are stored, as a write-behind cache would."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from parcelwire.tracking.ports import Creation, NewTracking
from prove.planted import DELAY_SECONDS, Method, later, spoil_store


@spoil_store("create_trackings")
def _(create: Method) -> Method:
    async def answer_early(store: Any, new: Sequence[NewTracking], **options: Any) -> Any:
        async def work() -> None:
            await asyncio.sleep(DELAY_SECONDS)
            await create(store, new, **options)

        later(work())
        return [Creation(result="created") for _ in new]

    return answer_early
