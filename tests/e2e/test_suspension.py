"""A suspended account: its pages, its dashboard and its uploads, and a worker elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from parcelwire.domain.brand import Brand, LookupField
from parcelwire.pages.application import application
from tests.e2e.test_dashboard_files import upload
from tests.support.dashboard import COOKIE, numbers, open_dashboard
from tests.support.dashboard_login import EMAIL, PASSWORD, give_password
from tests.support.house import HouseUnderTest, open_house, report, serve
from tests.support.pages import page_house, put_brand
from tests.support.v4 import DIALECTS

NUMBER = "990012345612345678"
SAYS = "This account is suspended. Please contact the operator of this installation."


@asynccontextmanager
async def open_pages(folder: Path) -> AsyncIterator[tuple[HouseUnderTest, str, str]]:
    """Yield a house with one parcel and a brand, the address of its pages, and the token."""
    async with open_house(folder, DIALECTS) as house:
        house.carriers.script("swiss-post", NUMBER, report(NUMBER))
        body = {"tracking_number": NUMBER, "courier_code": "swiss-post", "order_number": "1001"}
        created = await house.call("POST", "/v4/trackings/create", json=body)
        assert created.json()["meta"]["code"] == 200
        (stored,) = await house.store.find(house.world_id, NUMBER)
        brand = Brand(name="Evil Bank", lookup=LookupField.ORDER_NUMBER, css="p{margin:0}")
        await put_brand(house, house.account.number, brand)
        async with serve(application(page_house(house))) as address:
            yield house, f"http://{address}", stored.tracking.page_token


async def test_pages_of_a_suspended_account_say_nothing_of_it(tmp_path: Path) -> None:
    async with open_pages(tmp_path) as (house, url, token), aiohttp.ClientSession() as session:
        paths = [
            f"/t/{token}",
            f"/t/{token}?embed=1",
            f"/t/{token}/data.json",
            f"/t/{token}/live",
            f"/t/{token}/brand.css",
            f"/t/{token}/logo",
            f"/track/{house.account.number}",
            f"/track/{house.account.number}/brand.css",
            f"/track/{house.account.number}/logo",
            "/track",
        ]
        number = house.account.number
        form = {"number": NUMBER, "word": "1001"}
        async with session.get(f"{url}/t/{token}") as answer:
            assert NUMBER in await answer.text()
        await house.store.suspend_account(number, now=house.clock.now())
        house.clock.advance(1)

        for path in paths:
            async with session.get(url + path) as answer:
                text = await answer.text()
                assert answer.status == 404, path
                assert "This page is not available at the moment" in text
                assert "Evil" not in text + str(answer.headers)
                assert NUMBER not in text
        for path in (f"/t/{token}/subscribe", f"/t/{token}/feedback", f"/track/{number}"):
            async with session.post(url + path, data=form) as answer:
                assert answer.status == 404
        async with session.get(f"{url}/t/{token}?lang=de") as answer:
            assert "zurzeit nicht verfügbar" in await answer.text()

        await house.store.resume_account(number)
        house.clock.advance(1)
        async with session.get(f"{url}/t/{token}") as answer:
            assert NUMBER in await answer.text()


async def test_only_right_credentials_are_told_of_the_suspension(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        store, number = desk.house.store, desk.account.number
        await give_password(desk)
        key = await desk.add_key()
        person = await desk.person()
        before = person.cookie
        await store.suspend_account(number, reason="unpaid", now=desk.clock.now())

        # Who is in is out with the next click, and stays out.
        assert (await person.get("/trackings")).status == 303
        for right in (
            {"key": key},
            {"email": EMAIL, "password": PASSWORD},
        ):
            answer = await (await desk.browser()).login(**right)
            assert answer.status == 403
            assert SAYS in answer.text
            assert "unpaid" not in answer.text
            assert "set-cookie" not in answer.headers
        for wrong in (
            {"key": key[:-1] + ("0" if key[-1] != "0" else "1")},
            {"email": EMAIL, "password": "wrong horse battery"},
        ):
            answer = await (await desk.browser()).login(**wrong)
            assert answer.status == 401
            assert "suspended" not in answer.text

        await store.resume_account(number)
        person.session.cookie_jar.update_cookies({COOKIE: before})
        assert (await person.get("/trackings")).status == 303
        assert (await person.login(key=key)).status == 303


def sheet(some: list[str]) -> bytes:
    return "\n".join(["number", *some]).encode()


async def test_an_upload_of_a_suspended_account_waits_and_others_do_not(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path, works=False) as desk:
        other = await desk.house.store.add_account("other@example.com", now=desk.clock.now())
        await upload(await desk.person(), sheet(numbers(5)))
        await upload(await desk.person(other), sheet(numbers(8)[5:]))
        await desk.house.store.suspend_account(desk.account.number, now=desk.clock.now())

        while await desk.house.imports.step():
            pass
        assert await desk.total() == 0
        counts = await desk.house.store.count_created(other.number * 2)
        assert counts == 3

        # Longer than what is over is kept, and with others' uploads going on.
        desk.clock.advance(31 * 86_400)
        await upload(await desk.person(other), sheet(numbers(9)[8:]))
        while await desk.house.imports.step():
            pass
        assert await desk.house.store.count_created(other.number * 2) == 4

        await desk.house.store.resume_account(desk.account.number)
        desk.clock.advance(1)
        while await desk.house.imports.step():
            pass
        assert await desk.total() == 5
