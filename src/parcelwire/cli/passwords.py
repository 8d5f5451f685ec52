"""``parcelwire account password``: who may log in to the dashboard with e-mail and password."""

from __future__ import annotations

import os
import sys

import click

from parcelwire.bootstrap import InstallationError
from parcelwire.cli.common import account_of, installation, run_async
from parcelwire.pages.dashboard.passwords import PasswordError, remove_password, set_password


@click.command("password")
@click.argument("email")
@click.option("--remove", is_flag=True, help="Remove the password.")
@click.pass_context
@run_async
async def password(ctx: click.Context, email: str, remove: bool) -> None:
    """Set the password for EMAIL's dashboard login, which has full access.

    Prompts without echo, or reads one line from standard input. Sessions opened with the previous
    password end.

    \b
    parcelwire account password you@shop.example
    """
    async with installation(ctx) as house:
        owner = await account_of(house, email)
        if remove:
            had_one = await remove_password(house.store, owner.number)
            click.echo(f"{owner.email} has no password {'any more' if had_one else 'to remove'}.")
            return
        try:
            await set_password(
                house.store,
                owner.number,
                _ask(),
                random_bytes=os.urandom,
                now=house.clock.now(),
            )
        except PasswordError as error:
            raise InstallationError(str(error)) from None
    click.echo(f"{owner.email} can log in at /dashboard with this password.")


def _ask() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    text: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return text
