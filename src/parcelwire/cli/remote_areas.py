"""``parcelwire remote-areas``: the operator's table that v2's remote call answers from."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import click

from parcelwire.bootstrap import InstallationError
from parcelwire.cli.common import installation, run_async, working

COLUMNS = ("country", "place", "company")


@click.group("remote-areas")
def remote_areas() -> None:
    """Manage the table of remote areas that v2's remote call uses."""


@remote_areas.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
@run_async
async def load(ctx: click.Context, file: Path) -> None:
    """Replace the table with FILE.

    FILE is CSV in UTF-8; its first line names the columns country (ISO 3166 alpha-2), place (postal
    code or town) and company. If a line is invalid, the table stays unchanged.
    """
    with working(f"reading {file}"):
        rows = list(_rows(file))
    async with installation(ctx) as house:
        with working(f"storing {len(rows)} remote areas"):
            count = await house.store.replace_remote_areas(rows)
    click.echo(f"{count} remote areas are loaded")


def _rows(file: Path) -> Iterator[tuple[str, str, str]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            reader = csv.DictReader(text)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                msg = f"{file} has no column {', '.join(missing)}; its first line must name them"
                raise InstallationError(msg)
            for row in reader:
                country, place, company = ((row[name] or "").strip() for name in COLUMNS)
                if len(country) != 2 or not country.isalpha() or not place or not company:
                    msg = (
                        f"{file}, line {reader.line_num}: wants a country of two letters,"
                        " a place and a company"
                    )
                    raise InstallationError(msg)
                yield country.upper(), place, company
    except UnicodeDecodeError:
        msg = f"{file} is not text in UTF-8"
        raise InstallationError(msg) from None
    except csv.Error as error:
        msg = f"{file} is no CSV: {error}"
        raise InstallationError(msg) from None
    except OSError as error:
        msg = f"cannot read {file}: {error.strerror}"
        raise InstallationError(msg) from None
