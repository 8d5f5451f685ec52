"""The page of figures and the page of mails in a real browser: legible, and open to everybody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import ConsoleMessage

from parcelwire.domain.clock import DAY
from parcelwire.domain.report import DeliveryWindow, ParcelFacts
from parcelwire.domain.status import Reason, Status
from parcelwire.domain.tracking import Milestones
from parcelwire.notices.journal import TROUBLE_KIND, Trouble
from parcelwire.tracking.journeys import JourneyKeeper
from tests.support.dashboard import Desk, open_dashboard
from tests.support.dashboard_parcels import checkpoint, put_parcel
from tests.support.pages import DESK, PHONE, SCREENSHOTS, browsing, needs_browser

pytestmark = needs_browser


def note_in(said: list[str]) -> Callable[[ConsoleMessage], None]:
    return lambda message: said.append(message.text)


async def fill(desk: Desk) -> None:
    """Put sixty made-up parcels of twenty days, of three couriers."""
    clock, today = desk.clock, desk.clock.now()
    scan = checkpoint(clock, 40, "taken", status=Status.TRANSIT)
    for number in range(60):
        clock.set(today - (number % 20) * DAY)
        reason = (Reason.RECIPIENT_ABSENT, Reason.ADDRESS_INVALID)[number % 2]
        missed = checkpoint(clock, 20, "no one", status=Status.UNDELIVERED, reason=reason)
        await put_parcel(
            desk,
            f"9900{number:014}",
            Status.DELIVERED if number % 6 else Status.EXCEPTION,
            courier_code=("swiss-post", "poste-italiane", "ups")[number % 3],
            checkpoints=(scan, missed) if number % 5 == 0 else (scan,),
            milestones=Milestones(
                accepted="2026-02-20T10:00", delivered=f"2026-02-{21 + number % 7}T10:00"
            ),
            window=DeliveryWindow(earliest="2026-02-22", latest="2026-02-25", source="x"),
            facts=ParcelFacts(origin_country="CH", destination_country=("IT", "DE")[number % 2]),
        )
    clock.set(today)
    keeper = JourneyKeeper(desk.house.store, clock=clock)
    while await keeper.step():
        pass
    trouble = Trouble(
        at=today,
        tracking_id="0" * 32,
        number="990000000000000001",
        occasion="delivered",
        state="refused",
        why="recipient: 550 no such user",
    )
    document = msgspec.json.encode(trouble)
    await desk.house.store.change_record(
        TROUBLE_KIND, str(desk.account.number), "1", lambda _: document, at=today
    )


async def test_figures_and_mails_look_well_and_keep_nobody_out(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk, browsing() as browser:
        await fill(desk)
        key = await desk.add_key(scope="admin")
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for size, view in (("phone", PHONE), ("desktop", DESK)):
            for tone in ("light", "dark"):
                context = await browser.new_context(
                    viewport=view,  # type: ignore[arg-type]  # width and height
                    color_scheme=tone,
                )
                page = await context.new_page()
                said: list[str] = []
                page.on("console", note_in(said))
                await page.goto(f"{desk.url}/dashboard/login")
                await page.fill("#key", key)
                await page.click("text=Log in with the key")
                await page.wait_for_url("**/dashboard/trackings")
                for name in ("analytics", "mails"):
                    await page.goto(f"{desk.url}/dashboard/{name}")
                    found = await Axe().run(page)
                    serious = [
                        (one["id"], [node["html"][:160] for node in one["nodes"]][:3])
                        for one in found.response["violations"]
                        if one["impact"] in ("serious", "critical")
                    ]
                    assert serious == [], (name, size, tone)
                    width = await page.evaluate("document.documentElement.scrollWidth")
                    assert width <= view["width"], (name, size)
                    await page.screenshot(
                        path=SCREENSHOTS / f"figures-{name}-{size}-{tone}.png", full_page=True
                    )
                assert await page.title()
                assert said == []
                await context.close()
