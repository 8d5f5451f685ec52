"""``parcelwire track``: query carriers now."""

from __future__ import annotations

from datetime import datetime

import click
import msgspec

from parcelwire.cli.command_target import Target
from parcelwire.cli.common import courier_field_options, read_config, run_async, working
from parcelwire.cli.countries import read_country
from parcelwire.cli.selection import each, find
from parcelwire.cli.target import TargetOptions, login_of, open_target, target_options
from parcelwire.cli.timeline import console, print_timeline
from parcelwire.cli.track_watch import follow
from parcelwire.client.errors import RateLimitError


@click.command()
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER...")
@click.option("--courier", help="Courier code; default: detected from the number.")
@courier_field_options
@click.option(
    "--watch", is_flag=True, help="Keep watching until all have arrived; for tracked parcels only."
)
@click.option(
    "--interval",
    type=click.FloatRange(1),
    default=30.0,
    show_default=True,
    help="Seconds between checks, with --watch.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@target_options
@click.pass_context
@run_async
async def track(
    ctx: click.Context,
    numbers: tuple[str, ...],
    courier: str | None,
    postal_code: str | None,
    ship_date: datetime | None,
    destination: str | None,
    courier_account: str | None,
    watch: bool,
    interval: float,
    as_json: bool,
    options: TargetOptions,
) -> None:
    """Query the carrier of each NUMBER now, and show where the parcel is.

    This installation queries any carrier that it is connected to, whether the parcel is tracked or
    not, and stores nothing. A server queries carriers for parcels that it tracks.

    \b
    parcelwire track 99.00.123456.12345678
    parcelwire track 99.00.123456.12345678 RA471108151CH --json
    parcelwire track SIM-CUSTOMS-0001 --test --courier swiss-post
    parcelwire track 99.00.123456.12345678 --watch
    """
    if watch or login_of(ctx, options) is not None:
        if postal_code or ship_date or destination or courier_account:
            msg = (
                "--postal-code, --ship-date, --destination and --courier-account are for a parcel"
                " that is not tracked yet; tracked parcels have them already"
            )
            raise click.UsageError(msg)
        async with open_target(ctx, options) as target:
            if watch:
                await follow(target, numbers, courier, interval=interval, as_json=as_json)
            else:
                await _look(target, numbers, courier, as_json=as_json)
        return
    country = read_country(destination)
    try:
        from parcelwire.cli.fetch_once import Question, ask_once
    except ModuleNotFoundError:
        async with open_target(ctx, options):  # which says what is missing
            return
    asked = Question(
        courier_code=courier,
        postal_code=postal_code,
        ship_date=f"{ship_date:%Y%m%d}" if ship_date else None,
        destination=country,
        courier_account=courier_account,
        email=options.email,
        is_test=options.is_test,
    )
    await ask_once(read_config(ctx), numbers, asked, as_json=as_json)


async def _look(
    target: Target, numbers: tuple[str, ...], courier: str | None, *, as_json: bool
) -> None:
    async def show(number: str) -> None:
        tracking = await find(target, number, courier)
        if target.has_native_api:
            try:
                with working(f"having {tracking.courier_code} asked"):
                    tracking = await target.client.trackings.refresh(tracking)
            except RateLimitError:
                # Asked a moment ago: what is stored is what the carrier said then.
                click.echo(f"{number}: its carrier was asked a moment ago", err=True)
        if as_json:
            click.echo(msgspec.json.encode(tracking.to_dict()).decode())
        else:
            print_timeline(console(), tracking, target.registry)

    await each(numbers, show, verb="shown")
