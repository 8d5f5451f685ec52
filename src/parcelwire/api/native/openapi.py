"""The OpenAPI 3.1 description of the native API, made from its table of calls and their shapes.

``python -m parcelwire.api.native.openapi > docs/openapi/native.json`` writes the checked-in file.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import msgspec

from parcelwire import __version__
from parcelwire.api import openapi
from parcelwire.api.native.operations import Operation
from parcelwire.api.native.problems import CONTENT_TYPE, KINDS, Problem
from parcelwire.api.native.table import ALL

_LIMITS: Final = {
    "RateLimit-Limit": "Calls at once",
    "RateLimit-Remaining": "Calls left now",
    "RateLimit-Reset": "Seconds until the next call is let through",
}


def describe() -> dict[str, Any]:
    """Return the description as a JSON object."""
    shapes = [shape for one in ALL for shape in (one.answer, one.request) if shape is not None]
    schemas, components = msgspec.json.schema_components(
        [*shapes, Problem], ref_template=openapi.REFERENCE
    )
    by_shape = {str(shape): schema for shape, schema in zip(shapes, schemas, strict=False)}
    paths: dict[str, dict[str, Any]] = {}
    for one in ALL:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, by_shape)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Parcelwire, the native API",
            "version": __version__,
            "description": "Refusals are problems (RFC 9457); `code` names their kind.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api"}],
        "security": [{"bearer": []}, {"key": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "Parcelwire-Api-Key"},
            },
            "headers": {
                name: {"description": text, "schema": {"type": "integer"}}
                for name, text in _LIMITS.items()
            },
            "responses": {
                str(status): {
                    "description": "; ".join(
                        f"`{kind}`: {title}" for kind, (of, title) in KINDS.items() if of == status
                    ),
                    "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
                for status in sorted({status for status, _ in KINDS.values()})
            },
        },
    }


def render() -> bytes:
    """Return the description as the bytes of the checked-in file."""
    return openapi.render(describe())


def _operation(one: Operation, by_shape: dict[str, Any]) -> dict[str, Any]:
    # 404 and 405 of the router are not a call's own; a path that names something has its 404.
    statuses = {"400", "401", "403", "429", "500", "503"}
    statuses |= {"404"} if one.path_texts else set()
    statuses |= {"413", "422"} if one.request is not None else set()
    described: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "parameters": [
            *(openapi.parameter(name, "path", text) for name, text in one.path_texts.items()),
            *_query_parameters(one.query),
        ],
        "responses": {
            "200": {
                "description": "Success",
                "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in _LIMITS},
                "content": {openapi.JSON: {"schema": by_shape[str(one.answer)]}},
            },
            **{name: {"$ref": f"#/components/responses/{name}"} for name in sorted(statuses)},
        },
    }
    if one.request is not None:
        described["requestBody"] = {
            "required": True,
            "content": {openapi.JSON: {"schema": by_shape[str(one.request)]}},
        }
    return described


def _query_parameters(shape: type[msgspec.Struct]) -> list[dict[str, Any]]:
    schema = msgspec.json.schema(shape)["$defs"][shape.__name__]
    parameters = []
    for name, field in schema["properties"].items():
        text = field.pop("description", "")
        parameters.append(
            {
                "name": name,
                "in": "query",
                "required": name in schema["required"],
                "description": text,
                "schema": field,
            }
        )
    return parameters


if __name__ == "__main__":
    sys.stdout.buffer.write(render())
