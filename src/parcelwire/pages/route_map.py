"""The way of a parcel on a small map, drawn here: no request leaves for a map service.

Outlines and cities come from Natural Earth (public domain), see ``tools/world_map.py``. A place is
its city where that is known, else the middle of its country.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from math import cos, radians
from typing import Final

import msgspec

from parcelwire.domain.text import decompose
from parcelwire.domain.tracking import Tracking
from parcelwire.pages.words import Words

WIDTH: Final = 640
HEIGHT: Final = 320
MARGIN: Final = 60
"""Tenths of a degree around the way, at least: so much of the neighbourhood is shown."""


class Stop(msgspec.Struct, frozen=True):
    """A place on the way, in the drawing's own units."""

    name: str
    x: int
    y: int


class RouteMap(msgspec.Struct, frozen=True, kw_only=True):
    """A drawing of ``WIDTH`` x ``HEIGHT``."""

    outlines: tuple[str, ...]
    """SVG path data, one per country."""
    line: str
    """SVG path data of the way."""
    stops: tuple[Stop, ...]
    text: str
    """The same in words."""


class _Country(msgspec.Struct):
    c: tuple[int, int]
    r: list[list[int]]


class _World(msgspec.Struct):
    countries: dict[str, _Country]
    cities: dict[str, tuple[int, int]]


def route_map(tracking: Tracking, say: Words) -> RouteMap | None:
    """Return the map of a parcel that was seen in two places at least, else None."""
    places = _places(tracking, say)
    if len(places) < 2:
        return None
    view = _View([place.at[0] for place in places], [place.at[1] for place in places])
    stops = tuple(Stop(place.name, *view.at(*place.at)) for place in places)
    return RouteMap(
        outlines=tuple(view.outlines(_world().countries.values())),
        line=_curve(stops),
        stops=stops,
        text=say.say("map.text", first=stops[0].name, last=stops[-1].name),
    )


class _Place(msgspec.Struct, frozen=True):
    name: str
    at: tuple[int, int]
    country: str
    is_city: bool


def _places(tracking: Tracking, say: Words) -> list[_Place]:
    """Return the places in their order, none twice in a row."""
    facts, details = tracking.facts, tracking.details
    origin = (facts.origin_country if facts else None) or details.origin_country
    destination = (facts.destination_country if facts else None) or details.destination_country
    seen = [(origin, facts.origin_city if facts else None)]
    seen += [(one.country, one.city or one.location) for one in tracking.visible_checkpoints]
    if tracking.visible_checkpoints:
        seen.append((destination, facts.destination_city if facts else None))
    places: list[_Place] = []
    for country, city in seen:
        found = _locate((country or "").upper(), city or "", say)
        if found is None:
            continue
        if places and found.country and found.country == places[-1].country:
            # "Somewhere in China" beside Shanghai says nothing, and draws a detour.
            if not found.is_city:
                continue
            if not places[-1].is_city:
                places.pop()
        if not places or places[-1].at != found.at:
            places.append(found)
    return places


def _locate(country: str, city: str, say: Words) -> _Place | None:
    world = _world()
    home = world.countries.get(country) if country else None
    at = world.cities.get(_key_of(city)) if city else None
    # Names repeat over the world: a city far from its country is another one.
    if at and (home is None or _is_near(at, home.c)):
        return _Place(city, at, country, is_city=True)
    return None if home is None else _Place(say.country(country), home.c, country, is_city=False)


def _is_near(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return abs(one[0] - other[0]) < 250 and abs(one[1] - other[1]) < 250


class _View:
    """The part of the world that is shown, and how it becomes the drawing."""

    def __init__(self, lons: Sequence[int], lats: Sequence[int]) -> None:
        middle_lat = (min(lats) + max(lats)) / 2
        self._squeeze = max(0.3, cos(radians(middle_lat / 10)))
        wide = max((max(lons) - min(lons)) * self._squeeze, 1.0)
        tall = max(max(lats) - min(lats), 1)
        self._scale = min(
            WIDTH / (wide + 2 * max(MARGIN, wide * 0.2)),
            HEIGHT / (tall + 2 * max(MARGIN, tall * 0.2)),
        )
        self._lon, self._lat = (min(lons) + max(lons)) / 2, middle_lat

    def at(self, lon: int, lat: int) -> tuple[int, int]:
        """Return the place of a coordinate in the drawing."""
        return (
            round(WIDTH / 2 + (lon - self._lon) * self._squeeze * self._scale),
            round(HEIGHT / 2 - (lat - self._lat) * self._scale),
        )

    def outlines(self, countries: Iterable[_Country]) -> Iterable[str]:
        """Yield the countries of which something is seen."""
        for country in countries:
            parts = [self._ring(ring) for ring in country.r]
            if path := "".join(part for part in parts if part):
                yield path

    def _ring(self, flat: list[int]) -> str:
        points = [self.at(*pair) for pair in zip(flat[::2], flat[1::2], strict=True)]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        if max(xs) < 0 or min(xs) > WIDTH or max(ys) < 0 or min(ys) > HEIGHT:
            return ""
        kept = points[:1]
        for x, y in points[1:]:
            # What is nearer than that nobody sees, and it would be half of the page.
            if abs(x - kept[-1][0]) + abs(y - kept[-1][1]) >= 3:
                kept.append((x, y))
        if len(kept) < 3:
            return ""
        return "M" + "L".join(f"{_near(x, WIDTH)} {_near(y, HEIGHT)}" for x, y in kept) + "Z"


def _near(value: int, size: int) -> int:
    """Return a coordinate that stays in the neighbourhood of the drawing."""
    return max(-size, min(2 * size, value))


def _curve(stops: Sequence[Stop]) -> str:
    path = f"M{stops[0].x} {stops[0].y}"
    for before, after in pairwise(stops):
        bend = (abs(after.x - before.x) + abs(after.y - before.y)) // 6
        path += f"Q{(before.x + after.x) // 2} {(before.y + after.y) // 2 - bend}"
        path += f" {after.x} {after.y}"
    return path


def _key_of(name: str) -> str:
    bare = decompose(name.casefold())
    return "".join(c for c in bare if c.isalnum() and not c.isdigit())


@cache
def _world() -> _World:
    data = files(__package__).joinpath("data", "world.json").read_bytes()
    return msgspec.json.decode(data, type=_World)
