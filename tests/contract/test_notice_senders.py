"""A shop's own address stands in its mails only after its mailbox has confirmed it."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from parcelwire.domain.account import Account
from parcelwire.domain.brand import Brand, encode_brand
from parcelwire.domain.clock import DAY, FrozenClock
from parcelwire.domain.status import Status
from parcelwire.notices.addresses import digest_of
from parcelwire.notices.senders import MOST, MOST_TRIES, Senders
from parcelwire.notices.subscriptions import SLOTS_KIND
from parcelwire.store.port import Store
from tests.contract.notice_office import JO, Office, body_of, move, new, put
from tests.support.mail_server import MailBox

CODE = "ABCDEFGH23456723"
SALES, HELP = "Sales@shop.example", "help@shop.example"


def senders_of(office: Office) -> Senders:
    return Senders(office.store, office.clock, office.worker.subscriptions)


async def brand(office: Office, account: Account, **fields: Any) -> None:
    document = encode_brand(Brand(**fields))
    await office.store.change_record(
        "brand", str(account.number), "brand", put(document), at=office.clock.now()
    )


def code_in(box: MailBox) -> str:
    found = re.search(r"Code: ([A-Z2-7-]{19})", body_of(box.mails[-1]))
    assert found is not None
    return found[1]


async def a_mail(office: Office, box: MailBox, account: Account, number: str = "N1") -> Any:
    tracking = await new(office.store, account, number)
    await office.join(box, tracking, f"{number.lower()}@customer.example")
    await move(office.store, office.clock, tracking, Status.DELIVERED)
    await office.work()
    (mail,) = box.mails
    box.taken.clear()
    return mail


async def test_what_an_earlier_version_has_stored_still_counts(
    office: Office, account: Account
) -> None:
    """The kinds of records are words of the database: another name would lose what is there."""
    document = b'{"address":"help@shop.example","asks":1,"confirmed_at":1772359200000}'
    await office.store.change_record(
        "sender-proof",
        str(account.number),
        digest_of(HELP),
        put(document),
        at=office.clock.now(),
    )
    assert await senders_of(office).confirmed(account.number, HELP) == HELP
    assert SLOTS_KIND == "subscription-places"


async def test_an_address_is_used_once_it_is_confirmed_and_no_sooner(
    office: Office, box: MailBox, account: Account
) -> None:
    senders = senders_of(office)
    await brand(office, account, name="Shop", mail_from=SALES, support_email=HELP)
    mail = await a_mail(office, box, account)
    assert (mail["From"], mail["Sender"], mail["Reply-To"]) == (
        "Shop <noreply@shop.example>",
        None,
        None,
    )

    assert await senders.ask(account.number, SALES, CODE) == "sent"
    await office.work()
    assert box.recipients == [SALES]
    said = body_of(box.mails[0])
    assert "shop@example.com" in said
    # Nothing of the shop's own words goes to somebody who may not know it.
    assert "Shop" not in said + str(box.mails[0]["From"]) + str(box.mails[0]["Subject"])
    code = code_in(box)
    box.taken.clear()
    assert (await a_mail(office, box, account, "N2"))["From"] == "Shop <noreply@shop.example>"

    assert await senders.confirm(account.number, SALES, "wrong") == "wrong"
    assert (
        await senders.confirm(account.number, SALES, code.lower().replace("-", " ")) == "confirmed"
    )
    mail = await a_mail(office, box, account, "N3")
    assert (mail["From"], mail["Sender"], mail["Reply-To"]) == (
        f"Shop <{SALES}>",
        "noreply@shop.example",
        None,
    )
    # The code is used up, and another address needs its own.
    assert await senders.confirm(account.number, SALES, code) == "expired"
    await brand(office, account, name="Shop", mail_from=HELP, support_email=SALES)
    mail = await a_mail(office, box, account, "N4")
    assert (mail["From"], mail["Reply-To"]) == ("Shop <noreply@shop.example>", SALES)


async def test_one_accounts_proof_is_nobody_elses(
    office: Office, box: MailBox, account: Account
) -> None:
    other = await office.store.add_account("other@example.com", now=office.clock.now())
    senders = senders_of(office)
    await senders.ask(account.number, SALES, CODE)
    await office.work()
    code = code_in(box)
    box.taken.clear()
    assert await senders.confirm(other.number, SALES, code) == "expired"
    assert await senders.confirm(account.number, SALES, code) == "confirmed"
    await brand(office, other, name="Other", mail_from=SALES, support_email=SALES)
    mail = await a_mail(office, box, other)
    assert (mail["From"], mail["Reply-To"]) == ("Other <noreply@shop.example>", None)


async def test_codes_cannot_be_tried_for_ever_and_end_by_time(
    office: Office, box: MailBox, account: Account
) -> None:
    senders = senders_of(office)
    await senders.ask(account.number, SALES, CODE)
    said = await asyncio.gather(
        *(senders.confirm(account.number, SALES, f"{number}") for number in range(MOST_TRIES + 5))
    )
    assert sorted(said) == ["expired"] * 5 + ["wrong"] * MOST_TRIES
    assert await senders.confirm(account.number, SALES, CODE) == "expired"

    await senders.ask(account.number, SALES, CODE[::-1])
    assert await senders.confirm(account.number, SALES, CODE) == "wrong"
    office.clock.advance(7 * DAY // 1_000)
    assert await senders.confirm(account.number, SALES, CODE[::-1]) == "expired"
    await office.work()
    # The first mail's code was void, the second one's too old: neither is sent any more.
    assert box.recipients == []


async def test_nobody_can_be_flooded_with_codes(
    store: Store, clock: FrozenClock, office: Office, box: MailBox, account: Account
) -> None:
    others = [account] + [
        await store.add_account(f"{number}@example.com", now=clock.now()) for number in range(4)
    ]
    senders = senders_of(office)
    said = [await senders.ask(one.number, SALES, CODE) for one in others]
    assert said == ["sent"] * 3 + ["too-often"] * 2
    await office.work()
    assert box.recipients == [SALES] * 3
    said = [
        await senders.ask(account.number, f"a{number}@customer.example", CODE)
        for number in range(MOST + 3)
    ]
    assert said.count("too-many") == 4
    assert await senders.ask(account.number, "not an address", CODE) == "not-an-address"


async def test_mails_of_the_test_world_use_no_address_of_the_shop(
    office: Office, box: MailBox, account: Account
) -> None:
    senders = senders_of(office)
    await senders.ask(account.number, SALES, CODE)
    assert await senders.confirm(account.number, SALES, CODE) == "confirmed"
    await brand(office, account, name="Shop", mail_from=SALES, support_email=SALES)
    tracking = await new(office.store, account, is_test=True)
    assert await office.subscribe(tracking, "shop@example.com")
    assert await office.subscribe(tracking, JO)
    await office.work()
    (mail,) = box.mails
    assert (mail["From"], mail["Reply-To"]) == ("Shop <noreply@shop.example>", None)
