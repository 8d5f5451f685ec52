"""``parcelwire show``: a parcel's stored history, its last check and the next one."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from parcelwire.cli.command_target import Target
from parcelwire.cli.common import run_async, when
from parcelwire.cli.exit_codes import NOT_FOUND, CommandError
from parcelwire.cli.target import TargetOptions, open_target, target_options
from parcelwire.cli.timeline import console, plain, print_timeline, short
from parcelwire.client.models import Tracking


@click.command()
@click.argument("number")
@click.option("--courier", help="Courier code, if several couriers share the number.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@target_options
@click.pass_context
@run_async
async def show(
    ctx: click.Context, number: str, courier: str | None, as_json: bool, options: TargetOptions
) -> None:
    """Show the stored history of NUMBER, without querying its carrier.

    In this installation also the last result of its carrier, and when and why it is checked next.

    \b
    parcelwire show 99.00.123456.12345678
    parcelwire show SIM-CUSTOMS-0001 --test
    """
    async with open_target(ctx, options) as target:
        pages = target.client.trackings.list(tracking_numbers=[number], courier_code=courier)
        found = await pages.all() if "," not in number else []
        if not found:
            msg = f"{number} is not tracked by {target.where}"
            raise CommandError(msg, NOT_FOUND)
        for tracking in found:
            stored = await _stored(target, tracking)
            if as_json:
                polling = {} if stored is None else {"polling": stored.poll}
                line = msgspec.json.encode({**tracking.to_dict(), **polling})
                click.echo(line.decode())
                continue
            print_timeline(console(), tracking, target.registry)
            if stored is None:
                _tell(tracking)
            else:
                _tell_all(target, stored)


async def _stored(target: Target, tracking: Tracking) -> Any:
    """Return the store's own record of a tracking; None where it is another machine's."""
    if target.house is None:
        return None
    for stored in await target.house.store.find(
        target.world_id, tracking.tracking_number, tracking.courier_code
    ):
        if stored.tracking.id == tracking.id:
            return stored
    return None


def _tell(tracking: Tracking) -> None:
    click.echo(f"last news    {short(tracking.updated_at)}")
    if tracking.is_updating is False:
        click.echo("next asked   never: it is over")
    for word, said in (("order", tracking.order_number), ("note", tracking.note)):
        if said:
            click.echo(f"{word:11}  {plain(said)}")
    click.echo(f"id           {tracking.id}")


def _tell_all(target: Target, stored: Any) -> None:
    tracking, poll = stored.tracking, stored.poll
    checked = "never"
    if poll.checked_at is not None:
        detail = f" ({plain(poll.last_detail)})" if poll.last_detail else ""
        checked = f"{when(poll.checked_at)}, {poll.last_outcome.replace('_', ' ')}{detail}"
    click.echo(f"last asked   {checked}; asked {poll.checks} times")
    due = when(poll.due_at) if poll.due_at is not None else "never"
    click.echo(f"next asked   {due}: {poll.due_reason}")
    for correction in tracking.corrections:
        click.echo(
            f"corrected    {when(correction.at)}: {correction.from_courier} to"
            f" {correction.to_courier}, {correction.reason}"
        )
    click.echo(f"id           {tracking.id}, {tracking.sequence} events told")
    click.echo(f"page         {target.house.config.public_url}/t/{tracking.page_token}")
