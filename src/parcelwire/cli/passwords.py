"""``parcelwire account password``: who may log in to the dashboard with e-mail and password."""

from __future__ import annotations

import sys

import click

from parcelwire.bootstrap import InstallationError
from parcelwire.cli.common import account_of, installation, run_async
from parcelwire.domain.field_problems import InvalidInputError


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
            had_one = await house.use_cases.passwords.remove(owner.number)
            click.echo(f"{owner.email} has no password {'any more' if had_one else 'to remove'}.")
            return
        try:
            await house.use_cases.passwords.set(owner.number, _ask())
        except InvalidInputError as error:
            msg = f"a password {error.problems[0].message}"
            raise InstallationError(msg) from None
    click.echo(f"{owner.email} can log in at /dashboard with this password.")


def _ask() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    text: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return text
