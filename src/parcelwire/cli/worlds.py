"""The worlds of an account that a webhook command works in, each with a client of its own.

In this installation both worlds of the account are open, so that an endpoint is found by its id
alone; an API key of a server opens one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Final, NamedTuple, TypeVar

import click

from parcelwire.cli.exit_codes import CommandError, exit_code_of
from parcelwire.cli.target import RETRIES, TargetOptions, open_target
from parcelwire.client import AsyncParcelwire
from parcelwire.client.errors import APIError, NotFoundError
from parcelwire.client.native_models import Endpoint, MessageDetail

T = TypeVar("T")

_TIMEOUT_SECONDS: Final = 60.0
"""Longer than a test event or a long poll takes."""


class World(NamedTuple):
    """One world that a command may look into."""

    client: AsyncParcelwire
    name: str
    """``live``, ``test``, or empty where only the server knows."""
    where: str


class Worlds:
    """What a command about webhooks works with."""

    def __init__(self, worlds: Sequence[World], *, is_local: bool) -> None:
        """``worlds``: the one that the command is about by default comes first."""
        self.all = tuple(worlds)
        self.is_local = is_local

    @property
    def default(self) -> World:
        """The world where new things are made."""
        return self.all[0]

    async def find_endpoint(self, endpoint_id: str) -> tuple[World, Endpoint]:
        """Return an endpoint and its world.

        Raises:
            CommandError: there is none of this id.
            ParcelwireError: the server did not answer, or refuses the key.
        """
        found = await self._find(endpoint_id, lambda client: client.endpoints.get(endpoint_id))
        if found is None:
            msg = f"there is no endpoint {endpoint_id}; see: parcelwire webhook list"
            raise CommandError(msg)
        return found

    async def find_message(self, message_id: str) -> tuple[World, MessageDetail]:
        """Return a message and its world.

        Raises:
            CommandError: there is none of this id.
            ParcelwireError: the server did not answer, or refuses the key.
        """
        found = await self._find(message_id, lambda client: client.messages.get(message_id))
        if found is None:
            msg = f"there is no message {message_id}; see: parcelwire webhook log"
            raise CommandError(msg)
        return found

    async def _find(
        self, typed_id: str, read: Callable[[AsyncParcelwire], Awaitable[T]]
    ) -> tuple[World, T] | None:
        """Return what the first world that has it reads; None if none of them has it."""
        for world in self.all if typed_id.isascii() and typed_id.isalnum() else ():
            try:
                return world, await read(world.client)
            except NotFoundError:
                continue
        return None


@asynccontextmanager
async def open_worlds(
    ctx: click.Context, options: TargetOptions, *, seals: bool = False, retries: int = RETRIES
) -> AsyncIterator[Worlds]:
    """Open the worlds that the command works in, and close them again.

    ``seals``: the command stores or uses a secret, so this installation needs its key.
    ``retries``: see ``open_target``.

    Raises:
        CommandError: there is nothing to work with, it has no native API, or it refused a call.
        InstallationError: the key file here is not the installation's.
    """
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(open_target(ctx, options, retries=retries))
        if target.house is not None:
            from parcelwire.cli.local import LOCATION, local_client

            if seals:
                await target.house.check_key()
            names = ("test",) if options.is_test else ("live", "test")
            clients = [local_client(target.house, is_test=name == "test") for name in names]
            for client in clients:
                await stack.enter_async_context(client)
            worlds = [World(*pair, LOCATION) for pair in zip(clients, names, strict=True)]
        elif target.has_native_api:
            client = target.client.with_options(timeout_seconds=_TIMEOUT_SECONDS)
            worlds = [World(client, "", target.where)]
        else:
            msg = f"{target.where} is no Parcelwire: its webhooks are not managed from here"
            raise CommandError(msg)
        with _explaining_errors(target.where):
            yield Worlds(worlds, is_local=target.house is not None)


@contextmanager
def _explaining_errors(where: str) -> Iterator[None]:
    """Turn what the server refused into one line.

    Raises:
        CommandError: a call was refused.
    """
    try:
        yield
    except APIError as error:
        # The native API's own sentences stand for themselves, without their code.
        said = error.message if isinstance(error.code, str) else f"{where}: {error}"
        raise CommandError(said, exit_code_of(error)) from None
