"""The description of the native API as a page for people: one HTML file, no script, no request.

It is made from the same object as ``/api/openapi.json``, so that it cannot say something else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from parcelwire.api.native.openapi import describe


def render_docs() -> tuple[str, str]:
    """Return the page, and the content security policy that its one style sheet needs."""
    templates = Environment(
        loader=PackageLoader("parcelwire.api.native", ""),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = templates.get_template("docs.css").render()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )
    said = describe()
    return templates.get_template("docs.html").render(
        info=said["info"], style=style, calls=_calls(said), shapes=_shapes(said)
    ), policy


def show_docs() -> Callable[[Request], Awaitable[Response]]:
    """Return what answers the page, made at the first call; it needs no key."""
    made: list[tuple[str, str]] = []

    async def show(_: Request) -> Response:
        if not made:
            made.append(render_docs())
        page, policy = made[0]
        headers = {
            "content-security-policy": policy,
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        }
        return HTMLResponse(page, headers=headers)

    return show


def _calls(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": call["operationId"],
            "method": method.upper(),
            "path": f"/api{path}",
            "summary": call["summary"],
            "text": call.get("description", ""),
            "scope": call["x-parcelwire-scope"],
            "parameters": [{**one, "kind": _kind(one["schema"])} for one in call["parameters"]],
            "request": _content(call.get("requestBody")),
            "responses": [
                {"status": status, "description": answer["description"], **_content(answer)}
                for status, answer in call["responses"].items()
            ],
        }
        for path, methods in said["paths"].items()
        for method, call in methods.items()
    ]


def _content(described: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return shape and example of a body."""
    if described is None:
        return {}
    for content in described.get("content", {}).values():
        example = content.get("example")
        return {
            "kind": _kind(content["schema"]),
            "example": None if example is None else _pretty(example),
        }
    return {}


def _shapes(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "text": schema.get("description", ""),
            "fields": [
                {
                    "name": field,
                    "kind": _kind(of),
                    "text": of.get("description", ""),
                    "is_required": field in schema.get("required", ()),
                }
                for field, of in schema.get("properties", {}).items()
            ],
            "values": schema.get("enum", ()),
        }
        for name, schema in said["components"]["schemas"].items()
    ]


_BOUNDS: Final = {
    "minLength": "length {} or more",
    "maxLength": "length {} or less",
    "minimum": "{} or more",
    "maximum": "{} or less",
    "minItems": "{} items or more",
    "maxItems": "{} items or less",
    "default": "default {}",
}


def _kind(schema: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a schema as words: pieces of text, some with the ``shape`` they lead to."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [{"text": name, "shape": name}]
    if "anyOf" in schema:
        pieces: list[dict[str, str]] = []
        for one in schema["anyOf"]:
            pieces += [{"text": " or "}] if pieces else []
            pieces += _kind(one)
        return pieces
    if schema.get("type") == "array":
        return [{"text": "list of "}, *_kind(schema.get("items", {})), *_bounds(schema)]
    if "enum" in schema:
        return [{"text": " | ".join(map(str, schema["enum"]))}]
    if isinstance(schema.get("additionalProperties"), Mapping):
        return [{"text": "object of "}, *_kind(schema["additionalProperties"])]
    kind = schema.get("type", "any")
    text = " or ".join(kind) if isinstance(kind, list) else str(kind)
    text += f" ({schema['format']})" if "format" in schema else ""
    return [{"text": text}, *_bounds(schema)]


def _bounds(schema: Mapping[str, Any]) -> list[dict[str, str]]:
    said = [
        words.format(schema[name])
        for name, words in _BOUNDS.items()
        if schema.get(name) not in (None, "", [])
    ]
    return [{"text": ", " + ", ".join(said)}] if said else []


def _pretty(example: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(example), indent=2).decode()
