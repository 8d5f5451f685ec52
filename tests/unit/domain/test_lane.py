"""How long a parcel has been under way."""

from __future__ import annotations

import pytest

from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.lane import days_under_way
from parcelwire.domain.merge import merge
from parcelwire.domain.status import Substatus
from tests.support.carriers import report
from tests.support.v4 import point
from tests.unit.webhooks.builders import make_tracking

ANNOUNCED = point("2026-02-20T08:00:00", "Data received", Substatus.INFORECEIVED)
AGAIN = point("2026-02-24T08:00:00", "Label printed", Substatus.INFORECEIVED)
NOTE = point("2026-02-25T08:00:00", "A note", None)
SORTED = point("2026-02-26T08:00:00", "Sorted", Substatus.TRANSIT)
MOVED = point("2026-02-28T08:00:00", "Sorted", Substatus.TRANSIT_AT_HUB)
OUT = point("2026-02-27T08:00:00", "Out for delivery", Substatus.PICKUP_OUT_FOR_DELIVERY)
DELIVERED = point("2026-03-01T08:00:00", "Delivered", Substatus.DELIVERED)


@pytest.mark.parametrize(
    ("scans", "days"),
    [
        ((), None),
        ((ANNOUNCED,), None),
        ((ANNOUNCED, AGAIN), None),
        ((ANNOUNCED, AGAIN, NOTE), None),
        ((NOTE, DELIVERED), 0),
        ((ANNOUNCED, AGAIN, SORTED), 0),
        ((ANNOUNCED, SORTED, MOVED), 2),
        ((ANNOUNCED, OUT, DELIVERED), 2),
        ((ANNOUNCED, NOTE, SORTED, MOVED, DELIVERED), 3),
    ],
)
def test_days_count_from_where_the_carrier_has_the_parcel(
    scans: tuple[Checkpoint, ...], days: int | None
) -> None:
    tracking = merge(make_tracking(checkpoints=()), report("", *scans)).tracking
    assert days_under_way(tracking.milestones, tracking.visible_checkpoints) == days
