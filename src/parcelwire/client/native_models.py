"""What Parcelwire's own API answers, typed; its names are taken as they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from parcelwire.client.frozen import FrozenDict
from parcelwire.client.models import TrackingRef
from parcelwire.client.reading import Model


class EndpointHealth(Model, frozen=True, kw_only=True):
    """How an endpoint does."""

    failing_since: datetime | None = None
    """The first failure since the last success."""
    pending_count: int | None = None
    """Messages that are not delivered yet."""


class Endpoint(Model, frozen=True, kw_only=True):
    """A URL that is told what happens."""

    id: str
    url: str
    dialect: str | None = None
    """``native``, ``v2`` or ``v4``: the form of the body."""
    state: str | None = None
    """``enabled``, ``paused`` by you, or ``disabled`` by what it answered."""
    disabled_reason: str | None = None
    statuses: tuple[str, ...] | None = None
    """Only events with one of these statuses; empty: all."""
    event_types: tuple[str, ...] | None = None
    header_names: tuple[str, ...] | None = None
    rate_per_second: float | None = None
    concurrency: int | None = None
    description: str | None = None
    created_at: datetime | None = None
    previous_secret_expires_at: datetime | None = None
    """Until then messages carry a signature of the secret before, too."""
    health: EndpointHealth | None = None


class EndpointWithSecret(Endpoint, frozen=True, kw_only=True):
    """An endpoint, and the secret that verifies its messages: shown this once."""

    secret: str


class Attempt(Model, frozen=True, kw_only=True):
    """One try to deliver a message."""

    id: str
    attempted_at: datetime | None = None
    duration_ms: int | None = None
    status_code: int | None = None
    """HTTP's; None: nothing answered, and ``error`` says why."""
    error: str | None = None
    response_body: str | None = None
    """The start of what was answered."""


class TestResult(Model, frozen=True, kw_only=True):
    """What became of a test message."""

    __test__ = False
    """It is no test, whatever its name makes pytest think."""

    message_id: str
    is_delivered: bool
    attempt: Attempt | None = None
    """None: none was made in time."""


class ReplayResult(Model, frozen=True, kw_only=True):
    """What became of a replay."""

    replayed_count: int
    is_complete: bool
    """False: there are more than ``limit``."""


class Message(Model, frozen=True, kw_only=True):
    """One event to be told to one endpoint."""

    id: str
    endpoint_id: str
    tracking_id: str | None = None
    sequence: int | None = None
    event_id: str | None = None
    event_type: str | None = None
    state: str | None = None
    """``pending``, ``delivered`` or ``dead``."""
    attempt_count: int | None = None
    created_at: datetime | None = None
    due_at: datetime | None = None


class MessageDetail(Message, frozen=True, kw_only=True):
    """One message, with what it says and its attempts."""

    payload: Any = None
    attempts: tuple[Attempt, ...] | None = None


class MessagePage(Model, frozen=True, kw_only=True):
    """Some messages, newest first."""

    items: tuple[Message, ...] = ()
    next_cursor: str | None = None
    has_more: bool = False


class EventData(Model, frozen=True, kw_only=True):
    """What an event says."""

    status: str | None = None
    substatus: str | None = None
    changes: tuple[Mapping[str, Any], ...] = ()
    """Each with its ``type`` (``checkpoint_added``, ``status_changed``, ...): docs/webhooks.md."""


class Event(Model, frozen=True, kw_only=True):
    """Everything that changed in one go about one parcel."""

    id: str
    type: str
    """``tracking.status_changed``, ``tracking.updated``, ..."""
    timestamp: datetime | None = None
    tracking_id: str
    sequence: int | None = None
    """Counts the events of one tracking from 1."""
    data: EventData | None = None


class EventPage(Model, frozen=True, kw_only=True):
    """Some events, oldest first, and where to go on. Keep ``next_cursor``."""

    items: tuple[Event, ...] = ()
    next_cursor: str = ""
    has_more: bool = False


class CourierCandidate(Model, frozen=True, kw_only=True):
    """A courier that a tracking number may belong to, and why."""

    courier_code: str
    courier_name: str | None = None
    probability: float | None = None
    """Between 0 and 1; those of all candidates add up to 1 at most."""
    reasons: tuple[str, ...] = ()


class TrackingRefPage(Model, frozen=True, kw_only=True):
    """Some trackings by name only, newest created first."""

    items: tuple[TrackingRef, ...] = ()
    next_cursor: str | None = None
    has_more: bool = False


class TrackingEventPage(Model, frozen=True, kw_only=True):
    """Some events of one parcel, newest first."""

    items: tuple[Event, ...] = ()
    next_cursor: str | None = None
    has_more: bool = False


class Poll(Model, frozen=True, kw_only=True):
    """One time that the carrier was asked about a parcel, or was not although it was due."""

    attempted_at: datetime | None = None
    outcome: str | None = None
    """``found``, ``unknown_number``, ``unavailable``, ...; ``deferred``: nobody was asked."""
    has_changes: bool | None = None
    """The answer changed something."""
    reason: str | None = None
    """Why then; of a deferred one, why it was."""
    connector: str | None = None
    """Who was asked."""
    duration_ms: int | None = None
    detail: str | None = None


class PollHistory(Model, frozen=True, kw_only=True):
    """The last polls of a parcel, newest first, and the next one."""

    items: tuple[Poll, ...] = ()
    check_count: int | None = None
    """How often the carrier was asked in all."""
    next_check_at: datetime | None = None
    """None: never by itself."""
    next_check_reason: str | None = None


class ApiKey(Model, frozen=True, kw_only=True):
    """One key, without its secret."""

    prefix: str
    """Its first characters, by which it is named."""
    label: str | None = None
    scope: str | None = None
    is_test: bool | None = None
    is_current: bool | None = None
    """It is the key that asks."""
    created_at: datetime | None = None
    revoked_at: datetime | None = None
    expires_at: datetime | None = None
    """From then on it opens nothing; None: it does not expire."""


class ApiKeyWithSecret(ApiKey, frozen=True, kw_only=True):
    """A key that was just made: shown this once."""

    key: str


class Account(Model, frozen=True, kw_only=True):
    """The account of the key."""

    number: int
    email: str
    name: str | None = None
    phone: str | None = None
    tracking_quota: int | None = None
    """Trackings it may create in all; None: no limit."""
    created_at: datetime | None = None
    is_test: bool | None = None
    """The key is of the test world; the counts too."""
    created_tracking_count: int | None = None
    tracking_count: int | None = None
    tracking_count_by_status: Mapping[str, int] = msgspec.field(default_factory=FrozenDict)
