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

from collections.abc import Awaitable, Callable
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
from parcelwire.pages.request_limits import RequestLimits
from parcelwire.pages.search import SearchPages

__all__ = ["PageHouse", "PageStore", "Subscriber", "application"]


Handler = Callable[[Request], Awaitable[Response]]


class PublicRoute(msgspec.Struct, frozen=True):
    """One address that needs no key. Its parcel is named by an unguessable token, if at all."""

    method: Literal["GET", "POST"]
    path: str
    world: WorldRule
    """``OWN``: the parcel's world; ``LIVE``: the live world of the account in the path."""
    handler: Callable[[_Pages], Handler]


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
    PublicRoute("POST", f"{_TOKEN}/feedback", WorldRule.OWN, lambda pages: pages.parcel.feedback),
    PublicRoute("POST", f"{_TOKEN}/subscribe", WorldRule.OWN, lambda pages: pages.parcel.subscribe),
    PublicRoute("GET", "/n/{token}", WorldRule.OWN, lambda pages: pages.links.show),
    PublicRoute("POST", "/n/{token}", WorldRule.OWN, lambda pages: pages.links.act),
    PublicRoute("GET", "/track", WorldRule.LIVE, lambda pages: pages.search.show),
    PublicRoute("GET", _ACCOUNT, WorldRule.LIVE, lambda pages: pages.search.show),
    PublicRoute("POST", _ACCOUNT, WorldRule.LIVE, lambda pages: pages.search.find),
    PublicRoute("GET", f"{_ACCOUNT}/brand.css", WorldRule.LIVE, lambda pages: pages.search.style),
    PublicRoute("GET", f"{_ACCOUNT}/logo", WorldRule.LIVE, lambda pages: pages.search.logo),
    PublicRoute("GET", "/widget.js", WorldRule.INSTALLATION, lambda pages: pages.parcel.widget),
)
"""Every address beside the static files."""


def application(house: PageHouse) -> Starlette:
    """Return the application that serves the customer's pages."""
    limits = RequestLimits(house)
    pages = _Pages(ParcelPages(house, limits.refusals), SearchPages(house), NoticePages(house))
    made = Starlette(
        routes=[
            *(Route(one.path, one.handler(pages), methods=[one.method]) for one in ROUTES),
            Mount("/static", StaticFiles(packages=[("parcelwire.pages", "static")])),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=1_000)],
    )
    made.router.routes[:] = map(limits.before, made.router.routes)
    # Its redirects have the Host header in them; ``hosts`` has some of its own.
    made.router.redirect_slashes = False
    return made
