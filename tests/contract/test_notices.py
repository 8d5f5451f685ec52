"""Customers are told: by a real mail server, from real stores, never twice, never unasked."""

from __future__ import annotations

import re

import pytest

from parcelwire.domain.account import Account, world_of
from parcelwire.domain.brand import Brand, encode_brand
from parcelwire.domain.clock import DAY
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Details
from parcelwire.tracking.following import KIND
from tests.contract.notice_office import (
    JO,
    MAX,
    SHOP,
    Office,
    body_of,
    move,
    new,
    put,
    states,
    token_in,
)
from tests.support.mail_server import MailBox


async def test_news_comes_only_after_the_owner_has_confirmed(
    office: Office, box: MailBox, account: Account
) -> None:
    tracking = await new(office.store, account)
    assert await office.subscribe(tracking, JO)
    await office.work()
    tracking = await move(office.store, office.clock, tracking, Status.TRANSIT)
    await office.work()
    assert box.recipients == [JO]
    (mail,) = box.mails
    assert tracking.number not in body_of(mail)
    assert tracking.page_token not in body_of(mail)
    assert await office.worker.subscriptions.confirm(token_in(mail))
    tracking = await move(office.store, office.clock, tracking, Status.DELIVERED)
    await office.work()
    assert box.recipients == [JO, JO]
    assert f"{SHOP}/t/{tracking.page_token}" in body_of(box.mails[1])


async def test_a_clock_that_was_ahead_at_the_beginning_keeps_no_news_back(
    office: Office, box: MailBox, account: Account
) -> None:
    tracking = await new(office.store, account)
    await office.work()
    office.clock.advance(-10 * DAY / 1_000)
    await office.join(box, tracking, JO)
    await move(office.store, office.clock, tracking, Status.TRANSIT)
    await office.work()
    assert box.recipients == [JO]


async def test_a_world_whose_data_is_not_as_it_should_be_holds_up_no_other(
    office: Office, box: MailBox, account: Account, port: int
) -> None:
    other = await office.store.add_account("later@example.com", now=office.clock.now())
    await office.work()
    tracking = await new(office.store, other)
    assert await office.subscribe(tracking, JO)
    await office.work()
    assert await office.worker.subscriptions.confirm(token_in(box.mails[0]))
    scope = str(world_of(account.number, is_test=False))
    await office.store.change_record(
        KIND, scope, "notices", lambda _: b"no mark", at=office.clock.now()
    )
    fresh = Office(office.store, office.clock, port)
    tracking = await move(office.store, office.clock, tracking, Status.TRANSIT)
    await fresh.work()
    assert box.recipients == [JO, JO]


async def test_the_mail_ends_with_one_click_and_that_at_once(
    office: Office, box: MailBox, account: Account
) -> None:
    tracking = await new(office.store, account)
    await office.join(box, tracking, JO)
    tracking = await move(office.store, office.clock, tracking, Status.TRANSIT)
    await office.work()
    (mail,) = box.mails
    link = re.fullmatch(rf"<{SHOP}/n/([\w-]+)\?do=end>", mail["List-Unsubscribe"])
    assert link is not None
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    # The next news is queued already when the click comes.
    tracking = await move(office.store, office.clock, tracking, Status.DELIVERED)
    world_id = tracking.world_id
    await office.worker._follow(world_id)
    assert await office.worker.subscriptions.end(link[1])
    await office.work()
    assert len(box.taken) == 1
    assert (await states(office.store, tracking))["delivered"] == "skipped"
    records = await office.store.list_records("subscription", tracking.id)
    assert all(JO.encode() not in document for _, document in records)
    # Confirming does not take it back; the owner may ask anew.
    assert not await office.worker.subscriptions.confirm(link[1])


@pytest.mark.parametrize(
    "email",
    [
        "",
        "jo",
        "jo@",
        "@x.example",
        "jo@localhost",
        "jo@127.0.0.1",
        "jo@[127.0.0.1]",
        "jo@x.example\r\nBcc: all@x.example",
        "jo@x.example\nRCPT TO:<all@x.example>",
        "jo@x.example, max@x.example",
        "<jo@x.example>",
        '"jo doe"@x.example',
        "jo..doe@x.example",
        ".jo@x.example",
        "jo@-x.example",
        "jo@x..example",
        "jö@x.example",
        "jo@" + "x" * 64 + ".example",
        "j" * 65 + "@x.example",
        "jo@" + ".".join(["x" * 60] * 5) + ".example",
        "jo@x.example\0",
    ],
)
async def test_what_is_no_address_is_refused(
    office: Office, box: MailBox, account: Account, email: str
) -> None:
    tracking = await new(office.store, account)
    assert not await office.subscribe(tracking, email)
    await office.work()
    assert box.taken == []


async def test_nobody_can_be_flooded_with_requests_to_confirm(
    office: Office, box: MailBox, account: Account
) -> None:
    tracking = await new(office.store, account)
    for _ in range(5):
        assert await office.subscribe(tracking, JO)
        await office.work()
    assert len(box.taken) == 1
    for number in range(2, 30):
        other = await new(office.store, account, f"N{number}")
        assert await office.subscribe(other, JO.upper())
        await office.work()
    assert len(box.taken) == 3
    office.clock.advance(2 * DAY / 1000)
    assert await office.subscribe(tracking, JO)
    await office.work()
    assert len(box.taken) == 4
    # Only the newest of the links is valid.
    first, last = token_in(box.mails[0]), token_in(box.mails[-1])
    assert not await office.worker.subscriptions.confirm(first)
    assert await office.worker.subscriptions.confirm(last)


async def test_one_page_takes_only_so_many_addresses(
    office: Office, box: MailBox, account: Account
) -> None:
    tracking = await new(office.store, account)
    for number in range(30):
        assert await office.subscribe(tracking, f"jo{number}@customer.example")
    await office.work()
    assert len(box.taken) == 10


@pytest.mark.parametrize("token", ["", "x", "x" * 5_000, "AAAAAAAAAAAAAAAAAAAAAAsecret", "Ü" * 40])
async def test_links_that_nobody_was_sent(office: Office, token: str) -> None:
    assert await office.worker.subscriptions.find(token) is None
    assert not await office.worker.subscriptions.confirm(token)
    assert not await office.worker.subscriptions.end(token)


async def test_a_request_to_confirm_grows_old(
    office: Office, box: MailBox, account: Account
) -> None:
    tracking = await new(office.store, account)
    await office.subscribe(tracking, JO)
    await office.work()
    office.clock.advance(8 * DAY / 1000)
    assert not await office.worker.subscriptions.confirm(token_in(box.mails[0]))


# -- what is told ----------------------------------------------------------------------------------


async def test_every_recipient_gets_their_own_mail_and_nobody_elses(
    office: Office, box: MailBox, account: Account
) -> None:
    """The canary: whatever is told of a parcel goes to its own people only."""
    trackings = {}
    for number, email in enumerate([JO, MAX, "kim@customer.example"]):
        details = Details(customer_name=f"Canary{number}", customer_email="shop-knows@x.example")
        tracking = await new(office.store, account, f"CANARY{number}", details=details)
        await office.join(box, tracking, email, "de")
        trackings[email] = tracking
    for tracking in trackings.values():
        await move(office.store, office.clock, tracking, Status.DELIVERED)
    await office.work()
    assert sorted(box.recipients) == sorted(trackings)
    for envelope, mail in zip(box.taken, box.mails, strict=True):
        (recipient,) = envelope.rcpt_tos
        assert mail["To"] == recipient
        assert mail["Cc"] is mail["Bcc"] is None
        own = trackings[recipient]
        assert own.number in body_of(mail)
        assert "Canary" not in mail.as_string()
        assert "Canary" not in body_of(mail) + body_of(mail, "html")
        for other in trackings.values():
            if other is not own:
                assert other.number not in mail.as_string()
                assert other.page_token not in mail.as_string()


async def test_a_mail_in_the_shops_dress(office: Office, box: MailBox, account: Account) -> None:
    png = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    brand = Brand(
        name='Läden\r\nBcc: evil@x.example\r\n\r\n<script>alert("1")</script>',
        primary_color="#aa0000",
        logo_type="image/png",
        logo_alt="Läden",
        support_email="help@shop.example",
        texts={"de": {"delivered": "Viel Freude damit <3"}},
    )
    for kind, record_id, data in (
        ("brand", "brand", encode_brand(brand)),
        ("brand-logo", "logo", png),
    ):
        await office.store.change_record(
            kind, str(account.number), record_id, put(data), at=office.clock.now()
        )
    tracking = await new(office.store, account)
    await office.join(box, tracking, JO, "de")
    await move(office.store, office.clock, tracking, Status.DELIVERED)
    await office.work()
    (mail,) = box.mails
    assert mail["Bcc"] is None
    assert box.recipients == [JO]
    assert mail["Subject"].endswith("Ihr Paket wurde zugestellt")
    assert mail["From"].addresses[0].addr_spec == "noreply@shop.example"
    # Nobody has confirmed the shop's own address, and the name holds somebody's address.
    assert mail["Reply-To"] is None
    assert mail["From"].addresses[0].display_name == ""
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.timestamp() == office.clock.now() // 1000
    assert re.fullmatch(r"<[0-9a-f]{32}@shop\.example>", mail["Message-ID"])
    assert mail["Content-Language"] == "de"
    text, html = body_of(mail), body_of(mail, "html")
    assert "Viel Freude damit <3" in text
    assert "Viel Freude damit &lt;3" in html
    assert "<script" not in html
    assert "#aa0000" in html
    # Nothing is fetched when it is opened: the picture comes along.
    assert re.findall(r'src="([^"]+)"', html) == ["cid:logo"]
    assert [
        part.get_content() for part in mail.walk() if part.get_content_type() == "image/png"
    ] == [png]
    wire = box.taken[0].content
    assert isinstance(wire, bytes)
    assert wire.isascii()
    assert max(map(len, wire.split(b"\r\n"))) < 998


@pytest.mark.parametrize(
    "language", ["en", "de", "fr", "it", "es", "pt", "nl", "pl", "cs", "sv", "ja", "zh"]
)
async def test_every_status_in_every_language(
    office: Office, box: MailBox, account: Account, language: str
) -> None:
    subjects = set()
    for status in Status:
        tracking = await new(office.store, account, f"N{status.value}", status=Status.PENDING)
        if status in {Status.PENDING, Status.NOTFOUND}:
            continue
        await office.join(box, tracking, f"{status.value}@customer.example", language)
        await move(office.store, office.clock, tracking, status)
        await office.work()
        (mail,) = box.mails
        subjects.add(mail["Subject"])
        assert "{" not in body_of(mail)
        box.taken.clear()
    assert len(subjects) == 7


# -- never twice -----------------------------------------------------------------------------------
