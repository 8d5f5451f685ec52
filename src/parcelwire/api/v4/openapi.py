"""The OpenAPI 3.1 description of v4, made from the table of routes and the shapes of the wire.

``python -m parcelwire.api.v4.openapi > docs/openapi/v4.json`` writes the checked-in file anew.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import msgspec

from parcelwire import __version__
from parcelwire.api.v4.errors import FAULT, STORE_UNAVAILABLE, status_of
from parcelwire.api.v4.models import Identity
from parcelwire.api.v4.routes import ROUTES, Route

_REFERENCE: Final = "#/components/schemas/{name}"
_JSON: Final = "application/json"

_ERRORS: Final = {
    400: "A mistake in the request; `meta.code` says which (400, 4101 to 4190)",
    401: "No key, an unknown key or a revoked one",
    403: "The account is suspended, or the key may only read",
    404: "Unknown path",
    429: "Too many calls; `Retry-After` says how long to wait",
    status_of(FAULT): "A fault of the server (`meta.code` 511)",
    status_of(STORE_UNAVAILABLE): "The database cannot be reached (`meta.code` 512)",
}


def describe() -> dict[str, Any]:
    """Return the description as a JSON object."""
    shapes = [shape for route in ROUTES for shape in (route.answer, route.request) if shape]
    schemas, components = msgspec.json.schema_components(
        [*shapes, Identity], ref_template=_REFERENCE
    )
    by_shape = {str(shape): schema for shape, schema in zip(shapes, schemas, strict=False)}
    components["Meta"] = _meta("Success or which mistake")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Parcelwire, the TrackingMore v4 dialect",
            "version": __version__,
            "description": "Follow parcels of many carriers. Reading is tolerant: empty text and "
            "null mean that nothing is given, numbers are taken as their text, and repeated or "
            "trailing slashes in paths do not matter.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/v4"}],
        "security": [{"key": []}],
        "paths": {_path(route): {route.method.lower(): _call(route, by_shape)} for route in ROUTES},
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "Tracking-Api-Key"}
            },
            "responses": {
                str(status): {
                    "description": text,
                    "content": {
                        _JSON: {"schema": _envelope({"type": ["object", "array", "null"]})}
                    },
                }
                for status, text in _ERRORS.items()
            },
        },
    }


def _path(route: Route) -> str:
    return "/" + "/".join((*route.path, *(("{id}",) if route.has_id else ())))


def _call(route: Route, by_shape: dict[str, Any]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {
            "name": parameter.name,
            "in": "query",
            "required": False,
            "description": parameter.description,
            "schema": {"type": parameter.kind},
        }
        for parameter in route.parameters
    ]
    if route.has_id:
        parameters.append(
            {
                "name": "id",
                "in": "path",
                "required": True,
                "description": "Id of the tracking, 32 hex digits",
                "schema": {"type": "string"},
            }
        )
    call: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "Success",
                "content": {_JSON: {"schema": _envelope(by_shape[str(route.answer)])}},
            },
            **{
                str(status): {"$ref": f"#/components/responses/{status}"}
                for status in sorted(_ERRORS)
            },
        },
    }
    if route.request is not None:
        call["requestBody"] = {
            "required": True,
            "content": {_JSON: {"schema": by_shape[str(route.request)]}},
        }
    return call


def _envelope(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"meta": {"$ref": _REFERENCE.format(name="Meta")}, "data": data},
        "required": ["meta", "data"],
        "additionalProperties": False,
    }


def _meta(description: str) -> dict[str, Any]:
    return {
        "title": "Meta",
        "description": description,
        "type": "object",
        "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
        "required": ["code", "message"],
        "additionalProperties": False,
    }


def render() -> bytes:
    """Return the description as the bytes of the checked-in file."""
    return msgspec.json.format(msgspec.json.encode(describe()), indent=2) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(render())
