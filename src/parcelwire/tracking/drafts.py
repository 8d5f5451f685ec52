"""From what somebody typed to a tracking that can be stored.

Number, courier, fields the courier wants.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from parcelwire.couriers.detection import Candidate, Detector, Hints
from parcelwire.couriers.number import is_plausible, normalise
from parcelwire.couriers.registry import Courier, Registry
from parcelwire.domain.clock import Instant
from parcelwire.domain.tracking import Details, Tracking, make_page_token
from parcelwire.tracking.errors import (
    CourierUndetectedError,
    CourierUnknownError,
    FieldsMissingError,
    NumberInvalidError,
    NumberMissingError,
)
from parcelwire.tracking.history import NOTHING, CourierHistory
from parcelwire.tracking.ports import Identifiers

NO_DETAILS: Final = Details()


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller asks to have followed. ``courier_code`` None: find out from the number."""

    number: str | None
    courier_code: str | None = None
    details: Details = Details()
    ordered_at: Instant | None = None
    is_auto_correct_disabled: bool = False
    source: str = "API"


class Drafting:
    """Checks drafts against the registry and turns them into trackings."""

    def __init__(
        self,
        registry: Registry,
        detector: Detector,
        identifiers: Identifiers,
        history: CourierHistory,
    ) -> None:
        """Use ``registry`` for codes, ``identifiers`` for ids, and where no code is given
        ``detector`` with the ``history`` of the world.
        """
        self.history = history
        self._registry = registry
        self._detector = detector
        self._identifiers = identifiers

    @staticmethod
    def number(typed: str | None) -> str:
        """Return the compact form of a typed number.

        Raises:
            NumberMissingError: nothing was given.
            NumberInvalidError: it cannot be a tracking number.
        """
        if typed is None or not typed.strip():
            raise NumberMissingError
        number = normalise(typed)
        if not is_plausible(number):
            raise NumberInvalidError
        return number

    def courier(self, code: str) -> Courier:
        """Return the courier with this code (aliases and spelling variants included).

        Raises:
            CourierUnknownError: there is none.
        """
        courier = self._registry.get(code) or self._registry.resolve(code)
        if courier is None:
            raise CourierUnknownError(code)
        return courier

    async def candidates(
        self, world_id: int, number: str, details: Details = NO_DETAILS
    ) -> list[Candidate]:
        """Return the couriers that a compact number can belong to for this world, best first.

        What the shop says of the parcel and which couriers it really uses count. Empty: nobody's.
        """
        hints = hints_of(details, await self.history.of(world_id))
        return self._detector.detect(number, hints)

    async def tracking(self, world_id: int, draft: Draft, now: Instant) -> Tracking:
        """Return the tracking that ``draft`` asks for, pending, with a new id.

        Raises:
            TrackingError: the draft cannot be followed; the subclass says why.
        """
        number = self.number(draft.number)
        code = draft.courier_code
        if not code:
            candidates = await self.candidates(world_id, number, draft.details)
            if not candidates:
                raise CourierUndetectedError
            code = candidates[0].courier_code
        courier = self.courier(code)
        check_fields(courier, draft.details)
        tracking_id = self._identifiers.new_id(now)
        return Tracking(
            id=tracking_id,
            world_id=world_id,
            number=number,
            typed_number=draft.number or number,
            courier_code=courier.code,
            created_at=now,
            updated_at=now,
            page_token=make_page_token(tracking_id, self._identifiers.new_token()),
            source=draft.source,
            details=draft.details,
            ordered_at=draft.ordered_at,
            is_auto_correct_disabled=draft.is_auto_correct_disabled,
        )


def hints_of(details: Details, history: Mapping[str, int] = NOTHING) -> Hints:
    """Return what the shop said of its parcel, as the detector takes it."""
    return Hints(
        destination_country=details.destination_country or details.tracking_destination_country,
        origin_country=details.origin_country or details.tracking_origin_country,
        postal_code=details.postal_code or details.recipient_postcode,
        ship_date=details.ship_date,
        history=history,
    )


def check_fields(courier: Courier, details: Details) -> None:
    """Check that ``details`` have what this courier wants beside the number.

    Raises:
        FieldsMissingError: they do not.
    """
    if courier.required_fields and (missing := missing_fields(courier, details)):
        raise FieldsMissingError(courier.code, missing)


def missing_fields(courier: Courier, details: Details) -> tuple[str, ...]:
    """Return what this courier wants beside the number and ``details`` does not have."""
    return tuple(
        field
        for field in courier.required_fields
        if (name := _DETAIL_OF.get(field)) is not None
        and not getattr(details, name)
        and not (field == "destination_country" and details.destination_country)
    )


_DETAIL_OF = {
    "postal_code": "postal_code",
    "ship_date": "ship_date",
    "account": "courier_account",
    "destination_country": "tracking_destination_country",
    "origin_country": "tracking_origin_country",
    "key": "key",
}
"""The registry's names of extra fields -> where ``Details`` keeps them."""
