"""A carrier's mock server, made of the ``mock_server.toml`` beside its connector.

    request -> route -> may it in? -> numbers -> behaviour -> parcels -> template or fixtures

Before its first event a parcel of a scenario is unknown, as it is at the real carrier.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from jinja2 import TemplateError

from parcelwire.connectors.base import Connector
from parcelwire.connectors.mock_servers import Behaviour, Script
from parcelwire.connectors.mock_servers.control import add_control
from parcelwire.connectors.mock_servers.description import Description, Route, load_description
from parcelwire.connectors.mock_servers.rendering import FixtureError, Parcel, Renderer
from parcelwire.connectors.mock_servers.requests import (
    Grant,
    Grants,
    ReadRequest,
    RefusedError,
    admit,
    read_request,
)
from parcelwire.connectors.mock_servers.serving import cut, say_nothing
from parcelwire.connectors.package import package_of
from parcelwire.domain.clock import Clock
from parcelwire.domain.languages import choose_language

_WHOLE_ANSWERS: Final = frozenset(
    {
        Behaviour.FORBIDDEN,
        Behaviour.RATE_LIMITED,
        Behaviour.HTML,
        Behaviour.UNAVAILABLE,
        Behaviour.BROKEN,
    }
)
"""Behaviours whose answer says nothing of parcels."""


class MockServer:
    """The routes of one carrier, and what it remembers."""

    def __init__(
        self,
        connector: Connector,
        clock: Clock,
        script: Script | None = None,
        *,
        credentials: Mapping[str, str] | None = None,
        description: Description | None = None,
    ) -> None:
        """Speak what the file beside ``connector`` says, or ``description``.

        ``credentials``: who is let in, in place of those in the file; empty: nobody.

        Raises:
            OSError: there is no such file.
            ValueError: it cannot be used.
        """
        package = package_of(connector)
        self.description = description or load_description(package)
        self.script = script if script is not None else Script()
        self._connector = connector
        self._clock = clock
        self._credentials = dict(
            self.description.credentials if credentials is None else credentials
        )
        self._renderer = Renderer(connector, package, self.description)
        self._grants = Grants()
        self._behaviours: dict[str, Behaviour] = {}
        """Of the numbers, as of their first step."""
        self.trouble = ""
        """What of the description could not be used when it was needed; empty: nothing."""

    def application(self) -> web.Application:
        """Return what ``serving.run_mock_server`` puts on a port."""
        application = web.Application()
        add_control(application, self.script)
        application.router.add_route("*", "/{path:.*}", self._answer)
        return application

    def base_urls(self, address: str) -> dict[str, str]:
        """Return the connector's base URLs for a server that listens at ``address``."""
        return base_urls_of(self._connector, address)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        found = await self._route_of(request)
        if found is None:
            return web.json_response({"message": "there is no such path"}, status=404)
        route, read = found
        now = self._clock.now()
        try:
            grant = admit(read, route, self._credentials, self._grants, now)
        except RefusedError as refused:
            return self._render(str(refused), route, read, [])
        numbers: list[str] = []
        if route.numbers:
            selected = self._numbers(route, read, grant)
            if not selected:
                return self._render(route.bad, route, read, [], grant)
            numbers = selected
        behaviours = self._take(route, numbers)
        for behaviour in behaviours.values():
            if behaviour is Behaviour.TOKEN_EXPIRED and grant is not None:
                self._grants.revoke(grant)
                return self._render(route.refused, route, read, [], grant)
            odd = await self._misbehave(request, behaviour, route, read)
            if odd is not None:
                return odd
        if route.remembers and grant is not None:
            grant.numbers.update({hashlib.sha256(one.encode()).hexdigest(): one for one in numbers})
        if route.issues:
            grant = self._grants.issue(route, now)
        parcels = [self._renderer.parcel(one, behaviours[one], self.script, now) for one in numbers]
        if route.paging is not None:
            self._renderer.page(route.paging, parcels, read.first(route.paging.by))
        return self._render(_name_of(route, parcels), route, read, parcels, grant)

    async def _route_of(self, request: web.Request) -> tuple[Route, ReadRequest] | None:
        for route in self.description.routes:
            path = route.match(request.method, request.path)
            if path is None:
                continue
            read = await read_request(request, route, path)
            if all(read.first(one) == wanted for one, wanted in route.when.items()):
                return route, read
        return None

    def _numbers(self, route: Route, read: ReadRequest, grant: Grant | None) -> list[str] | None:
        numbers = read.select(route.numbers)
        if numbers and route.separator:
            numbers = [part for one in numbers for part in one.split(route.separator)]
        if numbers and route.by_hash:
            known = {} if grant is None else grant.numbers
            numbers = [known.get(one, "") for one in numbers]
        most = self.script.most_numbers or route.most
        if not numbers or not (all(numbers) or route.by_hash):
            return None
        return numbers[:most] if most else numbers

    def _take(self, route: Route, numbers: Sequence[str]) -> dict[str, Behaviour]:
        """Return what to do, for each number; for nobody's where the request names none."""
        if not numbers:
            every = self.script.every
            if route.follows:
                return {}
            if route.issues and every and every.behaviour is Behaviour.TOKEN_EXPIRED:
                return {}  # what is refused, however fresh, is still handed out
            return {"": self.script.take()}
        if route.follows:
            # One that stands in no hash of this session was never searched.
            return {
                one: self._behaviours.get(one, Behaviour.FOUND) if one else Behaviour.UNKNOWN
                for one in numbers
            }
        taken = {
            one: self.script.take(one, self.description.row_of(one).behaviour) for one in numbers
        }
        told = (Behaviour.UNKNOWN, Behaviour.INVALID)
        self._behaviours.update(
            {one: how if how in told else Behaviour.FOUND for one, how in taken.items()}
        )
        return taken

    async def _misbehave(
        self, request: web.Request, behaviour: Behaviour, route: Route, read: ReadRequest
    ) -> web.StreamResponse | None:
        """Answer as a behaviour demands; None: let the carrier's way answer."""
        if behaviour in _WHOLE_ANSWERS:
            response = self._render(behaviour.value, route, read, [])
            if behaviour is Behaviour.RATE_LIMITED:
                response.headers["Retry-After"] = self.script.retry_after
            return response
        if behaviour is Behaviour.CUT:
            return await cut(request)
        if behaviour is Behaviour.SILENT:
            await say_nothing()
        if behaviour is Behaviour.SLOW:
            await self._clock.sleep(self.script.slow_seconds)
        return None

    def _render(
        self,
        name: str,
        route: Route,
        read: ReadRequest,
        parcels: Sequence[Parcel],
        grant: Grant | None = None,
    ) -> web.Response:
        languages = self._connector.manifest.languages
        wanted = read.first(route.language)[:2]
        context: dict[str, Any] = {
            "parcels": parcels,
            "parcel": parcels[0] if parcels else None,
            "asked": read,
            "issued": {} if grant is None else grant.values,
            "language": choose_language(wanted, languages) or languages[0],
            "now": self._clock.now(),
        }
        try:
            rendered = self._renderer.render(name, route, context)
        except (FixtureError, TemplateError, LookupError, TypeError) as error:
            self.trouble = f"answer {name} of {route.request}: {type(error).__name__}: {error}"
            return web.json_response({"message": self.trouble}, status=500)
        response = web.Response(
            status=rendered.status,
            body=rendered.body.encode(),
            headers={**rendered.headers, "Content-Type": rendered.type},
        )
        for cookie, value in rendered.cookies.items():
            response.set_cookie(cookie, value)
        return response


def _name_of(route: Route, parcels: Sequence[Parcel]) -> str:
    if parcels and route.invalid and not any(one.is_valid for one in parcels):
        return route.invalid
    if parcels and route.unknown and not any(one.is_known for one in parcels):
        return route.unknown
    return route.answer


def base_urls_of(connector: Connector, address: str) -> dict[str, str]:
    """Return a connector's base URLs at another address: the paths stay as they are."""
    return {
        name: address + urlsplit(url).path
        for transport in connector.manifest.transports
        for name, url in transport.base_urls.items()
    }
