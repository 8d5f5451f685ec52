"""One question to a carrier by this installation; nothing is stored."""

from __future__ import annotations

import click
import msgspec
from msgspec.structs import replace

from parcelwire.api.v4.render import Renderer
from parcelwire.bootstrap import Installation
from parcelwire.cli.common import active_account_of, opened, working
from parcelwire.cli.exit_codes import FAILED, NOT_FOUND, CommandError
from parcelwire.cli.outcome_texts import OUTCOME_TEXTS
from parcelwire.cli.selection import each
from parcelwire.cli.timeline import console, print_timeline
from parcelwire.client.models import Tracking
from parcelwire.client.reading import read
from parcelwire.config import Config
from parcelwire.domain.account import world_of
from parcelwire.domain.clock import DAY
from parcelwire.domain.merge import merge
from parcelwire.domain.report import Outcome
from parcelwire.domain.tracking import Details
from parcelwire.domain.tracking import Tracking as DomainTracking
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

_NOBODYS = (Outcome.UNKNOWN_NUMBER, Outcome.INVALID_NUMBER)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is said beside the number, and who asks."""

    courier_code: str | None
    postal_code: str | None
    ship_date: str | None
    """``YYYYMMDD``, as on the wire."""
    destination: str | None
    courier_account: str | None
    email: str | None
    is_test: bool


async def ask_once(
    config: Config, numbers: tuple[str, ...], question: Question, *, as_json: bool
) -> None:
    """Ask the carrier of each number once, and print what it says.

    Raises:
        CommandError: a number is nobody's, or its carrier gave no answer.
        InstallationError: this installation cannot be used.
    """
    async with opened(config, if_missing="use-temporary") as house:

        async def ask(number: str) -> None:
            tracking, problem = await _ask(house, number, question)
            if problem is not None:
                raise problem
            shown = _in_words_of_the_client(house, tracking)
            if as_json:
                click.echo(msgspec.json.encode(shown.to_dict()).decode())
            else:
                print_timeline(console(), shown, house.registry)

        await each(numbers, ask, verb="found")


async def _ask(
    house: Installation, number: str, question: Question
) -> tuple[DomainTracking, CommandError | None]:
    # The simulated carrier asks nobody's connections, and so does an installation without accounts.
    is_test, email = question.is_test, question.email
    has_owner = email is not None or (not is_test and await house.store.list_accounts())
    owner = (await active_account_of(house, email)).number if has_owner else 0
    world_id = world_of(owner, is_test)
    tracking = await _draft(house, world_id, number, question)
    if is_test:
        # A simulated story begins when its tracking is created: this one has lived through it all.
        age = SIMULATED_DAYS * DAY / house.config.carriers.simulated_time_scale
        tracking = replace(tracking, created_at=tracking.created_at - round(age))
    courier = house.registry.get(tracking.courier_code)
    name = courier.name if courier is not None else tracking.courier_code
    with working(f"asking {'the simulated carrier' if is_test else name}"):
        (report,) = await house.carriers.fetch(world_id, tracking.courier_code, [tracking])
    assert report is not None  # noqa: S101  # nobody else asks in this process
    if report.outcome is Outcome.FOUND:
        return merge(tracking, report).tracking, None
    detail = f" ({report.detail})" if report.detail else ""
    msg = f"{tracking.number} ({tracking.courier_code}): {OUTCOME_TEXTS[report.outcome]}{detail}"
    return tracking, CommandError(msg, NOT_FOUND if report.outcome in _NOBODYS else FAILED)


async def _draft(
    house: Installation, world_id: int, number: str, question: Question
) -> DomainTracking:
    details = Details(
        postal_code=question.postal_code,
        ship_date=question.ship_date,
        tracking_destination_country=question.destination,
        courier_account=question.courier_account,
    )
    draft = Draft(number=number, courier_code=question.courier_code, details=details)
    try:
        return await house.service.drafting.tracking(world_id, draft, house.clock.now())
    except (NumberMissingError, NumberInvalidError):
        msg = f"{number!r} cannot be a tracking number"
    except CourierUndetectedError:
        msg = f"no courier found for {number}; name it with --courier"
    except CourierUnknownError as error:
        msg = f"there is no courier {error}; see: parcelwire couriers {error}"
    except FieldsMissingError as error:
        options = " and ".join(_OPTION_OF.get(name, name) for name in error.fields)
        msg = f"{error.courier_code} requires more than the number: pass {options}"
    raise CommandError(msg)


def _in_words_of_the_client(house: Installation, tracking: DomainTracking) -> Tracking:
    rendered = Renderer(house.registry, house.carriers.phrase).tracking(tracking)
    return read(Tracking, msgspec.json.decode(rendered))
