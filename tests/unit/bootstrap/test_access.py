"""The table of everything that can be asked of an installation."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from parcelwire.api.native.operations import Asked, Operation
from parcelwire.api.trackingmore.declaration import Declaration
from parcelwire.api.trackingmore.routes import Route as DialectRoute
from parcelwire.bootstrap.access import access_table
from parcelwire.bootstrap.dialects import own_dialects
from parcelwire.domain.access import WorldRule
from parcelwire.pages.dashboard.registry import Page, Part, discover
from parcelwire.pages.dashboard.visit import Visit

READING_POSTS = {
    "POST /v2/carriers/detect",
    "POST /v2/trackings/get",
    "POST /v2/trackings/getstatusnumber",
    "POST /v2/trackings/remote",
    "POST /v2/trackings/costtime",
    "POST /v2/trackings/aircargo",
    "POST /v4/couriers/detect",
    "POST /v4/awb",
    "POST /api/couriers/detect",
    # They change the session that asks, and nothing else.
    "POST /dashboard/logout",
    "POST /dashboard/world",
}
"""What changes nothing although its method is not GET."""


async def show(visit: Visit) -> Response:
    del visit
    return Response()


async def handle(house: Any, asked: Asked) -> None:
    del house, asked


def test_whatever_changes_something_needs_more_than_to_read() -> None:
    free = {
        one.name
        for one in access_table()
        if one.surface != "public" and one.method != "GET" and one.scope in {"read", "anyone"}
    }
    assert free - {"POST /dashboard/login"} == READING_POSTS


def test_what_belongs_to_the_installation_is_public_or_for_operators() -> None:
    for one in access_table():
        if one.is_for_operators:
            assert (one.scope, one.world) == ("admin", WorldRule.INSTALLATION), one.name
        elif one.world is WorldRule.INSTALLATION:
            assert one.method == "GET" or one.name in READING_POSTS, one.name


def test_an_action_has_to_say_what_it_needs() -> None:
    fields: dict[str, Any] = {"path": "/new", "title": "New", "handler": show}
    for said in ({"scope": "read"}, {"world": WorldRule.OWN}):
        with pytest.raises(TypeError, match="Missing required argument"):
            Page(**fields, **said)
    with pytest.raises(TypeError, match="Missing required argument"):
        Part("POST", "/new", show)  # type: ignore[call-arg]  # that is the point
    with pytest.raises(TypeError, match="Missing required argument"):
        Part("POST", "/new", show, "write")  # type: ignore[call-arg]  # that is the point
    native: dict[str, Any] = {"name": "new", "method": "GET", "path": "/new", "summary": "New"}
    for said in ({"scope": "read"}, {"world": WorldRule.OWN}):
        with pytest.raises(TypeError, match="Missing required argument"):
            Operation(**native, handler=handle, **said)
    call: dict[str, Any] = {"name": "new", "methods": ("GET",), "path": ("new",), "summary": "New"}
    for said in ({"scope": "read"}, {"world": WorldRule.OWN}):
        with pytest.raises(TypeError, match="Missing required argument"):
            DialectRoute(**call, answer=None, **said)


def test_no_two_actions_are_the_same() -> None:
    twice = Page(path="/trackings", title="Again", handler=show, scope="admin", world=WorldRule.OWN)
    with pytest.raises(ValueError, match="GET /dashboard/trackings is declared 2 times"):
        access_table([*discover(), twice])


@pytest.mark.parametrize("dialect", own_dialects(), ids=lambda dialect: dialect.prefix)
def test_a_dialect_cannot_declare_what_it_does_not_check(dialect: Declaration) -> None:
    first, *others = dialect.routes
    live = replace(dialect, routes=(replace(first, world=WorldRule.LIVE), *others))
    message = f"{dialect.prefix} does not know actions of the live world alone"
    with pytest.raises(ValueError, match=message):
        access_table(dialects=[live])


def routes_of(app: Starlette) -> set[str]:
    """Return what an application really answers."""
    return {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }


def test_what_is_answered_is_what_is_declared() -> None:
    from parcelwire.pages.application import ROUTES, application

    class Anything:
        def __getattr__(self, name: str) -> Any:
            return self

    house: Any = Anything()
    declared = {one.name for one in access_table()}
    answered = routes_of(application(house))
    assert answered == {f"{one.method} {one.path}" for one in ROUTES}
    assert answered <= declared
    from parcelwire.api.house import ApiSettings
    from parcelwire.api.native.application import application as native

    house.settings = ApiSettings()
    found = {re.sub(r"^(\w+) ", r"\1 /api", one) for one in routes_of(native(house))}
    assert found == {one for one in declared if one.partition(" ")[2].startswith("/api/")}
    from parcelwire.pages.dashboard.application import application as dashboard
    from parcelwire.pages.dashboard.house import DashboardSettings

    house.settings = DashboardSettings()
    assert routes_of(dashboard(house)) == {
        one for one in declared if one.partition(" ")[2].startswith("/dashboard")
    }
