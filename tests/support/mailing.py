"""A house whose mails to customers go to a real mail server."""

from __future__ import annotations

import re

from msgspec.structs import replace

from parcelwire.couriers.registry import default_registry
from parcelwire.notices.settings import MailServer, NoticeSettings
from parcelwire.notices.smtp import SmtpMailer
from parcelwire.notices.worker import NoticeWorker
from parcelwire.pages.house import PageHouse
from tests.support.house import HouseUnderTest, SeededIdentifiers
from tests.support.pages import page_house


def mailing_worker(house: HouseUnderTest, port: int) -> NoticeWorker:
    """Return the house's worker, which sends by the mail server at ``port``."""
    return NoticeWorker(
        house.store,
        SmtpMailer(MailServer(host="127.0.0.1", port=port, security="none")),
        clock=house.clock,
        identifiers=SeededIdentifiers(31),
        registry=default_registry(),
        settings=NoticeSettings(
            sender="parcels@shop.example", public_url="https://track.shop.example"
        ),
    )


def pages_with(house: HouseUnderTest, worker: NoticeWorker) -> PageHouse:
    """Return the house of pages on which customers can ask for mails."""
    return replace(
        page_house(house),
        subscriber=worker.subscriptions,
        subscriptions=worker.subscriptions,
    )


def path_in(text: str) -> str:
    """Return where the link of a mail leads."""
    found = re.search(r"/n/[\w-]+", text)
    assert found is not None
    return found[0]
