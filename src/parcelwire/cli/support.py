"""What several commands share.

Reading the settings, opening the installation, talking to a person.
"""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import ExitStack, asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

import click
from msgspec.structs import replace
from rich.console import Console
from rich.status import Status as Spinner

from parcelwire.cli.exits import KEY_REFUSED, CommandError
from parcelwire.config import Config, file_of, load
from parcelwire.domain.clock import Instant, to_datetime

if TYPE_CHECKING:
    # Commands that speak to a server over HTTP work without the packages of the server.
    from parcelwire.bootstrap import Installation, InstallationError
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


def config_file(ctx: click.Context) -> Path | None:
    """Return the configuration file that ``read_config`` reads, None where there is none."""
    return file_of(ctx.find_root().obj, os.environ)


@asynccontextmanager
async def installation(
    ctx: click.Context, *, without: Literal["refuse", "make", "pretend"] = "refuse"
) -> AsyncIterator[Installation]:
    """Open the installation for one command, without its workers, and close it again.

    ``without`` a database: refuse, make one, or pretend with one that is gone afterwards.

    Raises:
        InstallationError: there is none, or it cannot be used.
    """
    from parcelwire.bootstrap import open_installation

    with ExitStack() as stack:
        config = read_config(ctx)
        if without != "make" and (file := missing_database(config)) is not None:
            if without == "refuse":
                raise no_database(file)
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="parcelwire-"))
            config = beside_nothing(config, Path(folder))
        house = await open_installation(config, may_make_key=False)
        try:
            yield house
        finally:
            await house.close()


def missing_database(config: Config) -> Path | None:
    """Return the file of the database that is not there; None where there is one."""
    if not config.store.url.startswith("sqlite:"):
        return None
    file = Path(config.store.url.removeprefix("sqlite:")).absolute()
    # Without its folder, too, something else is wrong than that nothing was made yet.
    return file if file.parent.is_dir() and not file.exists() else None


def no_database(file: Path) -> InstallationError:
    """Return the error for a command that needs an installation where there is none."""
    from parcelwire.bootstrap import InstallationError

    return InstallationError(
        f"there is no database {file}: go to the folder of your installation, name the database"
        " with store.url, or begin here with: parcelwire key create --account E-MAIL"
    )


def beside_nothing(config: Config, folder: Path) -> Config:
    """Return settings that leave nothing behind: database and key file are in ``folder``."""
    return replace(
        config,
        store=replace(config.store, url=f"sqlite:{folder / 'parcelwire.db'}"),
        secrets=replace(config.secrets, key_file=os.fspath(folder / "parcelwire.key")),
    )


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


async def active_account_of(house: Installation, email: str | None) -> Account:
    """Do as ``account_of``, for a command that works in the account's worlds.

    Raises:
        InstallationError: see ``account_of``.
        CommandError: the account is suspended.
    """
    account = await account_of(house, email)
    if account.is_suspended:
        msg = (
            f"the account {account.email} is suspended;"
            f" to end it: parcelwire account resume {account.email}"
        )
        raise CommandError(msg, KEY_REFUSED)
    return account
