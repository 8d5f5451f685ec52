"""``parcelwire webhook``: endpoints of the installation here, or of a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

import click

from parcelwire.cli import webhook_forward, webhook_log
from parcelwire.cli.common import run_async, working
from parcelwire.cli.exit_codes import CommandError
from parcelwire.cli.target import TargetOptions, target_options
from parcelwire.cli.timeline import plain
from parcelwire.cli.webhook_format import (
    DIALECTS,
    event_type_option,
    moment,
    result_of,
    state_of,
    status_option,
    webhook,
)
from parcelwire.cli.worlds import World, open_worlds
from parcelwire.client.errors import InvalidRequestError
from parcelwire.client.native_calls import Dialect, EndpointUpdateParams
from parcelwire.client.native_models import Endpoint

__all__ = ["webhook", "webhook_forward", "webhook_log"]

HOUR_SECONDS: Final = 3_600


@webhook.command("add")
@click.argument("url")
@click.option(
    "--dialect",
    type=click.Choice(DIALECTS),
    default="native",
    show_default=True,
    help="Form of the body: Parcelwire's own, or one of TrackingMore's.",
)
@status_option
@event_type_option
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME=VALUE",
    help="Send this header with every message; repeat for more.",
)
@click.option("--rate", type=float, help="Messages a second at most.")
@click.option("--concurrency", type=int, help="Requests at one time at most.")
@click.option("--description", default="", help="What the endpoint is for.")
@target_options
@click.pass_context
@run_async
async def add(
    ctx: click.Context, /, url: str, dialect: Dialect, options: TargetOptions, **given: Any
) -> None:
    """Send messages to URL, and print the secret that verifies them.

    \b
    parcelwire webhook add https://shop.example/hooks/parcels
    parcelwire webhook add https://shop.example/done --status delivered --status exception
    """
    async with open_worlds(ctx, options, seals=True) as worlds:
        client = worlds.default.client
        with _explaining(url, is_local=worlds.is_local):
            endpoint = await client.endpoints.create(
                url,
                dialect=dialect,
                statuses=given["statuses"],
                event_types=given["event_types"],
                headers=_headers(given["headers"]),
                rate_per_second=given["rate"],
                concurrency=given["concurrency"],
                description=given["description"],
            )
        email = (await client.account.get()).email if dialect == "v2" else ""
    click.echo(f"endpoint {endpoint.id}\nsecret   {endpoint.secret}")
    click.echo("The secret is shown only now: keep it where the receiver finds it.")
    if dialect == "v2":
        click.echo(f"v2's own signature has the account's e-mail address as its key: {email}")
    click.echo(f"Try it: parcelwire webhook test {endpoint.id}")


@contextmanager
def _explaining(url: str, *, is_local: bool) -> Iterator[None]:
    """Say which settings open an address that is refused."""
    try:
        yield
    except InvalidRequestError as error:
        if error.code != "url-refused":
            raise
        reason = error.message.removeprefix("url: ")
        hint = " (webhooks.allowed_networks, webhooks.extra_ports)" if is_local else ""
        msg = f"{plain(url)} is refused: {reason}{hint}"
        raise CommandError(msg) from None


def _headers(typed: tuple[str, ...]) -> dict[str, str]:
    headers = {}
    for one in typed:
        name, equals, value = one.partition("=")
        if not equals or not name.strip():
            msg = f"--header wants NAME=VALUE, not {one!r}"
            raise click.UsageError(msg)
        headers[name.strip()] = value.strip()
    return headers


@webhook.command("change")
@click.argument("endpoint_id", metavar="ENDPOINT")
@click.option("--url", help="Send there from now on.")
@status_option
@event_type_option
@click.option("--everything", is_flag=True, help="Send events of all statuses and types again.")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME=VALUE",
    help="Send these headers, and no others of your own, with every message.",
)
@click.option("--no-headers", is_flag=True, help="Send no headers of your own any more.")
@click.option("--rate", type=float, help="Messages a second at most.")
@click.option("--concurrency", type=int, help="Requests at one time at most.")
@click.option("--description", help="What the endpoint is for.")
@target_options
@click.pass_context
@run_async
async def change(
    ctx: click.Context, /, endpoint_id: str, options: TargetOptions, **given: Any
) -> None:
    """Change what is given of ENDPOINT; the rest stays unchanged.

    \b
    parcelwire webhook change ENDPOINT --url https://shop.example/new --status delivered
    """
    changes: dict[str, Any] = {
        "url": given["url"],
        "statuses": given["statuses"],
        "event_types": given["event_types"],
        "headers": _headers(given["headers"]),
        "rate_per_second": given["rate"],
        "concurrency": given["concurrency"],
        "description": given["description"],
    }
    changes = {name: value for name, value in changes.items() if value not in (None, (), {})}
    if given["everything"]:
        _refuse_both(changes, "--everything", "statuses", "event_types")
        changes |= {"statuses": [], "event_types": []}
    if given["no_headers"]:
        _refuse_both(changes, "--no-headers", "headers")
        changes["headers"] = {}
    if not changes:
        msg = "say what to change; see: parcelwire webhook change --help"
        raise click.UsageError(msg)
    async with open_worlds(ctx, options, seals="headers" in changes) as worlds:
        world, endpoint = await worlds.find_endpoint(endpoint_id)
        with _explaining(given["url"] or "", is_local=worlds.is_local):
            endpoint = await world.client.endpoints.update(
                endpoint, **cast(EndpointUpdateParams, changes)
            )
    click.echo(_line(world, endpoint))


def _refuse_both(changes: dict[str, Any], flag: str, *names: str) -> None:
    if any(name in changes for name in names):
        msg = f"{flag} contradicts what is given beside it"
        raise click.UsageError(msg)


@webhook.command("list")
@target_options
@click.pass_context
@run_async
async def list_endpoints(ctx: click.Context, options: TargetOptions) -> None:
    """List endpoints and how they do."""
    async with open_worlds(ctx, options) as worlds:
        found = [
            (world, endpoint)
            for world in worlds.all
            for endpoint in await world.client.endpoints.list()
        ]
    if not found:
        click.echo("There are no endpoints. Add one with: parcelwire webhook add URL")
    for world, endpoint in found:
        click.echo(_line(world, endpoint))


def _line(world: World, endpoint: Endpoint) -> str:
    parts = [endpoint.id]
    if world.name:
        parts.append(world.name)
    parts += [f"{endpoint.dialect:6}", state_of(endpoint), plain(endpoint.url)]
    only = ",".join((*(endpoint.statuses or ()), *(endpoint.event_types or ())))
    parts.append(only or "everything")
    health = endpoint.health
    if health is not None and health.failing_since is not None:
        parts.append(f"failing since {moment(health.failing_since)}")
    if health is not None and health.waiting:
        parts.append(f"{health.waiting} waiting")
    parts.append(plain(endpoint.description or ""))
    return "  ".join(parts).rstrip()


@webhook.command("remove")
@click.argument("endpoint_id", metavar="ENDPOINT")
@target_options
@click.pass_context
@run_async
async def remove(ctx: click.Context, endpoint_id: str, options: TargetOptions) -> None:
    """Delete ENDPOINT; what waits for it is given up."""
    async with open_worlds(ctx, options) as worlds:
        world, endpoint = await worlds.find_endpoint(endpoint_id)
        await world.client.endpoints.delete(endpoint)
    click.echo(f"endpoint {endpoint_id} is gone")


@webhook.command("pause")
@click.argument("endpoint_id", metavar="ENDPOINT")
@target_options
@click.pass_context
@run_async
async def pause(ctx: click.Context, endpoint_id: str, options: TargetOptions) -> None:
    """Send nothing to ENDPOINT for a while; its messages are kept."""
    async with open_worlds(ctx, options) as worlds:
        world, endpoint = await worlds.find_endpoint(endpoint_id)
        endpoint = await world.client.endpoints.pause(endpoint)
    click.echo(f"endpoint {endpoint_id} is {state_of(endpoint)}")


@webhook.command("enable")
@click.argument("endpoint_id", metavar="ENDPOINT")
@target_options
@click.pass_context
@run_async
async def enable(ctx: click.Context, endpoint_id: str, options: TargetOptions) -> None:
    """Send to ENDPOINT again, beginning with what waited."""
    async with open_worlds(ctx, options) as worlds:
        world, endpoint = await worlds.find_endpoint(endpoint_id)
        endpoint = await world.client.endpoints.enable(endpoint)
    waiting = endpoint.health.waiting if endpoint.health is not None else None
    rest = f"; messages waiting: {waiting}" if waiting else ""
    click.echo(f"endpoint {endpoint_id} is {state_of(endpoint)}{rest}")


@webhook.command("rotate")
@click.argument("endpoint_id", metavar="ENDPOINT")
@click.option(
    "--overlap-hours",
    type=click.FloatRange(0, 7 * 24),
    default=24,
    show_default=True,
    help="How long the old secret signs too; 0: not at all.",
)
@target_options
@click.pass_context
@run_async
async def rotate(
    ctx: click.Context, endpoint_id: str, overlap_hours: float, options: TargetOptions
) -> None:
    """Give ENDPOINT a new secret and print it.

    Until the overlap is over, messages carry a signature of each secret.
    """
    async with open_worlds(ctx, options, seals=True) as worlds:
        world, endpoint = await worlds.find_endpoint(endpoint_id)
        rotated = await world.client.endpoints.rotate_secret(
            endpoint, overlap_seconds=round(overlap_hours * HOUR_SECONDS)
        )
    click.echo(f"secret   {rotated.secret}")
    until = rotated.previous_secret_until
    click.echo(
        f"The old secret signs too until {moment(until)}."
        if until
        else "The old secret is worth nothing any more."
    )


@webhook.command("test")
@click.argument("endpoint_id", metavar="ENDPOINT")
@target_options
@click.pass_context
@run_async
async def test(ctx: click.Context, endpoint_id: str, options: TargetOptions) -> None:
    """Send a made-up event to ENDPOINT now and show what it answered."""
    async with open_worlds(ctx, options, seals=True) as worlds:
        world, endpoint = await worlds.find_endpoint(endpoint_id)
        url = plain(endpoint.url)
        with working(f"sending to {url}"):
            result = await world.client.endpoints.test(endpoint)
    if result.attempt is None:
        msg = f"{url}: no attempt was made in time; see: parcelwire webhook log"
        raise CommandError(msg)
    if not result.is_delivered:
        msg = f"{url} did not take it: {result_of(result.attempt)}"
        raise CommandError(msg)
    click.echo(f"{url} took it: {result_of(result.attempt)}")
