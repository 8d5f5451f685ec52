"""The pages as an ASGI application: the customer's tracking page behind its unguessable address."""

from __future__ import annotations

import re
from typing import Protocol

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from parcelwire.couriers.registry import Registry
from parcelwire.domain.account import is_test_world
from parcelwire.domain.clock import Clock
from parcelwire.pages.view import page_of
from parcelwire.store.port import StoreUnavailableError
from parcelwire.tracking.ports import Stored

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}\Z")

_HEADERS = {
    # The page needs nothing but its own style sheet; everything else is forbidden to it.
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
    "cache-control": "private, no-store",
}


class PageStore(Protocol):
    """What the pages read."""

    async def find_by_page_token(self, page_token: str) -> Stored | None:
        """Return the tracking behind a tracking page's address."""
        ...


def application(store: PageStore, registry: Registry, clock: Clock) -> Starlette:
    """Return the application that serves ``/t/<token>`` and its style sheet."""
    templates = Environment(
        loader=PackageLoader("parcelwire.pages"),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    tracking_page = templates.get_template("tracking.html")
    missing_page = templates.get_template("missing.html")

    async def show_tracking(request: Request) -> Response:
        token = request.path_params["token"]
        stored = None
        if _TOKEN.match(token):
            try:
                stored = await store.find_by_page_token(token)
            except StoreUnavailableError:
                return PlainTextResponse(
                    "Please try again in a minute.", 503, {**_HEADERS, "retry-after": "60"}
                )
        if stored is None:
            # The same bytes for "never was" and "is gone": an address tells nothing but itself.
            return HTMLResponse(missing_page.render(), 404, _HEADERS)
        tracking = stored.tracking
        page = page_of(
            tracking,
            stored.poll,
            registry.get(tracking.courier_code),
            now=clock.now(),
            is_test=is_test_world(tracking.world_id),
        )
        return HTMLResponse(tracking_page.render(page=page), headers=_HEADERS)

    return Starlette(
        routes=[
            Route("/t/{token}", show_tracking, methods=["GET"]),
            Mount("/static", StaticFiles(packages=[("parcelwire.pages", "static")])),
        ]
    )
