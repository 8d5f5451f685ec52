"""The log of webhooks: messages, what they say, every attempt; sent again one by one."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from starlette.responses import Response

from parcelwire.domain.access import WorldRule
from parcelwire.pages.dashboard.registry import Page, Part
from parcelwire.pages.dashboard.visit import Visit, missing
from parcelwire.webhooks.ports import Message, MessageFilter, MessageState

PER_PAGE: Final = 50
STATES: Final = {"pending": "Waiting", "delivered": "Delivered", "dead": "Given up"}
_ID: Final = re.compile(r"[0-9a-f]{32}")


async def show(visit: Visit) -> Response:
    """Show one page of the log, newest first."""
    store = visit.house.store
    state, endpoint_id, before = (
        visit.query("state"),
        visit.query("endpoint"),
        visit.query("before"),
    )
    endpoints = await store.list_endpoints(visit.world_id)
    where = MessageFilter(
        endpoint_id=endpoint_id if _ID.fullmatch(endpoint_id) else None,
        states=(MessageState(state),) if state in STATES else (),
    )
    page = await store.list_messages(
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


async def _load(visit: Visit) -> Message:
    message_id, message = visit.path["id"], None
    if _ID.fullmatch(message_id):
        message = await visit.house.store.load_message(visit.world_id, message_id)
    if message is None:
        raise missing("message")
    return message


async def show_one(visit: Visit) -> Response:
    """Show one message with its attempts."""
    message, store = await _load(visit), visit.house.store
    try:
        payload = msgspec.json.format(message.payload, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        payload = message.payload.decode("utf-8", "replace")
    return await visit.show(
        "message.html",
        one=message,
        endpoint=await store.load_endpoint(visit.world_id, message.endpoint_id),
        attempts=await store.list_attempts(message.id),
        payload=payload,
        is_about_parcel=message.event_type.startswith("tracking."),
    )


async def resend(visit: Visit) -> Response:
    """Make a message due now, whatever became of it."""
    message, store = await _load(visit), visit.house.store
    place = f"/messages/{message.id}"
    if await store.load_endpoint(visit.world_id, message.endpoint_id) is None:
        return await visit.go(place, "Its endpoint was deleted.", tone="trouble")
    await store.resend(visit.world_id, message.id, visit.now)
    visit.house.endpoints.wake()
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
