"""What is told about an endpoint itself: that it fails, was switched off, or is well again.

standing -> Notice -> messages to the owner's other endpoints   (stored with the attempt)
                   -> the log, and whoever else wants to know   (``Notifier``, once stored)
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import Instant, iso_utc
from parcelwire.tracking.ports import Identifiers, NewMessage
from parcelwire.webhooks.message import TEST_EVENT_TYPE, TRACKING_EVENT_TYPES, wants_type

_log = logging.getLogger(__name__)


class NoticeType(StrEnum):
    """What happened to an endpoint; also the event type of the messages about it."""

    FAILING = "endpoint.failing"
    DISABLED = "endpoint.disabled"
    RECOVERED = "endpoint.recovered"


EVENT_TYPES = (*TRACKING_EVENT_TYPES, *(one.value for one in NoticeType))
"""What an endpoint can subscribe to. A test message comes always."""

ENDPOINT_EVENT_TYPES = frozenset(one.value for one in NoticeType)
"""Messages about an endpoint: no parcel, no sequence number."""

__all__ = [
    "ENDPOINT_EVENT_TYPES",
    "EVENT_TYPES",
    "TEST_EVENT_TYPE",
    "LogNotifier",
    "Notice",
    "NoticeType",
    "Notifier",
    "compose_notices",
]


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell about an endpoint."""

    type: NoticeType
    endpoint: Endpoint
    """As it stood when the message was claimed."""
    at: Instant
    failing_since: Instant | None
    reason: str = ""
    """What the last attempt ended with, or why the endpoint was switched off."""
    status: int = 0
    """The last answer's status; 0 = there was none."""


class Notifier(Protocol):
    """Tells people, or another system, beside the owner's other endpoints."""

    async def tell(self, notice: Notice) -> None:
        """Pass it on. What it raises is logged and ends nothing."""
        ...


class LogNotifier:
    """Writes one line to the log. It names no URL, which may hold a secret."""

    async def tell(self, notice: Notice) -> None:
        """See ``Notifier``."""
        name = notice.endpoint.id
        if notice.type is NoticeType.FAILING:
            since = iso_utc(notice.failing_since or notice.at)
            _log.error("webhooks: endpoint %s has failed since %s: %s", name, since, notice.reason)
        elif notice.type is NoticeType.DISABLED:
            _log.error("webhooks: endpoint %s disabled: %s", name, notice.reason)
        else:
            _log.warning("webhooks: endpoint %s has recovered", name)


def compose_notices(
    notice: Notice, endpoints: Sequence[Endpoint], identifiers: Identifiers
) -> tuple[NewMessage, ...]:
    """Return a message for each of the owner's other endpoints that can be told.

    These are the enabled ones of the same world with the dialect native (TrackingMore's have no
    word for it) that take messages of all types or name this one. Messages about one endpoint form
    one line at each receiver, so they arrive in the order in which things happened.
    """
    payload = msgspec.json.encode(_data(notice))
    event_id = identifiers.new_id(notice.at)
    about = notice.endpoint
    return tuple(
        NewMessage(
            id=identifiers.new_id(notice.at),
            endpoint_id=other.id,
            world_id=other.world_id,
            tracking_id=about.id,
            sequence=0,
            event_id=event_id,
            event_type=notice.type.value,
            payload=payload,
            created_at=notice.at,
        )
        for other in endpoints
        if other.id != about.id
        and other.world_id == about.world_id
        and other.is_enabled
        and other.dialect == "native"
        and wants_type(other, notice.type.value)
    )


def _data(notice: Notice) -> dict[str, Any]:
    about = notice.endpoint
    endpoint = {
        "id": about.id,
        # The query often holds the receiver's password, and this goes to another receiver.
        "url": about.url.partition("?")[0].partition("#")[0],
        "dialect": about.dialect,
        "description": about.description,
    }
    data: dict[str, Any] = {"endpoint": endpoint}
    if notice.failing_since is not None:
        data["failing_since"] = iso_utc(notice.failing_since)
    if notice.type is not NoticeType.RECOVERED:
        data["reason"] = notice.reason
        if notice.status:
            data["last_status_code"] = notice.status
    return data
