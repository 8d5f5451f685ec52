"""``parcelwire couriers`` and ``parcelwire detect``: neither server nor installation needed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from parcelwire.cli.common import read_config, run_async, working
from parcelwire.cli.countries import read_country
from parcelwire.cli.exit_codes import FAILED, CommandError
from parcelwire.cli.target import TargetOptions, login_of, open_target, server_options
from parcelwire.client.errors import InvalidRequestError
from parcelwire.couriers.detection import Hints, default_detector
from parcelwire.couriers.evaluation import Evaluation, evaluate
from parcelwire.couriers.number import is_plausible, normalise
from parcelwire.couriers.refresh import (
    CourierListError,
    ListFile,
    compare,
    read_list,
    write_file,
)
from parcelwire.couriers.registry import Courier, Registry, default_registry

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
    """List and search couriers; refresh them from a TrackingMore account.

    \b
    parcelwire couriers                # list all
    parcelwire couriers swiss post     # search
    parcelwire couriers refresh        # update them from TrackingMore's list
    """


@couriers.command("list")
@click.argument("words", nargs=-1, metavar="[SEARCH]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@server_options
@click.pass_context
@run_async
async def list_couriers(
    ctx: click.Context, words: tuple[str, ...], as_json: bool, options: TargetOptions
) -> None:
    """List couriers, or those whose code, name or home page matches SEARCH.

    Lists the couriers known here, or those of the server that you are logged in to.
    """
    registry = await _registry(ctx, options)
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
        raise CommandError(msg)


async def _registry(ctx: click.Context, options: TargetOptions) -> Registry:
    if login_of(ctx, options) is None:
        return registry_here(ctx)
    async with open_target(ctx, options) as target:
        with working(f"asking {target.where}"):
            listed = await target.client.couriers.list()
    return Registry(
        tuple(
            Courier(
                code=one.courier_code,
                name=one.courier_name or one.courier_code,
                country=one.courier_country_iso2,
                homepage=one.courier_url,
                phone=one.courier_phone,
                required_fields=one.tracking_required_fields or (),
            )
            for one in listed
        )
    )


def registry_here(ctx: click.Context) -> Registry:
    """Return the couriers known here.

    They are the package's own and those that connectors declare, with what was refreshed since.
    """
    from parcelwire.connectors.catalogue import CatalogueError, known_couriers, load_catalogue
    from parcelwire.connectors.simulated import CONNECTOR

    config = read_config(ctx)
    try:
        return known_couriers(load_catalogue(CONNECTOR), Path(config.carriers.registry_file))
    except CourierListError as error:
        msg = f"{error} (carriers.registry_file)"
        raise CommandError(msg) from None
    except CatalogueError as error:
        raise CommandError(str(error)) from None


@couriers.command("refresh")
@click.option(
    "--api-key",
    envvar="TRACKINGMORE_API_KEY",
    help="TrackingMore API key; default: prompts without echo.  [env: TRACKINGMORE_API_KEY]",
)
@click.option(
    "--base-url", default=TRACKINGMORE, show_default=True, help="Address of TrackingMore's API."
)
@click.option("--dry-run", is_flag=True, help="Show what would change.")
@click.pass_context
@run_async
async def refresh(ctx: click.Context, api_key: str | None, base_url: str, dry_run: bool) -> None:
    """Update the couriers from the list that a TrackingMore account sees.

    The list is stored in a file (carriers.registry_file) and adds to the built-in couriers; nothing
    is removed. Running servers use it after a restart.
    """
    from parcelwire.cli.trackingmore_couriers import fetch_list

    file = Path(read_config(ctx).carriers.registry_file)
    if api_key is None:
        api_key = click.prompt("API key of the TrackingMore account", hide_input=True)
    url = f"{base_url.rstrip('/')}/v4/couriers/all"
    try:
        with working(f"asking {url}"):
            listed = read_list(await fetch_list(url, api_key))
        differences = compare(default_registry(), listed)
        if not dry_run:
            now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}+00:00"
            write_file(file, ListFile(source=url, fetched_at=now, couriers=listed))
    except CourierListError as error:
        msg = f"{url}: {error}"
        raise CommandError(msg) from None
    except OSError as error:
        msg = f"cannot write {file}: {error.strerror} (carriers.registry_file)"
        raise CommandError(msg) from None
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
    help="Evaluate detection on a file of labelled numbers.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@server_options
@click.pass_context
@run_async
async def detect(
    ctx: click.Context,
    number: str | None,
    destination: str | None,
    origin: str | None,
    file: Path | None,
    as_json: bool,
    options: TargetOptions,
) -> None:
    """Detect the courier of NUMBER, with probabilities and reasons.

    Runs here, or on the server that you are logged in to, which also knows which couriers the
    account uses. TrackingMore's service gives neither probabilities nor reasons.

    \b
    parcelwire detect 99.00.123456.12345678
    parcelwire detect 12345678901234 --destination IT
    parcelwire detect 12345678901234 --profile shop
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
    if login_of(ctx, options) is None:
        registry = registry_here(ctx)
        found = _detect_here(number or "", hints, registry)
    else:
        found = await _ask_server(ctx, options, number or "", hints)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    if not found:
        msg = f"no courier found for {number}"
        raise CommandError(msg, FAILED)
    for one in [] if as_json else found:
        share = f"{one.probability:6.1%}" if one.probability is not None else "      "
        click.echo(f"{share}  {one.courier_code:24} {one.courier_name}")
        for reason in one.reasons:
            click.echo(f"          {reason}")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A courier whose number it can be."""

    courier_code: str
    courier_name: str
    probability: float | None = None
    """None: the server does not say."""
    reasons: tuple[str, ...] = ()


def _detect_here(number: str, hints: Hints, registry: Registry) -> list[Found]:
    compact = normalise(number)
    candidates = default_detector().detect(compact, hints) if is_plausible(compact) else []
    found = []
    for one in candidates:
        courier = registry.get(one.courier_code)
        found.append(
            Found(
                courier_code=one.courier_code,
                courier_name=courier.name if courier is not None else one.courier_code,
                probability=one.probability,
                reasons=tuple(one.reasons),
            )
        )
    return found


async def _ask_server(
    ctx: click.Context, options: TargetOptions, number: str, hints: Hints
) -> list[Found]:
    async with open_target(ctx, options) as target:
        with working(f"asking {target.where}"):
            try:
                if not target.has_native_api:
                    listed = await target.client.couriers.detect(number)
                    return [
                        Found(
                            courier_code=one.courier_code,
                            courier_name=one.courier_name or one.courier_code,
                        )
                        for one in listed
                    ]
                ranked = await target.client.couriers.candidates(
                    number,
                    destination_country=hints.destination_country,
                    origin_country=hints.origin_country,
                )
            except InvalidRequestError as error:
                msg = f"{number!r}: {error.message}"
                raise CommandError(msg) from None
    return [
        Found(
            courier_code=one.courier_code,
            courier_name=one.courier_name or one.courier_code,
            probability=one.probability,
            reasons=one.reasons,
        )
        for one in ranked
    ]


def _judge(file: Path, *, as_json: bool) -> None:
    try:
        with working(f"detecting the numbers of {file}"):
            evaluation = evaluate(file)
    except (OSError, msgspec.DecodeError) as error:
        msg = f"cannot use {file}: {error}"
        raise CommandError(msg) from None
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
