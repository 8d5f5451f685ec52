"""What a tracking is named by, where a call takes a tracking, its id or its number. No I/O."""

from __future__ import annotations

from datetime import datetime

from parcelwire.client.details import number_text
from parcelwire.client.models import Tracking, TrackingRef


def seconds_of(moment: datetime | None) -> float | None:
    """Return a moment in unix seconds; None where it is none, or has no offset."""
    return None if moment is None or moment.tzinfo is None else moment.timestamp()


def id_of(tracking: Tracking | TrackingRef | str) -> str:
    """Return the id of a tracking, or the one that was given."""
    return tracking if isinstance(tracking, str) else tracking.id


def ref_of(tracking: Tracking | TrackingRef | str) -> TrackingRef:
    """Return which tracking it is, as far as that is known."""
    if isinstance(tracking, str):
        return TrackingRef(id=tracking)
    return TrackingRef(
        id=tracking.id,
        tracking_number=tracking.tracking_number,
        courier_code=tracking.courier_code,
    )


def number_of(
    tracking: Tracking | TrackingRef | str | int, courier_code: str | None
) -> tuple[str, str | None]:
    """Return number and courier of a tracking, or the number that was given.

    Raises:
        TypeError: it is neither a tracking nor text nor a whole number.
        ValueError: a reference that does not say the number.
    """
    if not isinstance(tracking, Tracking | TrackingRef):
        return number_text(tracking), courier_code
    if tracking.tracking_number is None:
        msg = "this reference does not say the number"
        raise ValueError(msg)
    return tracking.tracking_number, courier_code or tracking.courier_code
