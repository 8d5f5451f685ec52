"""Mails wait, are tried again and are given up: each once at most, however a process ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parcelwire.domain.account import Account
from parcelwire.domain.clock import DAY, MINUTE, FrozenClock
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Tracking
from parcelwire.notices.journal import STALE, TROUBLE_KIND, Queued, trouble_of
from parcelwire.notices.posting import Mail
from parcelwire.notices.smtp import Delivery, SmtpMailer
from parcelwire.store.port import Store
from tests.contract.notice_office import JO, Office, body_of, move, new, states
from tests.support.mail_server import MailBox


async def test_one_occasion_is_told_once_whatever_happens_between(
    office: Office, box: MailBox, account: Account
) -> None:
    tracking = await new(office.store, account)
    await office.join(box, tracking, JO)
    for status in (Status.TRANSIT, Status.UNDELIVERED, Status.TRANSIT, Status.UNDELIVERED):
        tracking = await move(office.store, office.clock, tracking, status)
        await office.work()
        office.clock.advance(3_600)
    tracking = await move(
        office.store, office.clock, tracking, Status.PICKUP, Substatus.PICKUP_READY_FOR_COLLECTION
    )
    await office.work()
    assert [mail["Subject"] for mail in box.mails] == [
        "Your parcel is on its way",
        "Your parcel could not be delivered",
        "Your parcel is ready for collection",
    ]


async def test_two_workers_on_one_database_send_each_mail_once(
    office: Office, box: MailBox, account: Account, port: int, open_another: Any
) -> None:
    other = Office(await open_another(), office.clock, port)
    trackings = []
    for number in range(12):
        tracking = await new(office.store, account, f"N{number}")
        await office.join(box, tracking, f"jo{number}@customer.example")
        trackings.append(tracking)
    office.clock.advance(120)
    for tracking in trackings:
        await move(office.store, office.clock, tracking, Status.DELIVERED)
    await asyncio.gather(office.work(), other.work(), office.work())
    for _ in range(3):
        await asyncio.gather(office.work(), other.work())
    assert sorted(box.recipients) == sorted(f"jo{number}@customer.example" for number in range(12))


class Crashes:
    """A mailer whose process ends before, or after, the mail has gone out."""

    def __init__(self, mailer: SmtpMailer, *, is_sent: bool) -> None:
        self._mailer, self._is_sent = mailer, is_sent
        self.fired = 0

    async def send(self, mail: Mail) -> Delivery:
        if self._is_sent:
            await self._mailer.send(mail)
        self.fired += 1
        raise SystemExit


@pytest.mark.parametrize("is_sent", [False, True])
async def test_a_crash_between_claim_and_end_never_sends_twice(
    office: Office, box: MailBox, account: Account, port: int, is_sent: bool
) -> None:
    tracking = await new(office.store, account)
    await office.join(box, tracking, JO)
    tracking = await move(office.store, office.clock, tracking, Status.DELIVERED)
    crashing = Office(office.store, office.clock, port)
    crash = crashing.worker._mailer = Crashes(office.mailer, is_sent=is_sent)
    (queued,) = await after_following(crashing, tracking)
    with pytest.raises(SystemExit):
        await send_now(crashing, queued)
    assert crash.fired == 1
    assert await states(office.store, tracking) == {"confirm1": "sent", "delivered": "sending"}
    await office.work()
    assert len(box.taken) == is_sent
    office.clock.advance(STALE / 1000 + 1)
    await office.work()
    assert len(box.taken) == is_sent
    assert (await states(office.store, tracking))["delivered"] == "unknown"
    ((_, document),) = await office.store.list_records(TROUBLE_KIND, str(account.number))
    trouble = trouble_of(document)
    assert (trouble.state, trouble.occasion, trouble.number) == ("unknown", "delivered", "N1")
    assert JO.encode() not in document


async def after_following(office: Office, tracking: Tracking) -> list[Queued]:
    await office.worker._follow(tracking.world_id)
    return await office.worker._journal.due([str(tracking.world_id)], 10)


async def send_now(office: Office, queued: Queued) -> None:
    await office.worker._send(queued)


async def test_what_was_queued_before_worlds_had_queues_of_their_own_is_sent(
    office: Office, box: MailBox, account: Account
) -> None:
    tracking = await new(office.store, account)
    await office.join(box, tracking, JO)
    tracking = await move(office.store, office.clock, tracking, Status.DELIVERED)
    (queued,) = await after_following(office, tracking)
    await office.worker._journal.drop(queued)
    await office.worker._journal.put("mail", queued.entry, queued.due_at)
    await office.work()
    assert box.recipients == [JO]


async def test_mails_in_the_one_queue_of_before_do_not_wait_for_a_suspended_account(
    office: Office, box: MailBox, account: Account
) -> None:
    other = await office.store.add_account("other@example.com", now=office.clock.now())
    journal, people = (
        office.worker._journal,
        [f"jo{number}@customer.example" for number in range(7)],
    )
    waiting: list[Queued] = []
    for owner, email in [*((other, one) for one in people[:6]), (account, people[6])]:
        tracking = await new(office.store, owner, f"N{len(waiting)}")
        await office.join(box, tracking, email)
        tracking = await move(office.store, office.clock, tracking, Status.DELIVERED)
        (queued,) = await after_following(office, tracking)
        await journal.drop(queued)
        waiting.append(queued)
    for queued in waiting:
        await journal.put("mail", queued.entry, queued.due_at)
    box.mails.clear()
    box.recipients.clear()
    await office.store.suspend_account(other.number, now=office.clock.now())
    office.clock.advance(1)
    for _ in range(3):
        await office.work()
    assert box.recipients == people[6:]
    await office.store.resume_account(other.number)
    office.clock.advance(1)
    await office.work()
    assert sorted(box.recipients) == people


# -- pauses, refusals, outages
# -------------------------------------------------------------------------


async def test_one_person_gets_one_mail_in_half_an_hour_but_for_what_cannot_wait(
    office: Office, box: MailBox, account: Account
) -> None:
    first, second = await new(office.store, account, "N1"), await new(office.store, account, "N2")
    for tracking in (first, second):
        await office.join(box, tracking, JO)
    first = await move(office.store, office.clock, first, Status.TRANSIT)
    await office.work()
    second = await move(office.store, office.clock, second, Status.TRANSIT)
    await office.work()
    assert len(box.taken) == 1
    first = await move(office.store, office.clock, first, Status.DELIVERED)
    await office.work()
    assert len(box.taken) == 2
    office.clock.advance(29 * 60)
    await office.work()
    assert len(box.taken) == 2
    office.clock.advance(2 * 60)
    await office.work()
    assert [second.number in body_of(mail) for mail in box.mails] == [False, False, True]


async def test_what_was_overtaken_while_it_waited_is_left_out(
    office: Office, box: MailBox, account: Account
) -> None:
    tracking = await new(office.store, account)
    await office.join(box, tracking, JO)
    for status in (Status.INFORECEIVED, Status.TRANSIT, Status.PICKUP, Status.DELIVERED):
        tracking = await move(office.store, office.clock, tracking, status)
    await office.work()
    office.clock.advance(7_200)
    await office.work()
    assert [mail["Subject"] for mail in box.mails] == ["Your parcel was delivered"]
    assert (await states(office.store, tracking))["transit"] == "skipped"


async def test_only_so_many_mails_a_minute(
    store: Store, clock: FrozenClock, port: int, box: MailBox, account: Account
) -> None:
    office = Office(store, clock, port, per_minute=3)
    await office.work()
    clock.set((clock.now() // MINUTE + 1) * MINUTE)
    tracking = await new(store, account)
    for number in range(8):
        await office.subscribe(tracking, f"jo{number}@customer.example")
    counts = []
    for _ in range(4):
        await office.work()
        counts.append(len(box.taken))
        clock.advance(60)
    assert counts == [3, 6, 8, 8]


async def test_a_server_that_is_away_is_tried_again_with_growing_pauses(
    office: Office, box: MailBox, account: Account
) -> None:
    tracking = await new(office.store, account)
    await office.join(box, tracking, JO)
    box.data_answers = ["451 later"] * 3
    await move(office.store, office.clock, tracking, Status.DELIVERED)
    waits = []
    for _ in range(100):
        before = len(box.data_answers)
        await office.work()
        if box.taken:
            break
        if len(box.data_answers) < before:
            waits.append(0)
        waits[-1] += 1
        office.clock.advance(30)
    assert waits == [2, 4, 8]
    assert len(box.taken) == 1
    assert (await states(office.store, tracking))["delivered"] == "sent"


async def test_a_refusal_is_final_and_shown(
    office: Office, box: MailBox, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    tracking = await new(office.store, account)
    await office.join(box, tracking, JO)
    box.answers[JO] = f"550 no {JO} here"
    await move(office.store, office.clock, tracking, Status.DELIVERED)
    await office.work()
    box.answers.clear()
    office.clock.advance(DAY / 1000)
    await office.work()
    assert box.taken == []
    ((_, document),) = await office.store.list_records(TROUBLE_KIND, str(account.number))
    assert trouble_of(document).state == "refused"
    assert "550" in trouble_of(document).why
    assert JO not in caplog.text
    assert JO.encode() not in document


async def test_it_is_given_up_in_the_end(office: Office, box: MailBox, account: Account) -> None:
    tracking = await new(office.store, account)
    await office.join(box, tracking, JO)
    box.data_answers = ["451 later"] * 100
    await move(office.store, office.clock, tracking, Status.DELIVERED)
    for _ in range(300):
        await office.work()
        office.clock.advance(60)
    assert len(box.data_answers) == 100 - office.worker._settings.attempts
    assert (await states(office.store, tracking))["delivered"] == "failed"
