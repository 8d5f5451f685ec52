"""A parcel's history as lines for a terminal."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console
from rich.text import Text

from parcelwire.couriers.registry import Courier
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking

_STYLE = {
    Status.DELIVERED: "bold green",
    Status.PICKUP: "bold cyan",
    Status.UNDELIVERED: "bold yellow",
    Status.EXCEPTION: "bold red",
    Status.EXPIRED: "bold red",
}


def print_timeline(console: Console, tracking: Tracking, courier: Courier | None) -> None:
    """Print number, courier, status and the checkpoints, newest first."""
    name = courier.name if courier is not None else tracking.courier_code
    head = Text(f"{tracking.number}  {name}  ")
    head.append(
        f"{tracking.status}{f' ({tracking.substatus})' if tracking.substatus else ''}",
        style=_STYLE.get(tracking.status, "bold"),
    )
    console.print(head)
    if tracking.window is not None and not tracking.is_final:
        window = tracking.window
        span = (
            window.earliest
            if window.earliest == window.latest
            else f"{window.earliest} to {window.latest}"
        )
        console.print(f"expected {span}, says {window.said_by}")
    for checkpoint in reversed(tracking.visible_checkpoints):
        console.print(_line(checkpoint), soft_wrap=True)
    if not tracking.visible_checkpoints:
        console.print("  nothing has happened yet")
    link = courier.link(tracking.number) if courier is not None else None
    if link is not None:
        console.print(Text(link, style="dim"), soft_wrap=True)


def _line(checkpoint: Checkpoint) -> Text:
    moment = datetime.fromisoformat(checkpoint.local_time)
    when = f"{moment:%Y-%m-%d %H:%M}" if "T" in checkpoint.local_time else f"{moment:%Y-%m-%d}"
    if checkpoint.offset_minutes is None and "T" in checkpoint.local_time:
        when += " (time zone unknown)"
    line = Text(f"  {when:16}  ")
    line.append(
        checkpoint.text, style=_STYLE.get(checkpoint.status, "") if checkpoint.status else ""
    )
    place = checkpoint.location or checkpoint.city
    if place:
        line.append(f"  {place}", style="dim")
    return line
