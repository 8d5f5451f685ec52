"""Answers that are not quite what the manual says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from parcelwire.client import Status
from parcelwire.client.models import AirWaybill, Checkpoint, Courier, Tracking
from parcelwire.client.reading import read, read_many

BASE = {"id": "1", "tracking_number": "2", "courier_code": "3", "delivery_status": "transit"}
EVENT = {"checkpoint_date": "2026-03-01T09:00:00+01:00", "tracking_detail": "Accepted"}


def test_unknown_fields_are_kept_at_every_depth() -> None:
    leg = {"trackinfo": [EVENT, {**EVENT, "new": 1}], "milestone_date": {"seen": True}, "n": [1]}
    found = read(Tracking, {**BASE, "origin_info": leg, "other": {"a": None}})
    assert found.extra == {"other": {"a": None}}
    assert found.origin_leg is not None
    assert found.origin_leg.extra == {"n": [1]}
    assert found.origin_leg.milestones is not None
    assert found.origin_leg.milestones.extra == {"seen": True}
    assert [point.extra for point in found.checkpoints] == [{}, {"new": 1}]
    wire = found.to_dict()
    assert wire["other"] == {"a": None}
    assert wire["origin_info"]["trackinfo"][1]["new"] == 1
    assert read(Tracking, wire) == found


def test_a_new_status_passes_through() -> None:
    found = read(Tracking, {**BASE, "delivery_status": "held_at_sea"})
    assert found.status == "held_at_sea"
    assert found.status not in set(Status)
    assert read(Tracking, BASE).status == Status.TRANSIT


@pytest.mark.parametrize(
    ("field", "said", "name", "read_as"),
    [
        ("weight", 1.5, "weight", "1.5"),
        ("pieces", 2, "pieces", "2"),
        ("transit_time", None, "transit_time", None),
        ("update_at", "2026-03-01T10:00:00Z", "updated_at", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("latest_event", "", "latest_event", ""),
    ],
)
def test_forms_that_are_understood(field: str, said: Any, name: str, read_as: Any) -> None:
    found = read(Tracking, {**BASE, field: said})
    assert getattr(found, name) == read_as
    assert found.extra == {}


@pytest.mark.parametrize(
    ("field", "said", "name"),
    [
        ("transit_time", "two", "transit_time"),
        ("created_at", "yesterday", "created_at"),
        ("archived", ["x"], "archived"),
        ("updating", "yes", "is_updating"),
        ("origin_info", [], "origin_leg"),
        ("origin_info", "none", "origin_leg"),
        ("title", {"a": 1}, "title"),
        ("title", True, "title"),
    ],
)
def test_what_does_not_fit_is_kept_beside(field: str, said: Any, name: str) -> None:
    found = read(Tracking, {**BASE, field: said, "weight": 2})
    assert getattr(found, name) is None
    assert found.extra == {field: said}
    assert found.weight == "2"
    assert found.to_dict()[field] == said


def test_one_odd_checkpoint_spoils_only_itself() -> None:
    leg = {"trackinfo": [EVENT, {**EVENT, "location": 7, "city": []}, EVENT], "weblink": 1}
    found = read(Tracking, {**BASE, "origin_info": leg})
    assert [point.location for point in found.checkpoints] == [None, "7", None]
    assert found.checkpoints[1].extra == {"city": []}
    assert found.origin_leg is not None
    assert found.origin_leg.weblink == "1"


@pytest.mark.parametrize(
    "value",
    [None, [], "x", 7, {}, {**BASE, "id": None}, {**BASE, "courier_code": {}}],
)
def test_without_what_is_needed_there_is_no_tracking(value: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(Tracking, value)
    with pytest.raises(msgspec.ValidationError):
        read_many(Tracking, [BASE, value])


def test_lists() -> None:
    assert read_many(Courier, None) == []
    assert read_many(Courier, []) == []
    assert read_many(Courier, [{"courier_code": "a"}])[0].courier_code == "a"
    with pytest.raises(msgspec.ValidationError):
        read_many(Courier, {})


def test_maps_of_models() -> None:
    flights = {"CV1": {"depart_station": "LUX", "gate": 7}, "CV2": {}}
    found = read(AirWaybill, {"awb_number": "1", "piece": 3, "flight_info": flights})
    assert found.piece == "3"
    assert found.flight_info is not None
    assert found.flight_info["CV1"].extra == {"gate": 7}
    assert found.to_dict()["flight_info"]["CV1"]["gate"] == 7
    assert read(AirWaybill, {"awb_number": "1", "flight_info": []}).flight_info is None


@pytest.mark.parametrize(
    ("text", "has_instant", "has_local"),
    [
        ("2026-03-01T09:00:00+01:00", True, True),
        ("2026-03-01T09:00:00Z", True, True),
        ("2026-03-01 09:00", False, True),
        ("2026-03-01", False, True),
        ("", False, False),
        (None, False, False),
        ("soon", False, False),
    ],
)
def test_times_of_checkpoints(text: str | None, has_instant: bool, has_local: bool) -> None:
    point = Checkpoint(time=text)
    assert (point.occurred_at is not None) is has_instant
    assert (point.local_time is not None) is has_local
    assert point.local_time is None or point.local_time.tzinfo is None


def test_archived() -> None:
    for said, expected in [("tracking", False), ("true", True), (None, False), ("", False)]:
        assert read(Tracking, {**BASE, "archived": said}).is_archived is expected
