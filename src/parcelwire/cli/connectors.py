"""``parcelwire connector``: for people who write connectors."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from parcelwire.cli import exit_codes
from parcelwire.cli.exit_codes import CommandError


@click.group()
def connector() -> None:
    """Write connectors: begin one, check it, record its cases (docs/connectors.md)."""


@connector.command("new")
@click.argument("code")
@click.option("--name", help="Name of the carrier.", prompt="Name of the carrier")
@click.option(
    "--country", help="Home country (ISO 3166 alpha-2).", prompt="Country (ISO 3166, two letters)"
)
@click.option(
    "--zone",
    help="Time zone of the carrier's clocks.",
    prompt="Time zone of its clocks (Europe/Zurich)",
)
@click.option(
    "--language",
    help="Language of its answers (ISO 639-1).",
    prompt="Language of its answers (ISO 639-1)",
    default="en",
)
@click.option("--host", help="Base URL of its API.", prompt="Where it is asked (https://...)")
@click.option(
    "--format",
    "answer_format",
    type=click.Choice(["json", "xml"]),
    help="Format of its answers.",
    prompt="Format of its answers",
    default="json",
)
@click.option(
    "--credentials",
    type=click.Choice(["none", "key", "token"]),
    help="What it wants; token: got with a client's id and secret.",
    prompt="Credentials (token: got with a client's id and secret)",
    default="key",
)
@click.option(
    "--dates",
    type=click.Choice(["ymd", "dmy", "mdy"]),
    help="Order of day, month and year in its dates.",
    prompt="Order of day, month and year",
    default="ymd",
)
@click.option(
    "--batch",
    type=int,
    help="How many numbers one request asks about.",
    prompt="Numbers that one request asks about",
    default=1,
)
@click.option(
    "--in",
    "parent",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Where the folder is made; default: here.",
)
def new(
    code: str,
    name: str,
    country: str,
    zone: str,
    language: str,
    host: str,
    answer_format: Literal["json", "xml"],
    credentials: Literal["none", "key", "token"],
    dates: Literal["ymd", "dmy", "mdy"],
    batch: int,
    parent: Path,
) -> None:
    """Begin a connector for the courier CODE; asks for what no option says."""
    from parcelwire.connectors.new import Answers, AnswersError, write_connector

    answers = Answers(
        code=code,
        name=name,
        country=country,
        zone=zone,
        language=language,
        host=host,
        format=answer_format,
        credentials=credentials,
        order=dates,
        batch=batch,
    )
    try:
        folder = write_connector(answers, parent)
    except FileExistsError:
        msg = f"{parent / answers.folder} is there already"
        raise CommandError(msg) from None
    except (AnswersError, OSError) as error:
        raise CommandError(str(error)) from None
    click.echo(f"{folder} written. Next: parcelwire connector check {folder}")


@connector.command("check")
@click.argument("which", nargs=-1)
def check(which: tuple[str, ...]) -> None:
    """Check connectors: files, status tables, fixtures, and the mock server, asked over HTTP.

    WHICH are codes of built-in carriers or folders; without any, all built-in carriers are checked.
    Every problem is printed with its file and line. The exit code is 1 if there is one.
    """
    from parcelwire.connectors.fixtures import list_cases
    from parcelwire.connectors.folders import (
        FolderError,
        built_in_folders,
        check_folder,
        find_folder,
        load_folder,
    )
    from parcelwire.connectors.package import package_of

    try:
        folders = [find_folder(one) for one in which] if which else built_in_folders()
    except FolderError as error:
        raise CommandError(str(error)) from None
    are_sound = True
    for folder in folders:
        problems = check_folder(folder)
        for problem in problems:
            click.echo(f"{folder.name}/{problem}")
        if problems:
            are_sound = False
            continue
        loaded = load_folder(folder)
        cases = len(list_cases(package_of(loaded)))
        click.echo(f"{loaded.manifest.code}: sound, {cases} cases, {loaded.manifest.quality}")
    if not are_sound:
        raise SystemExit(exit_codes.FAILED)


@connector.command("record")
@click.argument("which")
@click.argument("cases", nargs=-1, metavar="[CASE]...")
def record(which: str, cases: tuple[str, ...]) -> None:
    """Write CASE.out.json of a connector from CASE.in.json; without a CASE, those that are missing.

    WHICH is the code of a built-in carrier or a folder. Read what was written before you commit it:
    it is what the connector does, not what it should do.
    """
    import msgspec

    from parcelwire.connectors.fixtures import ReplayError
    from parcelwire.connectors.folders import (
        FolderError,
        find_folder,
        load_folder,
        missing_cases,
        record_case,
    )

    try:
        loaded = load_folder(find_folder(which))
    except FolderError as error:
        raise CommandError(str(error)) from None
    for case in cases or missing_cases(loaded):
        try:
            path = record_case(loaded, case)
        except FolderError as error:
            raise CommandError(str(error)) from None
        except (msgspec.MsgspecError, ReplayError, OSError) as error:
            msg = f"{case}: {error}"
            raise CommandError(msg) from None
        except (Exception, SystemExit) as error:  # noqa: BLE001  # the connector's own code
            msg = f"{case}: it raises {type(error).__name__}: {error}"
            raise CommandError(msg) from None
        click.echo(f"{path.name} written; read it before you keep it")
