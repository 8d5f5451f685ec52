"""The native API as commands call it: on a server, or on the installation here without a network.

Here both worlds of the account are open, so that an endpoint is found by its id alone; a key of a
server opens one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from parcelwire.cli.exit_codes import FAILED, KEY_REFUSED, NO_ANSWER, CommandError
from parcelwire.cli.target import TargetOptions, open_target
from parcelwire.client.native_calls import NATIVE_KEY_HEADER

if TYPE_CHECKING:
    import httpx2

_TIMEOUT_SECONDS: Final = 60.0
"""Longer than a test event or a long poll takes."""


_KEY_CODES: Final = frozenset({401, 403, 4001, 4002})
"""What v2 and v4 answer to a key that is missing, unknown, revoked, or may not do this."""


class _Meta(msgspec.Struct, frozen=True):
    code: int
    message: str = ""


class _Envelope(msgspec.Struct, frozen=True):
    """The form of every answer of v2 and v4."""

    meta: _Meta
    data: Any = None


class ProblemError(CommandError):
    """A call was refused; ``kind`` is the problem's code."""

    def __init__(self, message: str, exit_code: int, kind: str) -> None:
        super().__init__(message, exit_code)
        self.kind = kind


class RefusalError(CommandError):
    """A call of another dialect was refused; ``kind`` is the number of the dialect's code."""

    def __init__(self, message: str, exit_code: int, kind: int) -> None:
        super().__init__(message, exit_code)
        self.kind = kind


class World:
    """One world that a command may look into."""

    def __init__(self, http: httpx2.AsyncClient, key: str, name: str, where: str) -> None:
        """``name``: ``live``, ``test``, or empty where only the server knows."""
        self._http = http
        self._key = key
        self.name = name
        self.where = where

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, Any] | Sequence[tuple[str, Any]] = (),
    ) -> Any:
        """Make a call of the native API (``path`` after ``/api``) and return what it answers.

        Raises:
            ProblemError: it was refused.
            CommandError: no answer came, or one of somebody else.
        """
        answer = await self._send(
            method,
            f"/api{path}",
            headers={NATIVE_KEY_HEADER: self._key},
            content=None if body is None else msgspec.json.encode(body),
            query=query,
        )
        if answer.status_code == 204:
            return None
        try:
            said = msgspec.json.decode(answer.content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            said = None
        if answer.status_code < 300 and said is not None:
            return said
        raise self._refusal(answer.status_code, said)

    async def read(self, path: str, header: str, query: Mapping[str, Any] | None = None) -> Any:
        """Make a call of another dialect, which wants the key in ``header``; return its ``data``.

        Raises:
            RefusalError: it was refused. The code says so, whatever the HTTP status: v2 answers
                errors with 200, and both dialects send data along with them.
            CommandError: no answer came, or one of somebody else.
        """
        answer = await self._send("GET", path, headers={header: self._key}, query=query or {})
        try:
            said = msgspec.json.decode(answer.content, type=_Envelope)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._refusal(answer.status_code, None) from None
        code, status = said.meta.code, answer.status_code
        if code == 200 and 200 <= status < 300:
            return said.data
        exit_code = FAILED
        if code in _KEY_CODES or status in {401, 403}:
            exit_code = KEY_REFUSED
        elif code == 429 or 500 <= code < 600 or status == 429 or status >= 500:
            exit_code = NO_ANSWER
        msg = f"{self.where}: {said.meta.message or 'the call was refused'} (code {code})"
        raise RefusalError(msg, exit_code, code)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str],
        query: Mapping[str, Any] | Sequence[tuple[str, Any]],
        content: bytes | None = None,
    ) -> httpx2.Response:
        import httpx2

        params = [*query.items()] if isinstance(query, Mapping) else [*query]
        try:
            return await self._http.request(
                method, path, headers=headers, content=content, params=params
            )
        except httpx2.RequestError as error:
            said = str(error) or type(error).__name__
            msg = f"no answer from {self.where}: {said}"
            raise CommandError(msg, NO_ANSWER) from None

    def _refusal(self, status: int, said: Any) -> CommandError:
        if not isinstance(said, dict) or not isinstance(said.get("code"), str):
            msg = f"HTTP status {status} from {self.where}: is that a Parcelwire's address?"
            return CommandError(msg, NO_ANSWER if status >= 500 or status == 429 else FAILED)
        code = FAILED
        if status in {401, 403}:
            code = KEY_REFUSED
        elif status == 429 or status >= 500:
            code = NO_ANSWER
        return ProblemError(str(said.get("detail")), code, said["code"])


class Native:
    """What a command about webhooks works with."""

    def __init__(self, worlds: Sequence[World], *, is_here: bool) -> None:
        """``worlds``: the one that the command is about by default comes first."""
        self.worlds = tuple(worlds)
        self.is_here = is_here

    @property
    def world(self) -> World:
        """The world where new things are made."""
        return self.worlds[0]

    async def find_endpoint(self, endpoint_id: str) -> tuple[World, dict[str, Any]]:
        """Return an endpoint and its world.

        Raises:
            CommandError: there is none of this id.
        """
        return await self._find("endpoint", endpoint_id, "list")

    async def find_message(self, message_id: str) -> tuple[World, dict[str, Any]]:
        """Return a message and its world.

        Raises:
            CommandError: there is none of this id.
        """
        return await self._find("message", message_id, "log")

    async def _find(self, what: str, typed_id: str, command: str) -> tuple[World, dict[str, Any]]:
        for world in self.worlds:
            try:
                return world, await world.ask("GET", f"/{what}s/{_checked(typed_id)}")
            except ProblemError as error:
                if error.kind != f"{what}-unknown":
                    raise
        msg = f"there is no {what} {typed_id}; see: parcelwire webhook {command}"
        raise CommandError(msg)


def _checked(typed: str) -> str:
    """Return an id as a segment of a path; what cannot be one becomes one that nobody has."""
    return typed if typed.isascii() and typed.isalnum() else "0"


@asynccontextmanager
async def open_native(
    ctx: click.Context, options: TargetOptions, *, seals: bool = False
) -> AsyncIterator[Native]:
    """Open the native API of what the command works with, and close it again.

    ``seals``: the command stores or uses a secret, so that the installation here needs its key.

    Raises:
        CommandError: there is nothing to work with, or it has no native API.
        InstallationError: the key file here is not the installation's.
    """
    import httpx2

    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(open_target(ctx, options))
        if target.house is not None:
            from parcelwire.cli.local import LIVE_KEY, TEST_KEY

            if seals:
                await target.house.check_key()
            transport = httpx2.ASGITransport(target.house.asgi(is_served=False))
            http = httpx2.AsyncClient(
                transport=transport, base_url="http://here", timeout=_TIMEOUT_SECONDS
            )
            await stack.enter_async_context(http)
            worlds = [
                World(http, LIVE_KEY, "live", "the installation here"),
                World(http, TEST_KEY, "test", "the installation here"),
            ]
            yield Native(worlds[1:] if options.is_test else worlds, is_here=True)
            return
        if not target.has_native_api:
            msg = f"{target.where} is no Parcelwire: its webhooks are not managed from here"
            raise CommandError(msg)
        settings = target.client.engine.settings
        http = httpx2.AsyncClient(
            base_url=settings.base_url,
            headers={"authorization": settings.authorization} if settings.authorization else {},
            timeout=_TIMEOUT_SECONDS,
            follow_redirects=False,
        )
        await stack.enter_async_context(http)
        yield Native([World(http, settings.api_key, "", settings.base_url)], is_here=False)


async def ask_of_endpoint(
    ctx: click.Context,
    options: TargetOptions,
    endpoint_id: str,
    method: str = "POST",
    *,
    path: str = "",
    body: Any = None,
    seals: bool = False,
) -> Any:
    """Make one call (``path`` after the endpoint's own) about an endpoint, in its world.

    ``seals``: see ``open_native``.

    Raises:
        CommandError, InstallationError: as ``open_native``, ``find_endpoint`` and ``World.ask``.
    """
    async with open_native(ctx, options, seals=seals) as native:
        world, _ = await native.find_endpoint(endpoint_id)
        return await world.ask(method, f"/endpoints/{endpoint_id}{path}", body=body)
