"""Who is told unasked, what is left out, and what goes with the parcel."""

from __future__ import annotations

import re

import msgspec
from msgspec.structs import replace

from parcelwire.domain.account import Account
from parcelwire.domain.brand import Brand, encode_brand
from parcelwire.domain.clock import DAY, HOUR, FrozenClock
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Details
from parcelwire.notices.addresses import digest_of
from parcelwire.notices.journal import NOTICE_KIND, Entry, notice_of
from parcelwire.store.port import Store
from tests.contract.notice_office import JO, MAX, Office, body_of, move, new, put
from tests.support.mail_server import MailBox


async def wish(store: Store, account: Account, *, mails_unasked: bool = True) -> None:
    """Say what the shop wants, as the dashboard's page "Brand" does."""
    document = encode_brand(Brand(mails_unasked=mails_unasked))
    await store.change_record("brand", str(account.number), "brand", put(document), at=0)


async def test_customers_are_told_unasked_only_where_operator_and_shop_want_it(
    store: Store, clock: FrozenClock, port: int, box: MailBox, account: Account
) -> None:
    other = await store.add_account("other@example.com", now=clock.now())
    await wish(store, account)
    await wish(store, other)
    office = Office(store, clock, port, auto_notify_accounts=("Shop@example.com",))
    await office.work()
    details = Details(customer_email=JO, language="it")
    wanted = await new(store, account, "N1", details=details)
    simulated = await new(store, account, "N2", details=details, is_test=True)
    foreign = await new(store, other, "N3", details=details)
    broken = await new(store, account, "N4", details=Details(customer_email="jo@x\r\nBcc: y@z.aa"))
    for tracking in (wanted, simulated, foreign, broken):
        await move(store, clock, tracking, Status.DELIVERED)
    await office.work()
    (mail,) = box.mails
    assert (mail["To"], mail["Subject"]) == (JO, "Il tuo pacco è stato consegnato")
    assert wanted.number in body_of(mail)
    # Ended is ended, though the shop still knows the address.
    link = re.search(r"/n/([\w-]+)\?", mail["List-Unsubscribe"])
    assert link is not None
    assert await office.worker.subscriptions.end(link[1])
    wanted = await move(
        store,
        clock,
        replace(wanted, version=2, sequence=1, status=Status.DELIVERED),
        Status.EXCEPTION,
    )
    await office.work()
    assert len(box.taken) == 1


async def test_a_shop_that_says_nothing_or_no_tells_nobody_unasked(
    store: Store, clock: FrozenClock, port: int, box: MailBox, account: Account
) -> None:
    office = Office(store, clock, port)
    await office.work()
    silent = await new(store, account, "N1", details=Details(customer_email=JO))
    await move(store, clock, silent, Status.DELIVERED)
    await office.work()
    await wish(store, account, mails_unasked=False)
    unwilling = await new(store, account, "N2", details=Details(customer_email=JO))
    await move(store, clock, unwilling, Status.DELIVERED)
    await office.work()
    assert box.taken == []
    # The operator's limit holds against the shop's wish.
    await wish(store, account)
    forbidden = Office(store, clock, port, auto_notify_accounts=())
    third = await new(store, account, "N3", details=Details(customer_email=JO))
    await move(store, clock, third, Status.DELIVERED)
    await forbidden.work()
    assert box.taken == []


async def test_a_shop_that_changes_its_mind_stops_even_what_is_queued(
    store: Store, clock: FrozenClock, port: int, box: MailBox, account: Account
) -> None:
    office = Office(store, clock, port, auto_notify_accounts=("*",))
    await office.work()
    await wish(store, account)
    tracking = await new(store, account, "N1", details=Details(customer_email=JO, language="en"))
    await office.join(box, tracking, MAX)
    tracking = await move(store, clock, tracking, Status.TRANSIT)
    await office.worker._follow(tracking.world_id)
    await wish(store, account, mails_unasked=False)
    await office.work()
    # Who asked is told, who never did is not.
    assert box.recipients == [MAX]
    found = [
        notice_of(document) for _, document in await store.list_records(NOTICE_KIND, tracking.id)
    ]
    skipped = [one.why for one in found if one.state == "skipped"]
    assert skipped == ["the shop tells nobody unasked any more"]
    tracking = await move(store, clock, tracking, Status.DELIVERED)
    await office.work()
    assert box.recipients == [MAX, MAX]
    # Asked like anybody now: one mail to confirm, and news from then on.
    box.taken.clear()
    await office.join(box, tracking, JO)
    await move(store, clock, tracking, Status.EXCEPTION)
    await office.work()
    assert sorted(box.recipients) == [JO, MAX]


async def test_what_is_long_past_is_told_to_nobody(
    store: Store, clock: FrozenClock, port: int, box: MailBox, account: Account
) -> None:
    await wish(store, account)
    tracking = await new(store, account, "N1", details=Details(customer_email=JO))
    await move(store, clock, tracking, Status.DELIVERED)
    clock.advance(HOUR / 1000)
    office = Office(store, clock, port)
    await office.work()
    assert box.taken == []
    late = await new(store, account, "N2", details=Details(customer_email=JO))
    await move(store, clock, late, Status.DELIVERED)
    clock.advance(2 * DAY / 1000)
    await office.work()
    assert box.taken == []


async def test_with_the_parcel_goes_all_that_is_known_about_its_readers(
    office: Office, box: MailBox, account: Account
) -> None:
    tracking = await new(office.store, account)
    token = await office.join(box, tracking, JO)
    await move(office.store, office.clock, tracking, Status.DELIVERED)
    await office.worker._follow(tracking.world_id)
    await office.store.delete_trackings(tracking.world_id, [tracking.id])
    await office.work()
    assert box.taken == []
    assert await office.worker.subscriptions.find(token) is None
    assert await office.store.list_records(NOTICE_KIND, tracking.id) == []
    assert await office.store.load_record("subscription", tracking.id, digest_of(JO)) is None


def test_the_entry_of_the_queue_names_nobody() -> None:
    entry = Entry(tracking_id="a" * 32, occasion="delivered", digest=digest_of(JO))
    assert b"@" not in msgspec.json.encode(entry)
