"""``parcelwire list``: the trackings there are."""

from __future__ import annotations

import click
import msgspec
from rich.console import Console
from rich.text import Text

from parcelwire.cli.common import run_async, working
from parcelwire.cli.filters import Wanted, filter_options, select
from parcelwire.cli.target import TargetOptions, open_target, target_options
from parcelwire.cli.timeline import console, plain, short, status_text
from parcelwire.client.models import Tracking

MOST_PER_PAGE = 200


@click.command("list")
@filter_options
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="Maximum number of trackings.",
)
@click.option(
    "--page",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Page, of --limit trackings each.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@target_options
@click.pass_context
@run_async
async def list_trackings(
    ctx: click.Context, wanted: Wanted, limit: int, page: int, as_json: bool, options: TargetOptions
) -> None:
    """List trackings, newest first.

    \b
    parcelwire list
    parcelwire list --status exception --status undelivered --since 7d
    parcelwire list --courier swiss-post --prefix 9900 --limit 100 --page 2
    parcelwire list --updated-since 1h --json
    """
    skipped, has_more = (page - 1) * limit, False
    out = console()
    async with open_target(ctx, options) as target:
        found = select(target, wanted, min(MOST_PER_PAGE, skipped + limit + 1))
        with working(f"asking {target.where}"):
            rows: list[Tracking] = []
            async for tracking in found:
                if skipped:
                    skipped -= 1
                elif len(rows) == limit:
                    has_more = True
                    break
                else:
                    rows.append(tracking)
    for tracking in rows:
        if as_json:
            click.echo(msgspec.json.encode(tracking.to_dict()).decode())
        else:
            print_row(out, tracking)
    if not rows and not as_json:
        click.echo(
            "No trackings match these filters." if wanted != Wanted() else "There are no trackings."
        )
    if has_more:
        click.echo(f"There are more: --page {page + 1}", err=True)


def print_row(out: Console, tracking: Tracking) -> None:
    """Print a tracking on one line, cut to the width of a terminal."""
    line = Text(f"{plain(tracking.tracking_number):24}  {tracking.courier_code:18}  ")
    status = status_text(tracking)
    status.plain = f"{tracking.status:12}"
    line.append(status)
    line.append(f"  {short(tracking.updated_at):17}")
    said = tracking.title or tracking.latest_event
    if said:
        line.append(f"  {plain(said)}", style="dim")
    if out.is_terminal:
        out.print(line, no_wrap=True, overflow="ellipsis", crop=True)
    else:
        out.print(line, soft_wrap=True)
