"""The events feed: everything that changed, in the order in which it was stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from parcelwire.client import native_calls
from parcelwire.client.aio.engine import AsyncEngine
from parcelwire.client.details import instant_text
from parcelwire.client.native_models import Event, EventPage

MOST_WAIT_SECONDS = 30


class AsyncEvents:
    """For those who missed a webhook, or want none.

    ::

        async for page in client.events.pages(after=cursor):
            for event in page.items:
                ...
            cursor = page.next_cursor          # keep it: here you go on after a restart
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def page(
        self,
        *,
        after: str = "",
        since: datetime | None = None,
        limit: int = 100,
        wait_seconds: int = 0,
    ) -> EventPage:
        """Return the events after a cursor; without one from ``since``, or from the oldest kept.

        ``wait_seconds`` (30 at most): wait for an event when there is none yet.

        Raises:
            EventsPrunedError: events after this cursor are no longer kept.
            InvalidRequestError: it is no cursor of the feed.
            ParcelwireError: it came to nothing.
        """
        query = {
            "after": after,
            "since": "" if after else instant_text("since", since),
            "limit": limit,
            "wait_seconds": wait_seconds,
        }
        return await self._engine.send(native_calls.read_events(query))

    async def pages(
        self,
        *,
        after: str = "",
        since: datetime | None = None,
        limit: int = 100,
        is_live: bool = False,
    ) -> AsyncIterator[EventPage]:
        """Yield page by page what there is; ``is_live``: and what comes, without end.

        An empty page is yielded too: its cursor is newer.

        Raises:
            EventsPrunedError: events after this cursor are no longer kept.
            ParcelwireError: a page could not be fetched.
        """
        wait = MOST_WAIT_SECONDS if is_live else 0
        while True:
            page = await self.page(after=after, since=since, limit=limit, wait_seconds=wait)
            yield page
            after = page.next_cursor
            if not page.has_more and not is_live:
                return

    async def list(self, *, after: str = "", since: datetime | None = None) -> AsyncIterator[Event]:
        """Yield the events there are, oldest first.

        Raises:
            EventsPrunedError: events after this cursor are no longer kept.
            ParcelwireError: a page could not be fetched.
        """
        async for page in self.pages(after=after, since=since):
            for event in page.items:
                yield event

    async def follow(
        self, *, after: str = "", since: datetime | None = None
    ) -> AsyncIterator[Event]:
        """Yield the events there are and those that come, without end.

        Raises:
            EventsPrunedError: events after this cursor are no longer kept.
            ParcelwireError: a page could not be fetched.
        """
        async for page in self.pages(after=after, since=since, is_live=True):
            for event in page.items:
                yield event
