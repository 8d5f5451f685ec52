"""``parcelwire create``: start tracking numbers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click
import msgspec

from parcelwire.cli.command_target import Target
from parcelwire.cli.common import courier_field_options, run_async, working
from parcelwire.cli.countries import read_country
from parcelwire.cli.exit_codes import FAILED, PARTLY, CommandError
from parcelwire.cli.target import TargetOptions, open_target, target_options
from parcelwire.cli.timeline import console, plain, print_timeline
from parcelwire.client.errors import ConflictError, InvalidRequestError, ParcelwireError

_FIELDS = {
    "courier": "courier_code",
    "title": "title",
    "order": "order_number",
    "customer": "customer_name",
    "customer_email": "customer_email",
    "customer_phone": "customer_sms",
    "note": "note",
    "label": "label",
    "postal_code": "tracking_postal_code",
    "ship_date": "tracking_ship_date",
    "destination": "tracking_destination_country",
    "courier_account": "tracking_courier_account",
    "tracking_key": "tracking_key",
    "language": "language",
}
"""Option -> name of the field on the wire."""


@click.command()
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER...")
@click.option("--courier", help="Courier code; default: detected from the number.")
@click.option("--title", help="Title, such as what is in the parcel.")
@click.option("--order", help="Order number.")
@click.option("--customer", help="Customer name.")
@click.option("--customer-email", help="Customer e-mail address.")
@click.option("--customer-phone", help="Customer phone number.")
@click.option("--note", help="Internal note.")
@click.option("--label", help="Label to group parcels by.")
@courier_field_options
@click.option("--tracking-key", help="Tracking key, if the courier requires one.")
@click.option("--language", help="Language of the events, such as de.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@target_options
@click.pass_context
@run_async
async def create(
    ctx: click.Context,
    /,
    numbers: tuple[str, ...],
    as_json: bool,
    options: TargetOptions,
    **given: Any,
) -> None:
    """Start tracking each NUMBER, and show what its carrier reports.

    \b
    parcelwire create 99.60.123456.78901234 --title "Two cups" --order 1017
    parcelwire create 9400111899223857925380 RA471108151CH --courier usps
    parcelwire create SIM-MISSED-0001 --courier swiss-post --test
    """
    ship_date: datetime | None = given["ship_date"]
    given["ship_date"] = ship_date.date() if ship_date is not None else None
    given["destination"] = read_country(given["destination"])
    fields = {wire: given[option] for option, wire in _FIELDS.items() if given[option]}
    async with open_target(ctx, options) as target:
        if len(numbers) == 1:
            await _create_one(target, numbers[0], fields, as_json=as_json)
        else:
            await _create_many(target, numbers, fields, as_json=as_json)


async def _create_one(
    target: Target, number: str, fields: dict[str, Any], *, as_json: bool
) -> None:
    try:
        with working(f"handing {number} to {target.where}"):
            tracking = await target.client.trackings.create(number, **fields)
    except InvalidRequestError as error:
        raise CommandError(refusal(number, error)) from None
    if as_json:
        click.echo(msgspec.json.encode(tracking.to_dict()).decode())
    else:
        print_timeline(console(), tracking, target.registry)


async def _create_many(
    target: Target, numbers: tuple[str, ...], fields: dict[str, Any], *, as_json: bool
) -> None:
    with working(f"handing {len(numbers)} numbers to {target.where}"):
        result = await target.client.trackings.create_many(
            {"tracking_number": number, **fields} for number in numbers
        )
    for item in result:
        if item.tracking is None:
            continue
        if as_json:
            click.echo(msgspec.json.encode(item.tracking.to_dict()).decode())
        else:
            courier = item.tracking.courier_code or ""
            click.echo(f"{plain(item.tracking_number):28} {courier:20} {item.tracking.id}")
    for item in result.failed:
        assert item.error is not None  # noqa: S101  (that is what failed means)
        click.echo(f"parcelwire: {refusal(item.tracking_number, item.error)}", err=True)
    if result.failed:
        msg = f"{len(result.failed)} of {len(result)} were rejected"
        raise CommandError(msg, PARTLY if result.created else FAILED)


def refusal(number: str, error: ParcelwireError) -> str:
    """Return in one line why a number was not taken."""
    if isinstance(error, ConflictError):
        courier = error.existing.courier_code if error.existing is not None else None
        return f"{number} is already tracked{f' with {courier}' if courier else ''}"
    return f"{number}: {error.message}"
