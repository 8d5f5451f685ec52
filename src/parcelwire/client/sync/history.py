# Generated from ../aio by tools/generate_sync.py: change that, and generate again.
"""What changed of one parcel."""

from __future__ import annotations

from collections.abc import Iterator

from parcelwire.client import native_calls
from parcelwire.client.native_models import Event
from parcelwire.client.sync.engine import Engine


class TrackingEventPager:
    """Events of one parcel, newest first. Each iteration asks the server anew."""

    def __init__(self, engine: Engine, tracking_id: str, page_size: int) -> None:
        self._engine = engine
        self._tracking_id = tracking_id
        self._page_size = page_size

    def __iter__(self) -> Iterator[Event]:
        cursor: str | None = None
        while True:
            query = {"cursor": cursor, "limit": self._page_size}
            page = self._engine.send(native_calls.list_tracking_events(self._tracking_id, query))
            yield from page.items
            cursor = page.next_cursor
            if not page.has_more or not cursor:
                return

    def all(self) -> list[Event]:
        """Return all of them at once.

        Raises:
            NotFoundError: there is no such tracking.
            ParcelwireError: a page could not be fetched.
        """
        return list(self)
