"""An office that mails customers: a real mail server, real stores, and parcels to tell of."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

from msgspec.structs import replace

from parcelwire.couriers.registry import default_registry
from parcelwire.domain.account import Account, world_of
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.status import DEFAULT_SUBSTATUS, Status, Substatus
from parcelwire.domain.tracking import Tracking
from parcelwire.notices.journal import NOTICE_KIND, notice_of
from parcelwire.notices.settings import MailServer, NoticeSettings
from parcelwire.notices.smtp import SmtpMailer
from parcelwire.notices.worker import NoticeWorker
from parcelwire.store.port import Store
from parcelwire.tracking.ports import NewTracking, PollState, Save, Stored
from tests.contract.store.samples import make_event, make_tracking
from tests.support.house import SeededIdentifiers
from tests.support.mail_server import MailBox

JO, MAX = "jo@customer.example", "max@customer.example"
SHOP = "https://track.shop.example"
_seeds = itertools.count(1)


class Office:
    """One process that sends notices."""

    def __init__(self, store: Store, clock: FrozenClock, port: int, **settings: Any) -> None:
        self.store, self.clock = store, clock
        defaults: dict[str, Any] = {"sender": "noreply@shop.example", "public_url": SHOP}
        self.mailer = SmtpMailer(
            MailServer(host="127.0.0.1", port=port, security="none", timeout_seconds=2)
        )
        self.worker = NoticeWorker(
            store,
            self.mailer,
            clock=clock,
            identifiers=SeededIdentifiers(next(_seeds)),
            registry=default_registry(),
            settings=NoticeSettings(**{**defaults, **settings}),
        )

    async def work(self) -> None:
        for _ in range(50):
            if not await self.worker.step():
                return
        raise AssertionError("there is no end to it")

    async def subscribe(self, tracking: Tracking, email: str, language: str = "en") -> bool:
        stored = Stored(tracking, PollState())
        return await self.worker.subscriptions.subscribe(stored, email, language)

    async def join(self, box: MailBox, tracking: Tracking, email: str, language: str = "en") -> str:
        """Subscribe and confirm as the owner of the address would; return the mail's token."""
        assert await self.subscribe(tracking, email, language)
        await self.work()
        token = token_in(box.mails[-1])
        assert box.recipients[-1] == email
        assert await self.worker.subscriptions.confirm(token)
        box.taken.clear()
        return token


def put(document: bytes) -> Callable[[bytes | None], bytes]:
    return lambda _: document


def token_in(mail: EmailMessage) -> str:
    found = re.search(rf"{SHOP}/n/([\w-]+)", body_of(mail))
    assert found is not None
    return found[1]


def body_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    text = part.get_content()
    assert isinstance(text, str)
    return text


async def new(store: Store, account: Account, number: str = "N1", **fields: Any) -> Tracking:
    world_id = world_of(account.number, is_test=fields.pop("is_test", False))
    tracking = make_tracking(number, world_id=world_id, **fields)
    await store.create_trackings([NewTracking(tracking=tracking, due_at=None, due_reason="")])
    return tracking


async def move(
    store: Store,
    clock: FrozenClock,
    tracking: Tracking,
    status: Status,
    sub: Substatus | None = None,
) -> Tracking:
    after = replace(
        tracking,
        version=tracking.version + 1,
        sequence=tracking.sequence + 1,
        status=status,
        substatus=sub or DEFAULT_SUBSTATUS[status],
        updated_at=clock.now(),
    )
    event = make_event(after, tracking.status)
    assert await store.save(Save(tracking=after, expected_version=tracking.version, event=event))
    return after


async def states(store: Store, tracking: Tracking) -> dict[str, str]:
    found = await store.list_records(NOTICE_KIND, tracking.id)
    return {record_id.partition(".")[0]: notice_of(document).state for record_id, document in found}
