"""The scripts of the simulated carrier (``scenarios.toml``), and which number lives which one."""

import re
import tomllib
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final, Literal

import msgspec

from parcelwire.domain.checkpoint import Leg
from parcelwire.domain.report import Outcome

PLACES: Final = ("origin", "origin_hub", "gateway", "hub", "depot", "door")


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a scan happens. ``zone`` is the IANA time zone of the place."""

    city: str
    country: str
    zone: str
    state: str | None = None
    postal_code: str | None = None


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The places of one journey. ``partner`` is the courier code of a second carrier on it."""

    name: str
    partner: str
    is_abroad: bool = False
    origin: Place
    origin_hub: Place
    gateway: Place
    hub: Place
    depot: Place
    door: Place

    def place(self, role: str) -> Place:
        """Return the place that plays ``role`` (one of ``PLACES``)."""
        found: Place = getattr(self, role)
        return found


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One scan of a script; days are simulated days since the tracking was created."""

    day: float
    code: str
    place: Literal["origin", "origin_hub", "gateway", "hub", "depot", "door"]
    minutes: int = 0
    """Added to ``day``."""
    seen: float | None = None
    """The day the carrier tells the scan; None: as it happens."""
    times: int = 1
    """How often one answer repeats the scan."""
    offset: bool = True
    """False: the carrier prints the wall clock without an offset."""
    leg: Leg = Leg.ORIGIN


class Trouble(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_day": "from"}):
    """What the carrier answers from one day to another (None: for ever) instead of a report."""

    from_day: float
    outcome: Outcome
    until: float | None = None


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One script."""

    word: str
    about: str
    routes: str
    share: int = 0
    like: str | None = None
    """The scenario whose steps, window and signature this one has too."""
    steps: tuple[Step, ...] = ()
    trouble: tuple[Trouble, ...] = ()
    has_ids: bool = True
    window: tuple[float, float] | None = None
    signed_by: str | None = None
    pickup_point: str | None = None
    pickup_days: int = 0
    has_partner: bool = False
    partner_day: float = 0.0


class _File(msgspec.Struct, forbid_unknown_fields=True):
    scenario: tuple[Scenario, ...]
    route: tuple[Route, ...]


@cache
def _file() -> _File:
    text = (files(__package__) / "scenarios.toml").read_text("utf-8")
    read = msgspec.convert(tomllib.loads(text), _File)
    by_word = {scenario.word: scenario for scenario in read.scenario}
    return _File(
        scenario=tuple(
            scenario
            if scenario.like is None
            else msgspec.structs.replace(
                scenario,
                steps=by_word[scenario.like].steps,
                window=by_word[scenario.like].window,
                signed_by=by_word[scenario.like].signed_by,
            )
            for scenario in read.scenario
        ),
        route=read.route,
    )


def all_scenarios() -> tuple[Scenario, ...]:
    """Return every scenario, in the order of the file."""
    return _file().scenario


def all_routes() -> tuple[Route, ...]:
    """Return every route, in the order of the file."""
    return _file().route


_SEPARATORS = re.compile(r"[^A-Z0-9]")


def compact(number: str) -> str:
    """Return a number as trackings keep it: upper case, without separators."""
    return _SEPARATORS.sub("", number.upper())


def choose_scenario(number: str) -> Scenario:
    """Return the scenario that a number lives through.

    ``SIM-<WORD>-<anything>`` names it (separators and case do not matter); every other number
    gets one by its hash, mostly the normal one and never one with a carrier in trouble.
    """
    plain = compact(number)
    scenarios = all_scenarios()
    if plain.startswith("SIM"):
        named = [s for s in scenarios if plain.startswith(s.word, 3)]
        if named:
            return max(named, key=lambda scenario: len(scenario.word))
    draw = lot(plain, "scenario") % sum(scenario.share for scenario in scenarios)
    for scenario in scenarios:
        draw -= scenario.share
        if draw < 0:
            return scenario
    raise AssertionError  # the shares add up to what was drawn from


def choose_route(number: str, scenario: Scenario) -> Route:
    """Return the route of a number: by name, or by hash among those that the scenario allows."""
    routes = all_routes()
    if scenario.routes == "abroad":
        routes = tuple(route for route in routes if route.is_abroad)
    elif scenario.routes != "any":
        routes = tuple(route for route in routes if route.name == scenario.routes)
    return routes[lot(compact(number), "route") % len(routes)]


def lot(number: str, what: str) -> int:
    """Return a large figure that looks random and is the same for the same number and use."""
    return int.from_bytes(sha256(f"{what}:{number}".encode()).digest()[:8], "big")
