"""Calling an HTTP application in this process, without a socket."""

from __future__ import annotations

from typing import Any

import msgspec

from parcelwire.api.asgi import ASGIApp


async def call(
    app: ASGIApp,
    method: str,
    path: str,
    *,
    key: str,
    body: Any = None,
    query: str = "",
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    """Make one HTTP call of an application in this process; return status and body."""
    content = b"" if body is None else msgspec.json.encode(body)
    fields = {
        "content-type": "application/json",
        "content-length": str(len(content)),
        "tracking-api-key": key,
        "authorization": f"Bearer {key}",
        **(headers or {}),
    }
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:])
