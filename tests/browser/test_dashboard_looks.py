"""Every page of the dashboard in Chromium: barriers, overflow, complaints, pictures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from msgspec.structs import replace
from playwright.async_api import Browser, Page

from parcelwire.domain.clock import DAY, HOUR, MINUTE
from parcelwire.domain.report import UnmappedCode
from parcelwire.domain.tracking import Tracking
from parcelwire.notices.journal import Entry, Journal
from parcelwire.pages.dashboard.registry import discover
from parcelwire.polling.ports import Pause
from parcelwire.tracking.ports import PollState, RawResponse, Save
from parcelwire.webhooks.ports import MessageFilter
from tests.support.dashboard import Desk, open_dashboard, receiving
from tests.support.dashboard_parcels import put_parcels
from tests.support.pages import (
    DESK,
    PHONE,
    SCREENSHOTS,
    browsing,
    needs_browser,
    small_targets,
    spills,
)

pytestmark = [*needs_browser, pytest.mark.asyncio(loop_scope="module")]


class Place(msgspec.Struct):
    """A dashboard with something on every page, and a browser before it."""

    desk: Desk
    browser: Browser
    parcels: dict[str, Tracking]
    key: str
    upload: str
    endpoint: str
    message: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    folder: Path = tmp_path_factory.mktemp("dashboard")
    async with open_dashboard(folder) as desk, receiving() as receiver, browsing() as browser:
        store, now = desk.house.store, desk.clock.now()
        parcels = await put_parcels(desk)
        await put_answers(desk, parcels["transit"])
        key = await desk.add_key(scope="admin", label="the one in use", created_at=now - 90 * DAY)
        await desk.add_key(scope="read", label="warehouse", created_at=now - 3 * HOUR)
        person = await desk.person(scope="admin", label="till", created_at=now - DAY)
        await store.add_unmapped_codes(
            "swiss-post", [UnmappedCode(kind="code", value="LETTER.*.88.9", sample="{}")], now
        )
        await store.set_pause(
            "swiss-post:web", Pause(until=now + 600_000, failures=3, reason="HTTP 503", since=now)
        )
        await person.do("/trackings/views", {"name": "Trouble", "query": "status=exception"})
        receiver.status = 500
        await person.post("/endpoints", {"url": receiver.url, "dialect": "native"})
        (endpoint,) = await store.list_endpoints(desk.world_id)
        await person.post(f"/endpoints/{endpoint.id}/test")
        (message,) = (await store.list_messages(desk.world_id, MessageFilter(), limit=1)).messages
        form = _file("tracking number;order\n99.00.123456.12345699;7\n!!;8\n1,2E+5;9\n")
        answer = await person.post("/add/file", form)
        upload = answer.place
        for _ in range(200):
            if "Done" in (await person.get(upload)).text:
                break
            await asyncio.sleep(0.02)
        await person.post(
            "/connections",
            {
                "way": "swiss-post/api",
                "swiss-post/api/client_id": "a",
                "swiss-post/api/client_secret": "b",
            },
        )
        yield Place(
            desk=desk,
            browser=browser,
            parcels=parcels,
            key=key,
            upload=upload,
            endpoint=f"/endpoints/{endpoint.id}",
            message=f"/messages/{message.id}",
        )


async def put_answers(desk: Desk, tracking: Tracking) -> None:
    """Store what a carrier sent about a parcel, and what became of the mails about it."""
    store, now = desk.house.store, desk.clock.now()
    body = b'{"events": [{"code": "LETTER.*.88.912", "title": "Aufgegeben"}], "more": null}'
    save = Save(
        tracking=replace(tracking, version=tracking.version + 1),
        expected_version=tracking.version,
        poll=PollState(
            due_at=now + HOUR,
            due_reason="on its way: every hour",
            checked_at=now - 5 * MINUTE,
            last_outcome="found",
            checks=12,
        ),
        raw=RawResponse(at=now - 5 * MINUTE, connector="swiss-post", outcome="found", body=body),
    )
    assert await store.save(save)
    journal = Journal(store, desk.clock)
    for occasion, state, why in (
        ("confirm1", "sent", ""),
        ("transit", "refused", "recipient: 550 no such user"),
        ("pickup", "waiting", "one at a time"),
    ):
        entry = Entry(tracking_id=tracking.id, occasion=occasion, digest="0" * 64)
        await journal.note(entry, state, why=why)  # type: ignore[arg-type]  # states, as they are


def _file(text: str) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("file", text.encode(), filename="orders.csv", content_type="text/csv")
    return form


async def log_in(place: Place, page: Page) -> None:
    await page.goto(place.desk.url + "/dashboard/login")
    await page.fill("#key", place.key)
    await page.click("text=Log in with the key")
    await page.wait_for_url("**/dashboard/trackings")


async def faults_of(page: Page) -> list[Any]:
    """Return what stands in somebody's way, seriously."""
    found = await Axe().run(page)
    return [
        (one["id"], [node["html"][:160] for node in one["nodes"]][:3])
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical")
    ]


async def test_every_page_looks_well_and_keeps_nobody_out(place: Place) -> None:
    parcel = f"/trackings/{place.parcels['transit'].id}"
    paths = {
        "trackings": "/trackings",
        "trackings-empty": "/trackings?q=NOBODY123",
        "parcel": parcel,
        "answers": f"{parcel}/answers",
        "attention": "/attention",
        "add": "/add",
        "upload": place.upload,
        "couriers": "/couriers?number=990012345612345678&search=post",
        "connections": "/connections",
        "connectors": "/connectors",
        "gaps": "/gaps",
        "endpoints": "/endpoints",
        "endpoint": place.endpoint,
        "messages": "/messages",
        "message": place.message,
        "keys": "/keys",
        "brand": "/brand",
        "settings": "/settings",
        "missing": "/trackings/" + "0" * 32,
    }
    # Pages that come later are looked at without a change here.
    for one in discover():
        if "{" not in one.path and one.path not in paths.values():
            paths.setdefault(one.path.strip("/").replace("/", "-"), one.path)
    context = await place.browser.new_context(reduced_motion="reduce", locale="en-GB")
    page = await context.new_page()
    complaints: list[str] = []
    strangers: list[str] = []
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda asked: (
            None
            if asked.url.startswith((place.desk.url, "data:", "about:"))
            else strangers.append(asked.url)
        ),
    )
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    faults: list[Any] = []
    wide: list[Any] = []
    await page.goto(place.desk.url + "/dashboard/login")
    await _look(page, "dashboard-login", faults, wide)
    await log_in(place, page)
    for name, path in paths.items():
        await page.goto(place.desk.url + "/dashboard" + path, wait_until="networkidle")
        await _look(page, f"dashboard-{name}", faults, wide)
    await page.goto(place.desk.url + "/api/docs", wait_until="networkidle")
    await _look(page, "api-docs", faults, wide)
    await context.close()
    assert not faults, "\n".join(map(str, faults))
    assert wide == []
    assert strangers == []
    # The parcel that is not there is a 404, which the browser tells too.
    assert [one for one in complaints if "404" not in one] == []


async def test_what_the_dashboard_answers_looks_well(place: Place) -> None:
    context = await place.browser.new_context(reduced_motion="reduce", locale="en-GB")
    page = await context.new_page()
    faults: list[Any] = []
    wide: list[Any] = []
    await log_in(place, page)
    dashboard = place.desk.url + "/dashboard"
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a plain dict
    await page.click("text=Menu")
    await _look(page, "dashboard-menu", faults, wide)
    await page.goto(dashboard + "/add")
    await page.fill("#numbers", "990012345612345681, 990012345612345990, !!, RR123456785CH")
    await page.click("text=Follow them")
    await page.get_by_role("heading", name="added").wait_for()
    await _look(page, "dashboard-pasted", faults, wide)
    await page.goto(dashboard + "/add")
    await page.fill("#number", "990012345612345991")
    await page.fill("#courier_code", "nobody-at-all")
    await page.click("text=Follow it")
    await page.get_by_role("alert").wait_for()
    await _look(page, "dashboard-add-refused", faults, wide)
    await page.goto(dashboard + "/keys")
    await page.fill("#label", "till")
    await page.click("text=Make it")
    await page.locator("#key").wait_for()
    await _look(page, "dashboard-keys-made", faults, wide)
    await page.goto(dashboard + f"/trackings/{place.parcels['waiting'].id}")
    for summary in ("Correct the courier", "Edit the details", "Set the status by hand"):
        await page.click(f"summary:has-text('{summary}')")
    await _look(page, "dashboard-parcel-changing", faults, wide)
    await page.goto(dashboard + "/brand?language=de")
    for summary in ("Texts in Deutsch", "Own style rules"):
        await page.click(f"summary:has-text('{summary}')")
    await _look(page, "dashboard-brand-texts", faults, wide)
    await context.close()
    assert not faults, "\n".join(map(str, faults))
    assert wide == []


async def _look(page: Page, name: str, faults: list[Any], wide: list[Any]) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    # What is fixed to the window would stand in the middle of the picture.
    await page.evaluate("scrollTo(0, 0)")
    for size, viewport in (("desktop", DESK), ("phone", PHONE)):
        await page.set_viewport_size(viewport)  # type: ignore[arg-type]  # a plain dict
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            looks = f"{name}-{size}-{scheme}"
            await page.screenshot(path=SCREENSHOTS / f"{looks}.png", **await _extent(page))
            if (size, scheme) in {("desktop", "light"), ("phone", "dark")}:
                faults.extend((looks, fault) for fault in await faults_of(page))
        faults.extend((name, size, small) for small in await small_targets(page))
        faults.extend((name, size, spilt) for spilt in await spills(page))
        over = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if over > 0:
            wide.append((name, size, over))
        # Nobody moves a table to and fro on a phone to read it.
        cut = await page.evaluate(CUT)
        if size == "phone" and cut:
            wide.append((name, size, cut))


async def _extent(page: Page) -> dict[str, Any]:
    """Return what of a page is kept as a picture: all, or the beginning of a very long one."""
    size = await page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    clip = {"x": 0, "y": 0, "width": size[0], "height": min(size[1], LONGEST)}
    return {"full_page": True, "clip": clip}


LONGEST = 6_000
"""Pixels of a picture."""

CUT = """
[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1)
  .map(e => e.getAttribute('aria-label') || e.getAttribute('aria-labelledby'))
"""
