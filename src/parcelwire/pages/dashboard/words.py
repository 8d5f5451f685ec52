"""How times, statuses and figures are written on the dashboard. Pure."""

from __future__ import annotations

from datetime import date
from typing import Final

from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND, Instant, to_datetime
from parcelwire.domain.status import Reason, Status, Substatus

STATUS_WORDS: Final[dict[str, str]] = {
    Status.PENDING: "Pending",
    Status.NOTFOUND: "Not found",
    Status.INFORECEIVED: "Announced",
    Status.TRANSIT: "On its way",
    Status.PICKUP: "Out for delivery",
    Status.DELIVERED: "Delivered",
    Status.UNDELIVERED: "Undelivered",
    Status.EXCEPTION: "Exception",
    Status.EXPIRED: "Expired",
}
SUBSTATUS_WORDS: Final[dict[str, str]] = {
    Substatus.NOTFOUND_LABEL_ONLY: "Label only",
    Substatus.NOTFOUND: "Not known to the carrier",
    Substatus.INFORECEIVED: "Announced to the carrier",
    Substatus.TRANSIT: "On its way",
    Substatus.TRANSIT_AT_HUB: "At a hub",
    Substatus.TRANSIT_AT_DELIVERY_FACILITY: "At the delivery office",
    Substatus.TRANSIT_IN_DESTINATION_COUNTRY: "In the country of destination",
    Substatus.TRANSIT_CUSTOMS_CLEARED: "Cleared customs",
    Substatus.TRANSIT_DISPATCHED: "Dispatched",
    Substatus.TRANSIT_LEFT_AIRPORT: "Left the airport",
    Substatus.PICKUP_OUT_FOR_DELIVERY: "Out for delivery",
    Substatus.PICKUP_READY_FOR_COLLECTION: "Waiting to be collected",
    Substatus.PICKUP_CUSTOMER_CONTACTED: "Carrier contacts the recipient",
    Substatus.DELIVERED: "Delivered",
    Substatus.DELIVERED_COLLECTED: "Collected",
    Substatus.DELIVERED_SIGNED: "Delivered, signed for",
    Substatus.DELIVERED_SAFE_PLACE_OR_NEIGHBOUR: "Safe place or neighbour",
    Substatus.UNDELIVERED_ADDRESS: "Wrong address",
    Substatus.UNDELIVERED_NOBODY_HOME: "Nobody at home",
    Substatus.UNDELIVERED_ADDRESSEE_NOT_FOUND: "Addressee not found",
    Substatus.UNDELIVERED_OTHER: "Could not be delivered",
    Substatus.EXCEPTION_UNCLAIMED: "Not collected in time",
    Substatus.EXCEPTION_OTHER: "Other trouble",
    Substatus.EXCEPTION_CUSTOMS_HOLD: "Held by customs",
    Substatus.EXCEPTION_LOST_OR_DAMAGED: "Lost or damaged",
    Substatus.EXCEPTION_CANCELLED: "Cancelled",
    Substatus.EXCEPTION_REFUSED: "Refused",
    Substatus.EXCEPTION_RETURNED: "Back with the sender",
    Substatus.EXCEPTION_RETURNING: "On its way back",
    Substatus.EXPIRED: "No news for a long time",
}
REASON_WORDS: Final[dict[str, str]] = {
    Reason.RECIPIENT_ABSENT: "recipient absent",
    Reason.RECIPIENT_REFUSED: "refused by the recipient",
    Reason.RECIPIENT_UNKNOWN: "recipient unknown",
    Reason.RECIPIENT_MOVED: "recipient moved",
    Reason.RECIPIENT_DECEASED: "recipient deceased",
    Reason.RECIPIENT_NOT_COLLECTED: "not collected by the recipient",
    Reason.RECIPIENT_INSTRUCTION: "as the recipient wished",
    Reason.ADDRESS_INVALID: "address wrong or incomplete",
    Reason.SENDER_CANCELLED: "cancelled by the sender",
    Reason.SENDER_FORBIDDEN_GOODS: "goods that may not be sent",
    Reason.CUSTOMS_HOLD: "held by customs",
    Reason.CUSTOMS_PAYMENT: "customs want a payment",
    Reason.CARRIER_DAMAGED: "damaged by the carrier",
    Reason.CARRIER_LOST: "lost by the carrier",
    Reason.CARRIER_MISROUTED: "sent the wrong way by the carrier",
    Reason.CARRIER_DELAYED: "delayed by the carrier",
    Reason.CARRIER_INVESTIGATION: "the carrier looks for it",
}
TRANSPORT_WORDS: Final = {"api": "official API", "web": "public web page"}
TONES: Final[dict[str, str]] = {
    Status.DELIVERED: "good",
    Status.UNDELIVERED: "trouble",
    Status.EXCEPTION: "trouble",
    Status.EXPIRED: "warn",
    Status.NOTFOUND: "warn",
    Status.PENDING: "quiet",
    Status.INFORECEIVED: "quiet",
    Status.TRANSIT: "calm",
    Status.PICKUP: "calm",
}
OUTCOME_WORDS: Final = {
    "": "not asked yet",
    "found": "answered",
    "unknown_number": "does not know the number",
    "invalid_number": "says the number cannot exist",
    "auth_failed": "refuses the credentials",
    "rate_limited": "asks for patience",
    "unavailable": "is out of order",
    "not_understood": "answered something not understood",
    "no_connection": "nobody configured a way to ask",
}

LONG_AGO: Final = 60 * DAY
"""From here on nobody counts in days."""


def stamp(instant: Instant | None) -> str:
    """Return ``2026-03-01 10:00 UTC``; a dash for None."""
    return "–" if instant is None else f"{to_datetime(instant):%Y-%m-%d %H:%M} UTC"


def machine(instant: Instant) -> str:
    """Return a time for ``<time datetime>``."""
    return f"{to_datetime(instant):%Y-%m-%dT%H:%M:%SZ}"


def span(milliseconds: int) -> str:
    """Return a duration in the largest unit that fits: ``3 h``."""
    for unit, word in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if milliseconds >= unit:
            return f"{milliseconds // unit} {word}"
    return f"{milliseconds // SECOND} s"


def wait_time(seconds: int) -> str:
    """Return how long to wait, in words and rounded up: ``a few seconds``, ``5 minutes``."""
    if seconds < 10:
        return "a few seconds"
    minutes = -(-seconds * SECOND // MINUTE)
    return plural(minutes, "minute") if minutes <= 90 else plural(-(-minutes // 60), "hour")


def ago(instant: Instant | None, now: Instant) -> str:
    """Return ``3 h ago``, ``in 5 min``, ``never``; a date where it is long ago or far off."""
    if instant is None:
        return "never"
    if abs(now - instant) < 10 * SECOND:
        return "just now"
    if abs(now - instant) >= LONG_AGO:
        return f"{to_datetime(instant):%Y-%m-%d}"
    return f"{span(now - instant)} ago" if instant < now else f"in {span(instant - now)}"


def status_word(status: str) -> str:
    """Return a status in words."""
    return STATUS_WORDS.get(status, status)


def substatus_word(substatus: str | None) -> str:
    """Return a finer code in words; empty for None."""
    return "" if substatus is None else SUBSTATUS_WORDS.get(substatus, substatus)


def reason_word(reason: str | None) -> str:
    """Return a reason in words; empty for None."""
    return "" if reason is None else REASON_WORDS.get(reason, reason)


def transport_word(transport: str) -> str:
    """Return a way to ask a carrier in words."""
    return TRANSPORT_WORDS.get(transport, transport)


def tone(status: str) -> str:
    """Return the tone in which a status is shown."""
    return TONES.get(status, "quiet")


def outcome_word(outcome: str) -> str:
    """Return what a carrier did, as the rest of a sentence."""
    return OUTCOME_WORDS.get(outcome, outcome)


def count(number: int) -> str:
    """Return a figure with separators."""
    return f"{number:,}"


def plural(number: int, word: str) -> str:
    """Return ``1 row``, ``1,200 rows``."""
    return f"{number:,} {word if number == 1 else word + 's'}"


def days_until(day: str | None, now: Instant) -> int | None:
    """Return how many days from today (UTC) until a date; None where there is none."""
    try:
        return (date.fromisoformat((day or "")[:10]) - to_datetime(now).date()).days
    except ValueError:
        return None


def offset_words(minutes: int | None, source: str) -> str:
    """Return a time's offset and how it is known."""
    if minutes is None:
        return "time zone unknown"
    hours, rest = divmod(abs(minutes), 60)
    how = {
        "carrier": "said by the carrier",
        "place": "from the place",
        "home": "the carrier's home zone",
    }.get(source, source)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}, {how}"


FILTERS: Final = {
    "stamp": stamp,
    "machine": machine,
    "span": span,
    "wait_time": wait_time,
    "ago": ago,
    "status_word": status_word,
    "substatus_word": substatus_word,
    "reason_word": reason_word,
    "tone": tone,
    "transport_word": transport_word,
    "outcome_word": outcome_word,
    "count": count,
    "plural": plural,
}
