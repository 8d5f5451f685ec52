"""``parcelwire connection`` (an account's own way to ask a carrier) and ``parcelwire remote-
areas``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import click

from parcelwire.bootstrap import InstallationError
from parcelwire.cli.support import account_of, installation, run_async

_account = click.option("--account", "email", help="E-mail address; needed when there are several.")


@click.group()
def connection() -> None:
    """Connect an account to carriers with its own credentials."""


@connection.command("carriers")
@click.pass_context
@run_async
async def list_carriers(ctx: click.Context) -> None:
    """List carriers that can be asked, and what each wants."""
    async with installation(ctx) as house:
        for manifest in house.manifests():
            for transport in manifest.transports:
                wants = ", ".join(transport.credential_fields) or "nothing"
                kind = "official" if transport.is_official else "public web endpoint"
                click.echo(f"{manifest.code:18} {transport.name:5} {kind:20} credentials: {wants}")


@connection.command("add")
@click.argument("carrier")
@click.option("--transport", default="api", show_default=True)
@click.option(
    "--set",
    "values",
    multiple=True,
    metavar="FIELD=VALUE",
    help="A credential; what is missing is asked for without showing it.",
)
@_account
@click.pass_context
@run_async
async def add(
    ctx: click.Context, carrier: str, transport: str, values: tuple[str, ...], email: str | None
) -> None:
    """Connect an account to CARRIER; the credentials are stored encrypted."""
    given: dict[str, str] = {}
    for value in values:
        field, sign, text = value.partition("=")
        if not sign:
            msg = f"--set wants FIELD=VALUE, not {value!r}"
            raise click.UsageError(msg)
        given[field] = text
    async with installation(ctx) as house:
        owner = await account_of(house, email)
        fields = house.credential_fields(carrier, transport)
        unknown = set(given) - set(fields)
        if unknown:
            msg = f"{carrier} ({transport}) has no field {', '.join(sorted(unknown))};"
            raise InstallationError(f"{msg} it wants {', '.join(fields) or 'nothing'}")
        for field in fields:
            if field not in given:
                given[field] = click.prompt(field, hide_input=True)
        made = await house.connect(owner, carrier, transport, given)
    click.echo(f"connection {made.id}: {owner.email} asks {carrier} through {transport}")


@connection.command("list")
@_account
@click.pass_context
@run_async
async def list_connections(ctx: click.Context, email: str | None) -> None:
    """List connections, without credentials."""
    async with installation(ctx) as house:
        owner = await account_of(house, email)
        connections = await house.store.list_connections(owner.number)
    if not connections:
        click.echo("There are no connections. Add one with: parcelwire connection add CARRIER")
    for one in connections:
        state = f"broken: {one.broken_why}" if one.broken_since is not None else "in order"
        click.echo(f"{one.id}  {one.connector}  {one.transport}  {state}")


@connection.command("remove")
@click.argument("connection_id")
@_account
@click.pass_context
@run_async
async def remove(ctx: click.Context, connection_id: str, email: str | None) -> None:
    """Delete the connection CONNECTION_ID and its credentials."""
    async with installation(ctx) as house:
        owner = await account_of(house, email)
        if not await house.store.delete_connection(owner.number, connection_id):
            msg = f"there is no connection {connection_id}; see: parcelwire connection list"
            raise InstallationError(msg)
    click.echo(f"connection {connection_id} is gone")


@click.group("remote-areas")
def remote_areas() -> None:
    """The table of remote areas that v2's remote call answers from."""


@remote_areas.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
@run_async
async def load(ctx: click.Context, file: Path) -> None:
    """Replace the table by FILE.

    CSV with the columns country, place (postcode or town), company.
    """
    rows = list(_rows(file))
    async with installation(ctx) as house:
        count = await house.store.replace_remote_areas(rows)
    click.echo(f"{count} remote areas are loaded")


def _rows(file: Path) -> Iterator[tuple[str, str, str]]:
    with file.open(newline="", encoding="utf-8-sig") as text:
        reader = csv.DictReader(text)
        missing = {"country", "place", "company"} - set(reader.fieldnames or ())
        if missing:
            msg = f"{file} has no column {', '.join(sorted(missing))}"
            raise InstallationError(msg)
        for row in reader:
            country = (row["country"] or "").strip().upper()
            place = (row["place"] or "").strip()
            if len(country) != 2 or not country.isalpha() or not place:
                msg = f"{file}, line {reader.line_num}: wants a country of two letters and a place"
                raise InstallationError(msg)
            yield country, place, (row["company"] or "").strip()
