"""The customer's pages as an ASGI application.

    /t/<token>              the tracking page      ?lang=de  ?embed=1
    /t/<token>/live         server-sent events: "changed" when there is news
    /t/<token>/data.json    the same words for the widget
    /t/<token>/brand.css    the shop's colours and rules;  /t/<token>/logo  its picture
    /t/<token>/feedback     POST;  /t/<token>/subscribe  POST
    /track, /track/<n>      lookup by number and a word, for account n
    /n/<token>              where mails lead: confirm, or end them (POST; one click, RFC 8058)
    /widget.js              the web component

Behind an unguessable address, without cookies, and without a request to anybody else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from parcelwire.domain.access import WorldRule
from parcelwire.pages.house import PageHouse, PageStore, Subscriber
from parcelwire.pages.notices import NoticePages
from parcelwire.pages.parcel import ParcelPages
from parcelwire.pages.rendering import later
from parcelwire.pages.request_limits import Handler, Kind, RequestLimits
from parcelwire.pages.search import SearchPages
from parcelwire.store.port import StoreUnavailableError
from parcelwire.tracking.suspension import Suspensions

__all__ = ["PageHouse", "PageStore", "Subscriber", "application"]


class PublicRoute(msgspec.Struct, frozen=True):
    """One address that needs no key. Its parcel is named by an unguessable token, if at all."""

    method: Literal["GET", "POST"]
    path: str
    world: WorldRule
    """``OWN``: the parcel's world; ``LIVE``: the live world of the account in the path."""
    handler: Callable[[_Pages], Handler]
    counts_as: Kind = "page"
    """Which limit its requests are counted against."""


class _Pages(msgspec.Struct, frozen=True):
    """What answers."""

    parcel: ParcelPages
    search: SearchPages
    links: NoticePages


_TOKEN: Final = "/t/{token}"  # noqa: S105  (a path, no secret)
_ACCOUNT: Final = "/track/{account}"

ROUTES: Final = (
    PublicRoute("GET", _TOKEN, WorldRule.OWN, lambda pages: pages.parcel.show),
    PublicRoute("GET", f"{_TOKEN}/live", WorldRule.OWN, lambda pages: pages.parcel.live),
    PublicRoute("GET", f"{_TOKEN}/data.json", WorldRule.OWN, lambda pages: pages.parcel.data),
    PublicRoute("GET", f"{_TOKEN}/brand.css", WorldRule.OWN, lambda pages: pages.parcel.style),
    PublicRoute("GET", f"{_TOKEN}/logo", WorldRule.OWN, lambda pages: pages.parcel.logo),
    PublicRoute(
        "POST", f"{_TOKEN}/feedback", WorldRule.OWN, lambda pages: pages.parcel.feedback, "form"
    ),
    PublicRoute(
        "POST", f"{_TOKEN}/subscribe", WorldRule.OWN, lambda pages: pages.parcel.subscribe, "form"
    ),
    PublicRoute("GET", "/n/{token}", WorldRule.OWN, lambda pages: pages.links.show),
    # It counts as a page: mail programs end subscriptions of many readers from one address.
    PublicRoute("POST", "/n/{token}", WorldRule.OWN, lambda pages: pages.links.act),
    PublicRoute("GET", "/track", WorldRule.LIVE, lambda pages: pages.search.show),
    PublicRoute("GET", _ACCOUNT, WorldRule.LIVE, lambda pages: pages.search.show),
    PublicRoute("POST", _ACCOUNT, WorldRule.LIVE, lambda pages: pages.search.find, "lookup"),
    PublicRoute("GET", f"{_ACCOUNT}/brand.css", WorldRule.LIVE, lambda pages: pages.search.style),
    PublicRoute("GET", f"{_ACCOUNT}/logo", WorldRule.LIVE, lambda pages: pages.search.logo),
    PublicRoute(
        "GET", "/widget.js", WorldRule.INSTALLATION, lambda pages: pages.parcel.widget, "nothing"
    ),
)
"""Every address beside the static files."""


def application(house: PageHouse) -> Starlette:
    """Return the application that serves the customer's pages."""
    limits, suspensions = RequestLimits(house), Suspensions(house.store, house.clock)
    pages = _Pages(
        ParcelPages(house, suspensions, limits.refusals),
        SearchPages(house, suspensions),
        NoticePages(house, suspensions),
    )
    made = Starlette(
        routes=[
            *(
                Route(
                    one.path,
                    limits.limited(_or_later(one.handler(pages)), one.counts_as),
                    methods=[one.method],
                )
                for one in ROUTES
            ),
            Mount("/static", StaticFiles(packages=[("parcelwire.pages", "static")])),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=1_000)],
    )
    # Its redirects have the Host header in them; ``hosts`` has some of its own.
    made.router.redirect_slashes = False
    return made


def _or_later(handler: Handler) -> Handler:
    """Return ``handler``, which asks for patience while the database is out of reach."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except StoreUnavailableError:
            return later(request)

    return answer
