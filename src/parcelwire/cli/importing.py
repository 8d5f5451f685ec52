"""``parcelwire import``: start tracking the numbers of a CSV file, each exactly once."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import click
import msgspec

from parcelwire.cli.command_target import Target
from parcelwire.cli.common import run_async
from parcelwire.cli.exit_codes import PARTLY, CommandError
from parcelwire.cli.import_runner import Loader, Outcome
from parcelwire.cli.import_state import Journal
from parcelwire.cli.logins import state_folder
from parcelwire.cli.progress import progress
from parcelwire.cli.spreadsheet import (
    Form,
    Row,
    Sheet,
    examine,
    guarded,
    parse_columns,
    reading,
)
from parcelwire.cli.target import TargetOptions, open_target, target_options
from parcelwire.cli.timeline import plain
from parcelwire.client.errors import ParcelwireError

RETRIES = 12
"""About a minute: a server that is started again is waited for."""
SHOWN = 20
"""Refused rows that are printed; the report has all."""


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--courier", help="Courier code for rows that have none.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="HEADING=FIELD",
    help="Map a column to a field (empty: ignore it); repeatable.",
)
@click.option("--encoding", help="Encoding of the file; default: detected.")
@click.option("--delimiter", help="Cell delimiter; default: detected.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write rejected rows with the reason to FILE, to correct and import again.",
)
@click.option("--dry-run", is_flag=True, help="Show how the file is read; send nothing.")
@click.option(
    "--restart", is_flag=True, help="Start over instead of resuming an interrupted import."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@target_options
@click.pass_context
@run_async
async def import_file(
    ctx: click.Context,
    file: Path,
    courier: str | None,
    columns: tuple[str, ...],
    encoding: str | None,
    delimiter: str | None,
    report: Path | None,
    dry_run: bool,
    restart: bool,
    as_json: bool,
    options: TargetOptions,
) -> None:
    """Import the tracking numbers of FILE (CSV; - for standard input), 40 per call.

    Columns are recognised by their headings, as most programs and TrackingMore write them; encoding
    and delimiter are detected. Numbers that are already tracked stay unchanged. If it was killed or
    lost the server, the same command resumes where it was, and creates no parcel twice.

    \b
    parcelwire import orders.csv
    parcelwire import orders.csv --dry-run
    parcelwire import orders.csv --courier swiss-post --column "Ref.=order_number" --report bad.csv
    """
    if delimiter is not None and len(delimiter) != 1:
        msg = "--delimiter takes one character"
        raise click.UsageError(msg)
    mapped = parse_columns(columns)
    with ExitStack() as stack:
        stack.enter_context(reading())
        if str(file) == "-":
            file = stack.enter_context(_spooled())
        elif not file.is_file():
            msg = f"there is no file {file}"
            raise CommandError(msg)
        form = examine(file, encoding=encoding, delimiter=delimiter)
        async with open_target(ctx, options, retries=RETRIES) as target:
            sheet = Sheet(
                file, form, mapped, courier=courier, resolve=lambda word: _code(target, word)
            )
            if dry_run:
                _explain(sheet)
                return
            journal = stack.enter_context(Journal(_journal_file(target, form, sheet, courier)))
            result = await _run(target, sheet, journal, report, restart=restart)
    _tell(result, as_json=as_json, report=report)
    if result.rejected:
        msg = f"{result.rejected} of {result.rows} rows were rejected"
        raise CommandError(msg, PARTLY)


class _spooled:  # noqa: N801  (used like a function)
    """Standard input as a file: it is read twice."""

    def __enter__(self) -> Path:
        self._file = tempfile.NamedTemporaryFile(prefix="parcelwire-import-", suffix=".csv")
        shutil.copyfileobj(sys.stdin.buffer, self._file)
        self._file.flush()
        return Path(self._file.name)

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _code(target: Target, word: str) -> str:
    """Return the courier's code for what a column says: a code, a name, another service's word."""
    courier = target.registry.resolve_or_name(word)
    return courier.code if courier is not None else word


def _journal_file(target: Target, form: Form, sheet: Sheet, courier: str | None) -> Path:
    # What makes other creates of the same file is another import.
    engine = target.client.engine.settings
    same = (
        form.digest,
        target.where,
        hashlib.sha256(engine.api_key.encode()).hexdigest(),
        sheet.fields,
        courier,
    )
    name = hashlib.sha256(msgspec.json.encode(same)).hexdigest()[:32]
    return state_folder(os.environ) / "imports" / f"{name}.ndjson"


class Result(msgspec.Struct, kw_only=True):
    """What became of the whole file."""

    rows: int = 0
    created: int = 0
    existing: int = 0
    rejected: int = 0
    first_rejected: list[str] = []


async def _run(
    target: Target, sheet: Sheet, journal: Journal, report: Path | None, *, restart: bool
) -> Result:
    loader = Loader(target.client, journal)
    await loader.begin(restart=restart)
    if journal.rows:
        click.echo(f"going on after row {journal.rows:,} of an interrupted import", err=True)
    result = Result()
    bar = progress("importing", total=sheet.form.rows)
    try:
        with bar, Report(report, sheet) as written:
            async for row, outcome in loader.load(sheet.rows()):
                _count(result, written, row, outcome)
                bar.advance(1)
    except ParcelwireError as error:
        click.echo(
            f"{journal.rows:,} rows are through; the same command goes on from there", err=True
        )
        raise error
    if loader.is_quota_used_up:
        msg = (
            f"the account's number of parcels is used up after {journal.rows:,} rows;"
            " the same command goes on from there"
        )
        raise CommandError(msg, PARTLY)
    journal.finish()
    return result


def _count(result: Result, report: Report, row: Row, outcome: Outcome) -> None:
    result.rows += 1
    if outcome.is_created:
        result.created += 1
    elif outcome.is_existing:
        result.existing += 1
    else:
        result.rejected += 1
        report.add(row, outcome)
        if len(result.first_rejected) < SHOWN:
            number = row.fields.get("tracking_number", "")
            parcel = "" if row.problem else f"{number}: {outcome.code} "
            result.first_rejected.append(plain(f"line {row.line}: {parcel}{outcome.reason}"))


class Report:
    """Refused rows as they stood, with two further columns: a file that can be imported again."""

    def __init__(self, file: Path | None, sheet: Sheet) -> None:
        self._file = file
        self._sheet = sheet
        self._opened: IO[str] | None = None

    def __enter__(self) -> Report:
        if self._file is not None:
            try:
                self._opened = self._file.open("w", encoding="utf-8-sig", newline="")
            except OSError as error:
                msg = f"cannot write {self._file}: {error.strerror}"
                raise CommandError(msg) from None
            self._rows = csv.writer(self._opened, delimiter=self._sheet.form.delimiter)
            self._rows.writerow([*self._sheet.headings, "refused in line", "refused because"])
        return self

    def add(self, row: Row, outcome: Outcome) -> None:
        """Write one refused row."""
        if self._opened is None:
            return
        width = len(self._sheet.headings)
        cells = (row.cells + [""] * width)[:width]
        self._rows.writerow([*cells, row.line, guarded(outcome.reason)])

    def __exit__(self, *_: object) -> None:
        if self._opened is not None:
            self._opened.close()


def _explain(sheet: Sheet) -> None:
    form = sheet.form
    delimiter = {"\t": "tabs"}.get(form.delimiter, repr(form.delimiter))
    click.echo(f"encoding {form.encoding}, cells between {delimiter}")
    field_at = {index: field for field, index in sheet.fields.items()}
    for index, heading in enumerate(sheet.headings):
        click.echo(f"  {plain(heading):30} {field_at.get(index, '(not used)')}")
    rows = problems = 0
    for row in sheet.rows():
        rows += 1
        if row.problem:
            problems += 1
            if problems <= SHOWN:
                click.echo(f"line {row.line}: {row.problem}", err=True)
    click.echo(f"{rows:,} rows, {problems:,} of them unusable; nothing was sent")


def _tell(result: Result, *, as_json: bool, report: Path | None) -> None:
    for line in result.first_rejected:
        click.echo(line, err=True)
    if result.rejected > SHOWN:
        where = f"; all are in {report}" if report else "; see all with --report FILE"
        click.echo(f"and {result.rejected - SHOWN:,} more{where}", err=True)
    if as_json:
        names = ("rows", "created", "existing", "rejected")
        click.echo(msgspec.json.encode({name: getattr(result, name) for name in names}).decode())
        return
    click.echo(
        f"{result.rows:,} rows: {result.created:,} created,"
        f" {result.existing:,} already tracked, {result.rejected:,} rejected"
    )
