"""A parcel's history as lines for a terminal."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from parcelwire.client.models import Checkpoint, Status, Tracking
from parcelwire.couriers.registry import Registry

_STYLES: dict[str, str] = {
    Status.DELIVERED: "bold green",
    Status.PICKUP: "bold cyan",
    Status.UNDELIVERED: "bold yellow",
    Status.EXCEPTION: "bold red",
    Status.EXPIRED: "bold red",
}
_OVER = (Status.DELIVERED, Status.EXPIRED)


def console() -> Console:
    """Return where people read: standard output, with colours where the terminal has them."""
    return Console(file=sys.stdout, highlight=False)


def status_style(status: str) -> str:
    """Return the colour of a status."""
    return _STYLES.get(status, "bold")


def status_text(tracking: Tracking) -> Text:
    """Return status and substatus in their colour."""
    substatus = f" ({tracking.substatus})" if tracking.substatus else ""
    return Text(f"{tracking.status}{substatus}", style=status_style(tracking.status))


def print_timeline(console: Console, tracking: Tracking, registry: Registry) -> None:
    """Print number, courier, status and the checkpoints, newest first."""
    courier = registry.get(tracking.courier_code)
    name = courier.name if courier is not None else tracking.courier_code
    head = Text(f"{plain(tracking.tracking_number)}  {plain(name)}  ")
    console.print(head.append(status_text(tracking)), soft_wrap=True)
    if tracking.title:
        console.print(Text(f"  {plain(tracking.title)}", style="dim"), soft_wrap=True)
    if tracking.scheduled_delivery_date and tracking.status not in _OVER:
        console.print(f"  expected by {plain(tracking.scheduled_delivery_date)}", markup=False)
    points = tracking.checkpoints
    for checkpoint in points:
        console.print(checkpoint_line(checkpoint), soft_wrap=True)
    if not points:
        console.print("  no events yet")
    link = courier.link(tracking.tracking_number) if courier is not None else None
    if link is not None:
        console.print(Text(plain(link), style="dim"), soft_wrap=True)


def checkpoint_line(checkpoint: Checkpoint) -> Text:
    """Return one checkpoint: when, what, where."""
    line = Text(f"  {_when(checkpoint):16}  ")
    line.append(plain(checkpoint.text or ""), style=_STYLES.get(checkpoint.status or "", ""))
    place = checkpoint.location or checkpoint.city
    if place:
        line.append(f"  {plain(place)}", style="dim")
    return line


def _when(checkpoint: Checkpoint) -> str:
    written, moment = checkpoint.time or "", checkpoint.local_time
    if moment is None:
        return plain(written)
    if len(written) == len("2026-03-01"):
        return f"{moment:%Y-%m-%d}"
    unknown = " (time zone unknown)" if checkpoint.occurred_at is None else ""
    return f"{moment:%Y-%m-%d %H:%M}{unknown}"


def short(moment: datetime | None) -> str:
    """Return a time for a table: UTC, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}Z" if moment is not None else ""


def plain(text: str) -> str:
    """Return what a carrier or a shop wrote without what would move a terminal's cursor."""
    return "".join(c if c.isprintable() else " " for c in text)
