"""Every page that customers get, on a phone and a desk, by day and by night, looked at."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from parcelwire.domain.brand import Brand, LookupField
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.report import CarrierReport, ParcelFacts
from parcelwire.domain.status import Substatus
from parcelwire.notices.worker import NoticeWorker
from parcelwire.pages.application import application
from tests.support.house import HouseUnderTest, open_house, report, serve
from tests.support.mail_server import MailBox, mail_server
from tests.support.mailing import mailing_worker, pages_with, path_in
from tests.support.pages import (
    browsing,
    needs_browser,
    open_page,
    put_brand,
    small_targets,
)
from tests.support.v4 import DIALECTS

pytestmark = needs_browser

LOOKS = tuple(itertools.product((True, False), (False, True)))
"""Phone or desk, night or day."""
JO = "jo@customer.example"
BRAND = Brand(
    name="Alpenshop",
    home_url="https://alpenshop.example/",
    primary_color="#2b8a3e",
    support_email="help@alpenshop.example",
    lookup=LookupField.POSTAL_CODE,
)


def at(local_time: str, text: str, status: Substatus, offset: int = 60, **more: Any) -> Checkpoint:
    return Checkpoint(
        local_time=local_time,
        text=text,
        offset_minutes=offset,
        substatus=status,
        status=status.status,
        language="de",
        **more,
    )


POSTED = at("2026-02-25T18:12", "Aufgegeben", Substatus.TRANSIT, 480, country="CN", city="Shanghai")
SORTED = at("2026-02-27T04:10", "Sortiert", Substatus.TRANSIT_AT_HUB, country="DE")
PARCELS: dict[str, CarrierReport] = {
    "out": report(
        "",
        POSTED,
        SORTED,
        at("2026-03-01T08:03", "In Zustellung", Substatus.PICKUP_OUT_FOR_DELIVERY, country="CH"),
        facts=ParcelFacts(origin_country="CN", destination_country="CH"),
    ),
    "nobody-home": report(
        "",
        POSTED,
        at("2026-02-28T11:40", "Empfänger abwesend", Substatus.UNDELIVERED_NOBODY_HOME),
    ),
    "returning": report(
        "", POSTED, SORTED, at("2026-02-28T11:40", "Rücksendung", Substatus.EXCEPTION_RETURNING)
    ),
    "delivered": report("", POSTED, at("2026-02-28T11:40", "Zugestellt", Substatus.DELIVERED)),
}


class Shop(msgspec.Struct):
    """A shop's pages, its mail box, and a browser before them."""

    house: HouseUnderTest
    worker: NoticeWorker
    box: MailBox
    url: str
    paths: dict[str, str]

    async def mailed_path(self) -> str:
        """Return where the newest mail's link leads."""
        while await self.worker.step():
            pass
        body = self.box.mails[-1].get_body(("plain",))
        assert body is not None
        return path_in(body.get_content())


@asynccontextmanager
async def open_shop(folder: Path) -> AsyncIterator[Shop]:
    box = MailBox()
    with mail_server(box) as port:
        async with open_house(folder, DIALECTS) as house:
            worker = mailing_worker(house, port)
            async with serve(application(pages_with(house, worker))) as address:
                await put_brand(house, house.world_id // 2, BRAND)
                paths = {name: await _create(house, name) for name in PARCELS}
                yield Shop(house, worker, box, f"http://{address}", paths)


async def _create(house: HouseUnderTest, name: str) -> str:
    number = f"99001234560000{list(PARCELS).index(name):04d}"
    house.carriers.script("swiss-post", number, PARCELS[name])
    created = await house.call(
        "POST",
        "/v4/trackings/create",
        json={
            "tracking_number": number,
            "courier_code": "swiss-post",
            "recipient_postcode": "8001",
        },
    )
    assert created.json()["meta"]["code"] == 200
    (stored,) = await house.store.find(house.world_id, number)
    return f"/t/{stored.tracking.page_token}"


COLOURS = """selector => [...new Set([...document.querySelectorAll('.steps ' + selector)]
  .map(step => getComputedStyle(step).borderTopColor))]"""


async def test_parcels_in_every_state(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop, browsing() as browser:
        headlines = {
            "out": "Your parcel is out for delivery",
            "nobody-home": "Nobody was at home when your parcel came",
            "returning": "Your parcel is on its way back to the sender",
            "delivered": "Delivered yesterday, 11:40",
        }
        for (name, path), (phone, dark) in itertools.product(shop.paths.items(), LOOKS):
            shown = await open_page(browser, shop.url + path, phone=phone, dark=dark)
            assert await shown.page.inner_text("h1") == headlines[name]
            assert await shown.page.title() == headlines[name]
            body = await shown.page.inner_text("main")
            assert ("What to do now" in body) is (name == "nobody-home")
            assert "Shanghai, China" in body
            reached = await shown.page.evaluate(COLOURS, "li.done, .steps li.now")
            open_ones = await shown.page.evaluate(COLOURS, "li.open")
            assert len(reached) == 1
            assert not set(reached) & set(open_ones), "what was reached cannot be told apart"
            await shown.check(f"tracking-{name}")
            assert await small_targets(shown.page) == []
            await shown.close()


async def test_mails_are_asked_for_and_ended(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop, browsing() as browser:
        for turn, (phone, dark) in enumerate(LOOKS):
            # Each look is another person's, and each pause between mails is kept.
            shop.house.clock.advance(3_600)
            shown = await open_page(browser, shop.url + shop.paths["out"], phone=phone, dark=dark)
            page = shown.page
            await page.fill("input[type=email]", "jo@")
            await page.eval_on_selector("form", "form => form.noValidate = true")
            await page.click("text=Keep me informed")
            await page.get_by_role("alert").wait_for()
            await shown.check("mail-wrong", most_bytes=120_000)
            await page.fill("input[type=email]", f"jo{turn}@customer.example")
            await page.click("text=Keep me informed")
            await page.get_by_role("status").wait_for()
            await shown.check("mail-asked", most_bytes=180_000)
            path = await shop.mailed_path()
            for name, press in (
                ("notice-confirm", "Yes, keep me informed"),
                ("notice-confirmed", ""),
            ):
                if name == "notice-confirm":
                    await page.goto(shop.url + path)
                await shown.check(name, most_bytes=240_000)
                assert await small_targets(page) == []
                if press:
                    await page.click(f"button:has-text('{press}')")
                    await page.get_by_role("heading", name="Confirmed").wait_for()
            await page.goto(f"{shop.url}{path}?do=end")
            await shown.check("notice-ask-end", most_bytes=240_000)
            await page.click("button:has-text('No more mails')")
            await page.get_by_role("heading", name="Done.").wait_for()
            await shown.check("notice-ended", most_bytes=240_000)
            await shown.close()


async def test_feedback_lookup_and_pages_of_nobody(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop, browsing() as browser:
        for phone, dark in LOOKS:
            shown = await open_page(
                browser, shop.url + shop.paths["delivered"], phone=phone, dark=dark
            )
            await shown.page.check("input[value=bad]")
            await shown.page.fill("textarea", "It was wet.")
            await shown.page.click("button:has-text('Send')")
            await shown.page.get_by_role("status").filter(has_text="Thank you.").wait_for()
            await shown.check("feedback-done", most_bytes=120_000)
            await shown.close()
            shown = await open_page(browser, f"{shop.url}/track", phone=phone, dark=dark)
            await shown.check("lookup")
            assert await small_targets(shown.page) == []
            await shown.page.fill("input[name=number]", "990012345600009999")
            await shown.page.fill("input[name=word]", "8001")
            await shown.page.click("button")
            await shown.page.get_by_role("alert").wait_for()
            await shown.check("lookup-nothing", most_bytes=120_000)
            await shown.close()
            for name, path in (("missing", "/t/" + "A" * 43), ("notice-gone", "/n/" + "A" * 43)):
                shown = await open_page(browser, shop.url + path, phone=phone, dark=dark)
                # A 404 is told by the browser, too.
                assert [one for one in shown.complaints if "404" not in one] == []
                shown.complaints.clear()
                await shown.check(name)
                await shown.close()


FOREIGN = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Another shop</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<style>parcelwire-tracking {{ display: block; min-height: 24.5rem }}</style>
<link rel="icon" href="data:,"><script src="{url}/widget.js" defer></script></head>
<body><main><h1>Your order</h1><parcelwire-tracking src="{url}{path}"></parcelwire-tracking>
<iframe title="Parcel" src="{url}{path}?embed=1" width="340" height="600"></iframe></main></body>
</html>"""


async def test_the_widget_in_every_light(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop, browsing() as browser:

        async def foreign(_: Request) -> HTMLResponse:
            return HTMLResponse(FOREIGN.format(url=shop.url, path=shop.paths["out"]))

        async with serve(Starlette(routes=[Route("/", foreign)])) as address:
            for phone, dark in LOOKS:
                shown = await open_page(browser, f"http://{address}/", phone=phone, dark=dark)
                await shown.page.locator("parcelwire-tracking h2").wait_for()
                # The shop's own frame and script are what it asks us for.
                assert {url.split("/")[2] for url in shown.strangers} == {shop.url.split("/")[2]}
                shown.strangers.clear()
                await shown.check("widget-shop", most_bytes=120_000)
                await shown.close()


async def test_a_brand_looks_well_everywhere(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop, browsing() as browser:
        gaudy = replace(BRAND, primary_color="#ffe600", background_color="#ffffff")
        await put_brand(shop.house, shop.house.world_id // 2, gaudy)
        for phone, dark in LOOKS:
            shown = await open_page(browser, shop.url + shop.paths["out"], phone=phone, dark=dark)
            await shown.check("tracking-gaudy")
            await shown.close()
