"""Customers are told: by a real mail server, from real stores, never twice, never unasked."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from parcelwire.couriers.registry import default_registry
from parcelwire.domain.account import Account, world_of
from parcelwire.domain.brand import Brand, encode_brand
from parcelwire.domain.clock import DAY, HOUR, MINUTE, FrozenClock
from parcelwire.domain.status import DEFAULT_SUBSTATUS, Status, Substatus
from parcelwire.domain.tracking import Details, Tracking
from parcelwire.notices.addresses import digest_of
from parcelwire.notices.journal import (
    NOTICE_KIND,
    STALE,
    TROUBLE_KIND,
    Entry,
    notice_of,
    trouble_of,
)
from parcelwire.notices.posting import Mail
from parcelwire.notices.settings import MailServer, NoticeSettings
from parcelwire.notices.smtp import Delivery, SmtpMailer
from parcelwire.notices.worker import NoticeWorker
from parcelwire.store.port import Store
from parcelwire.tracking.ports import NewTracking, PollState, Save, Stored
from tests.contract.store import conftest as places
from tests.contract.store.samples import make_event, make_tracking
from tests.support.house import SeededIdentifiers
from tests.support.mail_server import MailBox, mail_server

# The same engines as the store's own suite.
place, store, open_another = places.place, places.store, places.open_another
clock = places.clock

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


@pytest.fixture
def box() -> MailBox:
    return MailBox()


@pytest.fixture
def port(box: MailBox) -> Iterator[int]:
    with mail_server(box) as port:
        yield port


@pytest.fixture
async def account(store: Store, clock: FrozenClock) -> Account:
    return await store.add_account("shop@example.com", now=clock.now())


@pytest.fixture
async def office(store: Store, clock: FrozenClock, port: int, account: Account) -> Office:
    office = Office(store, clock, port)
    await office.work()
    clock.advance(60)
    return office


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


# -- subscribing ---------------------------------------------------------------------------------


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
    assert mail["Reply-To"] == "help@shop.example"
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
    (entry,) = [entry for _, entry in await after_following(crashing, tracking)]
    with pytest.raises(SystemExit):
        await send_now(crashing, entry)
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


async def after_following(office: Office, tracking: Tracking) -> list[tuple[str, Entry]]:
    await office.worker._follow(tracking.world_id)
    return await office.worker._journal.due(10)


async def send_now(office: Office, entry: Entry) -> None:
    entry_id = f"{office.clock.now():013d}.{entry.tracking_id}.{entry.occasion}.{entry.digest}"
    await office.worker._send(entry_id, entry)


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


# -- unasked
# -------------------------------------------------------------------------------------------


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
    office = Office(store, clock, port, automatic_accounts=("Shop@example.com",))
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
    forbidden = Office(store, clock, port, automatic_accounts=())
    third = await new(store, account, "N3", details=Details(customer_email=JO))
    await move(store, clock, third, Status.DELIVERED)
    await forbidden.work()
    assert box.taken == []


async def test_a_shop_that_changes_its_mind_stops_even_what_is_queued(
    store: Store, clock: FrozenClock, port: int, box: MailBox, account: Account
) -> None:
    office = Office(store, clock, port)
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
