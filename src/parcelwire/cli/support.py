"""What several commands share.

Reading the settings, opening the installation, talking to a person.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from parcelwire.bootstrap import Installation, InstallationError, open_installation
from parcelwire.config import Config, load
from parcelwire.domain.account import Account

P = ParamSpec("P")
T = TypeVar("T")


def read_config(ctx: click.Context) -> Config:
    """Return the settings for this command."""
    path: Path | None = ctx.find_root().obj
    return load(path, os.environ)


@asynccontextmanager
async def installation(ctx: click.Context) -> AsyncIterator[Installation]:
    """Open the installation for one command, without its workers, and close it again."""
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


async def account_of(house: Installation, email: str | None) -> Account:
    """Return the account with this e-mail address; without one, the only account there is.

    Raises:
        InstallationError: there is no such account, or more than one to choose from.
    """
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
