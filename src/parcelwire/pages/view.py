"""What the tracking page says about a parcel: pure words and figures, no markup."""

from __future__ import annotations

from datetime import date, datetime
from itertools import groupby

import msgspec

from parcelwire.couriers.registry import Courier
from parcelwire.domain.checkpoint import Checkpoint, Leg
from parcelwire.domain.clock import Instant, to_datetime
from parcelwire.domain.report import DeliveryWindow, Outcome
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.ports import PollState

STEPS = ("Announced", "Handed over", "On its way", "Out for delivery", "Delivered")
_WAITING = "Ready to collect"
"""Takes the place of "Out for delivery" while the parcel waits for its recipient."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline."""

    time: str
    """``14:05``, or empty when the carrier gave only a date."""
    zone: str
    """``UTC+01:00``, or ``time zone unknown``."""
    machine_time: str
    text: str
    place: str
    language: str | None
    is_trouble: bool


class Day(msgspec.Struct, frozen=True):
    """The entries of one local date, newest first."""

    title: str
    entries: tuple[Entry, ...]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the template shows."""

    headline: str
    advice: str
    tone: str
    """``calm``, ``good`` or ``trouble``."""
    steps: tuple[tuple[str, str], ...]
    """Name and state (``done``, ``now``, ``open``)."""
    step_text: str
    number: str
    carrier_name: str
    carrier_link: str | None
    promise: str
    promise_by: str
    pickup_point: str
    pickup_until: str
    """Last day to collect it, in words; empty when the carrier named none."""
    days: tuple[Day, ...]
    partner_days: tuple[Day, ...]
    """The destination leg, where another carrier took over."""
    freshness: str
    is_test: bool


_HEADLINES: dict[Status, str] = {
    Status.PENDING: "We are waiting for the first news of your parcel",
    Status.NOTFOUND: "The carrier does not know your parcel yet",
    Status.INFORECEIVED: "Your parcel is announced",
    Status.TRANSIT: "Your parcel is on its way",
    Status.PICKUP: "Your parcel is out for delivery",
    Status.DELIVERED: "Your parcel was delivered",
    Status.UNDELIVERED: "Your parcel could not be delivered",
    Status.EXCEPTION: "There is a problem with your parcel",
    Status.EXPIRED: "There has been no news of your parcel for a long time",
}

_FINER: dict[Substatus, tuple[str, str]] = {
    Substatus.PICKUP_READY_FOR_COLLECTION: (
        "Your parcel is ready for collection",
        "Take an identity document and, if you have one, the carrier's notice with you.",
    ),
    Substatus.PICKUP_CUSTOMER_CONTACTED: (
        "The carrier is getting in touch with you before delivery",
        "",
    ),
    Substatus.TRANSIT_CUSTOMS_CLEARED: ("Your parcel has cleared customs", ""),
    Substatus.DELIVERED_COLLECTED: ("Your parcel was collected", ""),
    Substatus.DELIVERED_SAFE_PLACE_OR_NEIGHBOUR: (
        "Your parcel was left in a safe place or with a neighbour",
        "Look at your agreed place, and ask your neighbours.",
    ),
    Substatus.UNDELIVERED_NOBODY_HOME: (
        "Nobody was at home when your parcel came",
        "The carrier usually tries again or leaves a notice that says where to collect it.",
    ),
    Substatus.UNDELIVERED_ADDRESS: (
        "The address of your parcel needs a correction",
        "Get in touch with the shop or the carrier.",
    ),
    Substatus.EXCEPTION_CUSTOMS_HOLD: (
        "Your parcel is held by customs",
        "Customs may need a document or a payment. The carrier writes to you if so.",
    ),
    Substatus.EXCEPTION_LOST_OR_DAMAGED: (
        "Your parcel is damaged or lost",
        "Get in touch with the shop.",
    ),
    Substatus.EXCEPTION_UNCLAIMED: ("Your parcel was not collected in time", ""),
    Substatus.EXCEPTION_REFUSED: ("Your parcel was refused", ""),
    Substatus.EXCEPTION_RETURNING: ("Your parcel is on its way back to the sender", ""),
    Substatus.EXCEPTION_RETURNED: ("Your parcel went back to the sender", ""),
    Substatus.EXCEPTION_CANCELLED: ("The shipment was cancelled", ""),
}

_TROUBLE = {Status.UNDELIVERED, Status.EXCEPTION, Status.EXPIRED}

_NO_ANSWER = {
    Outcome.AUTH_FAILED,
    Outcome.RATE_LIMITED,
    Outcome.UNAVAILABLE,
    Outcome.NOT_UNDERSTOOD,
    Outcome.NO_CONNECTION,
}
"""The last question was not answered: what the page shows may be old, and it has to say so."""


def page_of(
    tracking: Tracking, poll: PollState, courier: Courier | None, *, now: Instant, is_test: bool
) -> Page:
    """Return what the page shows at ``now``."""
    headline, advice = _HEADLINES[tracking.status], ""
    if tracking.substatus in _FINER:
        headline, advice = _FINER[tracking.substatus]
    name = courier.name if courier is not None else tracking.courier_code
    step, names = _step(tracking), _step_names(tracking)
    window = None if tracking.is_final else tracking.window
    checkpoints = tracking.visible_checkpoints
    pickup_point, pickup_until = _pickup(tracking)
    return Page(
        headline=headline,
        advice=advice,
        tone=_tone(tracking.status),
        steps=_steps(names, step, is_delivered=tracking.status is Status.DELIVERED),
        step_text=f"Step {step + 1} of {len(names)}: {names[step]}"
        if step >= 0
        else "Not announced yet",
        number=tracking.number,
        carrier_name=name,
        carrier_link=courier.link(tracking.number) if courier is not None else None,
        promise=_promise(window) if window is not None else "",
        promise_by=name if window is not None else "",
        pickup_point=pickup_point,
        pickup_until=pickup_until,
        days=_days([one for one in checkpoints if one.leg is Leg.ORIGIN]),
        partner_days=_days([one for one in checkpoints if one.leg is Leg.DESTINATION]),
        freshness=_freshness(poll, now),
        is_test=is_test,
    )


def _tone(status: Status) -> str:
    if status is Status.DELIVERED:
        return "good"
    return "trouble" if status in _TROUBLE else "calm"


def _step_names(tracking: Tracking) -> tuple[str, ...]:
    if tracking.substatus is not Substatus.PICKUP_READY_FOR_COLLECTION:
        return STEPS
    return (*STEPS[:3], _WAITING, *STEPS[4:])


def _steps(names: tuple[str, ...], step: int, *, is_delivered: bool) -> tuple[tuple[str, str], ...]:
    if is_delivered:
        return tuple((name, "done") for name in names)
    return tuple(
        (name, "done" if i < step else "now" if i == step else "open")
        for i, name in enumerate(names)
    )


def _pickup(tracking: Tracking) -> tuple[str, str]:
    """Where and until when the parcel waits; empty while it does not."""
    facts = tracking.facts
    if facts is None or tracking.substatus is not Substatus.PICKUP_READY_FOR_COLLECTION:
        return "", ""
    until = facts.pickup_until_on
    return facts.pickup_point or "", _date(date.fromisoformat(until[:10])) if until else ""


def _step(tracking: Tracking) -> int:
    milestones = tracking.milestones
    if tracking.status is Status.DELIVERED:
        return 4
    if milestones.out_for_delivery or milestones.ready_for_collection:
        return 3
    visible = [one for one in tracking.visible_checkpoints if one.status is not None]
    moving = [one for one in visible if one.status is not Status.INFORECEIVED]
    if len(moving) > 1:
        return 2
    if moving:
        return 1
    return 0 if visible else -1


def _promise(window: DeliveryWindow) -> str:
    first, last = _moment(window.earliest), _moment(window.latest)
    if window.earliest[:10] != window.latest[:10]:
        return f"Expected between {_date(first)} and {_date(last)}"
    day = f"Expected {_date(first)}"
    if "T" not in window.latest:
        return f"{day}, from {first:%H:%M}" if "T" in window.earliest else day
    if "T" not in window.earliest:
        return f"{day}, until {last:%H:%M}"
    if first == last:
        return f"{day}, {first:%H:%M}"
    return f"{day}, {first:%H:%M} to {last:%H:%M}"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _date(moment: date) -> str:
    return f"{moment:%A}, {moment.day} {moment:%B %Y}"


def _days(checkpoints: list[Checkpoint]) -> tuple[Day, ...]:
    newest_first = list(reversed(checkpoints))
    return tuple(
        Day(_date(date.fromisoformat(local_date)), tuple(_entry(one) for one in group))
        for local_date, group in groupby(newest_first, key=lambda one: one.local_time[:10])
    )


def _entry(checkpoint: Checkpoint) -> Entry:
    moment = datetime.fromisoformat(checkpoint.local_time)
    has_time = "T" in checkpoint.local_time
    zone = ""
    if has_time:
        zone = _zone(checkpoint.offset_minutes)
    place = checkpoint.location or ", ".join(
        part for part in (checkpoint.postal_code, checkpoint.city, checkpoint.country) if part
    )
    return Entry(
        time=f"{moment:%H:%M}" if has_time else "",
        zone=zone,
        machine_time=checkpoint.iso_time,
        text=checkpoint.text,
        place=place,
        language=checkpoint.language,
        is_trouble=checkpoint.status in _TROUBLE,
    )


def _zone(offset_minutes: int | None) -> str:
    if offset_minutes is None:
        return "time zone unknown"
    hours, minutes = divmod(abs(offset_minutes), 60)
    return f"UTC{'-' if offset_minutes < 0 else '+'}{hours:02d}:{minutes:02d}"


def _freshness(poll: PollState, now: Instant) -> str:
    is_silent = poll.last_outcome in _NO_ANSWER
    if poll.checked_at is None:
        return f"The carrier {'could not be' if is_silent else 'was not'} asked yet."
    minutes = max(0, now - poll.checked_at) // 60_000
    if minutes < 2:
        ago = "just now"
    elif minutes < 120:
        ago = f"{minutes} minutes ago"
    elif minutes < 48 * 60:
        ago = f"{minutes // 60} hours ago"
    else:
        ago = f"on {_date(to_datetime(poll.checked_at))}"
    since = " At the moment it gives no answer that can be used." if is_silent else ""
    return f"The carrier last answered {ago}.{since}"


__all__ = ["Day", "Entry", "Page", "page_of"]
