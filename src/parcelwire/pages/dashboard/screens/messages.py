"""The log of webhooks: messages, what they say, every attempt; sent again one by one."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from starlette.responses import Response

from parcelwire.domain.access import WorldRule
from parcelwire.pages.dashboard.registry import Page, Part
from parcelwire.pages.dashboard.visit import Visit
from parcelwire.webhooks.errors import EndpointNotFoundError
from parcelwire.webhooks.message import TRACKING_EVENT_TYPES
from parcelwire.webhooks.ports import MessageFilter, MessageState

PER_PAGE: Final = 50
STATES: Final = {"pending": "Waiting", "delivered": "Delivered", "dead": "Given up"}
_ID: Final = re.compile(r"[0-9a-f]{32}")


async def show(visit: Visit) -> Response:
    """Show one page of the log, newest first."""
    state, endpoint_id, before = (
        visit.query("state"),
        visit.query("endpoint"),
        visit.query("before"),
    )
    endpoints = await visit.house.store.list_endpoints(visit.world_id)
    where = MessageFilter(
        endpoint_id=endpoint_id if _ID.fullmatch(endpoint_id) else None,
        states=(MessageState(state),) if state in STATES else (),
    )
    page = await visit.house.messages.list_messages(
        visit.world_id,
        where,
        before=before if _ID.fullmatch(before) else None,
        limit=PER_PAGE,
    )
    return await visit.show(
        "messages.html",
        messages=page.messages,
        following=page.following,
        endpoints=endpoints,
        urls={one.id: one.url for one in endpoints},
        endpoint_id=endpoint_id,
        state=state,
        states=STATES,
    )


async def show_one(visit: Visit) -> Response:
    """Show one message with its attempts."""
    messages = visit.house.messages
    message = await messages.get(visit.world_id, visit.path["id"])
    try:
        payload = msgspec.json.format(message.payload, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        payload = message.payload.decode("utf-8", "replace")
    return await visit.show(
        "message.html",
        one=message,
        endpoint=await visit.house.store.load_endpoint(visit.world_id, message.endpoint_id),
        attempts=await messages.attempts_at(message),
        payload=payload,
        is_about_parcel=message.event_type in TRACKING_EVENT_TYPES,
    )


async def resend(visit: Visit) -> Response:
    """Make a message due now, whatever became of it."""
    message_id = visit.path["id"]
    place = f"/messages/{message_id}"
    try:
        await visit.house.messages.resend(visit.world_id, message_id)
    except EndpointNotFoundError:
        return await visit.go(place, "Its endpoint was deleted.", tone="trouble")
    return await visit.go(place, "It is sent again now.")


PAGE: Final = Page(
    path="/messages",
    title="Message log",
    section="Webhooks",
    order=20,
    scope="read",
    world=WorldRule.OWN,
    handler=show,
    shortcut="m",
    parts=(
        Part("GET", "/messages/{id}", show_one, "read", WorldRule.OWN),
        Part("POST", "/messages/{id}/resend", resend, "write", WorldRule.OWN),
    ),
)
