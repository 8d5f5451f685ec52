"""``parcelwire track --watch``: look again and again until every parcel has arrived."""

from __future__ import annotations

import asyncio
from datetime import datetime

import click
import msgspec
from rich.console import Console
from rich.text import Text

from parcelwire.cli.command_target import Target
from parcelwire.cli.selection import find
from parcelwire.cli.timeline import checkpoint_line, console, plain, print_timeline, status_text
from parcelwire.client.models import Checkpoint, Tracking


async def follow(
    target: Target, numbers: tuple[str, ...], courier: str | None, *, interval: float, as_json: bool
) -> None:
    """Show each parcel, then what is new about it, until none is followed any further.

    Looks at what is stored; the carriers are asked by the server at their own pace.

    Raises:
        CommandError: a number is not tracked.
        ParcelwireError: the server gave no answer.
    """
    out = console()
    known: dict[str, Tracking] = {}
    for number in dict.fromkeys(numbers):
        tracking = await find(target, number, courier)
        known[tracking.id] = tracking
        _show(out, target, tracking, as_json=as_json)
    while open_ones := [one for one in known.values() if one.is_updating is not False]:
        await asyncio.sleep(interval)
        for before in open_ones:
            now = await find(target, before.tracking_number, before.courier_code)
            known[now.id] = now
            # The times of the wire are whole seconds, so two updates may have the same.
            if now == before:
                continue
            if as_json:
                _show(out, target, now, as_json=True)
            else:
                _tell_news(out, before, now)


def _show(out: Console, target: Target, tracking: Tracking, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(tracking.to_dict()).decode())
    else:
        print_timeline(out, tracking, target.registry)


def _tell_news(out: Console, before: Tracking, now: Tracking) -> None:
    at = f"{datetime.now().astimezone():%H:%M:%S}"
    head = Text(f"{at}  {plain(now.tracking_number)}  ").append(status_text(now))
    out.print(head, soft_wrap=True)
    old = [_identity(one) for one in before.checkpoints]
    for checkpoint in reversed(now.checkpoints):
        if _identity(checkpoint) not in old:
            out.print(checkpoint_line(checkpoint), soft_wrap=True)


def _identity(checkpoint: Checkpoint) -> tuple[str | None, str | None, str | None]:
    return checkpoint.time, checkpoint.text, checkpoint.location
