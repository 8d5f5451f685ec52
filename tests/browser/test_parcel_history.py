"""The dashboard's page of a parcel in a browser: what changed, and how its carrier was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, Page, expect

from parcelwire.domain.changes import StatusChanged
from parcelwire.domain.status import Status
from tests.support.dashboard import Desk, open_dashboard
from tests.support.dashboard_history import kinds_of_change, put_changes, put_polls
from tests.support.dashboard_parcels import put_parcels
from tests.support.pages import DESK, PHONE, SCREENSHOTS, browsing, needs_browser

pytestmark = [*needs_browser, pytest.mark.asyncio(loop_scope="module")]

MOVED = StatusChanged(
    from_status=Status.TRANSIT, from_substatus=None, to_status=Status.PICKUP, to_substatus=None
)

CUT = """
[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1)
  .map(e => e.getAttribute('aria-labelledby'))
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with open_dashboard(tmp_path_factory.mktemp("history")) as desk:
        yield desk


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as browser:
        yield browser


async def look(page: Page, name: str) -> list[Any]:
    """Keep pictures of a page, and return what is wrong with it."""
    wrong: list[Any] = []
    folder = Path(SCREENSHOTS)
    folder.mkdir(parents=True, exist_ok=True)
    for size, viewport in (("desktop", DESK), ("phone", PHONE)):
        await page.set_viewport_size(viewport)  # type: ignore[arg-type]  # a plain dict
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            await page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", full_page=True)
            found = (await Axe().run(page)).response["violations"]
            wrong += [
                (size, scheme, one["id"], [node["html"][:160] for node in one["nodes"]][:3])
                for one in found
                if one["impact"] in ("serious", "critical")
            ]
        over = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        cut = await page.evaluate(CUT) if size == "phone" else []
        if over > 0 or cut:
            wrong.append((size, "too wide", over, cut))
    return wrong


async def test_both_lists_are_there_and_older_changes_are_reached(
    desk: Desk, browser: Browser
) -> None:
    parcel = (await put_parcels(desk))["transit"]
    await put_changes(desk, parcel, *[(MOVED,)] * 60, *kinds_of_change(desk))
    told = await put_polls(desk, parcel)
    context = await browser.new_context(reduced_motion="reduce", locale="en-GB")
    page = await context.new_page()
    complaints: list[str] = []
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(desk.url + "/dashboard/login")
    await page.fill("#key", await desk.add_key(scope="write"))
    await page.click("text=Log in with the key")
    await page.wait_for_url("**/dashboard/trackings")
    await page.goto(desk.url + f"/dashboard/trackings/{parcel.id}")

    changes = page.get_by_role("region", name="Changes").locator("tbody tr")
    await expect(changes).to_have_count(8)
    await expect(changes.first).to_contain_text("Held by customs → At a hub")
    await expect(changes.first.locator("td").first).to_have_text("67")
    polls = page.get_by_role("region", name="Polls").locator("tbody tr")
    await expect(polls).to_have_count(len(told))
    await expect(polls.first).to_contain_text("nothing new")
    await expect(polls.first).to_contain_text("asked for by hand or by a program")
    await expect(polls.nth(1)).to_contain_text("deferred")
    await expect(polls.last).to_contain_text("brought news")
    assert await look(page, "dashboard-parcel-history") == []

    await page.set_viewport_size(DESK)  # type: ignore[arg-type]  # a plain dict
    await page.get_by_role("link", name="Older changes").click()
    rows = page.get_by_role("region", name="What changed").locator("tbody tr")
    await expect(rows).to_have_count(50)
    await expect(rows.first.locator("td").first).to_have_text("59")
    assert await look(page, "dashboard-parcel-changes") == []
    await page.get_by_role("link", name="Older →").click()
    await expect(rows).to_have_count(9)
    await expect(rows.last.locator("td").first).to_have_text("1")
    await expect(page.get_by_role("link", name="Older →")).to_have_count(0)
    await context.close()
    assert complaints == []
