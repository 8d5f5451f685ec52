"""Records as rows, and rows as records."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from parcelwire.domain.account import Account, ApiKey
from parcelwire.domain.lane import lane_of
from parcelwire.domain.tracking import Tracking
from parcelwire.store.codec import decode_tracking, encode_tracking, pack, unpack
from parcelwire.store.sqlite.connection import Row
from parcelwire.store.sqlite.ids import id_value, public_id
from parcelwire.store.unreadable import Unreadable
from parcelwire.tracking.ports import PollState, Stored
from parcelwire.webhooks.ports import Message, MessageState

Render = Callable[[Tracking], bytes]
"""Makes the rendition of a tracking."""

TRACKING_COLUMNS = (
    "number",
    "courier_code",
    "version",
    "status",
    "is_archived",
    "created_at",
    "updated_at",
    "ordered_at",
    "order_id",
    "order_number",
    "page_token",
    "origin",
    "destination",
    "transit_days",
)
"""The searched columns that a change may move, in the order of ``tracking_values``."""

STORED = (
    "d.packed, p.due_at, p.due_reason, p.leased_until, p.checked_at, p.last_outcome, "
    "p.last_detail, p.checks, p.probe_courier, d.key"
)
"""The columns of ``stored_of``, of doc d and poll p."""

MESSAGE = (
    "m.id, m.endpoint_id, m.world_id, m.tracking_id, m.sequence, m.event_id, m.event_type, "
    "y.packed, m.created_at, m.state, m.attempts, m.due_at"
)
"""The columns of ``message_of``, of message m and payload y."""

TRACKING_AT, SEQUENCE_AT, PAYLOAD_AT = 3, 4, 7
"""Where a message's tracking, its sequence number and its payload stand in ``MESSAGE``."""

ACCOUNT = (
    "a.number, a.email, a.name, a.created_at, a.tracking_quota, a.phone, a.suspended_at, "
    "a.suspended_reason"
)
"""The columns of ``account_of``."""

API_KEY = (
    "k.digest, k.prefix, k.account_number, k.is_test, k.label, k.scope, k.created_at, k.revoked_at,"
    " k.expires_at"
)
"""The columns of ``key_of``."""


class Written(msgspec.Struct, frozen=True):
    """A tracking made ready for the writer, so that its transaction need not wait for it."""

    id: bytes | str
    world_id: int
    values: tuple[object, ...]
    """As ``TRACKING_COLUMNS``."""
    packed: bytes
    rendition: bytes
    status: str
    is_archived: bool


def written(tracking: Tracking, render: Render) -> Written:
    """Make a tracking ready to be stored."""
    details, lane = tracking.details, lane_of(tracking)
    return Written(
        id=id_value(tracking.id),
        world_id=tracking.world_id,
        values=(
            tracking.number,
            tracking.courier_code,
            tracking.version,
            tracking.status.value,
            int(tracking.is_archived),
            tracking.created_at,
            tracking.updated_at,
            tracking.ordered_at,
            details.order_id,
            details.order_number,
            tracking.page_token,
            lane.origin,
            lane.destination,
            lane.transit_days,
        ),
        packed=encode_tracking(tracking),
        rendition=render(tracking),
        status=tracking.status.value,
        is_archived=tracking.is_archived,
    )


def poll_values(poll: PollState) -> tuple[object, ...]:
    """Return a poll state as bindings, in the order of ``STORED``."""
    return (
        poll.due_at,
        poll.due_reason,
        poll.leased_until,
        poll.checked_at,
        poll.last_outcome,
        poll.last_detail,
        poll.checks,
        poll.probe_courier,
    )


def stored_of(row: Row) -> Stored:
    """Return the record of a row of ``STORED``."""
    return Stored(decode_tracking(row[0]), poll_of(row))


def poll_of(row: Row) -> PollState:
    """Return the poll state of a row of ``STORED``."""
    _, due_at, due_reason, leased_until, checked_at, outcome, detail, checks, probe, _ = row
    return PollState(
        due_at=due_at,
        due_reason=due_reason,
        leased_until=leased_until,
        checked_at=checked_at,
        last_outcome=outcome,
        last_detail=detail,
        checks=checks,
        probe_courier=probe,
    )


def name_of(row: Row) -> str:
    """Return what a row of ``STORED`` is called in a message to the operator."""
    return f"the tracking with the key {row[-1]}"


def message_of(row: Row) -> Message:
    """Return the record of a row of ``MESSAGE``."""
    (
        identity,
        endpoint_id,
        world_id,
        tracking_id,
        sequence,
        event_id,
        event_type,
        packed,
        created_at,
        state,
        attempts,
        due_at,
    ) = row
    return Message(
        id=public_id(identity),
        endpoint_id=public_id(endpoint_id),
        world_id=world_id,
        tracking_id=public_id(tracking_id),
        sequence=sequence,
        event_id=public_id(event_id),
        event_type=event_type,
        payload=unpack(packed),
        created_at=created_at,
        state=MessageState(state),
        attempts=attempts,
        due_at=due_at,
    )


def shown_message_of(row: Row, unreadable: Unreadable) -> Message:
    """Return the record of a row of ``MESSAGE``, for whoever looks back.

    Its payload is empty where it cannot be read.
    """
    found = unreadable.read(message_of, row, name_of_message)
    return found or message_of((*row[:PAYLOAD_AT], pack(b""), *row[PAYLOAD_AT + 1 :]))


def name_of_message(row: Row) -> str:
    """Return what a row of ``MESSAGE`` is called in a message to the operator."""
    return f"message {public_id(row[0])}"


def account_of(row: Row) -> Account:
    """Return the record of a row of ``ACCOUNT``."""
    number, email, name, created_at, quota, phone, suspended_at, reason = row
    return Account(
        number=number,
        email=email,
        name=name,
        created_at=created_at,
        tracking_quota=quota,
        phone=phone,
        suspended_at=suspended_at,
        suspended_reason=reason,
    )


def key_of(row: Row) -> ApiKey:
    """Return the record of a row of ``API_KEY``."""
    digest, prefix, account_number, is_test, label, scope, created_at, revoked_at, expires_at = row
    return ApiKey(
        digest=digest,
        prefix=prefix,
        account_number=account_number,
        is_test=bool(is_test),
        label=label,
        scope=scope,
        created_at=created_at,
        revoked_at=revoked_at,
        expires_at=expires_at,
    )
