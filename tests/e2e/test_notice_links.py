"""Where mails lead: pages behind links, on a whole house with a real mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.notices.worker import NoticeWorker
from parcelwire.pages.application import application
from parcelwire.tracking.ports import NewTracking, Save
from parcelwire.tracking.words import words
from tests.contract.store.samples import make_event, make_tracking
from tests.support.house import HouseUnderTest, open_house, serve
from tests.support.mail_server import MailBox, mail_server
from tests.support.mailing import mailing_worker, pages_with, path_in
from tests.support.v4 import DIALECTS

JO = "jo@customer.example"


class Site:
    """A shop's pages, its mails, and one customer's browser (which keeps no cookies)."""

    def __init__(
        self, house: HouseUnderTest, worker: NoticeWorker, box: MailBox, tracking: Tracking
    ) -> None:
        self.house, self.worker, self.box, self.tracking = house, worker, box, tracking
        self.session: aiohttp.ClientSession

    async def call(self, method: str, path: str, **kwargs: Any) -> tuple[int, str]:
        async with self.session.request(method, path, allow_redirects=False, **kwargs) as answer:
            policy = answer.headers.get("content-security-policy", "")
            assert answer.status == 303 or "default-src 'none'" in policy
            assert "set-cookie" not in answer.headers
            return answer.status, await answer.text()

    async def mail(self) -> str:
        """Do all work; return the newest mail's text."""
        while await self.worker.step():
            pass
        part = self.box.mails[-1].get_body(("plain",))
        assert part is not None
        return str(part.get_content())

    async def subscribe(self) -> str:
        """Fill in the page's form; return the path that the mail leads to."""
        status, _ = await self.call(
            "POST", f"/t/{self.tracking.page_token}/subscribe?lang=de", data={"email": JO}
        )
        assert status == 303
        return path_in(await self.mail())

    async def deliver(self) -> None:
        self.house.clock.advance(60)
        after = replace(
            self.tracking,
            version=2,
            sequence=1,
            status=Status.DELIVERED,
            updated_at=self.house.clock.now(),
        )
        assert await self.house.store.save(
            Save(tracking=after, expected_version=1, event=make_event(after))
        )


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    box = MailBox()
    with mail_server(box) as port:
        async with open_house(tmp_path, DIALECTS) as house:
            worker = mailing_worker(house, port)
            tracking = make_tracking("CANARY123", world_id=house.world_id)
            await house.store.create_trackings(
                [NewTracking(tracking=tracking, due_at=None, due_reason="")]
            )
            await worker.step()
            site = Site(house, worker, box, tracking)
            async with (
                serve(application(pages_with(house, worker))) as address,
                aiohttp.ClientSession(f"http://{address}") as session,
            ):
                site.session = session
                yield site


async def test_confirm_read_and_end(site: Site) -> None:
    say = words("de")
    path = await site.subscribe()
    status, page = await site.call("GET", path)
    assert status == 200
    assert say.say("notice.confirm") in page
    # Whoever got this mail by mistake learns nothing of the parcel.
    assert "CANARY123" not in page
    assert site.tracking.page_token not in page
    await site.deliver()
    await site.worker.step()
    assert len(site.box.taken) == 1
    status, page = await site.call("POST", path, data={"do": "confirm"})
    assert (status, say.say("notice.confirmed") in page) == (200, True)
    assert f"/t/{site.tracking.page_token}" in page
    status, page = await site.call("GET", f"{path}?do=end")
    assert say.say("notice.ask_end") in page
    status, page = await site.call("POST", f"{path}?do=end", data={"do": "end"})
    assert (status, say.say("notice.ended") in page) == (200, True)
    status, page = await site.call("GET", path)
    assert say.say("notice.ended") in page
    assert (await site.call("POST", path, data={"do": "confirm"}))[0] == 410


@pytest.mark.parametrize("is_multipart", [False, True])
async def test_one_click_of_the_mail_program_ends_it(site: Site, is_multipart: bool) -> None:
    path = await site.subscribe()
    await site.call("POST", path, data={"do": "confirm"})
    await site.deliver()
    assert "CANARY123" in await site.mail()
    header = site.box.mails[-1]["List-Unsubscribe"].strip("<>")
    assert header.startswith("https://track.shop.example/n/")
    # A program that only looks at the link ends nothing.
    target = header.removeprefix("https://track.shop.example")
    await site.call("GET", target)
    assert await site.worker.subscriptions.active(site.tracking.id)
    form: dict[str, str] | aiohttp.FormData = {"List-Unsubscribe": "One-Click"}
    if is_multipart:
        form = aiohttp.FormData(default_to_multipart=True)
        form.add_field("List-Unsubscribe", "One-Click")
    status, _ = await site.call("POST", target, data=form)
    assert status == 200
    assert not await site.worker.subscriptions.active(site.tracking.id)


async def test_links_work_while_the_account_is_suspended(site: Site) -> None:
    say = words("de")
    path = await site.subscribe()
    account = site.house.account.number
    await site.house.store.suspend_account(account, now=site.house.clock.now())
    site.house.clock.advance(1)
    assert (await site.call("GET", f"/t/{site.tracking.page_token}"))[0] == 404
    status, page = await site.call("POST", path, data={"do": "confirm"})
    assert (status, say.say("notice.confirmed") in page) == (200, True)
    status, page = await site.call("POST", path, data={"do": "end"})
    assert (status, say.say("notice.ended") in page) == (200, True)
    await site.house.store.resume_account(account)
    await site.deliver()
    while await site.worker.step():
        pass
    assert len(site.box.taken) == 1


@pytest.mark.parametrize(
    "token", ["x", "AAAAAAAAAAAAAAAAAAAAAAwrong", "a" * 5_000, "%00", "%F0%9F%93%A6"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_links_that_lead_nowhere(site: Site, token: str, method: str) -> None:
    status, page = await site.call(method, f"/n/{token}", data={"do": "end"})
    assert status == 404
    assert words("en").say("notice.gone") in page


@pytest.mark.parametrize(
    "data", [{}, {"do": "x"}, {"List-Unsubscribe": "yes"}, {"do": "x" * 20_000}]
)
async def test_a_post_that_says_nothing_changes_nothing(site: Site, data: dict[str, str]) -> None:
    path = await site.subscribe()
    await site.call("POST", path, data={"do": "confirm"})
    assert (await site.call("POST", path, data=data))[0] == 400
    assert await site.worker.subscriptions.active(site.tracking.id)
