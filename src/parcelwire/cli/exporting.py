"""``parcelwire export``.

Write trackings to a file, without ever holding more than a page.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

import click
import msgspec

from parcelwire.cli.common import run_async
from parcelwire.cli.exit_codes import CommandError
from parcelwire.cli.filters import Wanted, filter_options, select
from parcelwire.cli.progress import progress
from parcelwire.cli.spreadsheet import guarded
from parcelwire.cli.target import TargetOptions, open_target, target_options
from parcelwire.client.models import Tracking

COLUMNS: Final = (
    *("tracking_number", "courier_code", "delivery_status", "substatus"),
    *("order_number", "order_id", "order_date", "title"),
    *("customer_name", "customer_email", "customer_sms", "recipient_postcode"),
    *("note", "label", "logistics_channel", "origin_country", "destination_country"),
    *("tracking_postal_code", "tracking_ship_date", "tracking_origin_country"),
    *("tracking_destination_country", "tracking_courier_account", "tracking_key"),
    *("created_at", "update_at", "latest_event", "latest_checkpoint_time"),
    *("scheduled_delivery_date", "signed_by", "transit_time", "archived", "id"),
)
"""Of a CSV file, by their names on the wire; ``import`` knows those that a create takes."""

FORMATS: Final = ("csv", "json", "ndjson")
PAGE: Final = 200
RETRIES: Final = 6


@click.command()
@filter_options
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="Output format; default: from the file extension, else csv.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Output file; default: standard output.",
)
@target_options
@click.pass_context
@run_async
async def export(
    ctx: click.Context,
    wanted: Wanted,
    form: str | None,
    output: Path | None,
    options: TargetOptions,
) -> None:
    """Export trackings to a file, newest first.

    CSV has one row for each parcel and can be imported again; JSON holds everything, histories
    included, as one array or (ndjson) one object on each line. A file appears when it is whole.

    \b
    parcelwire export -o parcels.csv
    parcelwire export --status delivered --since 30d --format ndjson > delivered.ndjson
    parcelwire export --profile hosted | parcelwire import - --profile own
    """
    ending = output.suffix.removeprefix(".").lower() if output is not None else ""
    form = form or (ending if ending in FORMATS else "csv")
    async with open_target(ctx, options, retries=RETRIES) as target:
        with Draft(output) as opened, progress("exporting") as bar:
            write = Writer(opened, form)
            async for tracking in select(target, wanted, PAGE):
                write.add(tracking)
                bar.advance(1)
            write.end()
    click.echo(f"{write.rows:,} parcels" + (f" in {output}" if output else ""), err=True)


class Draft:
    """A file that appears under its name when it is whole; or standard output."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._draft = file.with_name(f".{file.name}.{os.getpid()}") if file is not None else None
        self._opened: IO[str] | None = None

    def __enter__(self) -> IO[str]:
        if self._draft is None:
            return sys.stdout
        try:
            self._opened = self._draft.open("w", encoding="utf-8", newline="")
        except OSError as error:
            msg = f"cannot write {self._file}: {error.strerror}"
            raise CommandError(msg) from None
        return self._opened

    def __exit__(self, kind: object, *_: object) -> None:
        if self._opened is None or self._draft is None or self._file is None:
            return
        if kind is not None:
            self._opened.close()
            self._draft.unlink(missing_ok=True)
            return
        try:
            self._opened.flush()
            os.fsync(self._opened.fileno())
            self._opened.close()
            self._draft.replace(self._file)
        except OSError as error:
            self._draft.unlink(missing_ok=True)
            msg = f"cannot write {self._file}: {error.strerror}"
            raise CommandError(msg) from None


class Writer:
    """Writes trackings one by one in one of the forms."""

    def __init__(self, opened: IO[str], form: str) -> None:
        self.rows = 0
        self._opened = opened
        self._form = form
        adds: dict[str, Callable[[Tracking], None]] = {
            "csv": self._add_row,
            "json": self._add_object,
            "ndjson": self._add_line,
        }
        self._add = adds[form]
        self._table = csv.writer(opened)
        if form == "csv":
            self._table.writerow(COLUMNS)

    def add(self, tracking: Tracking) -> None:
        """Write one tracking."""
        self._add(tracking)
        self.rows += 1

    def end(self) -> None:
        """Write what stands after the last one."""
        if self._form == "json":
            self._opened.write("\n]\n" if self.rows else "[]\n")

    def _add_row(self, tracking: Tracking) -> None:
        said = tracking.to_dict()
        self._table.writerow([_cell(said.get(name), name) for name in COLUMNS])

    def _add_object(self, tracking: Tracking) -> None:
        self._opened.write(",\n" if self.rows else "[\n")
        self._opened.write(msgspec.json.encode(tracking.to_dict()).decode())

    def _add_line(self, tracking: Tracking) -> None:
        self._opened.write(msgspec.json.encode(tracking.to_dict()).decode() + "\n")


def _cell(value: Any, name: str) -> str:
    return guarded(value, name) if isinstance(value, str) else "" if value is None else str(value)
