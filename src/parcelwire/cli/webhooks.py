"""``parcelwire webhook``: endpoints of this installation, or of a server."""

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
    dialect_option,
    event_type_options,
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
from parcelwire.webhooks.commands import DEFAULT_OVERLAP_SECONDS, LONGEST_OVERLAP_SECONDS

__all__ = ["webhook", "webhook_forward", "webhook_log"]

HOUR_SECONDS: Final = 3_600


@webhook.command("create")
@click.argument("url")
@dialect_option
@status_option
@event_type_options()
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME=VALUE",
    help="Custom header sent with every message; repeatable.",
)
@click.option("--rate", type=float, help="Maximum messages per second.")
@click.option("--concurrency", type=int, help="Maximum concurrent requests.")
@click.option("--description", default="", help="What the endpoint is for.")
@target_options
@click.pass_context
@run_async
async def create(
    ctx: click.Context, /, url: str, dialect: Dialect, options: TargetOptions, **given: Any
) -> None:
    """Create an endpoint for URL, and print its signing secret.

    \b
    parcelwire webhook create https://shop.example/hooks/parcels
    parcelwire webhook create https://shop.example/done --status delivered --status exception
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
    click.echo("Store the secret where the receiver finds it; it is not shown again.")
    if dialect == "v2":
        click.echo(f"v2's own signature has the account's e-mail address as its key: {email}")
    click.echo(f"Try it: parcelwire webhook test {endpoint.id}")


@contextmanager
def _explaining(url: str, *, is_local: bool) -> Iterator[None]:
    """Say which settings open an address that is refused."""
    try:
        yield
    except InvalidRequestError as error:
        if error.code != "url-not-allowed":
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
            msg = f"--header takes NAME=VALUE, not {one!r}"
            raise click.UsageError(msg)
        headers[name.strip()] = value.strip()
    return headers


@webhook.command("update")
@click.argument("endpoint_id", metavar="ENDPOINT")
@click.option("--url", help="New URL.")
@status_option
@event_type_options()
@click.option("--all-events", is_flag=True, help="Remove the filters by status and event type.")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME=VALUE",
    help="Custom headers; they replace all current ones.",
)
@click.option("--clear-headers", is_flag=True, help="Remove all custom headers.")
@click.option("--rate", type=float, help="Maximum messages per second.")
@click.option("--concurrency", type=int, help="Maximum concurrent requests.")
@click.option("--description", help="What the endpoint is for.")
@target_options
@click.pass_context
@run_async
async def update(
    ctx: click.Context, /, endpoint_id: str, options: TargetOptions, **given: Any
) -> None:
    """Update ENDPOINT; omitted fields are unchanged.

    \b
    parcelwire webhook update ENDPOINT --url https://shop.example/new --status delivered
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
    if given["all_events"]:
        _refuse_both(changes, "--all-events", "statuses", "event_types")
        changes |= {"statuses": [], "event_types": []}
    if given["clear_headers"]:
        _refuse_both(changes, "--clear-headers", "headers")
        changes["headers"] = {}
    if not changes:
        msg = "nothing to update; see: parcelwire webhook update --help"
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
        msg = f"{flag} cannot be combined with the other options given"
        raise click.UsageError(msg)


@webhook.command("list")
@target_options
@click.pass_context
@run_async
async def list_endpoints(ctx: click.Context, options: TargetOptions) -> None:
    """List endpoints and their health."""
    async with open_worlds(ctx, options) as worlds:
        found = [
            (world, endpoint)
            for world in worlds.all
            for endpoint in await world.client.endpoints.list()
        ]
    if not found:
        click.echo("There are no endpoints. Create one with: parcelwire webhook create URL")
    for world, endpoint in found:
        click.echo(_line(world, endpoint))


def _line(world: World, endpoint: Endpoint) -> str:
    parts = [endpoint.id]
    if world.name:
        parts.append(world.name)
    parts += [f"{endpoint.dialect:6}", state_of(endpoint), plain(endpoint.url)]
    only = ",".join((*(endpoint.statuses or ()), *(endpoint.event_types or ())))
    parts.append(only or "all events")
    health = endpoint.health
    if health is not None and health.failing_since is not None:
        parts.append(f"failing since {moment(health.failing_since)}")
    if health is not None and health.pending_count:
        parts.append(f"{health.pending_count} pending")
    parts.append(plain(endpoint.description or ""))
    return "  ".join(parts).rstrip()


@webhook.command("delete")
@click.argument("endpoint_id", metavar="ENDPOINT")
@target_options
@click.pass_context
@run_async
async def delete(ctx: click.Context, endpoint_id: str, options: TargetOptions) -> None:
    """Delete ENDPOINT, and discard its pending messages."""
    async with open_worlds(ctx, options) as worlds:
        world, endpoint = await worlds.find_endpoint(endpoint_id)
        await world.client.endpoints.delete(endpoint)
    click.echo(f"endpoint {endpoint_id} is deleted")


@webhook.command("pause")
@click.argument("endpoint_id", metavar="ENDPOINT")
@target_options
@click.pass_context
@run_async
async def pause(ctx: click.Context, endpoint_id: str, options: TargetOptions) -> None:
    """Pause ENDPOINT; its messages are kept."""
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
    """Enable ENDPOINT, and deliver its pending messages."""
    async with open_worlds(ctx, options) as worlds:
        world, endpoint = await worlds.find_endpoint(endpoint_id)
        endpoint = await world.client.endpoints.enable(endpoint)
    pending = endpoint.health.pending_count if endpoint.health is not None else None
    rest = f"; pending messages: {pending}" if pending else ""
    click.echo(f"endpoint {endpoint_id} is {state_of(endpoint)}{rest}")


@webhook.command("rotate-secret")
@click.argument("endpoint_id", metavar="ENDPOINT")
@click.option(
    "--overlap-hours",
    type=click.FloatRange(0, LONGEST_OVERLAP_SECONDS // HOUR_SECONDS),
    default=DEFAULT_OVERLAP_SECONDS // HOUR_SECONDS,
    show_default=True,
    help="How long the old secret stays valid; 0: revoke it now.",
)
@target_options
@click.pass_context
@run_async
async def rotate_secret(
    ctx: click.Context, endpoint_id: str, overlap_hours: float, options: TargetOptions
) -> None:
    """Rotate the signing secret of ENDPOINT, and print the new one.

    During the overlap, messages are signed with both secrets.
    """
    async with open_worlds(ctx, options, seals=True) as worlds:
        world, endpoint = await worlds.find_endpoint(endpoint_id)
        rotated = await world.client.endpoints.rotate_secret(
            endpoint, overlap_seconds=round(overlap_hours * HOUR_SECONDS)
        )
    click.echo(f"secret   {rotated.secret}")
    until = rotated.previous_secret_expires_at
    click.echo(
        f"The old secret stays valid until {moment(until)}."
        if until
        else "The old secret is revoked."
    )


@webhook.command("test")
@click.argument("endpoint_id", metavar="ENDPOINT")
@target_options
@click.pass_context
@run_async
async def test(ctx: click.Context, endpoint_id: str, options: TargetOptions) -> None:
    """Send a test event to ENDPOINT, and show its response."""
    async with open_worlds(ctx, options, seals=True) as worlds:
        world, endpoint = await worlds.find_endpoint(endpoint_id)
        url = plain(endpoint.url)
        with working(f"sending to {url}"):
            result = await world.client.endpoints.test(endpoint)
    if result.attempt is None:
        msg = f"{url}: no attempt was made in time; see: parcelwire webhook log"
        raise CommandError(msg)
    if not result.is_delivered:
        msg = f"delivery to {url} failed: {result_of(result.attempt)}"
        raise CommandError(msg)
    click.echo(f"delivered to {url}: {result_of(result.attempt)}")
