"""Turns requests of the public pages away before anything is read for them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from parcelwire.domain.brand import Brand
from parcelwire.domain.refusal_log import RefusalLog
from parcelwire.pages.house import PageHouse
from parcelwire.pages.limits import SourceLimit, source_in
from parcelwire.pages.rendering import EMBEDDED, PUBLIC, html, language_of
from parcelwire.pages.words import Words

log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]
Kind = Literal["page", "lookup", "form", "nothing"]
"""What a request counts as. Lookups and forms write to the store, so they are fewer."""

_ALL: Final = "all"


class RequestLimits:
    """The limits of one process, which stand before the handlers."""

    def __init__(self, house: PageHouse) -> None:
        """Allow as much as ``house.limits`` says."""
        limits, clock = house.limits, house.clock
        self.refusals = RefusalLog(log.warning, clock.now)
        self._by_source: dict[Kind, SourceLimit] = {
            "page": SourceLimit(clock, limits.pages_per_source_per_minute),
            "lookup": SourceLimit(clock, limits.lookups_per_source_per_minute),
            "form": SourceLimit(clock, limits.forms_per_source_per_minute),
        }
        self._all = SourceLimit(clock, limits.lookups_and_forms_per_minute)

    def limited(self, handler: Handler, kind: Kind) -> Handler:
        """Return ``handler`` for as many requests as may be made of its kind."""
        if kind == "nothing":
            return handler

        async def limited(request: Request) -> Response:
            source = source_in(request)
            wait = self._by_source[kind].take(source)
            if wait:
                self.refusals.note(f"{kind}, more than one source may ask for", source)
                return too_many(request, wait)
            # Last, and of what is allowed only: no single source comes near it.
            if kind != "page" and (wait := self._all.take(_ALL)):
                self.refusals.note(f"{kind}, more than all may ask for together", source)
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
