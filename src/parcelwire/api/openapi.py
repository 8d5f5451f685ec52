"""What the OpenAPI 3.1 descriptions of the dialects have in common.

A dialect gives its calls and says how its envelope looks; the shapes become schemas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from parcelwire import __version__

REFERENCE: Final = "#/components/schemas/{name}"
JSON: Final = "application/json"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One call, ready to be described. ``method`` in lower case, ``path`` with its ``{names}``."""

    method: str
    path: str
    name: str
    summary: str
    answer: Any
    """Shape of ``data`` on success."""
    success: str = "Success"
    request: Any = None
    """Shape of the body; None: the call has none."""
    parameters: Sequence[dict[str, Any]] = ()
    is_body_required: bool = True


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What a dialect says of itself."""

    title: str
    text: str
    server: str
    key_header: str
    meta: dict[str, Any]
    """Schema of ``meta``."""
    errors: Mapping[str, str]
    """Name of a common response (an HTTP status, mostly) -> what it means."""
    operations: Sequence[Operation]
    further_shapes: Sequence[Any] = ()
    """Shapes that no call names but the text speaks of."""
    empty: dict[str, Any] | None = None
    """Schema of ``data`` in a refusal, where refusals come with HTTP 200 as well."""


def parameter(name: str, place: str, description: str, kind: str = "string") -> dict[str, Any]:
    """Return one parameter; those in the path are required, no others are."""
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": {"type": kind},
    }


def envelope(data: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an answer with ``data``."""
    return {
        "type": "object",
        "properties": {"meta": {"$ref": REFERENCE.format(name="Meta")}, "data": data},
        "required": ["meta", "data"],
        "additionalProperties": False,
    }


def meta(description: str, **properties: str) -> dict[str, Any]:
    """Return the schema of ``meta``, from its properties and their types."""
    return {
        "title": "Meta",
        "description": description,
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
    }


def describe(said: Description) -> dict[str, Any]:
    """Return the description as a JSON object."""
    shapes = [shape for call in said.operations for shape in (call.answer, call.request) if shape]
    schemas, components = msgspec.json.schema_components(
        [*shapes, *said.further_shapes], ref_template=REFERENCE
    )
    by_shape = {str(shape): schema for shape, schema in zip(shapes, schemas, strict=False)}
    components["Meta"] = said.meta
    paths: dict[str, dict[str, Any]] = {}
    for call in said.operations:
        paths.setdefault(call.path, {})[call.method] = _operation(said, call, by_shape)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": said.title,
            "version": __version__,
            "description": said.text,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": said.server}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": said.key_header}},
            "responses": {
                name: {
                    "description": text,
                    "content": {JSON: {"schema": envelope({"type": ["object", "array", "null"]})}},
                }
                for name, text in said.errors.items()
            },
        },
    }


def render(description: dict[str, Any]) -> bytes:
    """Return a description as the bytes of its checked-in file."""
    return msgspec.json.format(msgspec.json.encode(description), indent=2) + b"\n"


def _operation(said: Description, call: Operation, by_shape: Mapping[str, Any]) -> dict[str, Any]:
    data = by_shape[str(call.answer)]
    if said.empty is not None:
        data = {"anyOf": [data, said.empty]}
    described: dict[str, Any] = {
        "operationId": call.name,
        "summary": call.summary,
        "parameters": list(call.parameters),
        "responses": {
            "200": {
                "description": call.success,
                "content": {JSON: {"schema": envelope(data)}},
            },
            **{name: {"$ref": f"#/components/responses/{name}"} for name in sorted(said.errors)},
        },
    }
    if call.request is not None:
        described["requestBody"] = {
            "required": call.is_body_required,
            "content": {JSON: {"schema": by_shape[str(call.request)]}},
        }
    return described
