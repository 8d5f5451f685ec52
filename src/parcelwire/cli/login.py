"""``parcelwire login`` and ``parcelwire logout``: store a server and the key to it."""

from __future__ import annotations

import os
import sys

import click

from parcelwire.cli.common import run_async, working
from parcelwire.cli.exit_codes import KEY_REFUSED, CommandError
from parcelwire.cli.logins import DEFAULT, Login, Logins, login_file
from parcelwire.cli.target import client_of, kind_of
from parcelwire.client.errors import AuthenticationError
from parcelwire.client.settings import LOCAL_URL


@click.command()
@click.option("--host", help=f"Server address.  [default: prompts; {LOCAL_URL}]")
@click.option(
    "--key",
    envvar="PARCELWIRE_API_KEY",
    help="API key; default: prompts without echo, or reads the first line of standard input.",
)
@click.option(
    "--profile", default=DEFAULT, show_default=True, help="Profile name, for several servers."
)
@click.option(
    "--trackingmore",
    is_flag=True,
    help="The server speaks only TrackingMore's v4 (implied for TrackingMore's own).",
)
@run_async
async def login(host: str | None, key: str | None, profile: str, trackingmore: bool) -> None:
    """Log in to a server: verify the API key, and store both.

    They are stored in ~/.config/parcelwire/login.json, which only you can read.

    \b
    parcelwire login --host https://parcels.example.com
    parcelwire login --host https://api.trackingmore.com --profile hosted
    parcelwire login --host https://parcels.example.com < key.txt
    """
    logins = Logins(login_file(os.environ))
    known = logins.load()
    if host is None:
        host = click.prompt("Address of the server", default=LOCAL_URL, err=True)
    if key is None:
        key = _ask_key()
    kind = "trackingmore" if trackingmore else kind_of(host)
    made = Login(host=host.strip(), key=key.strip(), kind=kind)
    async with client_of(made) as client:
        with working(f"trying the key at {client.engine.settings.base_url}"):
            try:
                async for _ in client.trackings.list(page_size=1):
                    break
            except AuthenticationError as error:
                msg = f"{client.engine.settings.base_url} refuses the key: {error.message}"
                raise CommandError(msg, KEY_REFUSED) from None
    logins.save({**known, profile: made})
    click.echo(f"{client.engine.settings!r} takes the key; kept in {logins.file}")
    if profile != DEFAULT:
        click.echo(f"Use it with --profile {profile}")


def _ask_key() -> str:
    if sys.stdin.isatty():
        asked: str = click.prompt("API key", hide_input=True, err=True)
        return asked
    return sys.stdin.readline()


@click.command()
@click.option("--profile", default=DEFAULT, show_default=True, help="Profile to log out of.")
def logout(profile: str) -> None:
    """Log out: forget a server and its key. To revoke the key: parcelwire key revoke.

    \b
    parcelwire logout
    parcelwire logout --profile hosted
    """
    logins = Logins(login_file(os.environ))
    known = logins.load()
    if known.pop(profile, None) is None:
        there = ", ".join(known) or "none"
        msg = f"there is no login {profile}; there are: {there}"
        raise CommandError(msg)
    logins.save(known)
    click.echo(f"forgot {profile}")
