"""What changed of one parcel."""

from __future__ import annotations

from collections.abc import AsyncIterator

from parcelwire.client import native_calls
from parcelwire.client.aio.engine import AsyncEngine
from parcelwire.client.native_models import Event


class AsyncTrackingEventPager:
    """Events of one parcel, newest first. Each iteration asks the server anew."""

    def __init__(self, engine: AsyncEngine, tracking_id: str, page_size: int) -> None:
        self._engine = engine
        self._tracking_id = tracking_id
        self._page_size = page_size

    async def __aiter__(self) -> AsyncIterator[Event]:
        cursor: str | None = None
        while True:
            query = {"cursor": cursor, "limit": self._page_size}
            page = await self._engine.send(
                native_calls.list_tracking_events(self._tracking_id, query)
            )
            for event in page.items:
                yield event
            cursor = page.next_cursor
            if not page.has_more or not cursor:
                return

    async def all(self) -> list[Event]:
        """Return all of them at once.

        Raises:
            NotFoundError: there is no such tracking.
            ParcelwireError: a page could not be fetched.
        """
        return [event async for event in self]
