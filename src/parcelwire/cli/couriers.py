"""``parcelwire couriers`` and ``parcelwire detect``: no installation needed."""

from __future__ import annotations

import json
from pathlib import Path

import click
import msgspec

from parcelwire.couriers.detection import Hints, default_detector
from parcelwire.couriers.number import normalise
from parcelwire.couriers.registry import default_registry


@click.command()
@click.argument("search", required=False, default="")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def couriers(search: str, as_json: bool) -> None:
    """List the couriers Parcelwire knows, or those that match SEARCH."""
    registry = default_registry()
    found = registry.search(search) if search else list(registry.all())
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for courier in found:
        wants = f"  wants {', '.join(courier.required_fields)}" if courier.required_fields else ""
        click.echo(f"{courier.code:28} {courier.country or '  '}  {courier.name}{wants}")
    if not found:
        click.echo(f"No courier matches {search!r}.", err=True)


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
def detect(
    number: str | None,
    destination: str | None,
    origin: str | None,
    file: Path | None,
    as_json: bool,
) -> None:
    """Say whose number NUMBER is, how sure that is, and why."""
    if file is not None:
        from parcelwire.couriers.evaluation import evaluate  # only here

        evaluation = evaluate(file)
        if as_json:
            click.echo(json.dumps(msgspec.to_builtins(evaluation), ensure_ascii=False, indent=2))
        else:
            click.echo(str(evaluation))
        return
    if number is None:
        msg = "give a tracking number, or --evaluate FILE"
        raise click.UsageError(msg)
    hints = Hints(destination_country=destination, origin_country=origin)
    candidates = default_detector().detect(normalise(number), hints)
    if as_json:
        click.echo(msgspec.json.encode(candidates).decode())
        return
    if not candidates:
        msg = f"{number} fits no courier's numbers"
        raise click.ClickException(msg)
    registry = default_registry()
    for candidate in candidates:
        courier = registry.get(candidate.courier_code)
        name = courier.name if courier is not None else candidate.courier_code
        click.echo(f"{candidate.probability:6.1%}  {candidate.courier_code:24} {name}")
        for reason in candidate.reasons:
            click.echo(f"          {reason}")
