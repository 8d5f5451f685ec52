"""``parcelwire notify``: test mails to customers and the channels to operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from parcelwire.cli import exit_codes
from parcelwire.cli.common import installation, run_async
from parcelwire.cli.exit_codes import CommandError
from parcelwire.domain.status import Status
from parcelwire.tracking.words import LANGUAGES

if TYPE_CHECKING:
    from parcelwire.bootstrap import Installation


@click.group()
def notify() -> None:
    """Test e-mail to customers and notifications to operators."""


@notify.command("test")
@click.option("--to", "address", metavar="E-MAIL", help="Send a sample mail to this address.")
@click.option(
    "--status",
    type=click.Choice([status.value for status in Status if status is not Status.PENDING]),
    default=Status.DELIVERED.value,
    show_default=True,
    help="Parcel status in the mail.",
)
@click.option(
    "--language",
    type=click.Choice(list(LANGUAGES)),
    default="en",
    show_default=True,
    help="Language of the mail.",
)
@click.option("--operators", is_flag=True, help="Send a test notification to the operators.")
@click.pass_context
@run_async
async def test(
    ctx: click.Context, address: str | None, status: str, language: str, operators: bool
) -> None:
    """Send a test mail to an address, or a test notification to the operators.

    \b
    parcelwire notify test --to you@shop.example --status exception --language de
    parcelwire notify test --operators
    """
    if not address and not operators:
        msg = "missing recipient: pass --to E-MAIL, --operators, or both"
        raise click.UsageError(msg)
    async with installation(ctx, if_missing="use-temporary") as house:
        if address:
            await _mail(house, address, Status(status), language)
        if operators:
            await _tell(house)


async def _mail(house: Installation, address: str, status: Status, language: str) -> None:
    from parcelwire.bootstrap.notices import sample_mail
    from parcelwire.notices.addresses import one_line
    from parcelwire.notices.smtp import Result

    if house.mailer is None:
        msg = "no mail server is set up (notifications.smtp_host, notifications.sender)"
        raise CommandError(msg)
    try:
        now = house.clock.now()
        mail = sample_mail(
            house.config,
            address,
            status=status,
            language=language,
            mail_id=house.identifiers.new_id(now),
            at=now,
        )
    except ValueError:
        msg = f"{one_line(address)} is no e-mail address"
        raise CommandError(msg) from None
    delivery = await house.mailer.send(mail)
    if delivery.result is Result.SENT:
        click.echo(f"{house.config.notifications.smtp_host} has taken a mail to {address}")
        return
    code = exit_codes.NO_ANSWER if delivery.result is Result.LATER else exit_codes.FAILED
    msg = f"{house.config.notifications.smtp_host} has not taken it ({delivery.result.value}):"
    raise CommandError(f"{msg} {delivery.detail}", code)


async def _tell(house: Installation) -> None:
    if house.channels is None:
        msg = "no channel to the operators is set up (notifications.operator_urls)"
        raise CommandError(msg)
    if not await house.channels.tell("Parcelwire: a test", "Notices for operators arrive here."):
        msg = "not all of the operators' channels took it; the log says more"
        raise CommandError(msg)
    click.echo("the operators' channels have taken a test notice")
