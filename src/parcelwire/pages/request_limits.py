"""Turns requests of the public pages away before anything is read for them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from parcelwire.domain.brand import Brand
from parcelwire.pages.house import PageHouse
from parcelwire.pages.limits import RefusalLog, SourceLimit, source_in
from parcelwire.pages.rendering import EMBEDDED, PUBLIC, html, language_of
from parcelwire.pages.words import Words

log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]

_ALL: Final = "all"


class RequestLimits:
    """The limits of one process, and the handlers that they stand before."""

    def __init__(self, house: PageHouse) -> None:
        """Allow as much as ``house.limits`` says."""
        limits, clock = house.limits, house.clock
        self.refusals = RefusalLog(clock, log)
        self._pages = SourceLimit(clock, limits.pages_per_source_per_minute)
        self._lookups = SourceLimit(clock, limits.lookups_per_source_per_minute)
        self._forms = SourceLimit(clock, limits.forms_per_source_per_minute)
        self._all = SourceLimit(clock, limits.lookups_and_forms_per_minute)

    def page(self, handler: Handler) -> Handler:
        """Return what answers pages: bounded by source."""
        return self._limited(handler, self._pages, "page", is_heavy=False)

    def lookup(self, handler: Handler) -> Handler:
        """Return what looks parcels up: bounded by source, then all together."""
        return self._limited(handler, self._lookups, "lookup", is_heavy=True)

    def form(self, handler: Handler) -> Handler:
        """Return what takes something from visitors: bounded by source, then all together."""
        return self._limited(handler, self._forms, "form", is_heavy=True)

    def _limited(
        self, handler: Handler, by_source: SourceLimit, what: str, *, is_heavy: bool
    ) -> Handler:
        async def limited(request: Request) -> Response:
            source = source_in(request)
            wait = by_source.take(source)
            if wait:
                self.refusals.note(f"{what}, more than one source may ask for", source)
                return too_many(request, wait)
            # Last, and of what is allowed only: no single source comes near it.
            if is_heavy and (wait := self._all.take(_ALL)):
                self.refusals.note(f"{what}, more than all may ask for together", source)
                return too_many(request, wait)
            return await handler(request)

        return limited


def too_many(request: Request, wait_seconds: int) -> Response:
    """Answer that there were too many requests, in the reader's language."""
    is_embedded = request.query_params.get("embed") == "1"
    headers = {**(EMBEDDED if is_embedded else PUBLIC), "retry-after": str(wait_seconds)}
    return Response(_page(language_of(request)), 429, headers, "text/html; charset=utf-8")


def _page(say: Words) -> bytes:
    """Return the page; it is made once for each language, for it must cost next to nothing."""
    page = _pages.get(say.language)
    if page is None:
        page = bytes(html("busy.html", say, brand=Brand(), base="").body)
        _pages[say.language] = page
    return page


_pages: Final[dict[str, bytes]] = {}
