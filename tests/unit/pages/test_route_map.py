"""The way of a parcel on a map."""

from __future__ import annotations

from typing import Any

from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.report import ParcelFacts
from parcelwire.domain.tracking import Tracking
from parcelwire.pages.route_map import HEIGHT, WIDTH, route_map
from parcelwire.pages.words import words

EN = words("en")


def seen(*places: tuple[str | None, str | None], **facts: Any) -> Tracking:
    return Tracking(
        id="0" * 32,
        world_id=2,
        number="N1",
        typed_number="N1",
        courier_code="swiss-post",
        created_at=0,
        updated_at=0,
        page_token="t" * 20,
        facts=ParcelFacts(**facts) if facts else None,
        checkpoints=tuple(
            Checkpoint(local_time=f"2026-02-{day:02d}T08:00", text="x", country=country, city=city)
            for day, (country, city) in enumerate(places, 1)
        ),
    )


def test_a_way_through_two_countries() -> None:
    drawn = route_map(seen(("CH", None), ("CH", "Bern"), ("IT", "Rome")), EN)
    assert drawn is not None
    assert [stop.name for stop in drawn.stops] == ["Bern", "Rome"]
    assert drawn.text == "Bern → Rome"
    north, south = drawn.stops
    assert south.y > north.y, "Rome is south of Switzerland"
    assert south.x > north.x, "and east"
    for stop in drawn.stops:
        assert 0 < stop.x < WIDTH
        assert 0 < stop.y < HEIGHT
    assert 3 < len(drawn.outlines) < 60
    assert sum(map(len, drawn.outlines)) < 15_000


def test_a_country_beside_its_city_is_no_detour() -> None:
    drawn = route_map(
        seen(("CN", "Shanghai"), ("CN", None), ("IT", None), ("IT", "Rome"), origin_country="CN"),
        EN,
    )
    assert drawn is not None
    assert [stop.name for stop in drawn.stops] == ["Shanghai", "Rome"]


def test_what_is_seen_in_one_place_has_no_map() -> None:
    assert route_map(seen(), EN) is None
    assert route_map(seen(("CH", None), ("CH", None)), EN) is None
    assert route_map(seen((None, "Nowhere"), ("XX", None)), EN) is None


def test_a_city_of_the_same_name_elsewhere_is_another_one() -> None:
    drawn = route_map(seen(("AU", "Rome"), ("IT", "Rome")), EN)
    assert drawn is not None
    assert [stop.name for stop in drawn.stops] == ["Australia", "Rome"]


def test_origin_and_destination_as_the_carrier_gives_them() -> None:
    drawn = route_map(
        seen(("DE", None), origin_country="CN", destination_country="CH"), words("de")
    )
    assert drawn is not None
    assert [stop.name for stop in drawn.stops] == ["China", "Deutschland", "Schweiz"]


def test_a_way_around_half_the_world_stays_in_the_picture() -> None:
    drawn = route_map(seen(("NZ", None), ("CL", None), ("JP", None), ("CH", None)), EN)
    assert drawn is not None
    assert all(0 <= stop.x <= WIDTH and 0 <= stop.y <= HEIGHT for stop in drawn.stops)
    assert sum(map(len, drawn.outlines)) < 40_000
