"""``parcelwire carrier``: carriers, and the connections of an account to them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from parcelwire.accounts.connections import OPTIONAL_FIELDS, CreateConnection, check_names
from parcelwire.accounts.errors import (
    ConnectionChangedError,
    ConnectionNotFoundError,
)
from parcelwire.accounts.ports import ConnectorTransport
from parcelwire.bootstrap import InstallationError
from parcelwire.cli.common import (
    account_of,
    account_option,
    installation,
    refusals,
    run_async,
    when,
    working,
)
from parcelwire.cli.exit_codes import FAILED, NO_ANSWER, CommandError
from parcelwire.cli.outcome_texts import OUTCOME_TEXTS
from parcelwire.domain.field_problems import InvalidInputError
from parcelwire.domain.report import Outcome
from parcelwire.tracking.errors import NumberInvalidError, NumberMissingError


@click.group()
def carrier() -> None:
    """List carriers, and connect accounts to them with their own credentials."""


@carrier.command("list")
@click.pass_context
@run_async
async def list_carriers(ctx: click.Context) -> None:
    """List the available carriers, their transports, and the credentials each needs."""
    async with installation(ctx, if_missing="use-temporary") as house:
        for one in house.use_cases.connections.transports():
            wants = ", ".join(one.credential_fields) or "none"
            kind = "official" if one.is_official else "public web endpoint"
            state = "" if one.is_on else "  (off: see carriers.unofficial_connectors)"
            click.echo(
                f"{one.connector:18} {one.transport:10} {kind:20} credentials: {wants}{state}"
            )


@carrier.command("connect")
@click.argument("code", metavar="CARRIER")
@click.option(
    "--transport",
    default="api",
    show_default=True,
    help="Transport (see: parcelwire carrier list).",
)
@click.option(
    "--set",
    "values",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Credential; FIELD=@FILE reads it from a file. Missing ones are prompted for.",
)
@account_option
@click.pass_context
@run_async
async def connect(
    ctx: click.Context, code: str, transport: str, values: tuple[str, ...], email: str | None
) -> None:
    """Connect an account to CARRIER; the credentials are stored encrypted.

    \b
    parcelwire carrier connect swiss-post
    parcelwire carrier connect poste-italiane --set client_id=abc --set client_secret=@secret.txt
    """
    given = dict(_read(value) for value in values)
    async with installation(ctx) as house:
        await house.check_key()
        owner = await account_of(house, email)
        connections = house.use_cases.connections
        with refusals():
            wanted = connections.transport(code, transport)
        _check_names(wanted, given)
        for field in wanted.credential_fields:
            if field not in given:
                given[field] = _ask(field)
        with refusals():
            made = await connections.create(
                CreateConnection(
                    account_number=owner.number,
                    connector=code,
                    transport=transport,
                    credentials=given,
                )
            )
    click.echo(f"connection {made.id}: {owner.email} is connected to {code} ({transport})")


def _check_names(wanted: ConnectorTransport, given: Iterable[str]) -> None:
    """Refuse what the transport does not have, before anybody is asked for the rest."""
    try:
        check_names(wanted, given)
    except InvalidInputError as error:
        what = f"{wanted.connector} ({wanted.transport})"
        if not wanted.credential_fields:
            msg = f"{what} {error.problems[0].message}"
        else:
            unknown = ", ".join(problem.field for problem in error.problems)
            msg = f"{what} has no field {unknown}; it wants {', '.join(wanted.credential_fields)}"
        raise InstallationError(msg) from None


def _read(value: str) -> tuple[str, str]:
    field, sign, text = value.partition("=")
    if not sign or not field:
        # Not quoted back: it may be a credential.
        msg = "--set takes FIELD=VALUE or FIELD=@FILE"
        raise click.UsageError(msg)
    if not text.startswith("@"):
        return field, text
    try:
        return field, Path(text[1:]).read_text("utf-8").strip()
    except OSError as error:
        msg = f"cannot read {text[1:]}: {error.strerror}"
        raise InstallationError(msg) from None
    except UnicodeDecodeError:
        msg = f"{text[1:]} is no text"
        raise InstallationError(msg) from None


def _ask(field: str) -> str:
    if field in OPTIONAL_FIELDS:
        # Empty is a good answer, and nobody to ask is one, too.
        return click.prompt(field, default="", show_default=False) if sys.stdin.isatty() else ""
    if not sys.stdin.isatty():
        msg = f"{field} is missing; give it with --set {field}=VALUE or --set {field}=@FILE"
        raise InstallationError(msg)
    text: str = click.prompt(field, hide_input=True)
    return text


@carrier.command("connections")
@account_option
@click.pass_context
@run_async
async def list_connections(ctx: click.Context, email: str | None) -> None:
    """List the connections of an account, without their credentials."""
    async with installation(ctx) as house:
        owner = await account_of(house, email)
        connections = await house.use_cases.connections.list_connections(owner.number)
    if not connections:
        click.echo("There are no connections. Create one with: parcelwire carrier connect CARRIER")
    for one in connections:
        state = "OK"
        if one.broken_since is not None:
            state = f"failing since {when(one.broken_since)}: {one.broken_reason}"
        click.echo(f"{one.id}  {one.connector}  {one.transport}  {state}")


@carrier.command("test")
@click.argument("connection_id")
@click.argument("number", required=False)
@account_option
@click.pass_context
@run_async
async def test(
    ctx: click.Context, connection_id: str, number: str | None, email: str | None
) -> None:
    """Test the credentials of CONNECTION_ID: query the carrier about NUMBER.

    Default: the number that the carrier publishes for tests. Nothing is stored.

    \b
    parcelwire carrier test CONNECTION_ID
    parcelwire carrier test CONNECTION_ID 99.00.123456.12345678
    """
    async with installation(ctx) as house:
        await house.check_key()
        owner = await account_of(house, email)
        try:
            with working("querying the carrier"):
                tested = await house.use_cases.connections.test(owner.number, connection_id, number)
        except ConnectionNotFoundError:
            raise _no_connection(connection_id) from None
        except NumberMissingError:
            msg = "no number is known that this carrier publishes for tests; pass NUMBER"
            raise click.UsageError(msg) from None
        except NumberInvalidError:
            msg = f"{number!r} cannot be a tracking number"
            raise CommandError(msg) from None
    report = tested.report
    detail = f" ({report.detail})" if report.detail else ""
    said = f"{report.number}: {OUTCOME_TEXTS[report.outcome]}{detail}"
    if not tested.is_accepted:
        is_later = report.outcome in (Outcome.RATE_LIMITED, Outcome.UNAVAILABLE)
        raise CommandError(said, NO_ANSWER if is_later else FAILED)
    click.echo(f"{tested.connection.connector} accepts the credentials; {said}")


@carrier.command("retry")
@click.argument("connection_id")
@account_option
@click.pass_context
@run_async
async def retry(ctx: click.Context, connection_id: str, email: str | None) -> None:
    """Retry the failed connection CONNECTION_ID, with the credentials it has."""
    async with installation(ctx) as house:
        await house.check_key()
        owner = await account_of(house, email)
        try:
            await house.use_cases.connections.resume(owner.number, connection_id)
        except (ConnectionNotFoundError, ConnectionChangedError):
            raise _no_connection(connection_id) from None
    click.echo(f"connection {connection_id} is used again")


@carrier.command("disconnect")
@click.argument("connection_id")
@account_option
@click.pass_context
@run_async
async def disconnect(ctx: click.Context, connection_id: str, email: str | None) -> None:
    """Delete the connection CONNECTION_ID and its credentials."""
    async with installation(ctx) as house:
        owner = await account_of(house, email)
        try:
            await house.use_cases.connections.delete(owner.number, connection_id)
        except ConnectionNotFoundError:
            raise _no_connection(connection_id) from None
    click.echo(f"connection {connection_id} is deleted")


def _no_connection(connection_id: str) -> InstallationError:
    return InstallationError(
        f"there is no connection {connection_id}; see: parcelwire carrier connections"
    )
