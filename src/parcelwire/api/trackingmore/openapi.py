"""A version's calls, as its OpenAPI description tells them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from parcelwire.api import openapi
from parcelwire.api.trackingmore.routes import Route


def operations(
    routes: Iterable[Route],
    *,
    names: Mapping[str, str],
    success: Callable[[Route], str] = lambda _: "Success",
    optional_bodies: Collection[str] = (),
) -> list[openapi.Operation]:
    """Return the operations of ``routes``, one for each method.

    ``names``: what a name in a path means. ``success``: what is said of a success.
    ``optional_bodies``: names of routes to which a call without a body is no mistake.
    """
    return [
        openapi.Operation(
            method=method.lower(),
            path=f"/{route.label}",
            # An id names one operation: the second method of a call has a name of its own.
            name=route.name if is_documented else f"{route.name}_by_{method.lower()}",
            summary=route.summary,
            answer=route.answer,
            success=success(route),
            request=route.request,
            parameters=_parameters(route, names),
            is_body_required=is_documented and route.name not in optional_bodies,
        )
        for route in routes
        for method in route.methods
        for is_documented in [method == route.methods[0]]
    ]


def _parameters(route: Route, names: Mapping[str, str]) -> list[dict[str, object]]:
    return [
        *(
            openapi.parameter(name, "path", text)
            for name, text in names.items()
            if f"{{{name}}}" in route.path
        ),
        *(
            openapi.parameter(one.name, one.place, one.description, one.kind)
            for one in route.parameters
        ),
    ]
