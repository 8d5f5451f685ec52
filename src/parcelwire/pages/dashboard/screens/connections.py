"""Connections to carriers: made, tried, taken up again, removed. Credentials are never shown."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from parcelwire.accounts.connections import (
    OPTIONAL_FIELDS,
    ConnectionTest,
    CreateConnection,
)
from parcelwire.accounts.errors import (
    ConnectionChangedError,
    ConnectionNotFoundError,
    NotFoundError,
)
from parcelwire.domain.access import WorldRule
from parcelwire.domain.field_problems import FieldProblem, InvalidInputError
from parcelwire.pages.dashboard.drafting import sentence_of
from parcelwire.pages.dashboard.registry import Page, Part
from parcelwire.pages.dashboard.visit import Problem, Visit, missing
from parcelwire.tracking.errors import TrackingError


async def show(visit: Visit) -> Response:
    """Show the account's connections."""
    return await _show(visit)


async def _show(
    visit: Visit, problems: tuple[Problem, ...] = (), *, tested: ConnectionTest | None = None
) -> Response:
    connections = visit.house.connections
    ways = connections.transports()
    return await visit.show(
        "connections.html",
        connections=await connections.list_connections(visit.session.account.number),
        ways=[one for one in ways if one.credential_fields],
        open_ways=[
            one for one in ways if not one.credential_fields and one.connector != "simulated"
        ],
        names={one.connector: one.name for one in ways},
        test_numbers={
            f"{one.connector}/{one.transport}": one.test_number for one in ways if one.test_number
        },
        typed={visit.path.get("id", ""): visit.form.get("number")[:200]},
        optional=OPTIONAL_FIELDS,
        problems=problems,
        tried=tested.connection if tested is not None else None,
        report=tested.report if tested is not None else None,
        is_working=tested is not None and tested.is_accepted,
        chosen=visit.form.get("way"),
    )


async def add(visit: Visit) -> Response:
    """Make a connection."""
    form, connections = visit.form, visit.house.connections
    connector, _, name = form.get("way").partition("/")
    try:
        transport = connections.transport(connector, name)
        # Each field of the form belongs to one transport: nothing unknown can be among them.
        credentials = {
            field: form.get(f"{connector}/{name}/{field}") for field in transport.credential_fields
        }
        await connections.create(
            CreateConnection(
                account_number=visit.session.account.number,
                connector=connector,
                transport=name,
                credentials=credentials,
            )
        )
    except NotFoundError:
        return await _show(visit, (Problem("way", "Choose a carrier."),))
    except InvalidInputError as error:
        return await _show(visit, tuple(_problem(one, transport.name) for one in error.problems))
    return await visit.go("/connections", f"{transport.name} is connected. Test it with a number.")


def _problem(problem: FieldProblem, carrier: str) -> Problem:
    words = problem.field.replace("_", " ")
    match problem.code:
        case "missing":
            return Problem(problem.field, f"{carrier} wants {words}.")
        case "too-long":
            return Problem(problem.field, f"{words} is far too long.")
        case "not-allowed":
            return Problem("way", "Choose a carrier.")
        case _:
            return Problem(problem.field, f"{words} {problem.message}.")


async def test(visit: Visit) -> Response:
    """Ask the carrier once with a connection's credentials."""
    account_number, connection_id = visit.session.account.number, visit.path["id"]
    try:
        tested = await visit.house.connections.test(
            account_number, connection_id, visit.form.get("number")
        )
    except ConnectionNotFoundError:
        raise missing("connection") from None
    except TrackingError as error:
        return await _show(visit, (Problem(f"number-{connection_id}", sentence_of(error)),))
    return await _show(visit, tested=tested)


async def retry(visit: Visit) -> Response:
    """Use a broken connection again, with the credentials that it has."""
    try:
        await visit.house.connections.resume(visit.session.account.number, visit.path["id"])
    except ConnectionNotFoundError:
        raise missing("connection") from None
    except ConnectionChangedError:
        said = "The connection was deleted, or has got other credentials meanwhile."
        return await visit.go("/connections", said, tone="trouble")
    return await visit.go("/connections", "The connection is used again.")


async def remove(visit: Visit) -> Response:
    """Delete a connection and its credentials."""
    try:
        await visit.house.connections.delete(visit.session.account.number, visit.path["id"])
    except ConnectionNotFoundError:
        raise missing("connection") from None
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
