"""The shapes of what v2's clients send; ``requests`` reads them.

Every field may be missing, null, empty text, text, a number or a truth value.
"""

from __future__ import annotations

import msgspec

from parcelwire.api.trackingmore.bodies import Text


class PairRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which tracking: each item of ``trackings/delete`` and ``trackings/notupdate``."""

    tracking_number: Text = None
    carrier_code: Text = None


class DetailsRequest(PairRequest, frozen=True, kw_only=True):
    """What a shop says about its parcel."""

    title: Text = None
    logistics_channel: Text = None
    customer_name: Text = None
    # Documented as text and, elsewhere, as a list of addresses.
    customer_email: Text | list[Text] = None
    customer_phone: Text = None
    order_id: Text = None
    order: Text = None
    """``order_id``, as ``trackings/realtime`` calls it."""
    comment: Text = None
    order_create_time: Text = None
    destination_code: Text = None
    tracking_ship_date: Text = None
    tracking_postal_code: Text = None
    tracking_account_number: Text = None
    tracking_destination_country: Text = None
    specialNumberDestination: Text = None  # noqa: N815  (the wire's spelling)
    """``tracking_destination_country``, as older clients call it."""
    tracking_origin_country: Text = None
    tracking_key: Text = None
    lang: Text = None


class CreateRequest(DetailsRequest, frozen=True, kw_only=True):
    """Body of ``trackings/post`` and ``trackings/realtime``, and each item of a batch."""

    auto_correct: Text = None
    """1: keep the carrier as given, even if the number looks like another's."""


class UpdateRequest(DetailsRequest, frozen=True, kw_only=True):
    """Body of PUT, and each item of ``trackings/updatemore``."""

    status: Text = None
    """4 delivered, 7 exception, 8 back to what the carrier says."""
    archived: Text = None
    """``"true"`` or ``"false"``."""


class ChangeCourierRequest(PairRequest, frozen=True, kw_only=True):
    """Body of ``trackings/update``."""

    update_carrier_code: Text = None


class DetectRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Body of ``carriers/detect``."""

    tracking_number: Text = None
    lang: Text = None


class RemoteRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Each item of ``trackings/remote``."""

    country: Text = None
    """Name or ISO 3166 alpha-2."""
    postcode: Text = None
    """Postcode or town."""
    company: Text = None


class LaneRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Each item of ``trackings/costtime``."""

    carrier_code: Text = None
    original: Text = None
    destination: Text = None


class AirCargoRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Body of ``trackings/aircargo``."""

    track_number: Text | list[Text] = None
    lang: Text = None
