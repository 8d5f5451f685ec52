"""Parcels to be shown in v4's format, and a journey of one of them."""

from typing import Any

import msgspec

from parcelwire.api.v4.render import render_tracking as render
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.merge import merge
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import Substatus
from parcelwire.domain.tracking import Tracking
from tests.support.v4 import point

NOW = 1_772_359_200_000  # 2026-03-01T10:00:00Z


def made(**fields: Any) -> Tracking:
    """Return a tracking that no carrier has answered for yet."""
    return Tracking(
        **{
            "id": "0" * 31 + "1",
            "world_id": 2,
            "number": "996012345678901234",
            "typed_number": "99.60.123456.78901234",
            "courier_code": "swiss-post",
            "created_at": NOW,
            "updated_at": NOW + 1500,
            "page_token": "t",
            **fields,
        }
    )


JOURNEY = (
    point("2026-02-25T08:00:00", "Data received", Substatus.INFORECEIVED, raw_code="i1"),
    point(
        "2026-02-25T18:30:00", "Sorted", Substatus.TRANSIT_AT_HUB, city="Härkingen", country="CH"
    ),
    point("2026-02-26T06:10:00", "A note", None, location="8010 Zürich"),
    point(
        "2026-02-27T09:00:00",
        "Delivered",
        Substatus.DELIVERED_SIGNED,
        location="Bern",
        city="Bern",
        state="BE",
        postal_code="3000",
        country="CH",
        raw_code="d9",
        language="en",
    ),
)


def told(tracking: Tracking, *points: Checkpoint, **more: Any) -> Tracking:
    """Return a tracking after its carrier answered with ``points``."""
    report = CarrierReport(
        number=tracking.number, outcome=Outcome.FOUND, checkpoints=points, fetched_at=NOW, **more
    )
    return merge(tracking, report).tracking


def shown(tracking: Tracking) -> dict[str, Any]:
    """Return what v4 shows of a tracking."""
    decoded: dict[str, Any] = msgspec.json.decode(render(tracking))
    return decoded
