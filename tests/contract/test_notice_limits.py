"""Mails that no tenant can abuse: shares of accounts and addresses, the test world, suspension."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Any

import msgspec
import pytest

from parcelwire.domain.account import Account
from parcelwire.domain.clock import DAY, HOUR, FrozenClock
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Details, Tracking
from parcelwire.notices.addresses import digest_of
from parcelwire.notices.journal import NOTICE_KIND, TROUBLE_KIND, notice_of, trouble_of
from parcelwire.notices.limits import ACCOUNT, RATE_KIND, usage_of
from parcelwire.notices.settings import MailLimits
from parcelwire.notices.subscriptions import ADDRESS_KIND, KIND, Subscription
from parcelwire.notices.worker import PRUNE_BATCH
from parcelwire.store.port import Store
from tests.contract.notice_office import JO, MAX, Office, move, new, states, token_in
from tests.contract.test_notices_unasked import wish
from tests.support.mail_server import MailBox


async def delivered(office: Office, account: Account, *numbers: str) -> list[Tracking]:
    """Let parcels of an account be delivered, one customer each."""
    parcels = []
    for number in numbers:
        details = Details(customer_email=f"{number.lower()}@customer.example", language="en")
        tracking = await new(office.store, account, number, details=details)
        parcels.append(await move(office.store, office.clock, tracking, Status.DELIVERED))
    return parcels


async def automatic(
    store: Store, clock: FrozenClock, port: int, *accounts: Account, **settings: Any
) -> Office:
    """Return an office of accounts whose customers are told without asking."""
    for account in accounts:
        await wish(store, account)
    office = Office(store, clock, port, auto_notify_accounts=("*",), **settings)
    await office.work()
    clock.advance(60)
    return office


async def whys(store: Store, tracking: Tracking) -> list[tuple[str, str]]:
    found = await store.list_records(NOTICE_KIND, tracking.id)
    notices = [notice_of(document) for _, document in found]
    return [(one.state, one.why) for one in notices]


class TestShares:
    async def test_nobody_tells_customers_unasked_by_default(
        self, office: Office, box: MailBox, account: Account
    ) -> None:
        await wish(office.store, account)
        await delivered(office, account, "N1")
        await office.work()
        assert box.recipients == []

    async def test_an_account_has_its_share_of_a_minute_and_others_theirs(
        self, store: Store, clock: FrozenClock, port: int, box: MailBox, account: Account
    ) -> None:
        other = await store.add_account("other@example.com", now=clock.now())
        limits = MailLimits(account_per_minute=3)
        office = await automatic(store, clock, port, account, other, limits=limits)
        await delivered(office, account, *(f"A{number}" for number in range(8)))
        await delivered(office, other, "B1", "B2")
        await office.work()
        assert Counter(one[0] for one in box.recipients) == {"a": 3, "b": 2}
        clock.advance(60)
        await office.work()
        assert Counter(one[0] for one in box.recipients) == {"a": 6, "b": 2}
        clock.advance(60)
        await office.work()
        assert Counter(one[0] for one in box.recipients) == {"a": 8, "b": 2}

    async def test_the_share_of_a_day_holds_over_processes_and_ends_with_the_day(
        self,
        store: Store,
        clock: FrozenClock,
        port: int,
        box: MailBox,
        account: Account,
        open_another: Any,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        limits = MailLimits(account_per_minute=0, account_per_day=5)
        office = await automatic(store, clock, port, account, limits=limits)
        second = Office(
            await open_another(), clock, port, auto_notify_accounts=("*",), limits=limits
        )
        clock.advance(round(12 * HOUR / 1_000))  # 22:01
        await delivered(office, account, *(f"A{number}" for number in range(9)))
        with caplog.at_level(logging.WARNING):
            await asyncio.gather(office.work(), second.work())
            await office.work()
        assert len(box.recipients) == 5
        usage = usage_of(
            await store.load_record(RATE_KIND, str(account.number), ACCOUNT), clock.now()
        )
        assert usage.in_day == 5
        said = [one.message for one in caplog.records if "daily mail limit" in one.message]
        assert said == ["notices: account 1 has reached its daily mail limit"]
        clock.advance(round(2 * HOUR / 1_000))
        await office.work()
        assert len(set(box.recipients)) == len(box.recipients) == 9

    async def test_a_long_queue_of_one_delays_nobody_else(
        self, store: Store, clock: FrozenClock, port: int, box: MailBox, account: Account
    ) -> None:
        other = await store.add_account("other@example.com", now=clock.now())
        limits = MailLimits(account_per_minute=0)
        office = await automatic(store, clock, port, account, other, limits=limits, per_minute=6)
        await delivered(office, account, *(f"A{number:03}" for number in range(150)))
        clock.advance(60)
        await delivered(office, other, "B1")
        await office.work()
        assert len(box.recipients) == 6
        assert "b1@customer.example" in box.recipients

    async def test_with_many_worlds_each_has_its_turn(
        self, store: Store, clock: FrozenClock, port: int, box: MailBox
    ) -> None:
        accounts = [
            await store.add_account(f"{number}@example.com", now=clock.now())
            for number in range(60)
        ]
        office = await automatic(store, clock, port, *accounts, per_minute=20)
        for number, account in enumerate(accounts):
            await delivered(office, account, f"A{number}", f"B{number}")
        for _ in range(4):
            await office.work()
            clock.advance(60)
        # Sixty worlds, eighty mails: nobody had a third before all had one.
        seen = Counter(one[1:] for one in box.recipients)
        assert len(box.recipients) == 80
        assert len(seen) == 60

    async def test_what_waited_for_a_day_is_not_sent_and_the_shop_sees_it(
        self, store: Store, clock: FrozenClock, port: int, box: MailBox, account: Account
    ) -> None:
        limits = MailLimits(account_per_minute=0, account_per_day=1)
        office = await automatic(store, clock, port, account, limits=limits)
        first, second, third = await delivered(office, account, "A1", "A2", "A3")
        await office.work()
        clock.advance(23 * 3_600)
        await office.work()
        assert len(box.recipients) == 2
        clock.advance(15 * 3_600)
        await office.work()
        assert len(box.recipients) == 2
        told = [one for parcel in (first, second, third) for one in await whys(store, parcel)]
        assert sorted(told) == [
            ("sent", ""),
            ("sent", ""),
            ("skipped", "it had waited for more than a day"),
        ]
        ((_, document),) = await store.list_records(TROUBLE_KIND, str(account.number))
        assert trouble_of(document).why == "it had waited for more than a day"

    async def test_one_address_has_its_share_from_all_accounts(
        self, store: Store, clock: FrozenClock, port: int, box: MailBox, account: Account
    ) -> None:
        other = await store.add_account("other@example.com", now=clock.now())
        limits = MailLimits(address_per_day=4)
        office = await automatic(store, clock, port, account, other, limits=limits)
        parcels = []
        for owner in (account, other):
            for number in range(3):
                tracking = await new(
                    store, owner, f"N{number}", details=Details(customer_email=JO, language="en")
                )
                parcels.append(await move(store, clock, tracking, Status.DELIVERED))
        await office.work()
        assert box.recipients == [JO] * 4
        told = Counter([one for parcel in parcels for one in await whys(store, parcel)])
        assert told["skipped", "the address has reached its daily limit"] == 2


class TestConfirmations:
    async def test_many_at_one_moment_are_no_more_than_one_by_one(
        self, office: Office, box: MailBox, account: Account
    ) -> None:
        other = await office.store.add_account("other@example.com", now=office.clock.now())
        parcels = [
            await new(office.store, owner, f"N{number}")
            for owner in (account, other)
            for number in range(10)
        ]
        said = await asyncio.gather(
            *(office.subscribe(one, "Jo@Customer.example") for one in parcels)
        )
        # Whoever asks learns nothing of the limit.
        assert all(said)
        await office.work()
        assert len(box.recipients) == 3
        office.clock.advance(round(DAY / 1_000))
        assert await office.subscribe(parcels[0], JO)
        assert await office.subscribe(parcels[1], JO)
        await office.work()
        assert len(box.recipients) == 5


class TestTestWorld:
    async def test_a_test_parcel_mails_only_its_own_account(
        self, office: Office, box: MailBox, account: Account
    ) -> None:
        tracking = await new(office.store, account, is_test=True)
        assert await office.subscribe(tracking, JO)
        assert await office.subscribe(tracking, "SHOP@Example.com")
        await office.work()
        assert box.recipients == ["SHOP@example.com"]
        assert box.mails[0]["Subject"].startswith("[Test] ")
        # Not even one that was confirmed before it was so.
        assert await office.worker.subscriptions.confirm(token_in(box.mails[0]))
        old = Subscription(
            email=MAX, language="en", token="t", created_at=0, confirmed_at=office.clock.now()
        )
        await office.store.change_record(
            KIND,
            tracking.id,
            digest_of(MAX),
            lambda _: msgspec.json.encode(old),
            at=office.clock.now(),
        )
        box.taken.clear()
        await move(office.store, office.clock, tracking, Status.DELIVERED)
        await office.work()
        assert [one.lower() for one in box.recipients] == ["shop@example.com"]
        assert box.mails[0]["Subject"] == "[Test] Your parcel was delivered"


class TestSuspension:
    async def test_mails_of_a_suspended_account_wait_a_day(
        self, store: Store, clock: FrozenClock, port: int, box: MailBox, account: Account
    ) -> None:
        other = await store.add_account("other@example.com", now=clock.now())
        office = await automatic(store, clock, port, account, other)
        (queued,) = await delivered(office, account, "A1")
        await office.worker._follow(queued.world_id)
        await store.suspend_account(account.number, now=clock.now())
        clock.advance(1)
        await delivered(office, other, "B1")
        (later,) = await delivered(office, account, "A2")
        await office.work()
        assert box.recipients == ["b1@customer.example"]

        clock.advance(3_600)
        await store.resume_account(account.number)
        await office.work()
        assert sorted(box.recipients) == [
            "a1@customer.example",
            "a2@customer.example",
            "b1@customer.example",
        ]
        assert await states(store, later) == {"delivered": "sent"}

        await store.suspend_account(account.number, now=clock.now())
        clock.advance(1)
        (old,) = await delivered(office, account, "A3")
        clock.advance(25 * 3_600)
        await store.resume_account(account.number)
        clock.advance(1)
        await office.work()
        assert len(box.recipients) == 3
        assert await states(store, old) == {}

    async def test_what_was_taken_off_the_queue_before_is_not_sent_after(
        self, store: Store, clock: FrozenClock, port: int, box: MailBox, account: Account
    ) -> None:
        office = await automatic(store, clock, port, account, in_flight=1)
        parcels = await delivered(office, account, "A1", "A2", "A3")
        mailer = office.worker._mailer

        class Suspending:
            """Sends, and the operator suspends the account meanwhile."""

            async def send(self, mail: Any) -> Any:
                delivery = await mailer.send(mail)
                await store.suspend_account(account.number, now=clock.now())
                clock.advance(1)
                return delivery

        office.worker._mailer = Suspending()
        await office.work()
        assert len(box.recipients) == 1
        await store.resume_account(account.number)
        office.worker._mailer = mailer
        clock.advance(1)
        await office.work()
        assert len(set(box.recipients)) == len(box.recipients) == 3
        assert [await states(store, one) for one in parcels] == [{"delivered": "sent"}] * 3


class TestPruning:
    async def test_all_that_is_old_goes_in_one_round_an_hour(
        self, office: Office, store: Store, clock: FrozenClock
    ) -> None:
        count = PRUNE_BATCH + 100

        async def note(number: int) -> None:
            await store.change_record(
                ADDRESS_KIND, "mail", f"{number:064x}", lambda _: b"{}", at=clock.now()
            )

        for start in range(0, count, 100):
            await asyncio.gather(*map(note, range(start, start + 100)))
        clock.advance(30 * DAY // 1_000 + 3_601)
        await office.worker.step()
        assert await store.list_records(ADDRESS_KIND, "mail", limit=10) == []
