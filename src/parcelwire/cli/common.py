"""What several commands share.

Reading the settings, opening the installation, talking to a person.
"""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, TypeVar

import click
from msgspec.structs import replace
from rich.console import Console
from rich.status import Status as Spinner

from parcelwire.accounts.errors import AccountsError
from parcelwire.cli.exit_codes import KEY_REFUSED, CommandError
from parcelwire.config import Config, file_of, load
from parcelwire.domain.clock import Instant, to_datetime
from parcelwire.domain.field_problems import InvalidInputError

if TYPE_CHECKING:
    # Commands that speak to a server over HTTP work without the packages of the server.
    from parcelwire.bootstrap import Installation
    from parcelwire.domain.account import Account

P = ParamSpec("P")
T = TypeVar("T")

account_option = click.option(
    "--account", "email", help="E-mail address of the account; required if there are several."
)


_COURIER_FIELDS: Final = (
    click.option("--postal-code", help="Recipient's postal code, if the courier requires it."),
    click.option(
        "--ship-date",
        type=click.DateTime(["%Y-%m-%d"]),
        help="Date of shipment (YYYY-MM-DD), if the courier requires it.",
    ),
    click.option(
        "--destination", help="Destination country (ISO 3166 alpha-2), if the courier requires it."
    ),
    click.option("--courier-account", help="Your account with the courier, if it requires it."),
)


def courier_field_options(function: Callable[P, T]) -> Callable[P, T]:
    """Give a command the options for what some couriers require besides the number."""
    for option in reversed(_COURIER_FIELDS):
        function = option(function)
    return function


def read_config(ctx: click.Context) -> Config:
    """Return the settings for this command."""
    path: Path | None = ctx.find_root().obj
    return load(path, os.environ)


def config_file(ctx: click.Context) -> Path | None:
    """Return the configuration file that ``read_config`` reads, None where there is none."""
    return file_of(ctx.find_root().obj, os.environ)


IfMissing = Literal["refuse", "create", "use-temporary"]
"""What a command does where there is no database: refuse to run, create one, or use one that is
removed afterwards.
"""


@asynccontextmanager
async def installation(
    ctx: click.Context, *, if_missing: IfMissing = "refuse"
) -> AsyncIterator[Installation]:
    """Open the installation for one command; see ``opened``."""
    async with opened(read_config(ctx), if_missing=if_missing) as house:
        yield house


@asynccontextmanager
async def opened(
    config: Config, *, if_missing: IfMissing = "refuse"
) -> AsyncIterator[Installation]:
    """Open an installation for one command, without its workers, and close it again.

    Raises:
        InstallationError: there is none, or it cannot be used.
    """
    from parcelwire.bootstrap import InstallationError, open_installation

    with ExitStack() as stack:
        if if_missing != "create" and (file := _missing_database(config)) is not None:
            if if_missing == "refuse":
                msg = (
                    f"there is no database {file}: go to the folder of your installation, name the"
                    " database with store.url, or begin here with:"
                    " parcelwire key create --account E-MAIL"
                )
                raise InstallationError(msg)
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="parcelwire-"))
            config = replace(
                config,
                store=replace(config.store, url=f"sqlite:{folder}/parcelwire.db"),
                secrets=replace(config.secrets, key_file=f"{folder}/parcelwire.key"),
            )
        house = await open_installation(config, may_make_key=False)
        try:
            yield house
        finally:
            await house.close()


def _missing_database(config: Config) -> Path | None:
    """Return the file of the database that is not there; None where there is one."""
    file = config.store.sqlite_file
    # Without its folder, too, something else is wrong than that nothing was made yet.
    if file is None or not file.absolute().parent.is_dir() or file.exists():
        return None
    return file.absolute()


@contextmanager
def refusals() -> Iterator[None]:
    """Say on the command line what a use case refuses.

    Raises:
        InstallationError: it did; the text is the refusal's own.
    """
    from parcelwire.bootstrap import InstallationError

    try:
        yield
    except (AccountsError, InvalidInputError) as error:
        raise InstallationError(str(error)) from None


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
            f" to resume it: parcelwire account resume {account.email}"
        )
        raise CommandError(msg, KEY_REFUSED)
    return account
