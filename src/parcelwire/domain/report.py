"""What a carrier said about one number, in our words: the answer of every connector."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec

from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import Instant


class Outcome(StrEnum):
    """What a connector may answer, by what the scheduler must do with it."""

    FOUND = "found"
    UNKNOWN_NUMBER = "unknown_number"
    """The carrier positively does not know the number: ask later."""
    INVALID_NUMBER = "invalid_number"
    """The carrier says no such number can exist: stop."""
    AUTH_FAILED = "auth_failed"
    """The credentials are refused: stop this connection, tell the operator once."""
    RATE_LIMITED = "rate_limited"
    """Wait until ``retry_at``."""
    UNAVAILABLE = "unavailable"
    """The carrier is out of order: back off the carrier, not the parcel."""
    NOT_UNDERSTOOD = "not_understood"
    """The answer has no shape we know: keep it raw, recorded as unmapped; never "not found"."""
    NO_CONNECTION = "no_connection"
    """Nobody configured a way to ask this carrier: nothing was sent."""


class DeliveryWindow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When the parcel is promised.

    Local ISO 8601 dates or times, who said so, and when we heard it.
    """

    earliest: str
    latest: str
    source: str
    reported_at: Instant = 0

    @property
    def is_readable(self) -> bool:
        """Whether both ends are what they should be; a plug-in may say "tomorrow"."""
        return _is_local_time(self.earliest) and _is_local_time(self.latest)


def _is_local_time(text: str) -> bool:
    try:
        date.fromisoformat(text[:10])
        datetime.fromisoformat(text)
    except ValueError:
        return False
    # The rest of the house takes the date from the first ten characters.
    return text[4:8:3] == "--" and text[10:11] in ("", "T")


class ProofOfDelivery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who took the parcel, and what shows it."""

    signed_by: str | None = None
    place: str | None = None
    image_url: str | None = None


class ParcelFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the carrier knows about the parcel itself. None means that it did not say."""

    service: str | None = None
    product: str | None = None
    weight_grams: int | None = None
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    pieces: int | None = None
    origin_country: str | None = None
    origin_state: str | None = None
    origin_city: str | None = None
    destination_country: str | None = None
    destination_state: str | None = None
    destination_city: str | None = None
    destination_postal_code: str | None = None
    reference_number: str | None = None
    exchange_number: str | None = None
    """The number of the same parcel with the carrier of the other leg."""
    partner_courier_code: str | None = None
    proof: ProofOfDelivery | None = None
    pickup_point: str | None = None
    pickup_until_on: str | None = None
    is_returning: bool | None = None


class UnmappedCode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A carrier code or text nobody has mapped yet, with a sample to map it by."""

    kind: str
    """``code``, ``text`` or ``answer`` (the whole answer was not understood)."""
    value: str
    sample: str = ""


class CarrierReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One carrier's answer for one number, tamed to our types.

    ``checkpoints`` in any order; ``received_at`` of each is filled in from ``fetched_at`` by merge.
    ``detail`` is one line
    for the operator's eyes (never credentials). ``raw`` is the carrier's answer as received, capped
    by the transport.
    """

    number: str
    outcome: Outcome
    checkpoints: tuple[Checkpoint, ...] = ()
    facts: ParcelFacts | None = None
    window: DeliveryWindow | None = None
    unmapped: tuple[UnmappedCode, ...] = ()
    retry_at: Instant | None = None
    detail: str = ""
    raw: bytes = b""
    fetched_at: Instant = 0
    connector: str = ""
    asked_at: Instant = 0
    """When the conversation began; filled in by whoever asked. 0: nobody was asked by plan."""
    duration_ms: int = 0
    """How long it took, other numbers' part in it included."""
