"""What stands in front of all pages: which host names are answered, and headers that all have.

Pages are for browsers, and a browser can be led here under any name that somebody lets point to
this address. The API has keys instead of cookies and answers under every name.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from parcelwire.domain.url_path import sent_path

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

_HOST: Final = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9._-]{1,253}))(?::[0-9]{0,5})?"
)
_SLASHED: Final = ("/t/", "/n/", "/track/")
"""Below these a slash at the end is a slip: the same address without it is meant."""
_TEXT: Final = b"This server does not answer for this host name. See server.trusted_hosts.\n"


class TrustedHosts:
    """The host names that pages are answered for."""

    def __init__(self, names: Iterable[str], *, public_url: str, listens_on: str) -> None:
        """``names``: exact ones, ``*.example.com``, or ``*`` for all.

        Without any: the host of ``public_url``, ``localhost``, ``listens_on``, and every IP
        address, as nobody can let a name of theirs be one.
        """
        given = {name.casefold().rstrip(".").strip("[]") for name in names}
        self._is_any = "*" in given
        self._takes_addresses = not given
        self._suffixes = tuple(name[1:] for name in given if name.startswith("*."))
        public = _ascii(urlsplit(public_url).hostname or "")
        self._names = given or {"localhost", public, listens_on.casefold()} - {""}

    def has(self, header: str) -> bool:
        """Tell whether the value of a ``Host`` header is one of them, whatever the port."""
        match = _HOST.fullmatch(header)
        if match is None:
            return False
        if self._is_any:
            return True
        name = (match["v6"] or match["name"]).casefold().rstrip(".")
        if name in self._names or name.endswith(self._suffixes):
            return True
        return self._takes_addresses and _is_address(name)


def _ascii(name: str) -> str:
    """Return a host name as browsers send it (IDNA)."""
    try:
        return name.encode("idna").decode().casefold()
    except UnicodeError:
        return name.casefold()


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def in_front_of_pages(app: ASGIApp, hosts: TrustedHosts) -> ASGIApp:
    """Return ``app`` for these host names only, its answers with ``nosniff``.

    Others are answered 421 (RFC 9110, 15.5.20). A request without a ``Host`` is of HTTP/1.0 and
    comes from no browser.
    """

    async def front(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        named = [value for name, value in scope["headers"] if name == b"host"]
        if len(named) > 1 or (named and not hosts.has(named[0].decode("latin-1"))):
            await _answer(send, 421, _TEXT)
            return
        path = scope["path"]
        if path.endswith("/") and path.startswith(_SLASHED):
            # Starlette would redirect to an address with the Host header in it.
            place = b"/" + sent_path(scope).strip("/").encode()
            query = scope["query_string"]
            place += b"?" + query if query else b""
            await _answer(send, 307, b"", (b"location", place))
            return

        async def send_safely(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                if not any(name == _NOSNIFF[0] for name, _ in headers):
                    message = {**message, "headers": [*headers, _NOSNIFF]}
            await send(message)

        await app(scope, receive, send_safely)

    return front


_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")


async def _answer(send: Any, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", b"%d" % len(body)),
                (b"cache-control", b"no-store"),
                _NOSNIFF,
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
