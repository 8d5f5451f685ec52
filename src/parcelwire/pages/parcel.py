"""The tracking page of one parcel and what belongs to it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from parcelwire.domain.account import is_test_world
from parcelwire.domain.brand import Brand
from parcelwire.domain.clock import iso_utc
from parcelwire.domain.refusal_log import RefusalLog
from parcelwire.domain.tracking import Tracking
from parcelwire.pages.dashboard.forms import FormError, form_of, read_body
from parcelwire.pages.feedback import keep_feedback
from parcelwire.pages.house import PageHouse
from parcelwire.pages.limits import source_in
from parcelwire.pages.live import LiveResponse, LiveStreams, change_events, viewer_of
from parcelwire.pages.recipient import addresses_of, bare, is_order_number
from parcelwire.pages.rendering import (
    EMBEDDED,
    PUBLIC,
    asset,
    html,
    language_of,
    load_brand,
    logo_of,
    missing,
    style_of,
    unavailable,
)
from parcelwire.pages.route_map import HEIGHT, WIDTH, route_map
from parcelwire.pages.view import Couriers, Page, page_of
from parcelwire.pages.words import Words
from parcelwire.tracking.ports import Stored, TrackingFilter
from parcelwire.tracking.suspension import Suspensions

TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{16,64}\Z")
MOST_PARCELS: Final = 20
"""Parcels of one order that are shown."""

MAX_FEEDBACK: Final = 1_000
MAX_FORM: Final = 10_000

_encode: Final = msgspec.json.Encoder().encode


class ParcelPages:
    """Everything under ``/t/<token>``."""

    def __init__(self, house: PageHouse, suspensions: Suspensions, refusals: RefusalLog) -> None:
        self._house = house
        self._suspensions = suspensions
        self._refusals = refusals
        self._streams = LiveStreams(house.limits)

    async def show(self, request: Request) -> Response:
        """Answer the tracking page."""
        stored = await self._find(request)
        if isinstance(stored, Response):
            return stored
        tracking = stored.tracking
        brand = await self._brand(tracking)
        say = language_of(request, tracking.details.language)
        page = await self._page(stored, brand, say)
        is_embedded = request.query_params.get("embed") == "1"
        said = request.query_params.get("said", "")
        return html(
            "tracking.html",
            say,
            headers=EMBEDDED if is_embedded else PUBLIC,
            page=page,
            brand=brand,
            base=f"/t/{tracking.page_token}",
            map=route_map(tracking, say),
            map_size=(WIDTH, HEIGHT),
            is_embedded=is_embedded,
            version=tracking.version,
            offers_mail=self._house.subscriber is not None and not page.is_final,
            offers_feedback=page.tone == "good" and not is_embedded,
            said=said if said in {"mail", "mail-wrong", "feedback"} else "",
        )

    async def data(self, request: Request) -> Response:
        """Answer what the page says as JSON: the widget's food, and nothing more personal."""
        stored = await self._find(request)
        if isinstance(stored, Response):
            return stored
        say = language_of(request, stored.tracking.details.language)
        page = await self._page(stored, await self._brand(stored.tracking), say)
        drawn = {
            "language": say.tag,
            "link": f"{self._house.public_url}/t/{stored.tracking.page_token}",
            "updated_at": iso_utc(stored.tracking.updated_at),
            "link_text": say.say("facts.title"),
            **msgspec.to_builtins(page),
        }
        # Other parcels' addresses are for whoever opens the page itself.
        drawn["siblings"] = []
        return Response(
            _encode(drawn),
            media_type="application/json",
            headers={**PUBLIC, "access-control-allow-origin": "*"},
        )

    async def live(self, request: Request) -> Response:
        """Answer a stream of server-sent events, one whenever there is news."""
        stored = await self._find(request)
        if isinstance(stored, Response):
            return stored
        if request.method == "HEAD":
            return Response(media_type="text/event-stream", headers=PUBLIC)
        source = source_in(request)
        return LiveResponse(
            change_events(
                self._house,
                self._suspensions,
                stored.tracking,
                request.query_params.get("version", ""),
            ),
            streams=self._streams,
            viewer=viewer_of(source, stored.tracking),
            refuse=lambda limit: self._refusals.note(f"live updates, limit of {limit}", source),
        )

    async def style(self, request: Request) -> Response:
        """Answer the shop's style rules."""
        stored = await self._find(request)
        if isinstance(stored, Response):
            return stored
        return style_of(await self._brand(stored.tracking))

    async def logo(self, request: Request) -> Response:
        """Answer the shop's logo."""
        stored = await self._find(request)
        if isinstance(stored, Response):
            return stored
        return await logo_of(self._house.store, stored.tracking.world_id)

    async def feedback(self, request: Request) -> Response:
        """Take what somebody says about the delivery."""
        stored = await self._find(request)
        if isinstance(stored, Response):
            return stored
        form = await read_form(request)
        rating = form.get("rating", "")
        text = form.get("text", "").strip()[:MAX_FEEDBACK]
        back = f"/t/{stored.tracking.page_token}"
        if rating not in {"good", "bad"}:
            return RedirectResponse(back, 303, PUBLIC)
        now = self._house.clock.now()
        document = _encode({"at": now, "rating": rating, "text": text})
        await keep_feedback(self._house.store, stored.tracking.id, document, at=now)
        return RedirectResponse(f"{back}?said=feedback#feedback", 303, PUBLIC)

    async def subscribe(self, request: Request) -> Response:
        """Take an address that wants news by e-mail."""
        stored = await self._find(request)
        if isinstance(stored, Response):
            return stored
        subscriber = self._house.subscriber
        if subscriber is None:
            return PlainTextResponse("", 404, PUBLIC)
        form = await read_form(request)
        say = language_of(request, stored.tracking.details.language)
        is_taken = await subscriber.subscribe(stored, form.get("email", "").strip(), say.language)
        said = "mail" if is_taken else "mail-wrong"
        return RedirectResponse(
            f"/t/{stored.tracking.page_token}?said={said}&lang={say.language}#mail", 303, PUBLIC
        )

    async def widget(self, _: Request) -> Response:
        """Answer the web component, for any page in the world."""
        return Response(
            asset("widget.js"),
            media_type="text/javascript",
            headers={
                "access-control-allow-origin": "*",
                "cross-origin-resource-policy": "cross-origin",
                "x-content-type-options": "nosniff",
                "cache-control": "public, max-age=3600",
            },
        )

    async def _find(self, request: Request) -> Stored | Response:
        """Return the parcel, or the answer that there is none."""
        token = request.path_params["token"]
        stored = None
        if TOKEN.match(token):
            stored = await self._house.store.find_by_page_token(token)
        if stored is None:
            return missing(request)
        if await self._suspensions.holds(stored.tracking.world_id):
            return unavailable(request)
        return stored

    async def _brand(self, tracking: Tracking) -> Brand:
        return await load_brand(self._house.store, tracking.world_id)

    async def _page(self, stored: Stored, brand: Brand, say: Words) -> Page:
        tracking, registry = stored.tracking, self._house.registry
        partner = tracking.facts.partner_courier_code if tracking.facts else None
        return page_of(
            tracking,
            stored.poll,
            Couriers(
                registry.get(tracking.courier_code), registry.get(partner) if partner else None
            ),
            say,
            now=self._house.clock.now(),
            brand=brand,
            order=await self._order(tracking),
            is_test=is_test_world(tracking.world_id),
        )

    async def _order(self, tracking: Tracking) -> list[Tracking]:
        """Return all parcels of the order that are for the same person."""
        order = tracking.details.order_id or tracking.details.order_number or ""
        people = addresses_of(tracking.details)
        # Shops count their orders anew at times: another customer's parcel is never shown. Where no
        # customer is known, the other parcel may be anybody's.
        if not people or not is_order_number(bare(order)):
            return []
        found = await self._house.store.list_trackings(
            tracking.world_id, TrackingFilter(order_ids=(order,)), offset=0, limit=MOST_PARCELS
        )
        parcels = [one.tracking for one in found if addresses_of(one.tracking.details) == people]
        is_known = any(one.id == tracking.id for one in parcels)
        return parcels if is_known else [tracking, *parcels][:MOST_PARCELS]


async def read_form(request: Request) -> dict[str, str]:
    """Return a small form's fields; nothing of one that is too large or cannot be read."""
    content_type = request.headers.get("content-type", "")
    try:
        body = await read_body(request, MAX_FORM)
        if content_type.lower().startswith("multipart/form-data"):
            # Mail programs that end a subscription should send this one (RFC 8058, 3.2).
            form = form_of(content_type, body)
            return {name: form.get(name) for name in form.names()}
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20)
    except (FormError, UnicodeDecodeError, ValueError):
        return {}
    return dict(pairs)
