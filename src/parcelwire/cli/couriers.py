"""``parcelwire couriers`` and ``parcelwire detect``: no installation needed."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from parcelwire.bootstrap import InstallationError, SystemClock, load_registry
from parcelwire.cli.countries import read_country
from parcelwire.cli.courier_list import fetch_list
from parcelwire.cli.support import read_config, run_async, working
from parcelwire.couriers.detection import Hints, default_detector
from parcelwire.couriers.evaluation import Evaluation, evaluate
from parcelwire.couriers.number import is_plausible, normalise
from parcelwire.couriers.refresh import CourierListError, ListFile, compare, read_list, write_file
from parcelwire.couriers.registry import default_registry
from parcelwire.domain.clock import iso_utc

TRACKINGMORE = "https://api.trackingmore.com"


class SearchGroup(click.Group):
    """A group in which a word that is no command is what ``list`` searches for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``list`` before anything that is neither a command nor a plea for help."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=SearchGroup)
def couriers() -> None:
    """List the couriers Parcelwire knows; refresh them from a TrackingMore account.

    \b
    parcelwire couriers                # all of them
    parcelwire couriers swiss post     # those that match
    parcelwire couriers refresh        # take over TrackingMore's list of today
    """


@couriers.command("list")
@click.argument("words", nargs=-1, metavar="[SEARCH]")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_context
def list_couriers(ctx: click.Context, words: tuple[str, ...], as_json: bool) -> None:
    """List all couriers, or those whose code, name or home page matches SEARCH."""
    registry = load_registry(read_config(ctx))
    search = " ".join(words)
    found = registry.search(search) if search else list(registry.all())
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for courier in found:
        wants = f"  wants {', '.join(courier.required_fields)}" if courier.required_fields else ""
        click.echo(f"{courier.code:28} {courier.country or '  '}  {courier.name}{wants}")
    if not found:
        msg = f"no courier matches {search!r}"
        raise InstallationError(msg)


@couriers.command("refresh")
@click.option(
    "--api-key",
    envvar="TRACKINGMORE_API_KEY",
    help="Key of a TrackingMore account; asked for unseen.  [env: TRACKINGMORE_API_KEY]",
)
@click.option(
    "--base-url", default=TRACKINGMORE, show_default=True, help="Where the list is asked for."
)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.pass_context
@run_async
async def refresh(ctx: click.Context, api_key: str | None, base_url: str, dry_run: bool) -> None:
    """Take over the list of couriers that a TrackingMore account sees today.

    It is kept in a file (carriers.registry_file) and adds to the built-in couriers; nothing is
    taken away. Running servers use it from their next start on.
    """
    file = Path(read_config(ctx).carriers.registry_file)
    if api_key is None:
        api_key = click.prompt("API key of the TrackingMore account", hide_input=True)
    url = f"{base_url.rstrip('/')}/v4/couriers/all"
    try:
        with working(f"asking {url}"):
            listed = read_list(await fetch_list(url, api_key))
        differences = compare(default_registry(), listed)
        if not dry_run:
            now = iso_utc(SystemClock().now())
            write_file(file, ListFile(source=url, fetched_at=now, couriers=listed))
    except CourierListError as error:
        msg = f"{url}: {error}"
        raise InstallationError(msg) from None
    except OSError as error:
        msg = f"cannot write {file}: {error.strerror} (carriers.registry_file)"
        raise InstallationError(msg) from None
    click.echo(
        f"{len(listed)} couriers are listed; beside the built-in ones {len(differences.new)} are"
        f" new, {len(differences.changed)} changed, {len(differences.missing)} no longer listed"
    )
    for code in differences.new:
        click.echo(f"  new: {code}")
    click.echo("nothing was stored" if dry_run else f"stored in {file}")


@click.command()
@click.argument("number", required=False)
@click.option("--destination", help="Destination country, ISO 3166 alpha-2.")
@click.option("--origin", help="Origin country, ISO 3166 alpha-2.")
@click.option(
    "--evaluate",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Judge detection on a file of labelled numbers.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of lines.")
@click.pass_context
def detect(
    ctx: click.Context,
    number: str | None,
    destination: str | None,
    origin: str | None,
    file: Path | None,
    as_json: bool,
) -> None:
    """Say whose number NUMBER is, how sure that is, and why.

    \b
    parcelwire detect 99.00.123456.12345678
    parcelwire detect 12345678901234 --destination IT
    parcelwire detect --evaluate numbers.json --json
    """
    if (number is None) == (file is None):
        msg = "give a tracking number, or --evaluate FILE"
        raise click.UsageError(msg)
    if file is not None:
        _judge(file, as_json=as_json)
        return
    hints = Hints(
        destination_country=read_country(destination), origin_country=read_country(origin)
    )
    compact = normalise(number or "")
    candidates = default_detector().detect(compact, hints) if is_plausible(compact) else []
    if as_json:
        click.echo(msgspec.json.encode(candidates).decode())
    if not candidates:
        msg = f"{number} fits no courier's numbers"
        raise InstallationError(msg)
    if as_json:
        return
    registry = load_registry(read_config(ctx))
    for candidate in candidates:
        courier = registry.get(candidate.courier_code)
        name = courier.name if courier is not None else candidate.courier_code
        click.echo(f"{candidate.probability:6.1%}  {candidate.courier_code:24} {name}")
        for reason in candidate.reasons:
            click.echo(f"          {reason}")


def _judge(file: Path, *, as_json: bool) -> None:
    try:
        with working(f"detecting the numbers of {file}"):
            evaluation = evaluate(file)
    except (OSError, msgspec.DecodeError) as error:
        msg = f"cannot use {file}: {error}"
        raise InstallationError(msg) from None
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(evaluation)).decode())
        return
    for line in _lines(evaluation):
        click.echo(line)


def _lines(evaluation: Evaluation) -> list[str]:
    """Return the table for people: shares by group, then what was taken for what."""
    lines = [
        f"{evaluation.numbers} numbers; shares of the right courier among the answers",
        "",
        f"{'':12} {'valid':>6} {'top 1':>7} {'top 3':>7} {'any':>7} {'answered':>9}"
        f" {'invalid':>8} {'rejected':>9}",
    ]
    lines += [
        f"{name:12} {one.valid:6} {one.top_1:7.1%} {one.top_3:7.1%} {one.any:7.1%}"
        f" {one.answered:9.1%} {one.invalid:8} {one.rejected_invalid:9.1%}"
        for name, one in evaluation.groups.items()
    ]
    lines += [
        "",
        f"rejected invalid numbers, all groups: {evaluation.rejected_invalid:.1%}",
        f"calibration error, real numbers: {evaluation.calibration_error:.3f}",
    ]
    if evaluation.confusion:
        lines += ["", "Taken for another courier (- for nobody's number), all valid numbers:"]
    for right, answers in evaluation.confusion.items():
        said = ", ".join(f"{code} {count}" for code, count in answers.items())
        lines.append(f"  {right:24} {said}")
    return lines
