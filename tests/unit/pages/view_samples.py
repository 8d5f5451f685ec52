"""Parcels, and the page that shows them."""

from typing import Any

from parcelwire.couriers.registry import Courier
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import DAY, FrozenClock
from parcelwire.domain.merge import merge
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Tracking
from parcelwire.pages.view import Couriers, Page, page_of
from parcelwire.pages.words import words
from parcelwire.tracking.ports import PollState

NOW = FrozenClock().now()
SWISS_POST = Courier(
    code="swiss-post", name="Swiss Post", tracking_url="https://post.example/track/{number}"
)


def tracking(**fields: Any) -> Tracking:
    return Tracking(
        **{
            "id": "0" * 32,
            "world_id": 2,
            "number": "990012345612345678",
            "typed_number": "99.00.123456.12345678",
            "courier_code": "swiss-post",
            "created_at": NOW - DAY,
            "updated_at": NOW,
            "page_token": "t" * 20,
            **fields,
        }
    )


def at(local_time: str, text: str = "something", **fields: Any) -> Checkpoint:
    return Checkpoint(**{"local_time": local_time, "text": text, "offset_minutes": 60, **fields})


def after(*checkpoints: Checkpoint, **report: Any) -> Tracking:
    """Return the tracking as merge leaves it after one answer of the carrier."""
    answer = CarrierReport(
        number="990012345612345678",
        outcome=Outcome.FOUND,
        checkpoints=checkpoints,
        fetched_at=NOW,
        **report,
    )
    return merge(tracking(), answer).tracking


def page(
    parcel: Tracking,
    poll: PollState | None = None,
    *,
    courier: Courier | None = SWISS_POST,
    is_test: bool = False,
    language: str = "en",
    **more: Any,
) -> Page:
    return page_of(
        parcel,
        poll or PollState(),
        Couriers(courier),
        words(language),
        now=NOW,
        is_test=is_test,
        **more,
    )


STEPS = ("Announced", "Handed over", "On its way", "Out for delivery", "Delivered")

ANNOUNCED = at("2026-02-26T08:00", status=Status.INFORECEIVED)
HANDED_OVER = at("2026-02-26T18:00", status=Status.TRANSIT)
SORTED = at("2026-02-27T02:00", status=Status.TRANSIT, substatus=Substatus.TRANSIT_AT_HUB)
OUT = at("2026-02-27T08:00", status=Status.PICKUP, substatus=Substatus.PICKUP_OUT_FOR_DELIVERY)
DELIVERED = at("2026-02-27T11:00", status=Status.DELIVERED, substatus=Substatus.DELIVERED)
HELD = at("2026-02-27T03:00", status=Status.EXCEPTION, substatus=Substatus.EXCEPTION_CUSTOMS_HOLD)
