"""Somebody at work on the dashboard in Chromium: by mouse, by keyboard, and without JavaScript."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from parcelwire.domain.status import Status
from parcelwire.webhooks.ports import MessageFilter
from tests.support.dashboard import (
    Desk,
    Receiver,
    five_thousand,
    numbers,
    open_dashboard,
    receiving,
)
from tests.support.dashboard_parcels import put_parcel
from tests.support.pages import DESK, browsing, needs_browser

pytestmark = [*needs_browser, pytest.mark.asyncio(loop_scope="module")]


class Place(msgspec.Struct):
    """A dashboard, a receiver of webhooks, and a browser."""

    desk: Desk
    browser: Browser
    receiver: Receiver
    key: str

    async def page(self, *, scripts: bool = True) -> Page:
        """Return a page of somebody who has logged in, by typing."""
        context = await self.browser.new_context(
            viewport=DESK,  # type: ignore[arg-type]  # a plain dict
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        page = await context.new_page()
        page.set_default_timeout(20_000)
        await page.goto(f"{self.desk.url}/dashboard")
        await page.get_by_label("API key").fill(self.key)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/dashboard/trackings")
        return page

    async def open(self, page: Page, path: str) -> None:
        """Open a page of the dashboard."""
        await page.goto(f"{self.desk.url}/dashboard{path}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    folder: Path = tmp_path_factory.mktemp("dashboard")
    async with open_dashboard(folder) as desk, receiving() as receiver, browsing() as browser:
        yield Place(
            desk=desk, browser=browser, receiver=receiver, key=await desk.add_key(scope="admin")
        )


async def test_a_wrong_key_then_the_right_one(place: Place) -> None:
    context = await place.browser.new_context()
    page = await context.new_page()
    await page.goto(f"{place.desk.url}/dashboard/endpoints")
    await page.get_by_label("API key").fill("pw_live_wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("That did not match")
    await page.get_by_label("API key").fill(place.key)
    await page.keyboard.press("Enter")
    # To where it was meant to go.
    await page.wait_for_url("**/dashboard/endpoints")
    # Nothing of the session is there for scripts.
    assert await page.evaluate("document.cookie") == ""
    await page.get_by_role("button", name="Log out").click()
    await page.wait_for_url("**/dashboard/login")
    await page.go_back()
    await page.reload()
    await page.wait_for_url("**/dashboard/login**")
    await context.close()


async def test_adding_one_and_finding_it(place: Place) -> None:
    page = await place.page()
    await page.get_by_role("link", name="Add parcels").first.click()
    await page.get_by_label("Tracking number").fill("99.00.777777.00000001")
    await page.get_by_label("Courier").first.press_sequentially("swiss po")
    # Couriers are offered while one types.
    await expect(page.locator("#courier_code-list option").first).to_have_attribute(
        "value", re.compile("swiss-post")
    )
    await page.get_by_label("Courier").first.fill("swiss-post")
    await page.get_by_role("button", name="Follow it").click()
    await expect(page.get_by_role("status")).to_contain_text("It is followed from now on.")
    await expect(page.get_by_role("heading", level=1)).to_have_text("990077777700000001")
    await place.open(page, "/trackings")
    await page.locator("#q").press_sequentially("990077777")
    # The list narrows while one types, and its address with it.
    await page.wait_for_url("**q=990077777**")
    await expect(page.locator("#list")).to_contain_text("990077777700000001")
    await page.locator("#q").fill("nothing like that")
    await expect(page.locator("#list")).to_contain_text("No parcel is like that.")
    await page.context.close()


async def test_the_keyboard_alone(place: Place) -> None:
    page = await place.page()
    await page.keyboard.press("Tab")
    focused = "document.activeElement.textContent.trim()"
    assert await page.evaluate(focused) == "Skip to the content"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "content"
    await page.keyboard.press("/")
    assert await page.evaluate("document.activeElement.id") == "search"
    # What is typed into a field is no shortcut.
    await page.keyboard.type("ge")
    assert await page.input_value("#search") == "ge"
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("g")
    await page.keyboard.press("e")
    await page.wait_for_url("**/dashboard/endpoints")
    await page.context.close()


async def test_pasting_two_hundred(place: Place) -> None:
    page = await place.page()
    await place.open(page, "/add")
    await page.get_by_label("Numbers").fill("\n".join([*numbers(198, 5_000_000), "!!", "ABCDE1"]))
    await page.get_by_role("button", name="Follow them").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("198 of 200 numbers added")
    await expect(page.locator("tbody tr").first).to_contain_text("refused")
    await page.context.close()


async def test_a_file_of_five_thousand_and_its_progress(place: Place, tmp_path: Path) -> None:
    data, bad = five_thousand()
    file = tmp_path / "orders.csv"
    file.write_bytes(data)
    page = await place.page()
    await place.open(page, "/add")
    await page.get_by_label("CSV file").set_input_files(file)
    await page.get_by_role("button", name="Upload").click()
    await page.wait_for_url("**/dashboard/uploads/**")
    await expect(page.get_by_role("progressbar")).to_be_visible()
    # The page goes on by itself.
    await expect(page.get_by_role("heading", name="Done")).to_be_visible(timeout=60_000)
    await expect(page.get_by_role("status")).to_contain_text("6 refused")
    async with page.expect_download() as waiting:
        await page.get_by_role("link", name="Download them to mend").click()
    report = await (await waiting.value).path()
    assert len(report.read_bytes().splitlines()) == len(bad) + 1
    await page.context.close()


async def test_a_webhook_is_replayed(place: Place) -> None:
    desk, receiver = place.desk, place.receiver
    page = await place.page()
    await place.open(page, "/endpoints")
    await page.get_by_label("URL").fill(receiver.url)
    await page.get_by_role("button", name="Make it").click()
    secret = await page.locator("#secret").text_content()
    assert secret is not None
    assert secret.startswith("whsec_")
    await page.get_by_role("button", name="Send a test").click()
    await expect(page.get_by_role("status")).to_contain_text("The test arrived: HTTP 200")
    assert secret not in await page.content()
    parcel = await put_parcel(desk, "990088888800000001", Status.PENDING)
    await place.open(page, f"/trackings/{parcel.id}")
    await page.get_by_text("Set the status by hand").click()
    await page.get_by_label("Status", exact=True).select_option("delivered")
    await page.get_by_role("button", name="Set", exact=True).click()
    await expect(page.get_by_role("status")).to_contain_text("set by hand")
    while await desk.house.delivery.step():
        pass
    heard = len(receiver.bodies)
    await place.open(page, f"/trackings/{parcel.id}")
    await expect(page.get_by_role("region", name="Webhook messages").first).to_contain_text(
        "Delivered"
    )
    await page.get_by_role("button", name="Resend").click()
    await expect(page.get_by_role("status")).to_contain_text("It is sent again now.")
    while await desk.house.delivery.step():
        pass
    assert len(receiver.bodies) == heard + 1
    await place.open(page, "/endpoints")
    await page.get_by_role("link", name=receiver.url).click()
    await page.get_by_label("given up").uncheck()
    await page.get_by_role("checkbox", name="delivered", exact=True).check()
    await page.get_by_role("button", name="Replay in order").click()
    await expect(page.get_by_role("status")).to_contain_text("will be sent again")
    while await desk.house.delivery.step():
        pass
    messages = (
        await desk.house.store.list_messages(desk.world_id, MessageFilter(tracking_id=parcel.id))
    ).messages
    assert receiver.bodies[-1] == receiver.bodies[heard]
    assert len(messages) == 1
    await page.context.close()


async def test_the_brand_is_seen_while_it_is_typed(place: Place) -> None:
    page = await place.page()
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
    await place.open(page, "/brand")
    frame = page.frame_locator("iframe[name=preview]")
    await expect(frame.locator("h1")).to_contain_text("Arrives tomorrow")
    await page.get_by_label("Shop").fill("Alpine & Sons")
    await expect(frame.locator("header.shop")).to_contain_text("Alpine & Sons")
    await page.locator("#primary_color").fill("#aa0000")
    await page.get_by_label("use it").first.check()
    await expect(frame.locator(".summary")).to_have_css("border-top-color", "rgb(170, 0, 0)")
    await page.get_by_label("of a parcel that is").select_option("delivered")
    await expect(frame.locator("h1")).to_contain_text("delivered")
    await page.get_by_text("Own style rules").click()
    await page.get_by_label("CSS").fill("body { background: url(https://evil.example/x) }")
    await expect(frame.locator("body")).to_contain_text("line 1: ")
    await page.get_by_label("CSS").fill("")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status")).to_contain_text("The brand is saved.")
    # The refused rules were a 422 of the frame, which the browser tells too.
    assert [one for one in said if "422" not in one] == []
    await page.context.close()


async def test_the_other_world(place: Place) -> None:
    page = await place.page()
    await page.get_by_role("button", name="Test", exact=True).click()
    await expect(page.locator(".world-note")).to_contain_text("This is the test world")
    await expect(page.locator("#list")).to_contain_text("No parcel is followed yet.")
    await page.get_by_role("button", name="Live", exact=True).click()
    await expect(page.locator(".world-note")).to_have_count(0)
    await page.context.close()


async def test_the_basics_without_javascript(place: Place) -> None:
    page = await place.page(scripts=False)
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.get_by_role("link", name="Menu", exact=True).click()
    await page.get_by_role("link", name="Needs attention").click()
    await page.wait_for_url("**/dashboard/attention")
    await page.locator("#search").fill("9900888888")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/dashboard/trackings?q=9900888888")
    await place.open(page, "/add")
    await page.get_by_label("Tracking number").fill("990077777700000002")
    await page.get_by_role("button", name="Follow it").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("990077777700000002")
    await page.get_by_text("Delete…").click()
    await page.get_by_role("button", name="Delete for good").click()
    await expect(page.get_by_role("status")).to_contain_text("is deleted")
    await page.context.close()
