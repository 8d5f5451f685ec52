"""Who is let through first when a carrier's budget is not enough for all whose turn it is."""

from __future__ import annotations

import pytest

from parcelwire.polling.admission import MISSED, QUEUED, group_claims, shares
from parcelwire.polling.ports import Claim


@pytest.mark.parametrize(
    ("rooms", "missed", "total", "expected"),
    [
        ({1: 3, 2: 3}, {}, 6, {1: 3, 2: 3}),
        ({1: 3, 2: 3}, {}, 1, {1: 1, 2: 0}),
        # However seldom the other was served.
        ({1: 3, 2: 3}, {2: 1}, 1, {1: 0, 2: 1}),
        ({1: 3, 2: 3}, {1: 2, 2: 2}, 3, {1: 2, 2: 1}),
        ({1: 3, 2: 3}, {2: 2}, 4, {1: 1, 2: 3}),
        # What has no room is not let through, whatever it has missed.
        ({1: 1, 2: 0}, {2: 5}, 4, {1: 1, 2: 0}),
        ({}, {1: 1}, 4, {}),
        ({1: 2}, {1: 1}, 0, {1: 0}),
    ],
)
def test_who_has_missed_a_turn_goes_first(
    rooms: dict[int, int], missed: dict[int, int], total: int, expected: dict[int, int]
) -> None:
    assert shares(rooms, missed, total) == expected


def test_who_is_asked_makes_the_batch_not_whose_it_is() -> None:
    claims = [
        Claim(tracking_id="a", world_id=2, courier_code="usps"),
        Claim(tracking_id="b", world_id=2, courier_code="dhl", probe_courier="usps"),
        Claim(tracking_id="c", world_id=2, courier_code="dhl"),
        Claim(tracking_id="d", world_id=4, courier_code="dhl", probe_courier="usps"),
    ]
    batches = group_claims(claims, 0)
    found = [(one.world_id, one.courier_code, one.ids, one.probes) for one in batches]
    assert found == [
        (2, "usps", ["a", "b"], {"b": "dhl"}),
        (2, "dhl", ["c"], {}),
        (4, "usps", ["d"], {"d": "dhl"}),
    ]


def test_in_a_group_who_has_missed_a_turn_stands_in_front() -> None:
    reasons = {"a": "new: asked at once", "b": QUEUED, "c": MISSED, "d": QUEUED, "e": MISSED}
    claims = [
        Claim(tracking_id=one, world_id=2, courier_code="usps", due_reason=reason)
        for one, reason in reasons.items()
    ]
    (batch,) = group_claims(claims, 0)
    assert list(batch.ids) == ["c", "e", "a", "b", "d"]
    assert batch.missed == 2
    assert batch.queued == {"b", "c", "d", "e"}
