"""Mails of a whole installation: its workers, its settings, its command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from parcelwire.bootstrap import open_installation
from parcelwire.config import NotificationsSection
from parcelwire.domain.account import world_of
from parcelwire.domain.brand import Brand, encode_brand
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Details
from parcelwire.tracking.journeys import JourneyFilter
from parcelwire.tracking.ports import NewTracking, Save
from tests.contract.store.samples import make_event, make_tracking
from tests.support.dashboard import dashboard_config
from tests.support.mail_server import MailBox, mail_server
from tests.support.terminal import Terminal

JO = "jo@customer.example"
SENDER = "parcels@shop.example"


async def until(is_so: Callable[[], object], seconds: float = 20) -> None:
    for _ in range(round(seconds / 0.05)):
        if is_so():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came to be")


async def test_the_workers_of_an_installation_tell_customers_and_keep_journeys(
    tmp_path: Path,
) -> None:
    box = MailBox()
    with mail_server(box) as port:
        notices = NotificationsSection(
            smtp_host="127.0.0.1",
            smtp_port=port,
            security="none",
            sender=SENDER,
            auto_notify_accounts=("shop@example.com",),
        )
        house = await open_installation(dashboard_config(tmp_path, notifications=notices))
        try:
            now = house.clock.now()
            account = await house.store.add_account("shop@example.com", now=now)
            world_id = world_of(account.number, is_test=False)
            brand = encode_brand(Brand(mails_unasked=True))
            await house.store.change_record(
                "brand", str(account.number), "brand", lambda _: brand, at=now
            )
            tracking = make_tracking(
                world_id=world_id, created_at=now, details=Details(customer_email=JO)
            )
            await house.store.create_trackings(
                [NewTracking(tracking=tracking, due_at=None, due_reason="")]
            )
            house.start_workers()

            for _ in range(400):
                if await house.store.load_record("cursor", str(world_id), "notices"):
                    break
                await asyncio.sleep(0.05)
            after = replace(
                tracking,
                version=2,
                sequence=1,
                status=Status.DELIVERED,
                updated_at=house.clock.now() + 1,
            )
            event = make_event(after)
            assert await house.store.save(Save(tracking=after, expected_version=1, event=event))
            await until(lambda: box.taken)
            assert box.recipients == [JO]
            assert box.mails[0]["Subject"] == "Your parcel was delivered"
            await house.stop_workers()
            # The carrier has said nothing: there is no journey to count.
            assert await house.store.count_journeys(world_id, JourneyFilter(), ["status"]) == []
        finally:
            await house.close()


def test_a_test_mail(terminal: Terminal) -> None:
    box = MailBox()
    with mail_server(box) as port:
        terminal.set(
            NOTIFICATIONS_SMTP_HOST="127.0.0.1",
            NOTIFICATIONS_SMTP_PORT=str(port),
            NOTIFICATIONS_SECURITY="none",
            NOTIFICATIONS_SENDER=SENDER,
        )
        call = ("notify", "test", "--to", JO, "--status", "exception", "--language", "de")
        assert JO in terminal(*call)
        assert box.recipients == [JO]
        assert "Mit Ihrem Paket gibt es ein Problem" in box.mails[0]["Subject"]
        box.answers[JO] = "550 nobody here"
        assert "refused" in terminal.fails(*call)
        assert "no e-mail address" in terminal.fails("notify", "test", "--to", "jo@x\nBcc: y@z.aa")
    assert "has not taken it (later)" in terminal.fails(*call, code=5)
    assert "operator_urls" in terminal.fails("notify", "test", "--operators")


def test_without_a_mail_server(terminal: Terminal) -> None:
    assert "notifications.smtp_host" in terminal.fails("notify", "test", "--to", JO)
    terminal.set(NOTIFICATIONS_SMTP_HOST="127.0.0.1")
    assert "notifications.sender" in terminal.fails("notify", "test", "--to", JO)


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
def test_a_channel_that_is_none(terminal: Terminal) -> None:
    terminal.set(NOTIFICATIONS_OPERATOR_URLS='["nosuch://secret-word@x"]')
    said = terminal.fails("notify", "test", "--operators")
    assert "notifications.operator_urls" in said
    assert "secret-word" not in said


def test_a_password_file_that_is_not_there(terminal: Terminal) -> None:
    terminal.set(
        NOTIFICATIONS_SMTP_HOST="127.0.0.1",
        NOTIFICATIONS_SENDER=SENDER,
        NOTIFICATIONS_USERNAME="shop",
        NOTIFICATIONS_PASSWORD_FILE="missing.txt",
    )
    assert "notifications.password_file" in terminal.fails("notify", "test", "--to", JO)
