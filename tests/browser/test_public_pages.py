"""The customer's pages in a real browser: read, watched, looked up, put into other pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from playwright.async_api import Browser
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from parcelwire.domain.brand import Brand, Font, Link, LookupField
from parcelwire.domain.checkpoint import Checkpoint, Leg
from parcelwire.domain.report import (
    CarrierReport,
    DeliveryWindow,
    ParcelFacts,
    ProofOfDelivery,
)
from parcelwire.domain.status import Substatus
from parcelwire.pages.application import application
from parcelwire.pages.limits import PageLimits
from parcelwire.tracking.ports import Save
from tests.support.house import HouseUnderTest, open_house, report, serve
from tests.support.pages import browsing, needs_browser, open_page, page_house, put_brand
from tests.support.v4 import DIALECTS

pytestmark = needs_browser

DEFAULTS = PageLimits()
LOOKS = ((True, False), (False, True), (True, True), (False, False))
"""Phone or desk, night or day."""


def at(local_time: str, text: str, status: Substatus, **more: Any) -> Checkpoint:
    return Checkpoint(
        **{
            "local_time": local_time,
            "text": text,
            "offset_minutes": 60,
            "substatus": status,
            "status": status.status,
            "language": "de",
            **more,
        }
    )


ANNOUNCED = at("2026-02-25T07:58", "Die Sendung wurde angekündigt", Substatus.INFORECEIVED)
POSTED = at("2026-02-25T18:12", "Aufgegeben", Substatus.TRANSIT, country="CN", city="Shanghai")
SORTED = at("2026-02-26", "Sortiert", Substatus.TRANSIT_AT_HUB, country="DE", city="Frankfurt")
PARCELS: dict[str, CarrierReport] = {
    "nothing": report(),
    "arriving": report(
        "",
        ANNOUNCED,
        POSTED,
        SORTED,
        window=DeliveryWindow(
            earliest="2026-03-05T14:00", latest="2026-03-05T17:00", source="carrier"
        ),
        facts=ParcelFacts(origin_country="CN", destination_country="CH"),
    ),
    "held": report(
        "",
        ANNOUNCED,
        POSTED,
        at("2026-02-27T22:10", "Vom Zoll zurückgehalten", Substatus.EXCEPTION_CUSTOMS_HOLD,
           offset_minutes=None, country="CH"),
    ),
    "waiting": report(
        "",
        ANNOUNCED,
        POSTED,
        at("2026-02-27T14:00", "Abholbereit", Substatus.PICKUP_READY_FOR_COLLECTION),
        facts=ParcelFacts(
            pickup_point="Poststelle 3001 Bern, Musterplatz 1", pickup_until_on="2026-03-06"
        ),
    ),
    "two-legs": report(
        "",
        ANNOUNCED,
        POSTED,
        at("2026-02-27T10:02", "Arrivata in Italia", Substatus.TRANSIT_IN_DESTINATION_COUNTRY,
           leg=Leg.DESTINATION, language="it", country="IT"),
        at("2026-02-28T10:02", "Consegnata", Substatus.DELIVERED, leg=Leg.DESTINATION,
           language="it", country="IT", city="Rome"),
        facts=ParcelFacts(
            partner_courier_code="poste-italiane",
            exchange_number="RA123456785CH",
            proof=ProofOfDelivery(signed_by="E. Muster", place="Portineria"),
        ),
    ),
}  # fmt: skip
BRAND = Brand(
    name="Alpenshop",
    home_url="https://alpenshop.example/",
    primary_color="#d9480f",
    font=Font.ROUNDED,
    links=(Link("Hilfe", "https://alpenshop.example/help"),),
    support_email="help@alpenshop.example",
    support_phone="+41 44 000 00 00",
    texts={"en": {"delivered": "Enjoy your new boots!"}, "de": {"delivered": "Viel Freude!"}},
    shows_signer=True,
)


class Shop:
    """Parcels of one shop, and a browser to look at them."""

    def __init__(self, house: HouseUnderTest, url: str, browser: Browser) -> None:
        self.house = house
        self.url = url
        self.browser = browser
        self.paths: dict[str, str] = {}

    async def add(self, name: str, answer: CarrierReport, **fields: str) -> None:
        number = f"99001234560000{len(self.paths):04d}"
        self.house.carriers.script("swiss-post", number, answer)
        body = {"tracking_number": number, "courier_code": "swiss-post", **fields}
        created = await self.house.call("POST", "/v4/trackings/create", json=body)
        assert created.json()["meta"]["code"] == 200
        (stored,) = await self.house.store.find(self.house.world_id, number)
        self.paths[name] = f"/t/{stored.tracking.page_token}"

    @property
    def account(self) -> int:
        return self.house.world_id // 2


@asynccontextmanager
async def open_shop(folder: Path, limits: PageLimits = DEFAULTS) -> AsyncIterator[Shop]:
    async with (
        open_house(folder, DIALECTS) as house,
        browsing() as browser,
        serve(application(replace(page_house(house), limits=limits))) as address,
    ):
        shop = Shop(house, f"http://{address}", browser)
        for name, answer in PARCELS.items():
            await shop.add(name, answer)
        yield shop


async def test_every_parcel_on_every_screen(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        for name, path in shop.paths.items():
            for phone, dark in LOOKS:
                shown = await open_page(shop.browser, shop.url + path, phone=phone, dark=dark)
                await shown.check(f"tracking-{name}")
                assert await shown.context.cookies() == []
                await shown.close()


@pytest.mark.parametrize(
    ("locale", "headline"),
    [
        ("en-GB", "Arrives Thursday, 14:00 to 17:00"),
        ("de-CH", "Kommt Donnerstag, 14:00 bis 17:00"),
        ("ja-JP", "木曜日 14:00~17:00到着予定"),
    ],
)
async def test_three_languages_on_two_sizes(tmp_path: Path, locale: str, headline: str) -> None:
    async with open_shop(tmp_path) as shop:
        for phone in (True, False):
            url = shop.url + shop.paths["arriving"]
            shown = await open_page(shop.browser, url, phone=phone, locale=locale)
            assert await shown.page.inner_text("h1") == headline
            await shown.check(f"tracking-{locale}")
            await shown.close()


async def test_the_brand_and_what_the_shop_says(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        await put_brand(shop.house, shop.account, BRAND)
        url = shop.url + shop.paths["two-legs"]
        for phone, dark in LOOKS:
            shown = await open_page(shop.browser, url, phone=phone, dark=dark)
            text = await shown.page.inner_text("body")
            for words in ("Alpenshop", "Enjoy your new boots!", "E. Muster", "Poste Italiane"):
                assert words in text
            assert text.index("Consegnata") < text.index("Aufgegeben"), "the newer leg first"
            await shown.check("tracking-brand")
            await shown.close()


async def test_several_parcels_of_one_order(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        for name in ("two-legs", "arriving"):
            order = {"order_id": "1001", "customer_email": "customer@person.example"}
            await shop.add(f"order-{name}", PARCELS[name], **order)
        url = shop.url + shop.paths["order-arriving"]
        for phone, dark in LOOKS:
            shown = await open_page(shop.browser, url, phone=phone, dark=dark)
            assert "1 of 2 parcels delivered" in await shown.page.inner_text("body")
            await shown.check("tracking-order")
            await shown.page.click(".parcels a")
            await shown.page.get_by_role("heading", name="Delivered yesterday, 10:02").wait_for()
            await shown.close()


async def test_a_page_that_is_watched_changes_by_itself(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        shown = await open_page(shop.browser, shop.url + shop.paths["arriving"])
        await shown.page.wait_for_selector("#alive:not([hidden])")
        (stored,) = await shop.house.store.find(shop.house.world_id, "990012345600000001")
        tracking = stored.tracking
        news = replace(
            tracking,
            version=tracking.version + 1,
            window=None,
            status=Substatus.EXCEPTION_LOST_OR_DAMAGED.status,
            substatus=Substatus.EXCEPTION_LOST_OR_DAMAGED,
        )
        assert await shop.house.store.save(Save(tracking=news, expected_version=tracking.version))
        await shown.page.get_by_role("heading", name="Your parcel is damaged or lost").wait_for()
        assert await shown.page.title() == "Your parcel is damaged or lost"
        await shown.check("tracking-live")
        await shown.close()


async def test_a_page_that_gets_no_stream_asks_quietly_instead(tmp_path: Path) -> None:
    async with open_shop(tmp_path, PageLimits(live_per_tracking=0)) as shop:
        url = shop.url + shop.paths["arriving"]
        shown = await open_page(shop.browser, url, has_own_time=True)
        assert await shown.page.locator("#alive").is_hidden()
        (stored,) = await shop.house.store.find(shop.house.world_id, "990012345600000001")
        tracking = stored.tracking
        for version, status, headline in (
            (1, Substatus.EXCEPTION_LOST_OR_DAMAGED, "Your parcel is damaged or lost"),
            (2, Substatus.DELIVERED, "Delivered"),
        ):
            number = tracking.version + version
            news = replace(
                tracking, version=number, window=None, status=status.status, substatus=status
            )
            assert await shop.house.store.save(Save(tracking=news, expected_version=number - 1))
            heading = shown.page.get_by_role("heading", name=headline).first
            for _ in range(100):
                # The page sets its timer when it has been refused, which may be a moment later.
                await shown.page.clock.fast_forward(76_000)
                if await heading.is_visible():
                    break
                await asyncio.sleep(0.1)
            assert await heading.is_visible()
        assert shown.complaints == []
        await shown.close()


async def test_without_scripts_everything_is_there(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        url = shop.url + shop.paths["two-legs"]
        shown = await open_page(shop.browser, url, scripts=False)
        assert "Consegnata" in await shown.page.inner_text("body")
        await shown.page.check("input[value=good]")
        await shown.page.fill("textarea", "Quick and friendly")
        await shown.page.click("button")
        await shown.page.get_by_role("status").filter(has_text="Thank you.").wait_for()
        await shown.close()


async def test_looking_a_parcel_up_until_it_locks(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        await put_brand(shop.house, shop.account, replace(BRAND, lookup=LookupField.POSTAL_CODE))
        await shop.add("mine", PARCELS["arriving"], recipient_postcode="8001")
        number = f"99001234560000{len(shop.paths) - 1:04d}"
        shown = await open_page(shop.browser, f"{shop.url}/track", phone=True)
        page = shown.page
        await shown.check("lookup")

        async def look(word: str) -> None:
            await page.fill("input[name=number]", number)
            await page.fill("input[name=word]", word)
            await page.click("button")

        await look("8001")
        assert await page.inner_text("h1") == "Arrives Thursday, 14:00 to 17:00"
        await page.goto(f"{shop.url}/track")
        for word in ("1000", "1001", "1002", "1003", "1004"):
            await look(word)
            assert "We found nothing that fits" in await page.inner_text("[role=alert]")
        await shown.check("lookup-nothing")
        await look("8001")
        assert "We found nothing that fits" in await page.inner_text("[role=alert]")
        await shown.close()


FOREIGN = """<!doctype html><html lang="de"><head><meta charset="utf-8"><title>Another shop</title>
<link rel="icon" href="data:,"><script src="{url}/widget.js" defer></script></head>
<body><main><h1>Ihre Bestellung</h1>
<parcelwire-tracking src="{url}{path}" events="2" color="#d9480f"></parcelwire-tracking>
<iframe title="Sendung" src="{url}{path}?embed=1" width="360" height="600"></iframe></main></body>
</html>"""


async def test_the_widget_in_a_foreign_page(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:

        async def foreign(_: Request) -> HTMLResponse:
            # A shop that forbids inline styles and scripts itself.
            policy = f"default-src 'none'; script-src {shop.url}; connect-src {shop.url};"
            policy += f" frame-src {shop.url}; style-src 'none'; img-src data:"
            text = FOREIGN.format(url=shop.url, path=shop.paths["arriving"])
            return HTMLResponse(text, headers={"content-security-policy": policy})

        async with serve(Starlette(routes=[Route("/", foreign)])) as address:
            shown = await open_page(shop.browser, f"http://{address}/")
            headline = shown.page.locator("parcelwire-tracking h2")
            await headline.wait_for()
            assert await headline.inner_text() == "Kommt Donnerstag, 14:00 bis 17:00"
            assert await shown.page.locator("parcelwire-tracking ol.events li").count() == 2
            tone = "getComputedStyle(document.querySelector('parcelwire-tracking').shadowRoot"
            colour = await shown.page.evaluate(f"{tone}.querySelector('.box')).borderTopColor")
            assert colour == "rgb(217, 72, 15)"
            frame = shown.page.frame_locator("iframe")
            assert "Arrives Thursday" in await frame.locator("h1").inner_text()
            hosts = {url.split("/")[2] for url in shown.strangers}
            assert hosts == {shop.url.split("/")[2]}
            assert shown.complaints == []
            shown.strangers.clear()
            await asyncio.gather(shown.check("widget", most_bytes=120_000))
            await shown.close()
