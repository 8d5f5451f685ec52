"""The ``data`` of Parcelwire's own dialect: the tracking as of the event, and what changed.

Rich where TrackingMore's dialects are poor: every time says how its offset is known, the carrier's
own code and words stand beside our status, and the changes are named one by one. What is not known
is left out, never sent as an empty string.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from parcelwire.domain.changes import (
    Change,
    CheckpointAdded,
    CheckpointCorrected,
    CheckpointWithdrawn,
    CourierCorrected,
    DeliveryWindowChanged,
    Event,
    StatusChanged,
)
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import Instant, iso_utc
from parcelwire.domain.report import DeliveryWindow
from parcelwire.domain.tracking import Details, Tracking

Wire = dict[str, Any]

_COMPACT_DATE: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})\Z")


def render_native(tracking: Tracking, event: Event) -> bytes:
    """Return ``{"status", "substatus", "changes", "tracking"}`` as JSON.

    ``status`` is the status after the changes; ``changes`` may be empty (a test message).
    """
    return msgspec.json.encode(
        _known(
            status=event.status,
            substatus=event.substatus,
            changes=[change_to_wire(change) for change in event.changes],
            tracking=tracking_to_wire(tracking),
        )
    )


def tracking_to_wire(tracking: Tracking) -> Wire:
    """Return a tracking in the rich form: checkpoints that stand, oldest first."""
    return _known(
        id=tracking.id,
        number=tracking.number,
        typed_number=tracking.typed_number,
        courier_code=tracking.courier_code,
        status=tracking.status,
        substatus=tracking.substatus,
        reason=tracking.reason,
        is_final=tracking.is_final,
        is_archived=tracking.is_archived,
        is_stopped=tracking.is_stopped,
        stopped_reason=tracking.stopped_reason,
        sequence=tracking.sequence,
        created_at=iso_utc(tracking.created_at),
        updated_at=iso_utc(tracking.updated_at),
        expired_at=_instant(tracking.expired_at),
        # Details, facts and milestones are flat lists of texts and numbers whose names are already
        # the words of this dialect.
        details=details_to_wire(tracking.details),
        shipment=msgspec.to_builtins(tracking.facts),
        delivery_window=window_to_wire(tracking.window),
        milestones=msgspec.to_builtins(tracking.milestones),
        checkpoints=[checkpoint_to_wire(one) for one in tracking.visible_checkpoints],
    )


def details_to_wire(details: Details) -> Wire:
    """Return what the shop said of the parcel; the day of despatch as ``YYYY-MM-DD``."""
    said: Wire = msgspec.to_builtins(details)
    if shipped := _COMPACT_DATE.match(said.get("ship_date", "")):
        said["ship_date"] = "-".join(shipped.groups())
    return said


def checkpoint_to_wire(checkpoint: Checkpoint) -> Wire:
    """Return a checkpoint.

    ``occurred_at`` is ISO 8601 and has an offset only where one is known; ``time_source`` says how
    (``carrier``, ``place``, ``home``, ``unknown``). ``local_time`` is the clock as the carrier
    printed it.
    """
    return _known(
        occurred_at=checkpoint.iso_time,
        local_time=checkpoint.local_time,
        offset_minutes=checkpoint.offset_minutes,
        time_source=checkpoint.time_source,
        received_at=_instant(checkpoint.received_at or None),
        status=checkpoint.status,
        substatus=checkpoint.substatus,
        reason=checkpoint.reason,
        text=checkpoint.text,
        language=checkpoint.language,
        raw_code=checkpoint.raw_code,
        carrier_event_id=checkpoint.event_id,
        leg=checkpoint.leg,
        location=checkpoint.location,
        city=checkpoint.city,
        state=checkpoint.state,
        postal_code=checkpoint.postal_code,
        country=checkpoint.country,
    )


def window_to_wire(window: DeliveryWindow | None) -> Wire | None:
    """Return a delivery window: local dates or times, who said so and when we heard it."""
    if window is None:
        return None
    return _known(
        earliest=window.earliest,
        latest=window.latest,
        source=window.source,
        reported_at=_instant(window.reported_at or None),
    )


def change_to_wire(change: Change) -> Wire:
    """Return one change; ``type`` says which fields the rest of it has."""
    match change:
        case StatusChanged():
            return _known(
                type="status_changed",
                from_status=change.from_status,
                from_substatus=change.from_substatus,
                to_status=change.to_status,
                to_substatus=change.to_substatus,
                reason=change.reason,
            )
        case CheckpointAdded():
            return {
                "type": "checkpoint_added",
                "checkpoint": checkpoint_to_wire(change.checkpoint),
            }
        case CheckpointCorrected():
            return {
                "type": "checkpoint_corrected",
                "before": checkpoint_to_wire(change.before),
                "after": checkpoint_to_wire(change.after),
            }
        case CheckpointWithdrawn():
            return {
                "type": "checkpoint_withdrawn",
                "checkpoint": checkpoint_to_wire(change.checkpoint),
            }
        case DeliveryWindowChanged():
            return _known(
                type="delivery_window_changed",
                before=window_to_wire(change.before),
                after=window_to_wire(change.after),
            )
        case CourierCorrected():
            return {
                "type": "courier_corrected",
                "from_courier": change.from_courier,
                "to_courier": change.to_courier,
                "reason": change.reason,
            }


def _instant(instant: Instant | None) -> str | None:
    return None if instant is None else iso_utc(instant)


def _known(**fields: object) -> Wire:
    return {name: value for name, value in fields.items() if value is not None}
