"""The customer's pages on a test house, and a real browser that watches itself while it shows them.

async with browsing() as browser:
    shown = await open_page(browser, url, phone=True, dark=False)
    await shown.check("delivered")      # barriers, layout shift, weight, strangers, complaints
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from parcelwire.domain.account import Account
from parcelwire.domain.brand import Brand, encode_brand
from parcelwire.pages.house import PageHouse, Subscriber
from tests.support.browser import find_browser
from tests.support.house import HouseUnderTest

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
SCREENSHOTS = Path("build/screenshots")

needs_browser = [
    pytest.mark.browser,
    # Whoever builds without a browser may pass; the run that decides about a commit may not.
    pytest.mark.skipif(
        find_browser() is None and "CI" not in os.environ,
        reason="there is no Chromium on this machine",
    ),
]

SHIFTS = """
window.shifts = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({type: 'layout-shift', buffered: true});
"""


SMALL = """
[...document.querySelectorAll('a, button, input, textarea, select, summary')]
  .filter(e => !(e.matches('a') && e.closest('p, li, dd, td, .note')) && e.offsetParent !== null)
  .map(e => [e, (e.closest('label') || e).getBoundingClientRect()])
  .filter(([, box]) => box.height < 24 || box.width < 24)
  .map(([e]) => e.outerHTML.slice(0, 100))
"""
"""Links within a text need no size of their own."""


SPILLS = """
[...document.querySelectorAll('.card, .summary, .note')].flatMap(card => {
  const edge = card.getBoundingClientRect().right + 1;
  return [...card.querySelectorAll('*')].filter(e => e.offsetParent !== null
    && !e.closest('.scroll, pre, .unseen, .step, svg') && e.getBoundingClientRect().right > edge);
}).map(e => e.outerHTML.slice(0, 100))
"""
"""Elements that stick out of their card on the right."""


async def spills(page: Page) -> list[str]:
    """Return what sticks out of the card that it stands in."""
    found: list[str] = await page.evaluate(SPILLS)
    return found


async def small_targets(page: Page) -> list[str]:
    """Return what people press and hardly hit: less than 24 px high or wide (WCAG 2.2, 2.5.8)."""
    found: list[str] = await page.evaluate(SMALL)
    return found


def page_house(house: HouseUnderTest, subscriber: Subscriber | None = None) -> PageHouse:
    """Return what the pages are handed, from a test house."""
    return PageHouse(
        store=house.store,
        registry=house.house.registry,
        clock=house.clock,
        subscriber=subscriber,
    )


async def put_brand(house: HouseUnderTest, account: Account | int, brand: Brand) -> None:
    """Store a brand as the dashboard does."""
    number = account if isinstance(account, int) else account.number
    document = encode_brand(brand)
    await house.store.change_record(
        "brand", str(number), "brand", lambda _: document, at=house.clock.now()
    )


class Shown(msgspec.Struct):
    """A page in the browser, and what was noticed meanwhile."""

    page: Page
    context: BrowserContext
    name: str
    host: str
    complaints: list[str]
    strangers: list[str]
    transferred: list[int]

    async def check(self, name: str, *, most_bytes: int = 60_000) -> None:
        """Take a picture, and fail on barriers, jumps, weight, strangers and complaints."""
        page = self.page
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=SCREENSHOTS / f"{name}-{self.name}.png", full_page=True)
        assert self.complaints == [], name
        assert self.strangers == [], name
        assert sum(self.transferred) <= most_bytes, (name, self.transferred)
        assert await page.evaluate("window.shifts") <= 0.1, name
        width = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert width <= 0, f"{name} is wider than its window"
        assert await spills(page) == [], name
        found = await Axe().run(page)
        faults = [
            (one["id"], [node["html"][:120] for node in one["nodes"]])
            for one in found.response["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        assert faults == [], name

    async def close(self) -> None:
        """Close the page."""
        await self.context.close()


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """Start Debian's Chromium."""
    program = find_browser()
    assert program is not None, "no Chromium: CI must install it"
    async with async_playwright() as play:
        browser = await play.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            await browser.close()


async def open_page(
    browser: Browser,
    url: str,
    *,
    phone: bool = False,
    dark: bool = False,
    locale: str = "en-GB",
    scripts: bool = True,
    has_own_time: bool = False,
) -> Shown:
    """Open an address in a window of its own.

    ``has_own_time``: the page's timers go by ``page.clock``, which a test can move.
    """
    context = await browser.new_context(
        viewport=PHONE if phone else DESK,  # type: ignore[arg-type]  # a plain dict
        color_scheme="dark" if dark else "light",
        locale=locale,
        java_script_enabled=scripts,
        reduced_motion="reduce",
    )
    page = await context.new_page()
    await page.add_init_script(SHIFTS)
    if has_own_time:
        await page.clock.install()
    parts = urlsplit(url)
    shown = Shown(
        page=page,
        context=context,
        name=f"{'phone' if phone else 'desktop'}-{'dark' if dark else 'light'}",
        host=parts.netloc,
        complaints=[],
        strangers=[],
        transferred=[],
    )

    def heard(message: Any) -> None:
        if message.type in ("error", "warning"):
            shown.complaints.append(message.text)

    def asked(request: Any) -> None:
        if urlsplit(request.url).netloc not in (shown.host, ""):
            shown.strangers.append(request.url)

    async def done(request: Any) -> None:
        if "/live" in request.url:
            return
        sizes = await request.sizes()
        shown.transferred.append(sizes["responseBodySize"] + sizes["responseHeadersSize"])

    page.on("console", heard)
    page.on("pageerror", lambda error: shown.complaints.append(str(error)))
    page.on("request", asked)
    page.on("requestfinished", done)
    await page.goto(url, wait_until="load")
    return shown
