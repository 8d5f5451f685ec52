"""How a list is walked through page by page, without losing what moves meanwhile. No I/O.

Pages by number shift when something is created or deleted between two of them. Where a server's
lists are known to be ordered by creation (``by_time``), the next page is therefore "created no
later than the last one seen", minus what was seen. A page that is not in that order, or a server
about which nothing is known, is walked by number as its manual says.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

from parcelwire.client.models import Tracking

MAX_NUMBERS: Final = 40
"""Of one call; more numbers are asked for in several."""
MAX_PAGE_SIZE: Final = 200

Query = dict[str, str | int]


class Paging:
    """The way through one list."""

    def __init__(
        self, query: Query, numbers: Sequence[str] | None, page_size: int, *, by_time: bool
    ) -> None:
        """``numbers`` None: all trackings that ``query`` lets through; empty: none.

        Raises:
            ValueError: ``page_size`` is not 1 to 200.
        """
        if not 1 <= page_size <= MAX_PAGE_SIZE:
            msg = f"page_size must be 1 to {MAX_PAGE_SIZE}"
            raise ValueError(msg)
        self._groups: list[Query]
        if numbers is None:
            self._groups = [query]
        else:
            wanted = list(dict.fromkeys(number for number in numbers if number.strip()))
            self._groups = [
                {**query, "tracking_numbers": ",".join(wanted[start : start + MAX_NUMBERS])}
                for start in range(0, len(wanted), MAX_NUMBERS)
            ]
        self._size = page_size
        self._is_known = by_time
        self._by_time = by_time
        self._page = 1
        self._until: datetime | None = None
        self._seen: set[str] = set()

    def query(self) -> Query | None:
        """Return the query of the next page; None: there is no further one."""
        if not self._groups:
            return None
        query: Query = {**self._groups[0], "items_amount": self._size, "pages_amount": self._page}
        if self._until is not None:
            query["created_date_max"] = self._until.isoformat(timespec="seconds")
        return query

    def take(self, page: Sequence[Tracking]) -> list[Tracking]:
        """Return what of ``page`` was not seen before, and move on."""
        fresh = [tracking for tracking in page if tracking.id not in self._seen]
        # A server that may cap pages at fewer than were asked for is only over when nothing comes.
        if not page or (len(page) < self._size if self._is_known else not fresh):
            del self._groups[0]
            self._begin_group()
            return fresh
        last = page[-1].created_at
        if not self._by_time or last is None or not _is_ordered(page):
            self._by_time = False
            self._page += 1
            self._seen = {tracking.id for tracking in page}
            return fresh
        at_last = {tracking.id for tracking in page if tracking.created_at == last}
        if last == self._until:
            # More than a page within one second, the unit of the wire: by number within it.
            self._page += 1
            self._seen |= at_last
        else:
            self._until, self._page, self._seen = last, 1, at_last
        return fresh

    def _begin_group(self) -> None:
        self._by_time = self._is_known
        self._page = 1
        self._until = None
        self._seen = set()


def _is_ordered(page: Sequence[Tracking]) -> bool:
    times = [tracking.created_at for tracking in page]
    return all(
        earlier is not None and later is not None and earlier >= later
        for earlier, later in pairwise(times)
    )
