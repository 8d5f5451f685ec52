"""The page of the brand: an address for mails is confirmed by the code that was sent there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from parcelwire.config import LimitsSection, NotificationsSection
from parcelwire.domain.brand import Brand, encode_brand
from parcelwire.domain.clock import DAY
from tests.contract.notice_office import body_of
from tests.support.dashboard import Desk, open_dashboard
from tests.support.mail_server import MailBox, mail_server

SALES = "sales@shop.example"


async def put_brand(desk: Desk) -> None:
    document = encode_brand(Brand(name="Shop", mail_from=SALES, support_email=SALES))
    await desk.house.store.change_record(
        "brand", str(desk.account.number), "brand", lambda _: document, at=desk.clock.now()
    )


def settings(port: int) -> Any:
    return NotificationsSection(
        smtp_host="127.0.0.1", smtp_port=port, security="none", sender="parcels@track.example"
    )


async def test_an_address_is_confirmed_by_the_code_in_the_mail(tmp_path: Path) -> None:
    box = MailBox()
    with mail_server(box) as port:
        async with open_dashboard(tmp_path, notifications=settings(port)) as desk:
            assert desk.house.mailer is not None
            worker = desk.house.make_notice_worker(desk.house.mailer)
            person = await desk.person(scope="admin")
            assert 'id="senders"' not in (await person.get("/brand")).text
            await person.do("/brand/sender/send", {"field": "mail_from"})
            await put_brand(desk)
            page = (await person.get("/brand")).text
            assert page.count(">Not confirmed<") == 2
            assert 'name="code"' not in page

            page = (await person.do("/brand/sender/send", {"field": "mail_from"})).text
            assert f"A code is on its way to {SALES}" in page
            while await worker.step():
                pass
            assert box.recipients == [SALES]
            found = re.search(r"Code: ([A-Z2-7-]{19})", body_of(box.mails[0]))
            assert found is not None
            wrong = {"field": "mail_from", "code": "AAAA-BBBB-CCCC-DDDD"}
            page = (await person.do("/brand/sender/confirm", wrong)).text
            assert "That code is wrong" in page
            assert page.count(">Not confirmed<") == 2
            right = {"field": "mail_from", "code": found[1]}
            page = (await person.do("/brand/sender/confirm", right)).text
            assert f"{SALES} is confirmed" in page
            assert page.count(">Confirmed<") == 2

            # Neither a smaller scope nor the test world can do it; nor can any other field.
            for scope, is_test, status in (("write", False, 403), ("admin", True, 403)):
                other = await desk.person(scope=scope, is_test=is_test)
                await other.get("/trackings")
                answer = await other.post("/brand/sender/send", {"field": "support_email"})
                assert answer.status == status
            await person.post("/brand/sender/send", {"field": "home_url"})
            while await worker.step():
                pass
            assert box.recipients == [SALES]


async def test_the_mail_page_says_how_many_mails_there_were_and_wait(tmp_path: Path) -> None:
    box = MailBox()
    limits = LimitsSection(mails_per_account_per_day=2)
    with mail_server(box) as port:
        async with open_dashboard(tmp_path, notifications=settings(port), limits=limits) as desk:
            assert desk.house.mailer is not None
            worker = desk.house.make_notice_worker(desk.house.mailer)
            person = await desk.person(scope="admin")
            page = (await person.get("/mails")).text
            assert "Today: 0 of 2 mails sent. Waiting: 0." in page
            for name in ("a", "b", "c"):
                said = await desk.house.dashboard.senders.ask(
                    desk.account.number, f"{name}@shop.example", "CODE"
                )
                assert said == "sent"
            while await worker.step():
                pass
            page = (await person.get("/mails")).text
            assert "Today: 2 of 2 mails sent. Waiting: 1." in page
            assert "limit is reached" in page
            desk.clock.advance(DAY // 1_000)
            person = await desk.person(scope="admin")
            page = (await person.get("/mails")).text
            assert "Today: 0 of 2 mails sent. Waiting: 1." in page
