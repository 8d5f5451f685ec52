"""Messages and attempts: what was told to whom, and what came back. Found, read, sent again."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta
from msgspec.structs import asdict

from parcelwire.api.house import House
from parcelwire.api.native.endpoint_shapes import AttemptObject, Id, SentType, attempt_object
from parcelwire.api.native.operations import Asked, Operation
from parcelwire.api.native.paging import (
    USUAL,
    Cursor,
    Limit,
    Page,
    PlaceId,
    make_cursor,
    read_cursor,
)
from parcelwire.api.native.tracking_requests import When, end_of
from parcelwire.domain.access import WorldRule
from parcelwire.domain.clock import from_datetime, iso_utc
from parcelwire.webhooks.ports import Message, MessageFilter, MessageState


class MessageQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which messages to list; all conditions together, bounds inclusive."""

    endpoint_id: Id | msgspec.UnsetType = msgspec.UNSET
    tracking_id: Id | msgspec.UnsetType = msgspec.UNSET
    state: Annotated[
        list[MessageState], Meta(max_length=10, description="May be given several times")
    ] = []
    event_type: Annotated[
        list[SentType], Meta(max_length=10, description="May be given several times")
    ] = []
    created_min: When | msgspec.UnsetType = msgspec.UNSET
    created_max: When | msgspec.UnsetType = msgspec.UNSET
    cursor: Cursor = ""
    limit: Limit = USUAL


class MessageObject(msgspec.Struct, frozen=True, kw_only=True):
    """One fact to tell one endpoint. Times are UTC."""

    id: Annotated[str, Meta(description="Sent as `webhook-id`, the same at every attempt")]
    endpoint_id: str
    tracking_id: Annotated[
        str, Meta(description="Of a message about an endpoint: that endpoint's id")
    ]
    sequence: Annotated[int, Meta(description="Number of the event among those of its tracking")]
    event_id: str
    event_type: str
    state: MessageState
    attempt_count: Annotated[int, Meta(description="Attempts since it was made or sent again")]
    created_at: str
    due_at: Annotated[str | None, Meta(description="When it is tried next; null: never by itself")]


class MessageDetail(MessageObject, frozen=True, kw_only=True):
    """A message with what it says and every attempt."""

    payload: Annotated[
        msgspec.Raw, Meta(description="What is sent as `data`, in the endpoint's dialect")
    ]
    attempts: Annotated[list[AttemptObject], Meta(description="Oldest first")]


class AttemptList(msgspec.Struct, frozen=True, kw_only=True):
    """All attempts at one message, oldest first."""

    items: list[AttemptObject]


async def list_messages(house: House, asked: Asked) -> Page[MessageObject]:
    """Answer one page of messages, newest first."""
    query: MessageQuery = asked.query
    before = read_cursor(query.cursor, "messages", tuple[PlaceId])[0] if query.cursor else None
    earliest, latest = query.created_min, query.created_max
    where = MessageFilter(
        endpoint_id=query.endpoint_id or None,
        tracking_id=query.tracking_id or None,
        states=tuple(query.state),
        event_types=tuple(query.event_type),
        created_min=None if earliest is msgspec.UNSET else from_datetime(earliest),
        created_max=None if latest is msgspec.UNSET else end_of(latest),
    )
    page = await house.messages.list_messages(
        asked.world_id, where, before=before, limit=query.limit
    )
    return Page(
        items=[message_object(one) for one in page.messages],
        next_cursor=None if page.following is None else make_cursor("messages", page.following),
        has_more=page.following is not None,
    )


async def get_message(house: House, asked: Asked) -> MessageDetail:
    """Answer one message with payload and attempts."""
    message = await house.messages.get(asked.world_id, asked.path["id"])
    return MessageDetail(
        **asdict(message_object(message)),
        payload=msgspec.Raw(message.payload),
        attempts=await _attempts(house, message),
    )


async def list_attempts(house: House, asked: Asked) -> AttemptList:
    """Answer all attempts at one message."""
    message = await house.messages.get(asked.world_id, asked.path["id"])
    return AttemptList(items=await _attempts(house, message))


async def _attempts(house: House, message: Message) -> list[AttemptObject]:
    return [attempt_object(one) for one in await house.messages.attempts_at(message)]


async def resend_message(house: House, asked: Asked) -> MessageObject:
    """Make one message due now, whatever became of it."""
    once = asked.once(200, message_object)
    return message_object(await house.messages.resend(asked.world_id, asked.path["id"], once=once))


def message_object(message: Message) -> MessageObject:
    """Return a message as it is shown, without what it says."""
    is_pending = message.state is MessageState.PENDING
    return MessageObject(
        id=message.id,
        endpoint_id=message.endpoint_id,
        tracking_id=message.tracking_id,
        sequence=message.sequence,
        event_id=message.event_id,
        event_type=message.event_type,
        state=message.state,
        attempt_count=message.attempts,
        created_at=iso_utc(message.created_at),
        due_at=iso_utc(message.due_at) if is_pending else None,
    )


_ID: Final = {"id": "The message's id, the `webhook-id` that the receiver saw"}
_IDS: Final = {"id": "0192f0c5a80000000000000000000002"}

OPERATIONS: Final = (
    Operation(
        name="list_messages",
        method="GET",
        path="/messages",
        summary="Messages, newest first",
        text="A page can hold fewer than `limit`, and even none, although `has_more` is true: for"
        " one page a few thousand messages are looked at, whatever share of them fulfils the"
        " conditions. Go on with `next_cursor`.",
        handler=list_messages,
        scope="read",
        world=WorldRule.OWN,
        answer=Page[MessageObject],
        query=MessageQuery,
    ),
    Operation(
        name="get_message",
        method="GET",
        path="/messages/{id}",
        summary="One message, with what it says and its attempts",
        handler=get_message,
        scope="read",
        world=WorldRule.OWN,
        answer=MessageDetail,
        path_texts=_ID,
        path_examples=_IDS,
        problems=("message-not-found",),
    ),
    Operation(
        name="list_attempts",
        method="GET",
        path="/messages/{id}/attempts",
        summary="All attempts at one message",
        handler=list_attempts,
        scope="read",
        world=WorldRule.OWN,
        answer=AttemptList,
        path_texts=_ID,
        path_examples=_IDS,
        problems=("message-not-found",),
    ),
    Operation(
        name="resend_message",
        method="POST",
        path="/messages/{id}/resend",
        summary="Send one message once more",
        handler=resend_message,
        answer=MessageObject,
        scope="write",
        world=WorldRule.OWN,
        path_texts=_ID,
        path_examples=_IDS,
        problems=("endpoint-not-found", "message-not-found"),
        takes_idempotency_key=True,
    ),
)
