"""``parcelwire webhook``: the log of messages, and sending again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar

import click

from parcelwire.cli.common import run_async
from parcelwire.cli.filters import Moment, MomentType
from parcelwire.cli.native_calls import ask_of_endpoint, open_native
from parcelwire.cli.target import TargetOptions, target_options
from parcelwire.cli.timeline import plain
from parcelwire.cli.webhook_format import event_type_option, moment, result_of, webhook

F = TypeVar("F", bound=Callable[..., Any])

_PAGE = 200
STATES = ("pending", "delivered", "dead")


def time_options(what: str) -> Callable[[F], F]:
    """Return the options ``--since`` and ``--until``."""

    def decorate(function: F) -> F:
        until = click.option("--until", type=MomentType(), help=f"{what} then or before.")
        since = click.option(
            "--since", type=MomentType(), help=f"{what} then or later: a date, a time, or 2h (ago)."
        )
        return since(until(function))

    return decorate


def on_the_wire(moment: Moment | None, *, is_end: bool = False) -> str | None:
    """Return a time as the API takes it; a day (UTC) begins at midnight and lasts 24 hours."""
    if moment is None:
        return None
    if isinstance(moment, datetime):
        return moment.isoformat()
    day: date = moment
    return datetime.combine(day, time(23, 59, 59) if is_end else time(), UTC).isoformat()


@webhook.command("log")
@click.option("--endpoint", "endpoint_id", help="Only this endpoint's messages.")
@click.option("--tracking", "tracking_id", help="Only messages about this tracking (its id).")
@click.option("--state", type=click.Choice(STATES), help="Only messages in this state.")
@time_options("Only those made")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="How many messages.",
)
@target_options
@click.pass_context
@run_async
async def show_log(
    ctx: click.Context, /, endpoint_id: str | None, limit: int, options: TargetOptions, **where: Any
) -> None:
    """Show messages, newest first, with every attempt."""
    query = {
        "endpoint_id": endpoint_id,
        "tracking_id": where["tracking_id"],
        "state": where["state"],
        "created_min": on_the_wire(where["since"]),
        "created_max": on_the_wire(where["until"], is_end=True),
    }
    query = {name: value for name, value in query.items() if value is not None}
    messages: list[dict[str, Any]] = []
    async with open_native(ctx, options) as native:
        world = native.world
        if endpoint_id is not None:
            world, _ = await native.find_endpoint(endpoint_id)
        cursor = ""
        while len(messages) < limit:
            wanted = min(_PAGE, limit - len(messages))
            page = await world.ask(
                "GET", "/messages", query={**query, "limit": wanted, "cursor": cursor}
            )
            for one in page["items"]:
                attempts = await world.ask("GET", f"/messages/{one['id']}/attempts")
                messages.append({**one, **attempts})
            cursor = page["next_cursor"]
            if not page["has_more"]:
                break
    if not messages:
        click.echo("There are no messages.")
    for message in messages:
        _print(message)


def _print(message: dict[str, Any]) -> None:
    click.echo(
        f"{message['id']}  {moment(message['created_at'])}  {message['state']:9}"
        f"  {message['event_type']}  tracking {message['tracking_id']} no. {message['sequence']}"
        f"  -> {message['endpoint_id']}"
    )
    for attempt in message["attempts"]:
        click.echo(f"    {moment(attempt['attempted_at'])}  {plain(result_of(attempt))}")
    if message["state"] == "pending":
        click.echo(f"    {moment(message['due_at'])}  next attempt")


@webhook.command("resend")
@click.argument("message_id", metavar="MESSAGE")
@target_options
@click.pass_context
@run_async
async def resend(ctx: click.Context, message_id: str, options: TargetOptions) -> None:
    """Send MESSAGE once more (a running server or worker does it)."""
    async with open_native(ctx, options) as native:
        world, _ = await native.find_message(message_id)
        await world.ask("POST", f"/messages/{message_id}/resend")
    click.echo(f"message {message_id} is due now")


@webhook.command("replay")
@click.argument("endpoint_id", metavar="ENDPOINT")
@time_options("Messages made")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES[1:]),
    help="Only messages in this state; repeat for more. Default: delivered and dead.",
)
@event_type_option
@click.option("--tracking", "tracking_id", help="Only messages about this tracking (its id).")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=10_000,
    show_default=True,
    help="At most this many, the oldest first.",
)
@target_options
@click.pass_context
@run_async
async def replay(
    ctx: click.Context, /, endpoint_id: str, options: TargetOptions, **where: Any
) -> None:
    """Send messages to ENDPOINT again, in their order (a running server or worker does it).

    \b
    parcelwire webhook replay ENDPOINT --state dead
    parcelwire webhook replay ENDPOINT --since 2026-03-01T10:00Z --until 2026-03-02
    """
    where["since"] = on_the_wire(where["since"])
    where["until"] = on_the_wire(where["until"], is_end=True)
    names = ("since", "until", "states", "event_types", "tracking_id")
    body = {name: where[name] for name in names if where[name]}
    if not body:
        msg = "say which messages: --since, --until, --state, --event-type or --tracking"
        raise click.UsageError(msg)
    body["limit"] = where["limit"]
    said = await ask_of_endpoint(ctx, options, endpoint_id, path="/replay", body=body)
    more = "" if said["is_complete"] else "; there may be more: go on with a later --since"
    click.echo(f"messages due again: {said['replayed']}{more}")
