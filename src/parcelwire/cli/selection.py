"""The numbers that a command is given: which tracking each is, and how the command ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import click

from parcelwire.cli.command_target import Target
from parcelwire.cli.exit_codes import FAILED, NOT_FOUND, PARTLY, CommandError
from parcelwire.client.errors import AmbiguousTrackingError, InvalidRequestError, NotFoundError
from parcelwire.client.models import Tracking

OWN_FATE = (NotFoundError, InvalidRequestError, AmbiguousTrackingError)
"""What is wrong with one number alone; after anything else there is no use in going on."""


async def find(target: Target, number: str, courier: str | None) -> Tracking:
    """Return the tracking of a number.

    Raises:
        CommandError: it is not tracked, or with several couriers.
        ParcelwireError: the server gave no answer.
    """
    if not number.strip() or "," in number:
        msg = f"{number!r} cannot be a tracking number"
        raise CommandError(msg)
    try:
        return await target.client.trackings.get(number, courier)
    except NotFoundError:
        of = f" with {courier}" if courier else ""
        msg = f"{number} is not tracked{of} by {target.where}"
        raise CommandError(msg, NOT_FOUND) from None
    except AmbiguousTrackingError as error:
        couriers = ", ".join(sorted({one.courier_code for one in error.matches}))
        msg = f"{number} is tracked with several couriers; say which with --courier: {couriers}"
        raise CommandError(msg) from None


async def each(
    numbers: Sequence[str], work: Callable[[str], Awaitable[None]], *, verb: str
) -> None:
    """Do ``work`` for every number; what is wrong with one does not keep the others.

    Raises:
        CommandError: one was refused; with several numbers, how many of them.
        ParcelwireError: the server gave no answer.
    """
    faults: list[CommandError] = []
    for number in dict.fromkeys(numbers):
        try:
            await work(number)
        except CommandError as error:
            faults.append(error)
        except OWN_FATE as error:
            code = NOT_FOUND if isinstance(error, NotFoundError) else FAILED
            faults.append(CommandError(f"{number}: {error.message}", code))
    if len(numbers) == 1 and faults:
        raise faults[0]
    for fault in faults:
        click.echo(f"parcelwire: {fault}", err=True)
    if faults:
        done = len(dict.fromkeys(numbers)) - len(faults)
        codes = {fault.code for fault in faults}
        code = PARTLY if done else codes.pop() if len(codes) == 1 else FAILED
        msg = f"{len(faults)} of {done + len(faults)} were not {verb}"
        raise CommandError(msg, code)
