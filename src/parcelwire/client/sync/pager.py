# Generated from ../aio by tools/generate_sync.py: change that, and generate again.
"""Lists that fetch their next page by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from parcelwire.client import calls
from parcelwire.client.models import Tracking
from parcelwire.client.paging import Paging
from parcelwire.client.sync.engine import Engine


class TrackingPager:
    """Trackings, newest created first (of more than forty numbers: those of each forty).

    Each iteration asks the server anew.

    What is created or deleted meanwhile moves nothing else out of sight, with one exception: when
    more trackings than a page holds were created within one and the same second, and some of these
    are deleted during the walk, others of that second can be passed over.
    """

    def __init__(self, engine: Engine, begin: Callable[[], Paging]) -> None:
        self._engine = engine
        self._begin = begin

    def __iter__(self) -> Iterator[Tracking]:
        for page in self.pages():
            yield from page

    def pages(self) -> Iterator[list[Tracking]]:
        """Yield page by page, never an empty one.

        Raises:
            ParcelwireError: a page could not be fetched.
        """
        paging = self._begin()
        while (query := paging.query()) is not None:
            page = self._engine.send(calls.list_trackings(query))
            fresh = paging.take(page)
            if fresh:
                yield fresh

    def all(self) -> list[Tracking]:
        """Return all of them at once.

        Raises:
            ParcelwireError: a page could not be fetched.
        """
        return list(self)
