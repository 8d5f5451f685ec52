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

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from parcelwire.pages.house import PageHouse, PageStore, Subscriber
from parcelwire.pages.notices import NoticePages
from parcelwire.pages.parcel import ParcelPages
from parcelwire.pages.search import SearchPages

__all__ = ["PageHouse", "PageStore", "Subscriber", "application"]


def application(house: PageHouse) -> Starlette:
    """Return the application that serves the customer's pages."""
    parcel, search, links = ParcelPages(house), SearchPages(house), NoticePages(house)
    token = "/t/{token}"  # noqa: S105  (a path, no secret)
    made = Starlette(
        routes=[
            Route(token, parcel.show, methods=["GET"]),
            Route(f"{token}/live", parcel.live, methods=["GET"]),
            Route(f"{token}/data.json", parcel.data, methods=["GET"]),
            Route(f"{token}/brand.css", parcel.style, methods=["GET"]),
            Route(f"{token}/logo", parcel.logo, methods=["GET"]),
            Route(f"{token}/feedback", parcel.feedback, methods=["POST"]),
            Route(f"{token}/subscribe", parcel.subscribe, methods=["POST"]),
            Route("/n/{token}", links.show, methods=["GET"]),
            Route("/n/{token}", links.act, methods=["POST"]),
            Route("/track", search.show, methods=["GET"]),
            Route("/track/{account}", search.show, methods=["GET"]),
            Route("/track/{account}", search.find, methods=["POST"]),
            Route("/track/{account}/brand.css", search.style, methods=["GET"]),
            Route("/track/{account}/logo", search.logo, methods=["GET"]),
            Route("/widget.js", parcel.widget, methods=["GET"]),
            Mount("/static", StaticFiles(packages=[("parcelwire.pages", "static")])),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=1_000)],
    )
    # Its redirects have the Host header in them; ``hosts`` has some of its own.
    made.router.redirect_slashes = False
    return made
