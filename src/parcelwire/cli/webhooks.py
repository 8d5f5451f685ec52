"""``parcelwire webhook``: endpoints of the installation here, or of a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import click

from parcelwire.cli import webhook_forward, webhook_log
from parcelwire.cli.common import run_async, working
from parcelwire.cli.exit_codes import CommandError
from parcelwire.cli.native_calls import ProblemError, World, ask_of_endpoint, open_native
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
    ctx: click.Context, /, url: str, dialect: str, options: TargetOptions, **given: Any
) -> None:
    """Send messages to URL, and print the secret that verifies them.

    \b
    parcelwire webhook add https://shop.example/hooks/parcels
    parcelwire webhook add https://shop.example/done --status delivered --status exception
    """
    body = {
        "url": url,
        "dialect": dialect,
        "statuses": given["statuses"],
        "event_types": given["event_types"],
        "headers": _headers(given["headers"]),
        "rate_per_second": given["rate"],
        "concurrency": given["concurrency"],
        "description": given["description"],
    }
    async with open_native(ctx, options, seals=True) as native:
        with _explaining(url, is_here=native.is_here):
            made = await native.world.ask("POST", "/endpoints", body=body)
        account = await native.world.ask("GET", "/account") if dialect == "v2" else {}
    click.echo(f"endpoint {made['id']}\nsecret   {made['secret']}")
    click.echo("The secret is shown only now: keep it where the receiver finds it.")
    if dialect == "v2":
        email = account["email"]
        click.echo(f"v2's own signature has the account's e-mail address as its key: {email}")
    click.echo(f"Try it: parcelwire webhook test {made['id']}")


@contextmanager
def _explaining(url: str, *, is_here: bool) -> Iterator[None]:
    """Say which settings open an address that is refused."""
    try:
        yield
    except ProblemError as error:
        if error.kind != "url-refused":
            raise
        why = str(error).removeprefix("url: ")
        hint = " (webhooks.allowed_networks, webhooks.extra_ports)" if is_here else ""
        msg = f"{plain(url)} is refused: {why}{hint}"
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
    body: dict[str, Any] = {
        "url": given["url"],
        "statuses": given["statuses"],
        "event_types": given["event_types"],
        "headers": _headers(given["headers"]),
        "rate_per_second": given["rate"],
        "concurrency": given["concurrency"],
        "description": given["description"],
    }
    body = {name: value for name, value in body.items() if value not in (None, (), {})}
    if given["everything"]:
        _refuse_both(body, "--everything", "statuses", "event_types")
        body |= {"statuses": [], "event_types": []}
    if given["no_headers"]:
        _refuse_both(body, "--no-headers", "headers")
        body["headers"] = {}
    if not body:
        msg = "say what to change; see: parcelwire webhook change --help"
        raise click.UsageError(msg)
    async with open_native(ctx, options, seals="headers" in body) as native:
        world, _ = await native.find_endpoint(endpoint_id)
        with _explaining(given["url"] or "", is_here=native.is_here):
            endpoint = await world.ask("PATCH", f"/endpoints/{endpoint_id}", body=body)
    click.echo(_line(world, endpoint))


def _refuse_both(body: dict[str, Any], flag: str, *names: str) -> None:
    if any(name in body for name in names):
        msg = f"{flag} contradicts what is given beside it"
        raise click.UsageError(msg)


@webhook.command("list")
@target_options
@click.pass_context
@run_async
async def list_endpoints(ctx: click.Context, options: TargetOptions) -> None:
    """List endpoints and how they do."""
    async with open_native(ctx, options) as native:
        found = [
            (world, endpoint)
            for world in native.worlds
            for endpoint in (await world.ask("GET", "/endpoints"))["endpoints"]
        ]
    if not found:
        click.echo("There are no endpoints. Add one with: parcelwire webhook add URL")
    for world, endpoint in found:
        click.echo(_line(world, endpoint))


def _line(world: World, endpoint: dict[str, Any]) -> str:
    parts = [endpoint["id"]]
    if world.name:
        parts.append(world.name)
    parts += [f"{endpoint['dialect']:6}", state_of(endpoint), plain(endpoint["url"])]
    only = ",".join((*endpoint["statuses"], *endpoint["event_types"]))
    parts.append(only or "everything")
    if (since := endpoint["health"]["failing_since"]) is not None:
        parts.append(f"failing since {moment(since)}")
    if waiting := endpoint["health"]["waiting"]:
        parts.append(f"{waiting} waiting")
    parts.append(plain(endpoint["description"]))
    return "  ".join(parts).rstrip()


@webhook.command("remove")
@click.argument("endpoint_id", metavar="ENDPOINT")
@target_options
@click.pass_context
@run_async
async def remove(ctx: click.Context, endpoint_id: str, options: TargetOptions) -> None:
    """Delete ENDPOINT; what waits for it is given up."""
    await ask_of_endpoint(ctx, options, endpoint_id, "DELETE")
    click.echo(f"endpoint {endpoint_id} is gone")


@webhook.command("pause")
@click.argument("endpoint_id", metavar="ENDPOINT")
@target_options
@click.pass_context
@run_async
async def pause(ctx: click.Context, endpoint_id: str, options: TargetOptions) -> None:
    """Send nothing to ENDPOINT for a while; its messages are kept."""
    endpoint = await ask_of_endpoint(ctx, options, endpoint_id, path="/pause")
    click.echo(f"endpoint {endpoint_id} is {state_of(endpoint)}")


@webhook.command("enable")
@click.argument("endpoint_id", metavar="ENDPOINT")
@target_options
@click.pass_context
@run_async
async def enable(ctx: click.Context, endpoint_id: str, options: TargetOptions) -> None:
    """Send to ENDPOINT again, beginning with what waited."""
    endpoint = await ask_of_endpoint(ctx, options, endpoint_id, path="/enable")
    waiting = endpoint["health"]["waiting"]
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
    body = {"overlap_seconds": round(overlap_hours * HOUR_SECONDS)}
    endpoint = await ask_of_endpoint(
        ctx, options, endpoint_id, path="/rotate-secret", body=body, seals=True
    )
    click.echo(f"secret   {endpoint['secret']}")
    until = endpoint["previous_secret_until"]
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
    async with open_native(ctx, options, seals=True) as native:
        world, endpoint = await native.find_endpoint(endpoint_id)
        url = plain(endpoint["url"])
        with working(f"sending to {url}"):
            said = await world.ask("POST", f"/endpoints/{endpoint_id}/test")
    if said["attempt"] is None:
        msg = f"{url}: no attempt was made in time; see: parcelwire webhook log"
        raise CommandError(msg)
    if not said["is_delivered"]:
        msg = f"{url} did not take it: {result_of(said['attempt'])}"
        raise CommandError(msg)
    click.echo(f"{url} took it: {result_of(said['attempt'])}")
