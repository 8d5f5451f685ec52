"""Couriers, and trying out whose number a number is."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from parcelwire.domain.access import WorldRule
from parcelwire.pages.dashboard.drafting import FieldError, check_detail, details_of, sentence_of
from parcelwire.pages.dashboard.registry import Page, Part
from parcelwire.pages.dashboard.visit import Problem, Visit
from parcelwire.tracking.errors import TrackingError

SHOWN: Final = 50
OPTIONS: Final = 12
_HINTS: Final = ("destination_country", "origin_country", "postal_code", "ship_date")


async def show(visit: Visit) -> Response:
    """Show the couriers that match, and what a number is taken for."""
    registry = visit.house.registry
    search = visit.query("search")[:200]
    found = registry.search(search) if search else list(registry.all())
    askable = {code for way in visit.house.connections.transports() for code in way.courier_codes}
    number = visit.query("number")[:200]
    problems: list[Problem] = []
    candidates = await _candidates(visit, number, problems) if number else []
    return await visit.show(
        "couriers.html",
        search=search,
        found=found[:SHOWN],
        total=len(found),
        askable=askable,
        number=number,
        hints={name: visit.query(name)[:40] for name in _HINTS},
        candidates=candidates,
        is_tried=bool(number) and not problems,
        problems=problems,
    )


async def _candidates(
    visit: Visit, number: str, problems: list[Problem]
) -> list[tuple[str, str, float, tuple[str, ...]]]:
    drafting = visit.house.service.drafting
    details = {}
    for name in _HINTS:
        try:
            details[name] = check_detail(name, visit.query(name)[:40])
        except FieldError as error:
            problems.append(Problem(name, f"{name.replace('_', ' ')}: {error.message}."))
    try:
        compact = drafting.number(number)
    except TrackingError as error:
        problems.append(Problem("number", sentence_of(error)))
    if problems:
        return []
    found = await drafting.candidates(visit.world_id, compact, details_of(details))
    registry = visit.house.registry
    return [
        (courier.name, courier.code, one.probability, one.reasons)
        for one in found
        if (courier := registry.get(one.courier_code)) is not None
    ]


async def options(visit: Visit) -> Response:
    """Answer couriers for a field that one is typed into."""
    typed = visit.query(visit.query("field") or "courier_code")[:100]
    return visit.fragment(
        "courier_options.html", found=visit.house.registry.search(typed)[:OPTIONS]
    )


PAGE: Final = Page(
    path="/couriers",
    title="Couriers",
    section="Carriers",
    order=10,
    scope="read",
    world=WorldRule.OWN,
    handler=show,
    shortcut="c",
    parts=(Part("GET", "/couriers/options", options, "read", WorldRule.INSTALLATION),),
)
