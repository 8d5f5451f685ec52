"""The tracking page over real HTTP: what it shows, what it never shows, what it allows itself."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.report import DeliveryWindow, ParcelFacts, ProofOfDelivery
from parcelwire.domain.status import Status, Substatus
from parcelwire.pages.application import ROUTES, application
from parcelwire.store.port import StoreUnavailableError
from tests.support.house import HouseUnderTest, open_house, report, serve
from tests.support.pages import page_house
from tests.support.v4 import DIALECTS

NUMBER = "990012345612345678"
PERSONAL = {
    "customer_name": "Erika Muster",
    "customer_email": "erika@example.org",
    "customer_sms": "+41791112233",
    "recipient_postcode": "8999",
    "order_number": "order-77",
    "title": "A surprise",
    "note": "fragile heart",
}


@asynccontextmanager
async def open_page(folder: Path) -> AsyncIterator[tuple[HouseUnderTest, str, str]]:
    """Yield a house with one parcel, the address of its pages, and the parcel's token."""
    async with open_house(folder, DIALECTS) as house:
        house.carriers.script(
            "swiss-post",
            NUMBER,
            report(
                NUMBER,
                Checkpoint(
                    local_time="2026-02-27T08:15",
                    offset_minutes=60,
                    text="Sortiert <script>alert(1)</script>",
                    language="de",
                    location="Härkingen & Umgebung",
                    status=Status.TRANSIT,
                    substatus=Substatus.TRANSIT_AT_HUB,
                ),
                window=DeliveryWindow(
                    earliest="2026-03-02T09:00", latest="2026-03-02T11:00", source="carrier"
                ),
                facts=ParcelFacts(proof=ProofOfDelivery(signed_by="Erika M.")),
            ),
        )
        body = {"tracking_number": NUMBER, "courier_code": "swiss-post", **PERSONAL}
        created = await house.call("POST", "/v4/trackings/create", json=body)
        assert created.json()["meta"]["code"] == 200
        (stored,) = await house.store.find(house.world_id, NUMBER)
        pages = application(page_house(house))
        async with serve(pages) as address:
            yield house, f"http://{address}", stored.tracking.page_token


async def test_the_page_of_a_parcel(tmp_path: Path) -> None:
    async with (
        open_page(tmp_path) as (_, url, token),
        aiohttp.ClientSession() as session,
        session.get(f"{url}/t/{token}") as answer,
    ):
        text = await answer.text()
        assert answer.status == 200
        assert answer.content_type == "text/html"
    for word in (
        "Arrives tomorrow, 09:00 to 11:00",
        "Your parcel is on its way",
        NUMBER,
        "Swiss Post",
        "Friday, 27 February 2026",
        "08:15",
        "UTC+01:00",
        "according to Swiss Post",
        "The carrier last answered just now.",
    ):
        assert word in text
    assert 'lang="de"' in text


async def test_a_carriers_words_are_text_and_never_markup(tmp_path: Path) -> None:
    async with (
        open_page(tmp_path) as (_, url, token),
        aiohttp.ClientSession() as session,
        session.get(f"{url}/t/{token}") as answer,
    ):
        text = await answer.text()
    assert "<script>" not in text
    assert text.count("<script") == 1, "only the page's own, from its own address"
    assert "Sortiert &lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "Härkingen &amp; Umgebung" in text


async def test_the_page_tells_nothing_about_the_person(tmp_path: Path) -> None:
    async with (
        open_page(tmp_path) as (_, url, token),
        aiohttp.ClientSession() as session,
        session.get(f"{url}/t/{token}") as answer,
    ):
        text = await answer.text()
    for word in (*PERSONAL.values(), "Erika", "shop@example.com"):
        assert word not in text


async def test_what_the_page_forbids_to_browsers_and_robots(tmp_path: Path) -> None:
    async with open_page(tmp_path) as (_, url, token), aiohttp.ClientSession() as session:
        for path in (f"/t/{token}", "/t/nobody-has-this-token"):
            async with session.get(url + path) as answer:
                headers = answer.headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            assert "set-cookie" not in headers
            assert "frame-ancestors 'none'" in policy
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-robots-tag"] == "noindex"
            assert headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/t/nobody-has-this-token",
        "/t/short",
        "/t/" + "a" * 500,
        "/t/" + "0" * 32,
        f"/t/{NUMBER}",
        "/t/%00%ff%27%20OR%201=1",
        "/t/..%2f..%2fetc%2fpasswd",
    ],
)
async def test_every_wrong_address_gets_the_same_bytes(tmp_path: Path, path: str) -> None:
    async with open_page(tmp_path) as (house, url, token), aiohttp.ClientSession() as session:
        async with session.get(f"{url}/t/AAAAAAAAAAAAAAAAAAAAAAAAAAA") as answer:
            expected = await answer.read()
            assert answer.status == 404
        async with session.get(url + path) as answer:
            assert answer.status == 404
            if "%2f" not in path:  # a slash leaves /t/ behind, and with it the page
                assert await answer.read() == expected
        # What is deleted answers like what never was.
        (stored,) = await house.store.find(house.world_id, NUMBER)
        await house.store.delete_trackings(house.world_id, [stored.tracking.id])
        async with session.get(f"{url}/t/{token}") as answer:
            assert answer.status == 404
            assert await answer.read() == expected


async def test_the_style_sheet_and_the_picture_are_there(tmp_path: Path) -> None:
    async with open_page(tmp_path) as (_, url, _token), aiohttp.ClientSession() as session:
        async with session.get(f"{url}/static/tracking.css") as answer:
            assert (answer.status, answer.content_type) == (200, "text/css")
        async with session.get(f"{url}/static/parcel.svg") as answer:
            assert (answer.status, answer.content_type) == (200, "image/svg+xml")
        async with session.get(f"{url}/static/../view.py") as answer:
            assert answer.status == 404


async def test_a_page_with_all_that_it_fetches_is_small(tmp_path: Path) -> None:
    async with open_page(tmp_path) as (_, url, token), aiohttp.ClientSession() as session:
        async with session.get(f"{url}/t/{token}") as answer:
            page = await answer.read()
        fetched = set(
            re.findall(r'<(?:link|script|img)[^>]* (?:href|src)="([^"]+)"', page.decode())
        )
        assert {one.rpartition(".")[2] for one in fetched} >= {"css", "js", "svg"}
        sizes = [len(page)]
        for path in fetched:
            async with session.get(url + path) as answer:
                assert answer.status == 200, path
                sizes.append(len(await answer.read()))
    assert sum(sizes) < 50_000, sizes


async def test_only_reading_is_allowed(tmp_path: Path) -> None:
    async with open_page(tmp_path) as (_, url, token), aiohttp.ClientSession() as session:
        for method in ("POST", "PUT", "DELETE"):
            async with session.request(method, f"{url}/t/{token}") as answer:
                assert answer.status == 405
        async with session.head(f"{url}/t/{token}") as answer:
            assert answer.status == 200
            assert await answer.read() == b""


class BrokenStore:
    """A store whose database is gone."""

    def __getattr__(self, name: str) -> Any:
        """Fail as the engines do, whatever is asked."""

        async def fail(*_: Any, **__: Any) -> None:
            raise StoreUnavailableError(name)

        return fail


async def test_without_a_database_every_page_asks_for_patience(tmp_path: Path) -> None:
    async with open_house(tmp_path, DIALECTS) as house:
        pages = application(msgspec.structs.replace(page_house(house), store=BrokenStore()))
        async with serve(pages) as address, aiohttp.ClientSession() as session:
            for route in ROUTES:
                if not route.path.startswith(("/t/", "/track")):
                    continue
                path = route.path.replace("{token}", "A" * 27).replace("{account}", "1")
                async with session.request(route.method, f"http://{address}{path}") as answer:
                    assert answer.status == 503, path
                    assert answer.headers["retry-after"] == "60"
                    assert "AAAA" not in await answer.text()
