"""A tracking as v4 bytes: pure, the same bytes for the same tracking.

The store keeps these bytes beside every tracking (its *rendition*), so that ``trackings/get``
copies them instead of building objects. Nothing here may depend on the time of the reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, cast

import msgspec
from msgspec.structs import replace

from parcelwire.api.v4.models import Event as EventObject
from parcelwire.api.v4.models import Identity, LegInfo, MilestoneDates, TrackingObject
from parcelwire.couriers.registry import Registry, default_registry
from parcelwire.domain.changes import Event
from parcelwire.domain.checkpoint import Checkpoint, Leg
from parcelwire.domain.clock import SECOND, iso_utc
from parcelwire.domain.lane import days_under_way
from parcelwire.domain.languages import language_of
from parcelwire.domain.merge import derive_milestones
from parcelwire.domain.report import ParcelFacts
from parcelwire.domain.tracking import Milestones, Tracking

Phrase = Callable[[str, str, str], str | None]
"""(courier code, raw code, ISO 639-1 language) -> the carrier's wording, where known."""

ARCHIVED: Final = "true"
NOT_ARCHIVED: Final = "tracking"
# Open in the sources: only "tracking" was seen in answers; "true" is the word that the filter
# ``archived_status`` has for archived ones.

MOST_RECENT: Final = 256
"""How many renderings are remembered; a group commit is about as large."""

_NO_FACTS: Final = ParcelFacts()
_BLANK: Final = TrackingObject(
    # Open in the sources: nobody says what "previously" and "status_info" hold.
    **{**dict.fromkeys(TrackingObject.__struct_fields__), "transit_time": 0}  # type: ignore[arg-type]
)
"""Nothing known. Most fields of most trackings stay so, and are copied from here at once."""


class Renderer:
    """Renders trackings with what the registry knows about their couriers."""

    def __init__(self, registry: Registry, phrase: Phrase | None = None) -> None:
        """``phrase`` words events in the language a tracking or a reader asks for."""
        self._registry = registry
        self._phrase = phrase
        self._encode = msgspec.json.Encoder().encode
        self._recent: dict[str, tuple[Tracking, bytes]] = {}
        self._untouched: dict[str | None, msgspec.Raw] = {}
        self._silent: dict[str, TrackingObject] = {}

    def speak(self, phrase: Phrase) -> None:
        """Word events by ``phrase`` from now on.

        The store wants the renderer before there is anybody who knows carriers' wordings.
        """
        self._phrase = phrase
        self._recent.clear()

    def tracking(self, tracking: Tracking, language: str | None = None) -> bytes:
        """Return the tracking object.

        ``language`` wins over the tracking's own. A text that nobody translated stays as it is.
        """
        if language is not None:
            return self._encode(self.build(tracking, language))
        if _is_unheard_of(tracking):
            return self._encode(self.build(tracking))
        # What has changed is wanted twice within a moment: by the store and by the answer.
        known = self._recent.get(tracking.id)
        if known is not None and known[0] is tracking:
            return known[1]
        rendered = self._encode(self.build(tracking))
        self._recent[tracking.id] = tracking, rendered
        if len(self._recent) > MOST_RECENT:
            del self._recent[next(iter(self._recent))]
        return rendered

    def payload(self, tracking: Tracking, event: Event) -> bytes:
        """Return the ``data`` of the message that tells ``event`` (the sender wraps it).

        Beside the tracking object it says which of the tracking's events it tells, so that a
        receiver can see a gap or a repetition.
        """
        told = self._encode(
            {"sequence": event.sequence, "event_id": event.id, "event_type": event.type}
        )
        return b"%b,%b" % (self.tracking(tracking)[:-1], told[1:])

    def build(self, tracking: Tracking, language: str | None = None) -> TrackingObject:
        """Return the tracking object before it is encoded."""
        details = tracking.details
        heard = (
            self._silence_of(tracking.courier_code)
            if _is_unheard_of(tracking)
            else self._heard(tracking, language_of(language) or language_of(details.language))
        )
        return replace(
            heard,
            id=tracking.id,
            tracking_number=tracking.number,
            courier_code=tracking.courier_code,
            order_number=details.order_number,
            order_date=details.order_date,
            created_at=_whole_seconds(tracking.created_at // SECOND),
            update_at=_whole_seconds(tracking.updated_at // SECOND),
            delivery_status=tracking.status,
            archived=ARCHIVED if tracking.is_archived else NOT_ARCHIVED,
            updating=not tracking.is_stopped,
            source=tracking.source,
            destination_country=details.destination_country or heard.destination_country,
            origin_country=details.origin_country or heard.origin_country,
            tracking_postal_code=details.postal_code,
            tracking_ship_date=details.ship_date,
            tracking_destination_country=details.tracking_destination_country,
            tracking_origin_country=details.tracking_origin_country,
            tracking_key=details.key,
            tracking_courier_account=details.courier_account,
            customer_name=details.customer_name,
            customer_email=details.customer_email,
            customer_sms=details.customer_phone,
            recipient_postcode=details.recipient_postcode,
            order_id=details.order_id,
            title=details.title,
            logistics_channel=details.logistics_channel,
            note=details.note,
            label=details.label,
            substatus=tracking.substatus,
        )

    def _silence_of(self, courier_code: str) -> TrackingObject:
        """Return what a parcel's carrier said of it before it said anything.

        Every new tracking begins so; what its shop said is all that tells them apart.
        """
        known = self._silent.get(courier_code)
        if known is None:
            known = self._silent[courier_code] = replace(
                _BLANK,
                origin_info=self._untouched_leg(courier_code),
                destination_info=self._untouched_leg(None),
            )
        return known

    def _heard(self, tracking: Tracking, language: str | None) -> TrackingObject:
        """Return what a parcel's carriers said of it."""
        facts = tracking.facts or _NO_FACTS
        visible = tracking.visible_checkpoints
        origin, destination = self._legs(tracking, visible, language)
        latest = self._event(visible[-1], tracking.courier_code, language) if visible else None
        kg = kilograms(facts.weight_grams)
        return replace(
            _BLANK,
            destination_country=facts.destination_country,
            destination_state=facts.destination_state,
            destination_city=facts.destination_city,
            origin_country=facts.origin_country,
            origin_state=facts.origin_state,
            origin_city=facts.origin_city,
            signed_by=facts.proof.signed_by if facts.proof is not None else None,
            service_code=facts.service,
            weight=None if kg is None else f"{kg} kg",
            weight_kg=kg,
            product_type=facts.product,
            pieces=None if facts.pieces is None else str(facts.pieces),
            dimension=_dimension(facts),
            destination_track_number=facts.exchange_number
            if facts.exchange_number and any(one.leg is Leg.DESTINATION for one in visible)
            else None,
            exchange_number=facts.exchange_number,
            scheduled_delivery_date=tracking.promise.latest[:10] if tracking.promise else None,
            scheduled_address=facts.pickup_point,
            latest_event=_in_one_line(latest) if latest else None,
            latest_checkpoint_time=latest.checkpoint_date if latest else None,
            transit_time=days_under_way(tracking.milestones, visible) or 0,
            origin_info=origin,
            destination_info=destination,
        )

    def _legs(
        self, tracking: Tracking, visible: Sequence[Checkpoint], language: str | None
    ) -> tuple[LegInfo, LegInfo]:
        facts = tracking.facts or _NO_FACTS
        far = tuple(point for point in visible if point.leg is Leg.DESTINATION)
        near = tuple(point for point in visible if point.leg is Leg.ORIGIN) if far else visible
        origin = self._leg(
            tracking.courier_code,
            facts.reference_number,
            # A parcel of one leg shows its whole way there.
            derive_milestones(tuple(near)) if far else tracking.milestones,
            self._events(near, tracking.courier_code, language),
        )
        if not far and facts.partner_courier_code is None:
            return origin, self._untouched_leg(None)
        return origin, self._leg(
            facts.partner_courier_code,
            None,
            derive_milestones(far),
            self._events(far, tracking.courier_code, language),
        )

    def _untouched_leg(self, courier_code: str | None) -> LegInfo:
        """Return the leg of a courier that has said nothing yet: every new tracking has it.

        It is encoded already, which the encoder takes in the place of the object.
        """
        known = self._untouched.get(courier_code)
        if known is None:
            leg = self._leg(courier_code, None, Milestones(), [])
            known = self._untouched[courier_code] = msgspec.Raw(self._encode(leg))
        return cast("LegInfo", known)

    def _leg(
        self,
        courier_code: str | None,
        reference_number: str | None,
        reached: Milestones,
        events: list[EventObject],
    ) -> LegInfo:
        courier = self._registry.get(courier_code) if courier_code is not None else None
        return LegInfo(
            courier_code=courier_code,
            courier_phone=courier.phone if courier is not None else None,
            weblink=courier.homepage if courier is not None else None,
            reference_number=reference_number,
            milestone_date=MilestoneDates(
                inforeceived_date=reached.info_received,
                pickup_date=reached.accepted,
                outfordelivery_date=reached.out_for_delivery,
                delivery_date=reached.delivered,
                returning_date=reached.returning,
                returned_date=reached.returned,
            ),
            pickup_date=reached.accepted,
            departed_airport_date=reached.departed_airport,
            arrived_abroad_date=reached.arrived_abroad,
            customs_received_date=reached.customs_cleared,
            trackinfo=events,
        )

    def _events(
        self, oldest_first: Sequence[Checkpoint], courier_code: str, language: str | None
    ) -> list[EventObject]:
        return [self._event(point, courier_code, language) for point in reversed(oldest_first)]

    def _event(self, point: Checkpoint, courier_code: str, language: str | None) -> EventObject:
        text = point.text
        if language and self._phrase and point.raw_code and language_of(point.language) != language:
            text = self._phrase(courier_code, point.raw_code, language) or text
        return EventObject(
            checkpoint_date=point.iso_time,
            checkpoint_delivery_status=point.status,
            checkpoint_delivery_substatus=point.substatus,
            tracking_detail=text,
            location=point.location or point.city,
            country_iso2=point.country,
            state=point.state,
            city=point.city,
            zip=point.postal_code,
            raw_status=point.raw_code,
        )


def identity_of(tracking: Tracking) -> Identity:
    """Return what says which tracking it is, and no more."""
    return Identity(
        id=tracking.id,
        tracking_number=tracking.number,
        courier_code=tracking.courier_code,
    )


def _is_unheard_of(tracking: Tracking) -> bool:
    return not tracking.checkpoints and tracking.facts is None and tracking.window is None


@lru_cache(maxsize=256)
def _whole_seconds(seconds: int) -> str:
    # What is created and changed now is created and changed within the same few seconds.
    return iso_utc(seconds * SECOND)


def kilograms(grams: int | None) -> str | None:
    """Return ``1.25`` for 1250 grams."""
    if grams is None:
        return None
    whole, rest = divmod(grams, 1000)
    return f"{whole}.{rest:03d}".rstrip("0").rstrip(".")


def _dimension(facts: ParcelFacts) -> str | None:
    sides = (facts.length_mm, facts.width_mm, facts.height_mm)
    if None in sides:
        return None
    return " x ".join(_centimetres(side) for side in sides if side is not None) + " cm"


def _centimetres(millimetres: int) -> str:
    whole, rest = divmod(millimetres, 10)
    return f"{whole}.{rest}" if rest else str(whole)


def _in_one_line(event: EventObject) -> str:
    parts: Iterable[str | None] = (event.tracking_detail, event.location, event.checkpoint_date)
    return ",".join(part for part in parts if part)


def render_tracking(tracking: Tracking) -> bytes:
    """Return the tracking object, with the package's own registry and without translations."""
    return _plain().tracking(tracking)


def render_payload(tracking: Tracking, event: Event) -> bytes:
    """Return a message's ``data``, with the package's own registry and without translations."""
    return _plain().payload(tracking, event)


_made: list[Renderer] = []


def _plain() -> Renderer:
    # The registry is read when something is rendered first, not when this module is imported.
    if not _made:
        _made.append(Renderer(default_registry()))
    return _made[0]
