"""``parcelwire webhook``: endpoints, a test event, the log, resending."""

from __future__ import annotations

import secrets

import click
from msgspec.structs import replace

from parcelwire.bootstrap import Installation, InstallationError
from parcelwire.cli.support import (
    account_of,
    account_option,
    installation,
    run_async,
    when,
    working,
)
from parcelwire.domain.account import Endpoint, is_test_world, world_of
from parcelwire.domain.status import Status
from parcelwire.signatures.signing import make_secret
from parcelwire.webhooks.envelope import DIALECTS
from parcelwire.webhooks.ports import Attempt, MessageFilter, MessageState

_test_world = click.option("--test", "is_test", is_flag=True, help="In the test world.")


@click.group()
def webhook() -> None:
    """Tell other systems: endpoints, log, resend."""


@webhook.command("add")
@click.argument("url")
@click.option(
    "--dialect",
    type=click.Choice(DIALECTS),
    default="v4",
    show_default=True,
    help="Form of the body and of the older signature.",
)
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([status.value for status in Status]),
    help="Only events with this status; repeat for more. Default: all.",
)
@click.option("--description", default="", help="What the endpoint is for.")
@account_option
@_test_world
@click.pass_context
@run_async
async def add(
    ctx: click.Context,
    url: str,
    dialect: str,
    statuses: tuple[str, ...],
    description: str,
    email: str | None,
    is_test: bool,
) -> None:
    """Send messages to URL, and print the secret that verifies them.

    \b
    parcelwire webhook add https://shop.example/hooks/parcels
    parcelwire webhook add https://shop.example/done --status delivered --status exception
    """
    async with installation(ctx) as house:
        owner = await account_of(house, email)
        await house.check_endpoint_url(url)
        now = house.clock.now()
        endpoint = Endpoint(
            id=house.identifiers.new_id(now),
            world_id=world_of(owner.number, is_test),
            url=url,
            dialect=dialect,
            secret=make_secret(secrets.token_bytes(32)),
            statuses=statuses,
            description=description,
            created_at=now,
        )
        await house.store.add_endpoint(endpoint)
    click.echo(f"endpoint {endpoint.id}\nsecret   {endpoint.secret}")
    if dialect == "v2":
        click.echo(f"v2's own signature has the account's e-mail address as its key: {owner.email}")
    click.echo(f"Try it: parcelwire webhook test {endpoint.id}")


@webhook.command("list")
@account_option
@click.pass_context
@run_async
async def list_endpoints(ctx: click.Context, email: str | None) -> None:
    """List endpoints of both worlds."""
    async with installation(ctx) as house:
        owner = await account_of(house, email)
        endpoints = [
            endpoint
            for is_test in (False, True)
            for endpoint in await house.store.list_endpoints(world_of(owner.number, is_test))
        ]
    if not endpoints:
        click.echo("There are no endpoints. Add one with: parcelwire webhook add URL")
    for endpoint in endpoints:
        world = "test" if is_test_world(endpoint.world_id) else "live"
        state = "on" if endpoint.is_enabled else f"off ({endpoint.disabled_why})"
        statuses = ",".join(endpoint.statuses) or "all statuses"
        click.echo(
            f"{endpoint.id}  {world}  {endpoint.dialect:6}  {state}  {endpoint.url}  {statuses}"
            f"  {endpoint.description}".rstrip()
        )


async def _find(house: Installation, email: str | None, endpoint_id: str) -> Endpoint:
    owner = await account_of(house, email)
    for is_test in (False, True):
        world_id = world_of(owner.number, is_test)
        endpoint = await house.store.load_endpoint(world_id, endpoint_id)
        if endpoint is not None:
            return endpoint
    msg = f"there is no endpoint {endpoint_id}; see: parcelwire webhook list"
    raise InstallationError(msg)


@webhook.command("remove")
@click.argument("endpoint_id")
@account_option
@click.pass_context
@run_async
async def remove(ctx: click.Context, endpoint_id: str, email: str | None) -> None:
    """Delete the endpoint ENDPOINT_ID; what waits for it is given up."""
    async with installation(ctx) as house:
        endpoint = await _find(house, email, endpoint_id)
        await house.store.delete_endpoint(endpoint.world_id, endpoint.id)
    click.echo(f"endpoint {endpoint_id} is gone")


@webhook.command("enable")
@click.argument("endpoint_id")
@account_option
@click.pass_context
@run_async
async def enable(ctx: click.Context, endpoint_id: str, email: str | None) -> None:
    """Switch ENDPOINT_ID on again; what waited for it is sent."""
    await _switch(ctx, endpoint_id, email, is_enabled=True)


@webhook.command("disable")
@click.argument("endpoint_id")
@account_option
@click.pass_context
@run_async
async def disable(ctx: click.Context, endpoint_id: str, email: str | None) -> None:
    """Pause ENDPOINT_ID; its messages are kept."""
    await _switch(ctx, endpoint_id, email, is_enabled=False)


async def _switch(
    ctx: click.Context, endpoint_id: str, email: str | None, *, is_enabled: bool
) -> None:
    async with installation(ctx) as house:
        endpoint = await _find(house, email, endpoint_id)
        why = "" if is_enabled else "paused by the operator"
        await house.store.save_endpoint(replace(endpoint, is_enabled=is_enabled, disabled_why=why))
    click.echo(f"endpoint {endpoint_id} is {'on' if is_enabled else 'off'}")


@webhook.command("test")
@click.argument("endpoint_id")
@account_option
@click.pass_context
@run_async
async def test(ctx: click.Context, endpoint_id: str, email: str | None) -> None:
    """Send a made-up event to ENDPOINT_ID now and show what it answered."""
    async with installation(ctx) as house:
        endpoint = await _find(house, email, endpoint_id)
        if not endpoint.is_enabled:
            msg = f"the endpoint is off ({endpoint.disabled_why}); nothing was sent"
            raise InstallationError(msg)
        with working(f"sending to {endpoint.url}"):
            attempt = await house.send_test_event(endpoint)
    if attempt is None:
        msg = f"{endpoint.url}: no attempt was made in time; see: parcelwire webhook log"
        raise InstallationError(msg)
    if not 200 <= attempt.status < 300:
        msg = f"{endpoint.url} did not take it: {_result(attempt)}"
        raise InstallationError(msg)
    click.echo(f"{endpoint.url} took it: {_result(attempt)}")


@webhook.command("log")
@click.option("--endpoint", "endpoint_id", help="Only this endpoint's messages.")
@click.option(
    "--state",
    type=click.Choice([state.value for state in MessageState]),
    help="Only messages in this state.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="How many messages.",
)
@account_option
@_test_world
@click.pass_context
@run_async
async def show_log(
    ctx: click.Context,
    endpoint_id: str | None,
    state: str | None,
    limit: int,
    email: str | None,
    is_test: bool,
) -> None:
    """Show messages, newest first, with every attempt."""
    async with installation(ctx) as house:
        if endpoint_id is not None:
            world_id = (await _find(house, email, endpoint_id)).world_id
        else:
            world_id = world_of((await account_of(house, email)).number, is_test)
        messages = await house.store.list_messages(
            world_id,
            MessageFilter(endpoint_id=endpoint_id, states=(MessageState(state),) if state else ()),
            limit=limit,
        )
        rows = [(one, await house.store.list_attempts(one.id)) for one in messages]
    if not rows:
        click.echo("There are no messages.")
    for message, attempts in rows:
        click.echo(
            f"{message.id}  {when(message.created_at)}  {message.state:9}  {message.event_type}"
            f"  tracking {message.tracking_id} no. {message.sequence}  -> {message.endpoint_id}"
        )
        for attempt in attempts:
            click.echo(f"    {when(attempt.at)}  {_result(attempt)}")
        if message.state is MessageState.PENDING:
            click.echo(f"    {when(message.due_at)}  next attempt")


@webhook.command("resend")
@click.argument("message_id")
@account_option
@click.pass_context
@run_async
async def resend(ctx: click.Context, message_id: str, email: str | None) -> None:
    """Send the message MESSAGE_ID once more (a running server or worker does it)."""
    async with installation(ctx) as house:
        owner = await account_of(house, email)
        now = house.clock.now()
        for is_test in (False, True):
            if await house.store.resend(world_of(owner.number, is_test), message_id, now):
                click.echo(f"message {message_id} is due now")
                return
    msg = f"there is no message {message_id}; see: parcelwire webhook log"
    raise InstallationError(msg)


def _result(attempt: Attempt) -> str:
    what = f"HTTP {attempt.status}" if attempt.status else attempt.error
    return f"{what} after {attempt.duration_ms} ms"
