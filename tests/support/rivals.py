"""Others who change a tracking just when somebody wants to store a change of it."""

from __future__ import annotations

import copy
from typing import Any

from parcelwire.tracking.ports import Once, Save
from parcelwire.tracking.service import TrackingService


class Rivals:
    """The real store of ``service``, except that before each of the next ``edits`` saves somebody
    else's edit of the same tracking is stored: a note. ``fired`` counts them.
    """

    def __init__(self, service: TrackingService, edits: int) -> None:
        self._store: Any = service.editor.store
        self._others = copy.copy(service)
        self._others.editor = copy.copy(service.editor)
        self._edits = edits
        self.fired = 0
        mine: Any = self
        service.editor.store = mine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def save(self, change: Save, *, once: Once | None = None) -> Any:
        await self._be_first(change)
        return await self._store.save(change, once=once)

    async def change_courier(self, change: Save, *, once: Once | None = None) -> Any:
        await self._be_first(change)
        return await self._store.change_courier(change, once=once)

    async def _be_first(self, change: Save) -> None:
        if self.fired == self._edits:
            return
        self.fired += 1
        mine = change.tracking
        stored = await self._others.get(mine.world_id, mine.id)
        await self._others.update(stored, details={"note": f"{self.fired} by others"})
