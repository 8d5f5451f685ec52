"""``parcelwire track``: ask once, print the timeline; nothing is stored."""

from __future__ import annotations

import os
import tempfile
from datetime import datetime
from pathlib import Path

import click
import msgspec
from msgspec.structs import replace
from rich.console import Console

from parcelwire.bootstrap import Installation, InstallationError, open_installation
from parcelwire.cli.couriers import read_country
from parcelwire.cli.support import account_of, read_config, run_async, working
from parcelwire.cli.timeline import print_timeline
from parcelwire.config import Config
from parcelwire.domain.account import world_of
from parcelwire.domain.clock import DAY
from parcelwire.domain.merge import merge
from parcelwire.domain.report import Outcome
from parcelwire.domain.tracking import Details
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.errors import (
    CourierUndetectedError,
    CourierUnknownError,
    FieldsMissingError,
    NumberInvalidError,
    NumberMissingError,
)

SIMULATED_DAYS = 60
"""Longer than any story of the simulated carrier."""

_OPTION_OF = {
    "postal_code": "--postal-code",
    "ship_date": "--ship-date",
    "destination_country": "--destination",
    "account": "--courier-account",
}
"""The registry's names of extra fields -> the options that take them."""

_SAYS = {
    Outcome.UNKNOWN_NUMBER: "the carrier does not know this number (yet)",
    Outcome.INVALID_NUMBER: "the carrier says that no such number exists",
    Outcome.AUTH_FAILED: "the carrier refused the credentials; see: parcelwire connection list",
    Outcome.RATE_LIMITED: "the carrier asks us to wait",
    Outcome.UNAVAILABLE: "the carrier does not answer",
    Outcome.NOT_UNDERSTOOD: "the carrier's answer was not understood",
    Outcome.NO_CONNECTION: "there is no way to ask this carrier; see: parcelwire connection add",
}


@click.command()
@click.argument("number")
@click.option("--courier", help="Courier code; default: found out from the number.")
@click.option("--postal-code", help="Where a courier wants it beside the number.")
@click.option("--ship-date", type=click.DateTime(["%Y-%m-%d"]), help="The same; YYYY-MM-DD.")
@click.option("--destination", help="The same; country, ISO 3166 alpha-2.")
@click.option("--courier-account", help="The same; your account with the courier.")
@click.option("--account", "email", help="Ask with this account's connections.")
@click.option("--test", "is_test", is_flag=True, help="Ask the simulated carrier.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of lines.")
@click.pass_context
@run_async
async def track(
    ctx: click.Context,
    number: str,
    courier: str | None,
    postal_code: str | None,
    ship_date: datetime | None,
    destination: str | None,
    courier_account: str | None,
    email: str | None,
    is_test: bool,
    as_json: bool,
) -> None:
    """Ask NUMBER's carrier once and print what it says.

    \b
    parcelwire track 99.00.123456.12345678
    parcelwire track SIM-CUSTOMS-0001 --test --courier swiss-post
    """
    with tempfile.TemporaryDirectory(prefix="parcelwire-track-") as folder:
        house = await open_installation(_passing(read_config(ctx), Path(folder)))
        try:
            await house.check_key()
            details = Details(
                postal_code=postal_code,
                ship_date=f"{ship_date:%Y%m%d}" if ship_date else None,
                asked_destination_country=read_country(destination),
                courier_account=courier_account,
            )
            draft = Draft(number=number, courier_code=courier, details=details)
            await _ask(house, draft, email, is_test=is_test, as_json=as_json)
        finally:
            await house.close()


def _passing(config: Config, folder: Path) -> Config:
    """Return settings that leave nothing behind when there is no installation here yet."""
    path = Path(config.store.url.removeprefix("sqlite:"))
    if not config.store.url.startswith("sqlite:") or path.exists():
        return config
    return replace(
        config,
        store=replace(config.store, url=f"sqlite:{folder / 'track.db'}"),
        secrets=replace(config.secrets, key_file=os.fspath(folder / "track.key")),
    )


async def _ask(
    house: Installation, draft: Draft, email: str | None, *, is_test: bool, as_json: bool
) -> None:
    # The simulated carrier asks nobody's connections, and so does an installation without accounts.
    has_owner = email is not None or (not is_test and await house.store.list_accounts())
    owner = (await account_of(house, email)).number if has_owner else 0
    world_id = world_of(owner, is_test)
    try:
        tracking = await house.service.drafting.tracking(world_id, draft, house.clock.now())
    except (NumberMissingError, NumberInvalidError):
        msg = f"{draft.number!r} cannot be a tracking number"
        raise InstallationError(msg) from None
    except CourierUndetectedError:
        msg = f"{draft.number} fits no courier's numbers; say which with --courier"
        raise InstallationError(msg) from None
    except CourierUnknownError as error:
        msg = f"there is no courier {error}; see: parcelwire couriers {error}"
        raise InstallationError(msg) from None
    except FieldsMissingError as error:
        options = " and ".join(_OPTION_OF.get(name, name) for name in error.fields)
        msg = f"{error.courier_code} wants more than the number; give {options}"
        raise InstallationError(msg) from None
    if is_test:
        # A simulated story begins when its tracking is created: this one has lived through it all.
        age = SIMULATED_DAYS * DAY / house.config.carriers.simulated_speed
        tracking = replace(tracking, created_at=tracking.created_at - round(age))
    courier = house.registry.get(tracking.courier_code)
    name = courier.name if courier is not None else tracking.courier_code
    with working(f"asking {'the simulated carrier' if is_test else name}"):
        (report,) = await house.carriers.ask(world_id, tracking.courier_code, [tracking])
    tracking = merge(tracking, report).tracking
    if as_json:
        click.echo(msgspec.json.encode({"outcome": report.outcome, "tracking": tracking}).decode())
    elif report.outcome is Outcome.FOUND:
        print_timeline(Console(), tracking, courier)
    if report.outcome is not Outcome.FOUND:
        detail = f" ({report.detail})" if report.detail else ""
        msg = f"{tracking.number} ({tracking.courier_code}): {_SAYS[report.outcome]}{detail}"
        raise InstallationError(msg)
