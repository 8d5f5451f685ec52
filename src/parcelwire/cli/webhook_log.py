"""``parcelwire webhook``: the log of messages, and sending again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar

import click

from parcelwire.cli.common import run_async
from parcelwire.cli.filters import Moment, MomentType
from parcelwire.cli.target import TargetOptions, target_options
from parcelwire.cli.timeline import plain
from parcelwire.cli.webhook_format import event_type_options, moment, result_of, webhook
from parcelwire.cli.worlds import open_worlds
from parcelwire.client.native_models import Attempt, Message
from parcelwire.webhooks.commands import MOST_REPLAYED, REPLAY_CONDITIONS, REPLAYABLE
from parcelwire.webhooks.ports import MessageState

F = TypeVar("F", bound=Callable[..., Any])

_PAGE = 200


def time_options(what: str) -> Callable[[F], F]:
    """Return the options ``--since`` and ``--until``."""

    def decorate(function: F) -> F:
        until = click.option("--until", type=MomentType(), help=f"{what} at or before this time.")
        since = click.option(
            "--since",
            type=MomentType(),
            help=f"{what} at or after this time: a date, a time, or 2h (ago).",
        )
        return since(until(function))

    return decorate


def instant_of(moment: Moment | None, *, is_end: bool = False) -> datetime | None:
    """Return the instant of a time; a day (UTC) begins at midnight and lasts 24 hours."""
    if moment is None or isinstance(moment, datetime):
        return moment
    day: date = moment
    return datetime.combine(day, time(23, 59, 59) if is_end else time(), UTC)


@webhook.command("log")
@click.option("--endpoint", "endpoint_id", help="Filter by endpoint.")
@click.option("--tracking", "tracking_id", help="Filter by tracking ID.")
@click.option(
    "--state",
    type=click.Choice([state.value for state in MessageState]),
    help="Filter by state.",
)
@time_options("Created")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="Maximum number of messages.",
)
@target_options
@click.pass_context
@run_async
async def show_log(
    ctx: click.Context, /, endpoint_id: str | None, limit: int, options: TargetOptions, **where: Any
) -> None:
    """List messages with their delivery attempts, newest first."""
    messages: list[tuple[Message, list[Attempt]]] = []
    async with open_worlds(ctx, options) as worlds:
        world = worlds.default
        if endpoint_id is not None:
            world, _ = await worlds.find_endpoint(endpoint_id)
        found = world.client.messages.list(
            endpoint_id=endpoint_id,
            tracking_id=where["tracking_id"],
            states=None if where["state"] is None else [where["state"]],
            created_min=instant_of(where["since"]),
            created_max=instant_of(where["until"], is_end=True),
            page_size=min(_PAGE, limit),
        )
        async for message in found:
            messages.append((message, await world.client.messages.attempts(message)))
            if len(messages) == limit:
                break
    if not messages:
        click.echo("There are no messages.")
    for message, attempts in messages:
        _print(message, attempts)


def _print(message: Message, attempts: list[Attempt]) -> None:
    click.echo(
        f"{message.id}  {moment(message.created_at)}  {message.state:9}"
        f"  {message.event_type}  tracking {message.tracking_id} no. {message.sequence}"
        f"  -> {message.endpoint_id}"
    )
    for attempt in attempts:
        click.echo(f"    {moment(attempt.attempted_at)}  {plain(result_of(attempt))}")
    if message.state == "pending":
        click.echo(f"    {moment(message.due_at)}  next attempt")


@webhook.command("resend")
@click.argument("message_id", metavar="MESSAGE")
@target_options
@click.pass_context
@run_async
async def resend(ctx: click.Context, message_id: str, options: TargetOptions) -> None:
    """Resend MESSAGE; a running server or worker delivers it."""
    async with open_worlds(ctx, options) as worlds:
        world, message = await worlds.find_message(message_id)
        await world.client.messages.resend(message)
    click.echo(f"message {message_id} is due now")


@webhook.command("replay")
@click.argument("endpoint_id", metavar="ENDPOINT")
@time_options("Created")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in REPLAYABLE]),
    help="Filter by state; repeatable. Default: delivered and dead.",
)
@event_type_options()
@click.option("--tracking", "tracking_id", help="Filter by tracking ID.")
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_REPLAYED),
    default=MOST_REPLAYED,
    show_default=True,
    help="Maximum number of messages, oldest first.",
)
@target_options
@click.pass_context
@run_async
async def replay(
    ctx: click.Context, /, endpoint_id: str, options: TargetOptions, **where: Any
) -> None:
    """Replay messages to ENDPOINT in order; a running server or worker delivers them.

    \b
    parcelwire webhook replay ENDPOINT --state dead
    parcelwire webhook replay ENDPOINT --since 2026-03-01T10:00Z --until 2026-03-02
    """
    conditions: dict[str, Any] = {
        "created_min": instant_of(where["since"]),
        "created_max": instant_of(where["until"], is_end=True),
        "states": where["states"] or None,
        "event_types": where["event_types"] or None,
        "tracking_id": where["tracking_id"] or None,
    }
    if not any(conditions[name] for name in REPLAY_CONDITIONS):
        msg = "specify which messages: --since, --until, --state, --event-type or --tracking"
        raise click.UsageError(msg)
    async with open_worlds(ctx, options) as worlds:
        world, endpoint = await worlds.find_endpoint(endpoint_id)
        result = await world.client.endpoints.replay(endpoint, limit=where["limit"], **conditions)
    more = "" if result.is_complete else "; there may be more: go on with a later --since"
    click.echo(f"messages due again: {result.replayed_count}{more}")
