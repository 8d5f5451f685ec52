"""The record of following one number with one courier for one account."""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import Instant
from parcelwire.domain.report import DeliveryWindow, ParcelFacts
from parcelwire.domain.status import Reason, Status, Substatus, is_final


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in the parcel, as the shop calls it."""

    name: str
    quantity: int = 1


class Details(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the shop told us about its parcel. None means "not given"; all text is kept as given."""

    order_number: str | None = None
    order_id: str | None = None
    order_date: str | None = None
    title: str | None = None
    customer_name: str | None = None
    customer_email: str | None = None
    customer_phone: str | None = None
    recipient_postcode: str | None = None
    logistics_channel: str | None = None
    note: str | None = None
    label: str | None = None
    language: str | None = None
    origin_country: str | None = None
    """ISO 3166 alpha-2."""
    destination_country: str | None = None
    """ISO 3166 alpha-2."""
    # What some carriers want beside the number:
    postal_code: str | None = None
    ship_date: str | None = None
    """YYYYMMDD, as TrackingMore's clients send it."""
    courier_account: str | None = None
    tracking_origin_country: str | None = None
    tracking_destination_country: str | None = None
    key: str | None = None
    products: tuple[Product, ...] = ()
    """What is in the parcel; the tracking page lists it."""


class Milestones(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """First time each stage was reached: ISO 8601 as ``Checkpoint.iso_time`` gives it."""

    info_received: str | None = None
    accepted: str | None = None
    """The carrier has it: first transit checkpoint."""
    dispatched: str | None = None
    departed_airport: str | None = None
    arrived_abroad: str | None = None
    customs_cleared: str | None = None
    arrived_destination: str | None = None
    out_for_delivery: str | None = None
    ready_for_collection: str | None = None
    delivered: str | None = None
    returning: str | None = None
    returned: str | None = None


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """One time the courier was corrected: kept so that it can be understood and undone."""

    at: Instant
    from_courier: str
    to_courier: str
    reason: str
    is_automatic: bool = False
    """Found out by asking; False: somebody wanted it so, and no automatism goes back on it."""


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
    """The last time another courier was asked in vain whether it knows the number."""

    courier_code: str
    at: Instant
    outcome: str


class Tracking(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One tracking with its whole history. Change it with ``msgspec.structs.replace``.

    ``merge`` does so for reports.
    """

    id: str
    """32 hex digits, time-ordered."""
    world_id: int
    """The live or the test half of an account, see ``domain.account``."""
    number: str
    """Compact form: upper case, no separators."""
    typed_number: str
    courier_code: str
    created_at: Instant
    updated_at: Instant
    """When anything a reader can see last changed."""
    page_token: str
    """Unguessable part of the tracking page's address."""
    source: str = "API"
    version: int = 1
    """Counts every saved change; a save with an old version is refused."""
    sequence: int = 0
    """Number of the last event told about this tracking."""
    details: Details = Details()
    ordered_at: Instant | None = None
    """``details.order_date`` as an instant, where it could be read."""
    status: Status = Status.PENDING
    substatus: Substatus | None = None
    reason: Reason | None = None
    status_override: Status | None = None
    """Set by a person (delivered or exception); wins until it is taken back."""
    is_archived: bool = False
    is_stopped: bool = False
    """Nobody asks the carrier any more."""
    stopped_reason: str | None = None
    """``final``, ``expired``, ``invalid_number``, ``by_user``."""
    is_auto_correct_disabled: bool = False
    is_known_missing: bool = False
    """The carrier has positively said that it does not know the number."""
    expired_at: Instant | None = None
    retracked_at: Instant | None = None
    checkpoints: tuple[Checkpoint, ...] = ()
    """Oldest first, withdrawn ones included; use ``visible_checkpoints`` to show them."""
    facts: ParcelFacts | None = None
    facts_at: Instant = 0
    window: DeliveryWindow | None = None
    milestones: Milestones = Milestones()
    corrections: tuple[Correction, ...] = ()
    tried_couriers: tuple[ProbeResult, ...] = ()
    """Couriers that were asked because the own one does not know the number; see
    ``tracking.courier_correction``.
    """

    @property
    def visible_checkpoints(self) -> list[Checkpoint]:
        """The checkpoints that stand, oldest first."""
        return [checkpoint for checkpoint in self.checkpoints if not checkpoint.is_withdrawn]

    @property
    def latest_checkpoint(self) -> Checkpoint | None:
        """The newest checkpoint that stands."""
        for checkpoint in reversed(self.checkpoints):
            if not checkpoint.is_withdrawn:
                return checkpoint
        return None

    @property
    def promise(self) -> DeliveryWindow | None:
        """The delivery window, where it can be read."""
        window = self.window
        return window if window is not None and window.is_readable else None

    @property
    def is_final(self) -> bool:
        """Delivered, or back with the sender."""
        return is_final(self.status, self.substatus)

    @property
    def is_expired(self) -> bool:
        """Its silence ended the polling, whatever its status says: it can be taken up again."""
        return (self.expired_at is not None and not self.is_final) or (
            self.status is Status.EXPIRED
        )


_ID_CHARACTERS = 22
"""Length of 16 bytes in base64url."""


_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


def url_text(raw: bytes) -> str:
    """Return bytes as base64url without padding. Every new tracking has two of them."""
    # What base64.urlsafe_b64encode does, in a third of its time.
    return binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode()


def make_page_token(tracking_id: str, secret: str) -> str:
    """Return the unguessable part of a tracking page's address: the id, then ``secret``.

    The id is no secret; with it in front a store finds the tracking without an index of random
    tokens, the most expensive one to keep. What nobody can guess is the rest: at least 128 random
    bits, URL-safe.
    """
    return url_text(bytes.fromhex(tracking_id)) + secret


def id_of_page_token(page_token: str) -> str | None:
    """Return the id in front of a page token, or None when it has not the form of one."""
    try:
        raw = base64.urlsafe_b64decode(page_token[:_ID_CHARACTERS] + "==")
    except (binascii.Error, ValueError):
        return None
    return raw.hex() if len(raw) == 16 and page_token.isascii() else None
