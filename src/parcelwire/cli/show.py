"""``parcelwire show``: what is stored of a parcel, and when it was and will be asked about."""

from __future__ import annotations

import click
import msgspec
from rich.console import Console

from parcelwire.bootstrap import Installation, InstallationError
from parcelwire.cli.support import account_of, account_option, installation, run_async, when
from parcelwire.cli.timeline import print_timeline
from parcelwire.couriers.number import normalise
from parcelwire.domain.account import world_of
from parcelwire.tracking.ports import Stored


@click.command()
@click.argument("number")
@click.option("--courier", help="Courier code, where several couriers share the number.")
@click.option("--test", "is_test", is_flag=True, help="In the test world.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of lines.")
@account_option
@click.pass_context
@run_async
async def show(
    ctx: click.Context,
    number: str,
    courier: str | None,
    is_test: bool,
    as_json: bool,
    email: str | None,
) -> None:
    """Show what is stored of NUMBER, and when it was and will be asked about.

    Its history, the last answer of its carrier, the time of the next question and why then.

    \b
    parcelwire show 99.00.123456.12345678
    parcelwire show SIM-CUSTOMS-0001 --test
    """
    async with installation(ctx) as house:
        owner = await account_of(house, email)
        world_id = world_of(owner.number, is_test)
        found = await house.store.find(world_id, normalise(number), courier)
        if not found:
            where = "test" if is_test else "live"
            msg = f"{number} is not followed in the {where} world of {owner.email}"
            raise InstallationError(msg)
        if as_json:
            click.echo(msgspec.json.encode(found).decode())
            return
        for stored in found:
            _print(house, stored)


def _print(house: Installation, stored: Stored) -> None:
    tracking, poll = stored.tracking, stored.poll
    print_timeline(Console(), tracking, house.registry.get(tracking.courier_code))
    checked = "never"
    if poll.checked_at is not None:
        detail = f" ({poll.last_detail})" if poll.last_detail else ""
        checked = f"{when(poll.checked_at)}, {poll.last_outcome.replace('_', ' ')}{detail}"
    click.echo(f"last asked   {checked}; asked {poll.checks} times")
    due = when(poll.due_at) if poll.due_at is not None else "never"
    click.echo(f"next asked   {due}: {poll.due_reason}")
    for correction in tracking.corrections:
        click.echo(
            f"corrected    {when(correction.at)}: {correction.from_courier} to"
            f" {correction.to_courier}, {correction.why}"
        )
    click.echo(f"id           {tracking.id}, {tracking.sequence} events told")
    click.echo(f"page         {house.config.public_url}/t/{tracking.page_token}")
