"""A request to a mock server, read: its parts by selectors, and whether it may be answered."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from parcelwire.connectors.base import Response
from parcelwire.connectors.mock_servers.description import Route
from parcelwire.connectors.reading.values import UnreadableError
from parcelwire.connectors.reading.xml import read_xml
from parcelwire.domain.clock import SECOND, Instant

_PLACEHOLDER: Final = re.compile(r"\{([\w.]+)\}")


class ReadRequest:
    """The parts of a request."""

    def __init__(self, request: web.Request, path: Mapping[str, str], body: Any) -> None:
        """Take the request, what stands in the places of its route's path, and its body, read."""
        self._request = request
        self._path = path
        self.body = body

    def select(self, selector: str) -> list[str] | None:
        """Return the values that stand where a selector points; None where that is not so."""
        part, _, rest = selector.partition(".")
        match part:
            case "path":
                return [self._path[rest]] if rest in self._path else None
            case "query":
                return self._request.query.getall(rest, None)
            case "header":
                return self._request.headers.getall(rest, None)
            case "cookie":
                cookie = self._request.cookies.get(rest)
                return None if cookie is None else [cookie]
            case "body":
                found = list(_at(self.body, rest.split(".")))
                return [str(one) for one in found] if found and None not in found else None
        return None

    def first(self, selector: str) -> str:
        """Return the first value that a selector points to, or an empty text."""
        return (self.select(selector) or [""])[0]


def _at(value: Any, path: Sequence[str]) -> Iterator[str | None]:
    """Yield the texts at the end of a path; None for what is no text, or not of the form."""
    if not path:
        yield value if isinstance(value, str) else None
        return
    name = path[0].removesuffix("[]")
    inner = value.get(name) if isinstance(value, dict) else None
    if path[0].endswith("[]") and not isinstance(inner, list):
        yield None
        return
    for one in inner if isinstance(inner, list) else [inner]:
        yield from _at(one, path[1:])


async def read_request(request: web.Request, route: Route, path: Mapping[str, str]) -> ReadRequest:
    """Read a request as its route says; what cannot be read is an empty body."""
    return ReadRequest(request, path, _read_body(await request.read(), route.reads))


def _read_body(body: bytes, form: str) -> Any:
    if form == "form":
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        if form == "xml":
            return read_xml(Response(status=200, body=body))
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, UnreadableError):
        return {}


class Grant:
    """A token or a session that a server gave out."""

    def __init__(self, name: str, values: dict[str, str], until: Instant | None) -> None:
        """Take the name that routes call it by, its values, and when it ends (None: never)."""
        self.name = name
        self.values = values
        self.until = until
        self.numbers: dict[str, str] = {}
        """What was asked about in it: numbers by their SHA-256."""


class Grants:
    """All that a server gave out and has not taken back."""

    def __init__(self) -> None:
        """Start with none."""
        self._live: list[Grant] = []
        self._count = 0

    def issue(self, route: Route, now: Instant) -> Grant:
        """Return a new grant of a route, with values that were never given before."""
        self._count += 1
        names = route.values or [route.issues]
        values = {
            name: hashlib.sha256(f"{name}-{self._count}-{now}".encode()).hexdigest()
            for name in names
        }
        until = now + route.lifetime_seconds * SECOND if route.lifetime_seconds else None
        grant = Grant(route.issues, values, until)
        self._live.append(grant)
        return grant

    def revoke(self, grant: Grant) -> None:
        """Take a grant back."""
        if grant in self._live:
            self._live.remove(grant)

    def named(self, name: str, now: Instant) -> list[Grant]:
        """Return the grants of a name that have not ended."""
        self._live = [one for one in self._live if one.until is None or one.until > now]
        return [one for one in self._live if one.name == name]


class RefusedError(Exception):
    """A request is not let in; the text names the answer."""


def admit(
    read: ReadRequest,
    route: Route,
    credentials: Mapping[str, str],
    grants: Grants,
    now: Instant,
) -> Grant | None:
    """Return the grant that a request shows, if its route wants one.

    Raises:
        RefusedError: it does not have what the route requires.
    """
    wanted: dict[str, str] = {}
    kind = ""
    for selector, expected in route.require.items():
        names = _PLACEHOLDER.findall(expected)
        known = {**credentials, **_pairs(names, credentials)}
        issued = [name for name in names if name not in known]
        if issued:
            kind = issued[0].partition(".")[0]
            wanted[selector] = expected
            continue
        said = read.first(selector)
        if expected == "*" and said:
            continue
        if said != _fill(expected, known):
            raise RefusedError(route.refused if names else route.bad)
    if not wanted:
        return None
    for grant in grants.named(kind, now):
        if all(read.first(one) == _filled(text, grant) for one, text in wanted.items()):
            return grant
    raise RefusedError(route.refused)


def _pairs(names: Sequence[str], credentials: Mapping[str, str]) -> dict[str, str]:
    """Return what HTTP Basic makes of two credentials: ``{basic.client_id.client_secret}``."""
    pairs = {}
    for name in names:
        kind, *parts = name.split(".")
        if kind == "basic" and all(part in credentials for part in parts):
            pair = ":".join(credentials[part] for part in parts)
            pairs[name] = base64.b64encode(pair.encode()).decode()
    return pairs


def _fill(expected: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values[found[1]], expected)


def _filled(expected: str, grant: Grant) -> str | None:
    """Return what has to stand there for a grant; None: nothing would do."""
    values = {
        name if name == grant.name else f"{grant.name}.{name}": value
        for name, value in grant.values.items()
    }
    if not set(_PLACEHOLDER.findall(expected)) <= values.keys():
        return None
    return _fill(expected, values)
