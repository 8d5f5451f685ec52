"""The tracking page in a real browser: what is seen, on a phone and a desk, by day and by night."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from parcelwire.domain.checkpoint import Checkpoint, Leg
from parcelwire.domain.report import CarrierReport, DeliveryWindow, ParcelFacts
from parcelwire.domain.status import Substatus
from parcelwire.pages.application import application
from tests.support.browser import Browser, Page, find_browser, open_browser
from tests.support.house import HouseUnderTest, open_house, report, serve
from tests.support.pages import needs_browser, page_house
from tests.support.v4 import DIALECTS

PROGRAM = find_browser()
pytestmark = needs_browser

PHONE = (320, 700)
DESK = (1280, 900)
VIEWS = [(*size, scheme) for size, scheme in itertools.product((PHONE, DESK), ("light", "dark"))]
LONG = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetzabteilung" * 2


def at(local_time: str, text: str, status: Substatus | None = None, **more: Any) -> Checkpoint:
    return Checkpoint(
        **{
            "local_time": local_time,
            "text": text,
            "offset_minutes": 60,
            "substatus": status,
            "status": status.status if status is not None else None,
            **more,
        }
    )


ON_ITS_WAY = (
    at("2026-02-25T07:58", "The shipment was announced by the sender", Substatus.INFORECEIVED),
    at("2026-02-25T18:12", "Posted at the counter", Substatus.TRANSIT, location="8001 Zürich"),
    at("2026-02-26", "Sorted for delivery", Substatus.TRANSIT_AT_HUB, location="Härkingen"),
)
PARCELS: dict[str, CarrierReport] = {
    "nothing": report(),
    "on-its-way": report(
        "",
        *ON_ITS_WAY,
        window=DeliveryWindow(
            earliest="2026-03-02T09:00", latest="2026-03-02T11:00", source="carrier"
        ),
    ),
    "waiting": report(
        "",
        *ON_ITS_WAY,
        at("2026-02-27T09:41", "Nobody at home", Substatus.UNDELIVERED_NOBODY_HOME),
        at("2026-02-27T14:00", "Ready", Substatus.PICKUP_READY_FOR_COLLECTION),
        facts=ParcelFacts(
            pickup_point="Post office 3001 Bern, Musterplatz 1", pickup_until_on="2026-03-06"
        ),
    ),
    "customs": report(
        "",
        *ON_ITS_WAY,
        at(
            "2026-02-27T22:10",
            f"Held: {LONG}",
            Substatus.EXCEPTION_CUSTOMS_HOLD,
            location=f"Chiasso {LONG}",
            offset_minutes=None,
        ),
    ),
    "delivered": report(
        "",
        *ON_ITS_WAY,
        at("2026-02-28T10:02", "Consegnata", Substatus.DELIVERED, leg=Leg.DESTINATION),
        at(
            "2026-02-27T10:02",
            "Arrivata nel paese di destinazione",
            Substatus.TRANSIT_IN_DESTINATION_COUNTRY,
            leg=Leg.DESTINATION,
            language="it",
        ),
    ),
}


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[dict[str, str]]:
    """Serve one page per parcel; yields the address of each."""
    async with open_house(folder, DIALECTS) as house:
        tokens = {name: await _create(house, name) for name in PARCELS}
        pages = application(page_house(house))
        async with serve(pages) as address:
            yield {name: f"http://{address}/t/{token}?lang=en" for name, token in tokens.items()}


async def _create(house: HouseUnderTest, name: str) -> str:
    number = f"99001234560000{list(PARCELS).index(name):04d}"
    house.carriers.script("swiss-post", number, PARCELS[name])
    body = {"tracking_number": number, "courier_code": "swiss-post"}
    created = await house.call("POST", "/v4/trackings/create", json=body)
    assert created.json()["meta"]["code"] == 200
    (stored,) = await house.store.find(house.world_id, number)
    return stored.tracking.page_token


@asynccontextmanager
async def shown(folder: Path) -> AsyncIterator[tuple[Browser, dict[str, str]]]:
    """Serve the pages and start a browser."""
    assert PROGRAM is not None
    async with served(folder) as urls, open_browser(PROGRAM, folder / "profile") as browser:
        yield browser, urls


async def test_every_parcel_fits_every_screen_by_day_and_by_night(tmp_path: Path) -> None:
    async with shown(tmp_path) as (browser, urls):
        for (name, url), (width, height, scheme) in itertools.product(urls.items(), VIEWS):
            page = await browser.open(url, width=width, height=height, scheme=scheme)
            what = f"{name}, {width} px, {scheme}"
            assert page.complaints == [], what
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, what
            assert await page.evaluate(CUT_OFF) == [], what
            low = [one for one in await page.evaluate(CONTRASTS) if one["ratio"] < 4.5]
            assert low == [], what


async def test_what_people_read(tmp_path: Path) -> None:
    async with shown(tmp_path) as (browser, urls):
        page = await browser.open(urls["waiting"], width=PHONE[0], height=PHONE[1])
        text = await page.evaluate("document.body.innerText")
        for words in (
            "Your parcel is ready for collection",
            "Post office 3001 Bern, Musterplatz 1",
            "Collect it by Friday",
            "Swiss Post",
            "Nobody at home",
        ):
            assert words in text
        assert await page.evaluate("document.title") == "Your parcel is ready for collection"
        delivered = await browser.open(urls["delivered"], width=DESK[0], height=DESK[1])
        text = await delivered.evaluate("document.body.innerText")
        # The destination's leg is newer, so it stands first.
        assert text.index("Consegnata") < text.index("Posted at the counter")


async def test_a_phone_shows_the_step_in_words_and_a_desk_shows_all_steps(tmp_path: Path) -> None:
    label, sentence = (
        f"document.querySelector('{one}').getBoundingClientRect().width"
        for one in (".steps li.now span", ".step")
    )
    async with shown(tmp_path) as (browser, urls):
        phone = await browser.open(urls["on-its-way"], width=PHONE[0], height=PHONE[1])
        assert await phone.evaluate(label) == 0
        assert await phone.evaluate(sentence) > 100
        desk = await browser.open(urls["on-its-way"], width=DESK[0], height=DESK[1])
        assert await desk.evaluate(label) > 30
        assert await desk.evaluate(sentence) == 1


async def test_what_a_screen_reader_says(tmp_path: Path) -> None:
    async with shown(tmp_path) as (browser, urls):
        page = await browser.open(urls["on-its-way"], width=DESK[0], height=DESK[1])
        said = await spoken(page)
        assert ("heading", "Arrives tomorrow, 09:00 to 11:00") in said
        assert ("StaticText", "Step 3 of 5: On its way") in said
        assert ("link", "Swiss Post") in said
        # The drawn steps say the same as the sentence, so they are not read out again.
        assert ("StaticText", "Out for delivery") not in said
        assert await page.evaluate("document.documentElement.lang") == "en"
        assert await page.evaluate("document.querySelectorAll('h1').length") == 1
        assert await page.evaluate("document.querySelectorAll('main').length") == 1


async def test_the_page_of_nobody(tmp_path: Path) -> None:
    async with shown(tmp_path) as (browser, urls):
        nobody = urls["nothing"].rsplit("/", 1)[0] + "/AAAAAAAAAAAAAAAAAAAAAAAAAAA"
        page = await browser.open(nobody, width=PHONE[0], height=PHONE[1])
        assert "There is no parcel here" in await page.evaluate("document.body.innerText")
        # The style sheet came all the same: the 404 of the page itself is the only complaint.
        assert len(page.complaints) == 1
        assert await page.evaluate("document.styleSheets[0].cssRules.length") > 10


async def spoken(page: Page) -> set[tuple[str, str]]:
    """Return role and name of everything in the accessibility tree."""
    tree = await page.call("Accessibility.getFullAXTree")
    return {
        (node["role"]["value"], node["name"]["value"])
        for node in tree["nodes"]
        if not node["ignored"] and node.get("name", {}).get("value")
    }


CUT_OFF = """
[...document.querySelectorAll('main *')]
  .filter(e => !e.matches('.step, .unseen') && e.scrollWidth > e.clientWidth + 1
               && getComputedStyle(e).display !== 'inline')
  .map(e => e.outerHTML.slice(0, 80))
"""
"""Elements whose content is wider than they are."""

CONTRASTS = """
(() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => (v /= 255) <= 0.03928 ? v / 12.92
                                                               : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = e => {
    for (; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim()) continue;
    const a = light(parse(getComputedStyle(e).color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push({ text: texts.currentNode.data.trim().slice(0, 40), ratio });
  }
  return found;
})()
"""
"""Contrast of every text with its ground, as WCAG 2.2 reckons it (4.5 for ordinary text)."""
