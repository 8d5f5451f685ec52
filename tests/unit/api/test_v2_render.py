"""A tracking as v2 shows it: what depends on the tracking alone."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from parcelwire.api.v2.models import FullItem, ShortItem
from parcelwire.api.v2.render import (
    STATUSES,
    Renderer,
    short_item,
    status_words,
    statuses_of,
    updated_item,
)
from parcelwire.api.v4.render import render_tracking
from parcelwire.couriers.registry import default_registry
from parcelwire.domain.changes import Event
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import DAY
from parcelwire.domain.languages import language_of
from parcelwire.domain.merge import merge
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Details, Tracking

NOW = 1_772_359_200_000

TRACKING = Tracking(
    id="019c0000000000000000000000000001",
    world_id=2,
    number="RS907483608CH",
    typed_number="RS 907 483 608 CH",
    courier_code="swiss-post",
    created_at=NOW,
    updated_at=NOW,
    page_token="t" * 27,
)


RENDERER = Renderer(default_registry())


def render_item(tracking: Tracking) -> bytes:
    return msgspec.json.encode(RENDERER.full_item(tracking))


def with_checkpoints(*points: Checkpoint) -> Tracking:
    report = CarrierReport(
        number=TRACKING.number, outcome=Outcome.FOUND, checkpoints=points, fetched_at=NOW
    )
    return merge(TRACKING, report).tracking


def point(time: str, substatus: Substatus | None = None, **more: object) -> Checkpoint:
    status = Status(substatus.status) if substatus is not None else None
    return Checkpoint(
        local_time=time,
        text="text",
        status=status,
        substatus=substatus,
        **more,  # type: ignore[arg-type]  # a test's shorthand
    )


def full(tracking: Tracking) -> FullItem:
    return Renderer(default_registry()).full_item(tracking)


def test_every_status_of_ours_has_a_word_of_v2() -> None:
    for status in Status:
        assert status_words(status, None)[0] in STATUSES
    assert len(STATUSES) == 8
    assert {status for word in STATUSES for status in statuses_of(word)} == set(Status)
    for word in STATUSES:
        assert {status_words(status, None)[0] for status in statuses_of(word)} == {word}


@pytest.mark.parametrize(
    ("asked", "language"),
    [("en", "en"), ("CN", "zh"), ("tw", "zh"), ("de-CH", "de"), ("pt_BR", "pt"), ("", None)],
)
def test_language_of(asked: str, language: str | None) -> None:
    assert language_of(asked) == language


def test_a_pending_tracking() -> None:
    item = full(TRACKING)
    assert (item.status, item.substatus, item.track_update) == ("pending", None, True)
    assert item.updated_at is None
    assert (item.lastEvent, item.lastUpdateTime) == (None, None)
    assert (item.itemTimeLength, item.stayTimeLength) == (None, None)
    assert (item.original_country, item.destination_country, item.customer_email) == ("", "", "")
    assert item.origin_info.trackinfo == []
    assert item.destination_info is UNSET
    assert b"destination_info" not in render_item(TRACKING)


def test_the_bytes_are_one_line_and_the_same_each_time() -> None:
    tracking = replace(TRACKING, details=Details(title="two\nlines\r\tand a tab"))
    rendered = render_item(tracking)
    assert b"\n" not in rendered
    assert b"\r" not in rendered
    assert render_item(tracking) == rendered


def test_short_and_updated_items_share_their_fields() -> None:
    short, updated = msgspec.to_builtins(short_item(TRACKING)), updated_item(TRACKING)
    assert short["order_create_time"] == 0
    assert list(short) == list(ShortItem.__struct_fields__)
    assert {name: getattr(updated, name) for name in short} == short


def test_rows_are_newest_first_and_each_stage_is_named_once() -> None:
    tracking = with_checkpoints(
        point("2026-02-01T08:00:00", Substatus.TRANSIT),
        point("2026-02-02T08:00:00", Substatus.TRANSIT),
        point("2026-02-02T08:00:00", raw_code="NOTE"),
        point("2026-02-03", Substatus.TRANSIT_CUSTOMS_CLEARED),
        point("2026-02-04T08:00", Substatus.TRANSIT_CUSTOMS_CLEARED),
        point("2026-02-05T08:00:00", Substatus.DELIVERED, is_withdrawn=True),
    )
    info = full(tracking).origin_info
    assert [row.Date for row in info.trackinfo] == [
        "2026-02-04 08:00",
        "2026-02-03",
        "2026-02-02 08:00:00",
        "2026-02-02 08:00:00",
        "2026-02-01 08:00:00",
    ]
    nodes = [row.ItemNode for row in info.trackinfo]
    assert nodes == [UNSET, "CustomsClearance", UNSET, UNSET, "ItemReceived"]
    assert (info.ItemReceived, info.CustomsClearance) == ("2026-02-01 08:00:00", "2026-02-03")


def test_the_first_stage_of_two_at_once_is_named() -> None:
    tracking = with_checkpoints(point("2026-02-01T08:00:00", Substatus.TRANSIT_LEFT_AIRPORT))
    info = full(tracking).origin_info
    assert info.trackinfo[0].ItemNode == "ItemReceived"
    assert info.ItemReceived == info.DepartfromAirport == "2026-02-01 08:00:00"


def test_what_is_only_announced_is_not_under_way() -> None:
    announced = [point(f"2026-02-0{day}T08:00:00", Substatus.INFORECEIVED) for day in (1, 3, 5)]
    assert full(with_checkpoints(*announced)).itemTimeLength is None
    moved = point("2026-02-07T08:00:00", Substatus.TRANSIT)
    assert full(with_checkpoints(*announced, moved)).itemTimeLength == 0


def test_a_way_over_the_date_line_takes_the_days_that_passed() -> None:
    tracking = with_checkpoints(
        point("2026-03-05T10:00:00", Substatus.TRANSIT, offset_minutes=540),
        point("2026-03-05T18:00:00", Substatus.DELIVERED, offset_minutes=-480),
    )
    item = Renderer(default_registry()).full_item(tracking, now=NOW)
    assert item.itemTimeLength == 1
    assert msgspec.json.decode(render_tracking(tracking))["transit_time"] == 1


def test_days_count_by_the_calendar_of_the_place() -> None:
    tracking = with_checkpoints(
        point("2026-02-01T23:00:00", Substatus.TRANSIT, offset_minutes=480),
        point("2026-02-10T01:00:00", Substatus.DELIVERED, offset_minutes=-300),
    )
    renderer = Renderer(default_registry())
    item = renderer.full_item(tracking, now=NOW)
    assert item.itemTimeLength == 9
    # Delivered on February 10 at 06:00 UTC, read on March 1 at 10:00.
    assert item.stayTimeLength == 19
    # A clock that stands before the last event makes no negative days.
    assert renderer.full_item(tracking, now=NOW - 90 * DAY).stayTimeLength == 0


def test_a_payload_is_the_full_item_as_of_its_event() -> None:
    tracking = with_checkpoints(point("2026-02-20T10:00:00", Substatus.TRANSIT))
    event = Event(
        id="e" * 32,
        world_id=2,
        tracking_id=tracking.id,
        sequence=1,
        at=NOW + 5 * DAY,
        status=tracking.status,
        substatus=tracking.substatus,
        changes=(),
    )
    told = msgspec.json.decode(RENDERER.payload(tracking, event))
    assert told.pop("stayTimeLength") == 14
    plain = msgspec.json.decode(render_item(tracking))
    assert plain.pop("stayTimeLength") == 9
    assert told == plain


TIMES = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001  # wall clocks
    max_value=datetime(2030, 1, 1),  # noqa: DTZ001  # wall clocks
).map(lambda moment: moment.isoformat(timespec="seconds"))
POINTS = st.builds(
    point,
    TIMES,
    st.none() | st.sampled_from(Substatus),
    offset_minutes=st.none() | st.integers(-720, 840),
)


@given(st.lists(POINTS, max_size=8))
def test_any_way_can_be_shown(points: list[Checkpoint]) -> None:
    tracking = with_checkpoints(*points)
    item = msgspec.json.decode(render_item(tracking))
    assert item["status"] in STATUSES
    rows = item["origin_info"]["trackinfo"]
    assert len(rows) == len(tracking.visible_checkpoints)
    nodes = [row["ItemNode"] for row in rows if "ItemNode" in row]
    assert len(nodes) == len(set(nodes))
    for node in nodes:
        assert item["origin_info"][node] is not None
