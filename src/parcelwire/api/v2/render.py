"""A tracking as v2's short and full item: pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from parcelwire.api.v2.countries import country_name
from parcelwire.api.v2.models import FullItem, Info, Row, ShortItem, UpdatedItem
from parcelwire.couriers.registry import Registry
from parcelwire.domain.changes import Event
from parcelwire.domain.checkpoint import Checkpoint, Leg
from parcelwire.domain.clock import DAY, Instant, iso_utc
from parcelwire.domain.lane import days_between
from parcelwire.domain.merge import derive_milestones
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Milestones, Tracking

Phrase = Callable[[str, str, str], str | None]
"""(courier code, raw code, ISO 639-1 language) -> the carrier's wording, where known."""

STATUSES: Final = (
    "pending",
    "notfound",
    "transit",
    "pickup",
    "delivered",
    "undelivered",
    "exception",
    "expired",
)
"""The eight statuses of v2.

``inforeceived`` came later and is ``notfound`` with substatus notfound001 there.
"""

_VENDOR_LANGUAGES: Final = {"cn": "zh", "tw": "zh", "jp": "ja", "kr": "ko"}
"""TrackingMore names some languages by a country."""

_NODES: Final = {
    "ItemReceived": "accepted",
    "ItemDispatched": "dispatched",
    "DepartfromAirport": "departed_airport",
    "ArrivalfromAbroad": "arrived_abroad",
    "CustomsClearance": "customs_cleared",
    "DestinationArrived": "arrived_destination",
}
"""The wire's stages -> names in ``Milestones``."""

_encode: Final = msgspec.json.Encoder().encode


def status_words(status: Status, substatus: Substatus | None) -> tuple[str, str | None]:
    """Return status and substatus in v2's words."""
    if status is Status.INFORECEIVED:
        return Status.NOTFOUND.value, Substatus.NOTFOUND_LABEL_ONLY.value
    return status.value, substatus.value if substatus is not None else None


def statuses_of(word: str) -> tuple[Status, ...]:
    """Return our statuses behind one of v2's words (``notfound`` stands for two)."""
    if word == Status.NOTFOUND:
        return (Status.NOTFOUND, Status.INFORECEIVED)
    return (Status(word),)


def language_of(asked: str | None) -> str | None:
    """Return the ISO 639-1 code that a client's word for a language means (``cn``, ``de-CH``)."""
    if not asked:
        return None
    word = asked.strip().lower().replace("_", "-").partition("-")[0]
    return _VENDOR_LANGUAGES.get(word, word) or None


def short_item(tracking: Tracking) -> ShortItem:
    """Return the item of create and batch."""
    details = tracking.details
    return ShortItem(
        id=tracking.id,
        tracking_number=tracking.number,
        carrier_code=tracking.courier_code,
        order_create_time=details.order_date or 0,
        status=status_words(tracking.status, tracking.substatus)[0],
        created_at=iso_utc(tracking.created_at),
        customer_email=details.customer_email,
        customer_name=details.customer_name,
        customer_phone=details.customer_phone,
        order_id=details.order_id,
        comment=details.note,
        title=details.title,
        logistics_channel=details.logistics_channel,
        destination=details.destination_country or "",
    )


def updated_item(tracking: Tracking) -> UpdatedItem:
    """Return the item of an update: the short one and what can be changed."""
    short = short_item(tracking)
    return UpdatedItem(
        **{name: getattr(short, name) for name in ShortItem.__struct_fields__},
        updated_at=iso_utc(tracking.updated_at),
        destination_code=tracking.details.destination_country,
        archived=tracking.is_archived,
    )


class Renderer:
    """Renders full items with what the registry knows about their couriers."""

    def __init__(self, registry: Registry, phrase: Phrase | None = None) -> None:
        """``phrase`` words events in the language a reader asks for."""
        self._registry = registry
        self._phrase = phrase

    def payload(self, tracking: Tracking, event: Event) -> bytes:
        """Return the ``data`` of the message that tells ``event``.

        The full item as of the event.
        """
        return _encode(self.full_item(tracking, now=event.at))

    def full_item(
        self, tracking: Tracking, now: Instant | None = None, language: str | None = None
    ) -> FullItem:
        """Return the item of get, list, real time and webhooks.

        ``now`` is what ``stayTimeLength`` (days since the last event) counts to; None: the last
        change. ``language`` wins over the one the tracking was created with.
        """
        details, facts = tracking.details, tracking.facts
        visible = tracking.visible_checkpoints
        status, substatus = status_words(tracking.status, tracking.substatus)
        latest = visible[-1] if visible else None
        origin = details.origin_country or (facts.origin_country if facts else None)
        destination = details.destination_country or (facts.destination_country if facts else None)
        language = language_of(language) or language_of(details.language)
        far = [point for point in visible if point.leg is Leg.DESTINATION]
        near = [point for point in visible if point.leg is Leg.ORIGIN]
        partner = facts.partner_courier_code if facts else None
        return FullItem(
            id=tracking.id,
            tracking_number=tracking.number,
            carrier_code=tracking.courier_code,
            status=status,
            track_update=not tracking.is_stopped,
            created_at=iso_utc(tracking.created_at),
            updated_at=iso_utc(tracking.updated_at) if tracking.version > 1 else None,
            order_create_time=details.order_date,
            customer_email=details.customer_email or "",
            title=details.title,
            order_id=details.order_id,
            comment=details.note,
            customer_name=details.customer_name,
            archived=tracking.is_archived,
            original_country=country_name(origin),
            destination_country=country_name(destination),
            itemTimeLength=_transit_days(tracking.milestones, visible),
            stayTimeLength=_days_since(latest, now or tracking.updated_at),
            service_code=facts.service if facts else None,
            status_info=None,
            substatus=substatus,
            singed_by=(facts.proof.signed_by if facts and facts.proof else None) or "",
            origin_info=self._info(tracking, tracking.courier_code, near, language),
            destination_info=self._info(tracking, partner, far, language)
            if far or partner
            else UNSET,
            lastEvent=self._sentence(tracking, latest, language) if latest else None,
            lastUpdateTime=_wall_clock(latest.local_time) if latest else None,
        )

    def _info(
        self,
        tracking: Tracking,
        courier_code: str | None,
        oldest_first: Sequence[Checkpoint],
        language: str | None,
    ) -> Info:
        courier = self._registry.get(courier_code) if courier_code else None
        reached = derive_milestones(tuple(oldest_first))
        facts = tracking.facts
        is_origin = courier_code == tracking.courier_code
        return Info(
            ReferenceNumber=facts.reference_number if facts and is_origin else None,
            **{
                node: _wall_clock(time) if (time := getattr(reached, name)) else None
                for node, name in _NODES.items()
            },
            weblink=courier.homepage if courier else None,
            phone=courier.phone if courier else None,
            carrier_code=courier_code,
            trackinfo=self._rows(tracking, oldest_first, language),
        )

    def _rows(
        self, tracking: Tracking, oldest_first: Sequence[Checkpoint], language: str | None
    ) -> list[Row]:
        open_nodes = dict(_NODES)
        rows = []
        for point in oldest_first:
            alone = derive_milestones((point,))
            nodes = [node for node, name in open_nodes.items() if getattr(alone, name)]
            # One checkpoint may be the first of two stages; the wire has room for one of them.
            for node in nodes:
                del open_nodes[node]
            rows.append(
                Row(
                    Date=_wall_clock(point.local_time),
                    StatusDescription=self._text(tracking, point, language),
                    Details=_place(point),
                    checkpoint_status=status_words(point.status, point.substatus)[0]
                    if point.status is not None
                    else "",
                    ItemNode=nodes[0] if nodes else UNSET,
                )
            )
        rows.reverse()
        return rows

    def _sentence(self, tracking: Tracking, point: Checkpoint, language: str | None) -> str:
        parts = (
            self._text(tracking, point, language),
            _place(point),
            _wall_clock(point.local_time),
        )
        return ",".join(part for part in parts if part)

    def _text(self, tracking: Tracking, point: Checkpoint, language: str | None) -> str:
        if language and self._phrase and point.raw_code and point.language != language:
            said = self._phrase(tracking.courier_code, point.raw_code, language)
            return said or point.text
        return point.text


def _wall_clock(time: str) -> str:
    """Return a local time as v2 writes it: ``2019-07-25 22:02:05``.

    A date alone, or a time without seconds, where that is all there is.
    """
    return time[:19].replace("T", " ")


def _place(point: Checkpoint) -> str:
    return point.location or point.city or ""


def _transit_days(reached: Milestones, visible: Sequence[Checkpoint]) -> int | None:
    if not visible:
        return None
    began = reached.accepted or visible[0].iso_time
    ended = reached.delivered or visible[-1].iso_time
    return max(0, days_between(began, ended))


def _days_since(latest: Checkpoint | None, now: Instant) -> int | None:
    return max(0, (now - latest.occurred_at) // DAY) if latest is not None else None
