"""What the frame asks of a version of TrackingMore's API, and how it finds a call."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from parcelwire.api.house import ApiSettings
from parcelwire.api.trackingmore.declaration import Bound, Declaration
from parcelwire.api.trackingmore.frame import DialectFrame
from parcelwire.api.trackingmore.refusals import RefusalReason, Refused
from parcelwire.api.trackingmore.routes import Route, RouteTable
from parcelwire.api.wire import Call, Reply
from parcelwire.bootstrap.dialects import own_dialects
from parcelwire.domain.access import WorldRule

DIALECTS = pytest.mark.parametrize("dialect", own_dialects(), ids=lambda one: one.prefix)


class Anything:
    """A context of which nothing is used but the settings."""

    settings = ApiSettings()

    def __getattr__(self, name: str) -> Any:
        return self


CONTEXT: Any = Anything()


async def answer(call: Call) -> Reply:
    return Reply(200, call.method.encode())


def route(name: str, path: str, *methods: str, **fields: Any) -> Route:
    return Route(
        name=name,
        methods=methods,
        path=tuple(path.split("/")),
        summary=name,
        answer=None,
        **{"scope": "read", "world": WorldRule.OWN, **fields},
    )


ROUTES = (
    route("all", "things", "GET"),
    route("make", "things", "POST", "PUT"),
    route("one", "things/{id}", "GET"),
    route("part", "things/{id}/{part}", "DELETE"),
    route("move", "things/move/{id}", "POST"),
)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "things", "all"),
        ("PUT", "things", "make"),
        ("GET", "other", None),
        ("GET", "", None),
        # The longest words win, and an id that is missing is not another path.
        ("POST", "things/move", "move"),
        ("POST", "things/move/1", "move"),
        ("POST", "things/move/1/2", None),
        ("GET", "Things", None),
    ],
)
def test_a_path_means_one_call(method: str, path: str, name: str | None) -> None:
    table = RouteTable(ROUTES, {one.name: answer for one in ROUTES})
    methods = table.find(method, tuple(path.split("/")))
    assert (methods[method][0].name if methods else None) == name


def test_a_version_may_find_its_paths_itself() -> None:
    table = RouteTable(
        ROUTES,
        {one.name: answer for one in ROUTES},
        lambda _, segments: ("things",) if segments[-1].lower() == "things" else None,
    )
    found = table.find("GET", ("sandbox", "Things"))
    assert found is not None
    assert found["GET"][0].name == "all"
    assert table.find("GET", ("things", "1")) is None


@DIALECTS
def test_every_reason_has_a_code(dialect: Declaration) -> None:
    for reason in RefusalReason:
        refused = dialect.refused_for(reason)
        for of in (None, dialect.routes[0]):
            said = msgspec.json.decode(dialect.render_refusal(refused, of).body)
            assert said["meta"]["code"] == refused.code


@DIALECTS
def test_every_route_has_a_handler_and_no_handler_is_left_over(dialect: Declaration) -> None:
    assert set(dialect.bind(CONTEXT).handlers) == {one.name for one in dialect.routes}


@DIALECTS
def test_a_version_that_lacks_something_is_not_mounted(dialect: Declaration) -> None:
    def codeless(problem: Any) -> Refused:
        return {RefusalReason.NO_KEY: Refused(401)}[problem]

    DialectFrame(CONTEXT, dialect)
    for lacking in (
        replace(dialect, refused_for=codeless),
        replace(dialect, bind=lambda _: Bound(handlers={})),
    ):
        with pytest.raises(KeyError):
            DialectFrame(CONTEXT, lacking)
