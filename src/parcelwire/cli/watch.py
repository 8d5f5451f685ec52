"""``parcelwire watch``: tracking events as they happen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import click
import msgspec
from rich.console import Console
from rich.text import Text

from parcelwire.cli.command_target import Target
from parcelwire.cli.common import run_async
from parcelwire.cli.exit_codes import CommandError
from parcelwire.cli.filters import Moment, MomentType
from parcelwire.cli.target import TargetOptions, open_target, target_options
from parcelwire.cli.timeline import console, plain, status_style
from parcelwire.client.errors import NotFoundError
from parcelwire.client.native_models import Event

RETRIES = 1_000
"""A feed is there for hours; a server that is started again is waited for."""


@click.command()
@click.option(
    "--since", type=MomentType(), help="Start at this time, such as 1h (ago); default: now."
)
@click.option("--after", help="Start after this cursor, as printed by --json for each page.")
@click.option("--once", is_flag=True, help="Exit after the events there are.")
@click.option("--json", "as_json", is_flag=True, help="Print one event per line as JSON.")
@target_options
@click.pass_context
@run_async
async def watch(
    ctx: click.Context,
    since: Moment | None,
    after: str | None,
    once: bool,
    as_json: bool,
    options: TargetOptions,
) -> None:
    """Stream tracking events until interrupted.

    Requires a Parcelwire server: TrackingMore has no event feed.

    \b
    parcelwire watch
    parcelwire watch --since 24h --once
    parcelwire watch --json >> events.ndjson
    """
    async with open_target(ctx, options, retries=RETRIES) as target:
        if not target.has_native_api:
            msg = (
                f"{target.where} is TrackingMore's own service, which has no feed of events;"
                " watch works with a Parcelwire (its webhooks, or: parcelwire track --watch)"
            )
            raise CommandError(msg)
        start = datetime.now(UTC) if since is None and not after else _instant(since)
        out, names = console(), Numbers(target)
        pages = target.client.events.pages(after=after or "", since=start, is_live=not once)
        async for page in pages:
            for event in page.items:
                if as_json:
                    line = {**event.to_dict(), "cursor": page.next_cursor}
                    click.echo(msgspec.json.encode(line).decode())
                else:
                    _print(out, event, await names.of(event.tracking_id))


class Numbers:
    """The numbers of the parcels that events are about: the feed has their ids alone."""

    def __init__(self, target: Target) -> None:
        self._client = target.client
        self._known: dict[str, str] = {}

    async def of(self, tracking_id: str) -> str:
        """Return a parcel's number, or its id where it was deleted."""
        if tracking_id not in self._known:
            if len(self._known) >= 10_000:
                self._known.clear()
            try:
                found = await self._client.trackings.get_by_id(tracking_id)
                self._known[tracking_id] = f"{found.tracking_number}  {found.courier_code}"
            except NotFoundError:
                self._known[tracking_id] = tracking_id
        return self._known[tracking_id]


def _instant(moment: Moment | None) -> datetime | None:
    if moment is None or isinstance(moment, datetime):
        return moment
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)


def _print(out: Console, event: Event, number: str) -> None:
    at = f"{event.timestamp.astimezone():%Y-%m-%d %H:%M:%S}" if event.timestamp else ""
    line = Text(f"{at}  {plain(number)}  ")
    status = (event.data.status if event.data is not None else None) or event.type
    line.append(f"{status:12}", style=status_style(status))
    for change in event.data.changes if event.data is not None else ():
        said = _said(change)
        if said:
            line.append(f"  {plain(said)}", style="dim")
    out.print(line, soft_wrap=True)


def _said(change: Mapping[str, object]) -> str:
    point = change.get("checkpoint") or change.get("after")
    if isinstance(point, dict) and point.get("text"):
        place = point.get("location") or point.get("city")
        return f"{point['text']}{f', {place}' if place else ''}"
    return ""
