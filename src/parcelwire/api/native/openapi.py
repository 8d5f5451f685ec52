"""The OpenAPI 3.1 description of the native API, made from its table of calls and their shapes.

``python -m parcelwire.api.native.openapi > docs/openapi/native.json`` writes the checked-in file.
"""

from __future__ import annotations

import re
import sys
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast

import msgspec

from parcelwire import __version__
from parcelwire.api import openapi
from parcelwire.api.native import idempotency
from parcelwire.api.native.operations import Operation
from parcelwire.api.native.problems import CONTENT_TYPE, KINDS, Problem
from parcelwire.api.native.table import ALL
from parcelwire.domain.field_problems import NO_NUL_PATTERN

T = TypeVar("T")

_LIMITS: Final = {
    "RateLimit-Limit": "Calls at once",
    "RateLimit-Remaining": "Calls left now",
    "RateLimit-Reset": "Seconds until the next call is let through",
}
_HEADERS: Final = {
    **{
        name: {"description": text, "schema": {"type": "integer"}} for name, text in _LIMITS.items()
    },
    "Location": {
        "description": "Where what was made (or is there already) is read",
        "schema": {"type": "string"},
    },
    "Link": {
        "description": 'The next page, as `<path>; rel="next"`, where there is one',
        "schema": {"type": "string"},
    },
    "Idempotency-Replayed": {
        "description": "`true`: this is what was answered the first time; nothing was done now",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A word of your own for this very call. Sent again within 24 hours it has no"
    " second effect, and is answered the same bytes.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": idempotency.LONGEST,
        "pattern": r"^[!-~]([ -~]*[!-~])?$",
    },
}

# Any call can meet these.
_EVERYWHERE: Final = (
    "invalid-query",
    "api-key-missing",
    "invalid-api-key",
    "api-key-revoked",
    "api-key-expired",
    "account-suspended",
    "insufficient-scope",
    "too-many-requests",
    "internal-error",
    "database-unavailable",
)
_WITH_BODY: Final = ("invalid-json", "body-too-large", "validation-failed")
_WITH_IDEMPOTENCY_KEY: Final = ("invalid-idempotency-key", "idempotency-key-reused")


def describe() -> dict[str, Any]:
    """Return the description as a JSON object."""
    shapes = [shape for one in ALL for shape in (one.answer, one.request) if shape is not None]
    queries = list(dict.fromkeys(one.query for one in ALL))
    schemas, components = msgspec.json.schema_components(
        [*shapes, Problem, *queries], ref_template=openapi.REFERENCE
    )
    schemas, components = _with_plain_names(schemas), _with_plain_names(components)
    # Their fields become parameters; as objects they are never sent.
    by_query = {query: components.pop(query.__name__) for query in queries}
    by_shape = {str(shape): schema for shape, schema in zip(shapes, schemas, strict=False)}
    paths: dict[str, dict[str, Any]] = {}
    for one in ALL:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(
            one, by_shape, by_query[one.query]
        )
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
            "headers": _HEADERS,
        },
    }


def _with_plain_names(described: T) -> T:
    """Return ``described`` with ``TrackingPage`` where msgspec has ``Page_TrackingObject_``."""
    text = re.sub(r"\bPage_(\w+)Object_", r"\1Page", msgspec.json.encode(described).decode())
    return cast("T", msgspec.json.decode(text))


def render() -> bytes:
    """Return the description as the bytes of the checked-in file."""
    return openapi.render(describe())


def problems_of(one: Operation) -> tuple[str, ...]:
    """Return the kinds of problems that a call can be answered with, in the order of ``KINDS``.

    404 and 405 of the router are no call's own.
    """
    kinds = {*_EVERYWHERE, *one.problems}
    kinds.update(_WITH_BODY if one.request is not None else ())
    kinds.update(_WITH_IDEMPOTENCY_KEY if one.takes_idempotency_key else ())
    kinds.update(("invalid-cursor",) if "cursor" in one.query.__struct_fields__ else ())
    return tuple(kind for kind in KINDS if kind in kinds)


def _operation(one: Operation, by_shape: dict[str, Any], query: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        **({"description": one.text} if one.text else {}),
        # A scheme that is not OAuth names the wanted role here (OpenAPI 3.1, Security Requirement).
        "security": [{"bearer": [one.scope]}, {"key": [one.scope]}],
        "x-parcelwire-scope": one.scope,
        "parameters": [
            *(_path_parameter(one, name, text) for name, text in one.path_texts.items()),
            *_query_parameters(query),
            *((_IDEMPOTENCY_KEY,) if one.takes_idempotency_key else ()),
        ],
        "responses": {
            str(one.success): _success(one, by_shape),
            **dict(sorted(_refusals(one).items())),
        },
    }
    if one.request is not None:
        content: dict[str, Any] = {"schema": by_shape[str(one.request)]}
        if one.example is not None:
            content["example"] = one.example
        described["requestBody"] = {"required": True, "content": {openapi.JSON: content}}
    return described


def _success(one: Operation, by_shape: dict[str, Any]) -> dict[str, Any]:
    names = list(_LIMITS)
    names += ["Location"] if one.location and one.success in {201, 202} else []
    names += ["Link"] if "cursor" in one.query.__struct_fields__ else []
    names += ["Idempotency-Replayed"] if one.takes_idempotency_key else []
    described: dict[str, Any] = {
        "description": HTTPStatus(one.success).phrase,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
    }
    if one.answer is not None:
        content: dict[str, Any] = {"schema": by_shape[str(one.answer)]}
        if one.answer_example is not None:
            content["example"] = one.answer_example
        described["content"] = {openapi.JSON: content}
    return described


def _refusals(one: Operation) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for kind in problems_of(one):
        by_status.setdefault(KINDS[kind][0], []).append(kind)
    return {
        str(status): {
            "description": "; ".join(f"`{kind}`: {KINDS[kind][1]}" for kind in kinds),
            "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, kinds in by_status.items()
    }


def _path_parameter(one: Operation, name: str, text: str) -> dict[str, Any]:
    parameter = openapi.parameter(name, "path", text)
    if name in one.path_examples:
        parameter["example"] = one.path_examples[name]
    return parameter


def _query_parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    parameters = []
    for name, of in schema["properties"].items():
        field = {word: value for word, value in of.items() if word != "description"}
        if "items" in field:
            field["items"] = _without_nul(field["items"])
        parameters.append(
            {
                "name": name,
                "in": "query",
                "required": name in schema["required"],
                "description": of.get("description", ""),
                "schema": _without_nul(field),
            }
        )
    return parameters


def _without_nul(field: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter, none of which holds a NUL (``reading.read_query``)."""
    is_free = field.get("type") == "string" and not field.keys() & {"pattern", "format", "enum"}
    return {**field, "pattern": NO_NUL_PATTERN} if is_free else field


if __name__ == "__main__":
    sys.stdout.buffer.write(render())
