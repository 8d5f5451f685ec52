"""Connections to carriers: made, tried, taken up again, removed. Credentials are never shown."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace
from starlette.responses import Response

from parcelwire.domain.access import WorldRule
from parcelwire.domain.account import Connection
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.pages.dashboard.drafting import sentence_of
from parcelwire.pages.dashboard.registry import Page, Part
from parcelwire.pages.dashboard.visit import Problem, Visit, missing
from parcelwire.tracking.errors import TrackingError

OPTIONAL: Final = {"scope"}
"""Credentials that may be left empty: the connector knows what is meant then."""
LONGEST: Final = 10_000
_WORKS: Final = {Outcome.FOUND, Outcome.UNKNOWN_NUMBER, Outcome.INVALID_NUMBER}
"""What a carrier only says to somebody whose credentials it takes."""


async def show(visit: Visit) -> Response:
    """Show the account's connections."""
    return await _show(visit)


async def _show(
    visit: Visit,
    problems: tuple[Problem, ...] = (),
    *,
    tried: Connection | None = None,
    report: CarrierReport | None = None,
) -> Response:
    ways = visit.house.carriers.ways()
    return await visit.show(
        "connections.html",
        connections=await visit.house.store.list_connections(visit.session.account.number),
        ways=[one for one in ways if one.credential_fields],
        open_ways=[
            one for one in ways if not one.credential_fields and one.connector != "simulated"
        ],
        names={one.connector: one.name for one in ways},
        test_numbers={
            f"{one.connector}/{one.transport}": one.test_number for one in ways if one.test_number
        },
        typed={visit.path.get("id", ""): visit.form.get("number")[:200]},
        optional=OPTIONAL,
        problems=problems,
        tried=tried,
        report=report,
        is_working=report is not None and report.outcome in _WORKS,
        chosen=visit.form.get("way"),
    )


async def add(visit: Visit) -> Response:
    """Make a connection."""
    form = visit.form
    connector, _, transport = form.get("way").partition("/")
    way = next(
        (
            one
            for one in visit.house.carriers.ways()
            if (one.connector, one.transport) == (connector, transport) and one.credential_fields
        ),
        None,
    )
    if way is None:
        return await _show(visit, (Problem("way", "Choose a carrier."),))
    credentials, problems = {}, []
    for field in way.credential_fields:
        value = form.get(f"{connector}/{transport}/{field}")
        if not value and field not in OPTIONAL:
            problems.append(Problem(field, f"{way.name} wants {field.replace('_', ' ')}."))
        if len(value) > LONGEST:
            problems.append(Problem(field, f"{field.replace('_', ' ')} is far too long."))
        credentials[field] = value
    if problems:
        return await _show(visit, tuple(problems))
    await visit.house.carriers.connect(visit.session.account, connector, transport, credentials)
    return await visit.go("/connections", f"{way.name} is connected. Test it with a number.")


async def _own(visit: Visit) -> Connection:
    wanted = visit.path["id"]
    for one in await visit.house.store.list_connections(visit.session.account.number):
        if one.id == wanted:
            return one
    raise missing("connection")


async def test(visit: Visit) -> Response:
    """Ask the carrier once with a connection's credentials."""
    connection = await _own(visit)
    try:
        number = visit.house.service.drafting.number(visit.form.get("number")[:200])
    except TrackingError as error:
        return await _show(visit, (Problem(f"number-{connection.id}", sentence_of(error)),))
    report = await visit.house.carriers.try_connection(connection, number)
    return await _show(visit, tried=connection, report=report)


async def retry(visit: Visit) -> Response:
    """Use a broken connection again, with the credentials that it has."""
    connection = await _own(visit)
    mended = replace(connection, broken_since=None, broken_why="")
    is_kept = await visit.house.store.save_connection(mended, expected=connection)
    visit.house.carriers.forget(connection.account_number)
    if not is_kept:
        said = "The connection was deleted, or has got other credentials meanwhile."
        return await visit.go("/connections", said, tone="trouble")
    return await visit.go("/connections", "The connection is used again.")


async def remove(visit: Visit) -> Response:
    """Delete a connection and its credentials."""
    connection = await _own(visit)
    await visit.house.store.delete_connection(connection.account_number, connection.id)
    visit.house.carriers.forget(connection.account_number)
    return await visit.go("/connections", "The connection and its credentials are gone.")


PAGE: Final = Page(
    path="/connections",
    title="Connections",
    section="Carriers",
    order=20,
    scope="admin",
    world=WorldRule.LIVE,
    handler=show,
    parts=(
        Part("POST", "/connections", add, "admin", WorldRule.LIVE),
        Part("POST", "/connections/{id}/test", test, "admin", WorldRule.LIVE),
        Part("POST", "/connections/{id}/retry", retry, "admin", WorldRule.LIVE),
        Part("POST", "/connections/{id}/delete", remove, "admin", WorldRule.LIVE),
    ),
)
