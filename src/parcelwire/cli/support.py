"""What several commands share.

Reading the settings, opening the installation, talking to a person.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.status import Status as Spinner

from parcelwire.config import Config, load
from parcelwire.domain.clock import Instant, to_datetime

if TYPE_CHECKING:
    # Commands that speak to a server over HTTP work without the packages of the server.
    from parcelwire.bootstrap import Installation
    from parcelwire.domain.account import Account

P = ParamSpec("P")
T = TypeVar("T")

account_option = click.option(
    "--account", "email", help="E-mail address of the account; needed when there are several."
)


def read_config(ctx: click.Context) -> Config:
    """Return the settings for this command."""
    path: Path | None = ctx.find_root().obj
    return load(path, os.environ)


@asynccontextmanager
async def installation(ctx: click.Context) -> AsyncIterator[Installation]:
    """Open the installation for one command, without its workers, and close it again."""
    from parcelwire.bootstrap import open_installation

    house = await open_installation(read_config(ctx))
    try:
        yield house
    finally:
        await house.close()


def run_async(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Make an async function a click command body."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return asyncio.run(function(*args, **kwargs))

    return run


def working(text: str) -> Spinner:
    """Show on a terminal that something is going on while the block runs; elsewhere do nothing.

    It goes to standard error, so that what a command prints can be piped.
    """
    return Console(stderr=True).status(f"{text} …")


def when(instant: Instant) -> str:
    """Return an instant for people: UTC, to the second."""
    return f"{to_datetime(instant):%Y-%m-%d %H:%M:%S}Z"


def plain_reason(error: OSError) -> str:
    """Return the system's own words for an error, without what libraries add to them."""
    if isinstance(error, socket.gaierror) or not error.errno or error.errno < 0:
        return error.strerror or str(error)
    return os.strerror(error.errno)


async def account_of(house: Installation, email: str | None) -> Account:
    """Return the account with this e-mail address; without one, the only account there is.

    Raises:
        InstallationError: there is no such account, or more than one to choose from.
    """
    from parcelwire.bootstrap import InstallationError

    if email is not None:
        account = await house.store.find_account(email)
        if account is None:
            msg = (
                f"there is no account {email};"
                f" create it with: parcelwire key create --account {email}"
            )
            raise InstallationError(msg)
        return account
    accounts = await house.store.list_accounts()
    if len(accounts) != 1:
        msg = (
            "there are several accounts; say which with --account E-MAIL"
            if accounts
            else "there is no account yet; create one with: parcelwire key create --account E-MAIL"
        )
        raise InstallationError(msg)
    return accounts[0]
