"""Nothing is kept about the readers of a parcel that is deleted, whoever is at work then."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.domain.account import Account, record_scope
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.notices.addresses import digest_of
from parcelwire.notices.journal import QUEUE_KIND, TROUBLE_KIND, Entry
from parcelwire.notices.smtp import Delivery
from parcelwire.pages.feedback import keep_feedback
from parcelwire.store.port import Store
from parcelwire.tracking.ports import PollState, Stored
from tests.contract.notice_office import JO, MAX, Office, move, new
from tests.contract.store.holdings import rows_of
from tests.support.mail_server import MailBox


async def left_of(store: Store, tracking: Tracking) -> set[int]:
    return set((await rows_of(store, tracking.id, kept=False)).values())


async def everywhere(store: Store, world_id: int) -> list[Any]:
    """Return what lies in the queue of a world and among its mails in trouble."""
    return [
        *await store.list_records(QUEUE_KIND, str(world_id)),
        *await store.list_records(TROUBLE_KIND, record_scope(world_id)),
    ]


async def test_a_parcel_that_was_deleted_takes_no_addresses_and_no_words(
    office: Office, box: MailBox, account: Account
) -> None:
    tracking = await new(office.store, account)
    token = await office.join(box, tracking, MAX)
    await office.store.delete_trackings(tracking.world_id, [tracking.id])
    subscriptions = office.worker.subscriptions

    details = replace(tracking.details, customer_email=JO)
    await subscriptions.adopt(replace(tracking, details=details))
    assert await subscriptions.subscribe(Stored(tracking, PollState()), JO, "en")
    assert not await subscriptions.confirm(token)
    assert not await keep_feedback(office.store, tracking.id, b"thanks", at=office.clock.now())

    assert await left_of(office.store, tracking) == {0}
    assert await everywhere(office.store, tracking.world_id) == []
    await office.work()
    assert box.taken == []


async def test_mails_that_wait_and_mails_in_trouble_go_with_the_parcel(
    office: Office, account: Account
) -> None:
    journal, now = office.worker._journal, office.clock.now()
    gone, kept = [await new(office.store, account, number) for number in ("N1", "N2")]
    for tracking in (gone, kept):
        entry = Entry(tracking_id=tracking.id, occasion="delivered", digest=digest_of(JO))
        await journal.put(str(tracking.world_id), entry, now + 1)
        await journal.tell_trouble(entry, tracking.world_id, tracking.number, "failed", "no such")
    await office.store.delete_trackings(gone.world_id, [gone.id])
    assert await left_of(office.store, gone) == {0}
    assert len(await everywhere(office.store, kept.world_id)) == 2


class _DeletingMailer:
    """Sends a mail; before it can say so, somebody deletes the parcel."""

    def __init__(self, office: Office, tracking: Tracking) -> None:
        self._mailer, self._store, self._tracking = office.mailer, office.store, tracking

    async def send(self, mail: Any) -> Delivery:
        delivery = await self._mailer.send(mail)
        await self._store.delete_trackings(self._tracking.world_id, [self._tracking.id])
        return delivery


@pytest.mark.parametrize("answer", ["250 OK", "550 no such mailbox", "451 later"])
async def test_the_parcel_is_deleted_while_its_mail_is_under_way(
    office: Office, box: MailBox, account: Account, answer: str
) -> None:
    tracking = await new(office.store, account)
    await office.join(box, tracking, JO)
    await move(office.store, office.clock, tracking, Status.DELIVERED)
    if not answer.startswith("250"):
        box.answers[JO] = answer
    office.worker._mailer = _DeletingMailer(office, tracking)
    await office.work()
    assert await left_of(office.store, tracking) == {0}
    assert await everywhere(office.store, tracking.world_id) == []


async def test_a_code_for_an_address_of_the_account_belongs_to_no_parcel(
    office: Office, box: MailBox, account: Account
) -> None:
    senders = office.worker._composer.senders
    assert await senders.ask(account.number, MAX, "ABCD-1234") == "sent"
    await office.work()
    assert box.recipients == [MAX]
