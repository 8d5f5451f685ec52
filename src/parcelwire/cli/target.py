"""Which Parcelwire a command speaks to: a server over HTTP, or this installation.

The first of these that is given decides:

1. ``--local``, ``--account`` or ``--test``: this installation
2. ``--host`` and ``--key`` (or ``PARCELWIRE_HOST`` and ``PARCELWIRE_API_KEY``): that server
3. ``--profile`` (or ``PARCELWIRE_PROFILE``): the server of that login
4. ``--config``: the installation that it describes
5. the login without a profile
6. this installation, if there is one

Either way a command works with the client: this installation is reached without a network, by
calls of its own application.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import click
import msgspec

from parcelwire.cli.command_target import Target
from parcelwire.cli.common import read_config
from parcelwire.cli.exit_codes import CommandError
from parcelwire.cli.logins import DEFAULT, Kind, Login, Logins, login_file
from parcelwire.client import AsyncParcelwire
from parcelwire.client.settings import PARCELWIRE, TRACKINGMORE
from parcelwire.couriers.registry import default_registry

P = ParamSpec("P")
T = TypeVar("T")

RETRIES = 2
"""Somebody is waiting: after a second or two it is better to say that nobody answers."""


class TargetOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says about the target."""

    host: str | None = None
    key: str | None = None
    profile: str | None = None
    is_local: bool = False
    email: str | None = None
    is_test: bool = False


def target_options(function: Callable[P, T]) -> Callable[P, T]:
    """Give a command the options that choose its target; it takes them as ``options``."""

    return _with_options(function, (*_SERVER, *_HERE))


def server_options(function: Callable[P, T]) -> Callable[P, T]:
    """Give a command the options that choose a server, where it needs no installation otherwise."""
    return _with_options(function, (*_SERVER, _LOCAL))


def _with_options(function: Callable[P, T], options: tuple[Any, ...]) -> Callable[P, T]:
    @wraps(function)
    def gather(*args: Any, **kwargs: Any) -> T:
        given = {
            name: kwargs.pop(name) for name in TargetOptions.__struct_fields__ if name in kwargs
        }
        kwargs["options"] = TargetOptions(**given)
        return function(*args, **kwargs)

    wrapped: Any = gather
    for option in reversed(options):
        wrapped = option(wrapped)
    result: Callable[P, T] = wrapped
    return result


_SERVER = (
    click.option(
        "--host",
        envvar="PARCELWIRE_HOST",
        show_envvar=True,
        help="Server address (see: parcelwire login).",
    ),
    click.option(
        "--key",
        envvar="PARCELWIRE_API_KEY",
        show_envvar=True,
        help="API key for that server.",
    ),
    click.option(
        "--profile",
        envvar="PARCELWIRE_PROFILE",
        show_envvar=True,
        help="Use the server of this login profile.",
    ),
)
_LOCAL = click.option("--local", "is_local", is_flag=True, help="Use this installation.")
_HERE = (
    _LOCAL,
    click.option(
        "--account",
        "email",
        help="Account in this installation (e-mail address); required if there are several.",
    ),
    click.option(
        "--test", "is_test", is_flag=True, help="Use the test world of this installation."
    ),
)


def login_of(ctx: click.Context, options: TargetOptions) -> Login | None:
    """Return the server to speak to; None: this installation.

    Raises:
        CommandError, click.UsageError: the options contradict each other, or name nothing.
    """
    is_here = options.is_local or options.email is not None or options.is_test
    given = ctx.get_parameter_source("host") is click.core.ParameterSource.COMMANDLINE
    if is_here and (given or ctx.get_parameter_source("profile") is _TYPED):
        msg = "--local, --account and --test are for this installation, not for a server"
        raise click.UsageError(msg)
    if is_here:
        return None
    if options.host is not None or options.key is not None:
        if options.host is None or options.key is None:
            missing = "--key" if options.key is None else "--host"
            msg = f"a server needs both an address and a key: pass {missing} too"
            raise click.UsageError(msg)
        return Login(host=options.host, key=options.key, kind=kind_of(options.host))
    logins = Logins(login_file(os.environ))
    if options.profile is not None:
        found = logins.load().get(options.profile)
        if found is None:
            msg = (
                f"there is no login {options.profile};"
                f" create it with: parcelwire login --profile {options.profile}"
            )
            raise CommandError(msg)
        return found
    if ctx.find_root().obj is not None:
        return None
    return logins.load().get(DEFAULT)


_TYPED = click.core.ParameterSource.COMMANDLINE


@asynccontextmanager
async def open_target(
    ctx: click.Context, options: TargetOptions, *, retries: int = RETRIES
) -> AsyncIterator[Target]:
    """Open what the command works with, and close it again.

    Raises:
        CommandError: there is nothing to work with; the message says what to do.
    """
    login = login_of(ctx, options)
    if login is None:
        config = read_config(ctx)
        try:
            from parcelwire.cli.local import open_here
        except ModuleNotFoundError as error:
            msg = (
                "no server is known, and none can run here: log in with parcelwire login,"
                f" or: pip install 'parcelwire[server]' ({error.name} is missing)"
            )
            raise CommandError(msg) from None
        async with open_here(config, options.email, is_test=options.is_test) as here:
            yield here
        return
    client = client_of(login, retries=retries)
    async with client:
        yield Target(client, client.engine.settings.base_url, registry=default_registry())


def client_of(login: Login, *, retries: int = RETRIES) -> AsyncParcelwire:
    """Return a client of a server.

    Raises:
        CommandError: address or key is unusable.
    """
    backend = TRACKINGMORE if login.kind == "trackingmore" else PARCELWIRE
    # Its manual asks for two minutes of silence after a call too many; a long command keeps to it.
    patience = 60.0 if retries <= RETRIES else 150.0
    try:
        return AsyncParcelwire(
            login.key,
            login.host,
            backend=backend,
            max_retries=retries,
            max_retry_delay_seconds=patience,
        )
    except ValueError as error:
        raise CommandError(str(error)) from None


def kind_of(host: str) -> Kind:
    """Tell what kind of server an address leads to: TrackingMore's own, or a Parcelwire."""
    try:
        name = urlsplit(host).hostname or ""
    except ValueError:
        # No address at all: the client says so, without repeating what may hold a password.
        name = ""
    is_theirs = name == "trackingmore.com" or name.endswith(".trackingmore.com")
    return "trackingmore" if is_theirs else "parcelwire"
