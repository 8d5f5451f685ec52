"""``parcelwire delete`` and ``parcelwire retrack``."""

from __future__ import annotations

import sys

import click

from parcelwire.cli.common import run_async
from parcelwire.cli.exit_codes import CommandError
from parcelwire.cli.selection import each, find
from parcelwire.cli.target import TargetOptions, open_target, target_options
from parcelwire.client.error_mapping import RETRACK_NOT_ALLOWED
from parcelwire.client.errors import InvalidRequestError


@click.command()
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER...")
@click.option("--courier", help="Courier code, if several couriers share the number.")
@click.option("-y", "--yes", is_flag=True, help="Skip the confirmation.")
@target_options
@click.pass_context
@run_async
async def delete(
    ctx: click.Context,
    numbers: tuple[str, ...],
    courier: str | None,
    yes: bool,
    options: TargetOptions,
) -> None:
    """Delete each NUMBER and its history permanently.

    \b
    parcelwire delete 99.60.123456.78901234
    parcelwire delete 9400111899223857925380 --courier usps --yes
    """
    if not yes and not sys.stdin.isatty():
        msg = "standard input is not a terminal: pass --yes to confirm"
        raise click.UsageError(msg)
    async with open_target(ctx, options) as target:

        async def remove(number: str) -> None:
            tracking = await find(target, number, courier)
            what = f"{tracking.tracking_number} ({tracking.courier_code}, {tracking.status})"
            if not yes and not click.confirm(f"Delete {what} of {target.where}?", err=True):
                msg = f"{number} was kept"
                raise CommandError(msg)
            await target.client.trackings.delete(tracking)
            click.echo(f"deleted {what}")

        await each(numbers, remove, verb="deleted")


@click.command()
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER...")
@click.option("--courier", help="Courier code, if several couriers share the number.")
@target_options
@click.pass_context
@run_async
async def retrack(
    ctx: click.Context, numbers: tuple[str, ...], courier: str | None, options: TargetOptions
) -> None:
    """Resume tracking of each expired NUMBER.

    \b
    parcelwire retrack 99.60.123456.78901234
    """
    async with open_target(ctx, options) as target:

        async def again(number: str) -> None:
            tracking = await find(target, number, courier)
            try:
                await target.client.trackings.retrack(tracking)
            except InvalidRequestError as error:
                if error.code != RETRACK_NOT_ALLOWED:
                    raise
                msg = f"{number} is {tracking.status}: only expired parcels can be retracked"
                raise CommandError(msg) from None
            click.echo(f"{tracking.tracking_number} ({tracking.courier_code}) is tracked again")

        await each(numbers, again, verb="retracked")
