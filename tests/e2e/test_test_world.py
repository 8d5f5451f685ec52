"""Nothing that is done in the test world, or with a test key, reaches the live world."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from parcelwire.accounts.brands import BRAND_ID, BRAND_KIND, LOGO_ID, LOGO_KIND
from parcelwire.config import StoreSection
from parcelwire.domain.account import record_scope
from parcelwire.domain.brand import Brand, encode_brand
from parcelwire.domain.report import UnmappedCode
from parcelwire.domain.status import Status
from parcelwire.notices.journal import TROUBLE_KIND, Entry, Journal
from tests.contract.store.postgres_fixture import shared_cluster
from tests.support.dashboard import Desk, open_dashboard
from tests.support.dashboard_parcels import put_parcel

PNG = b"\x89PNG\r\n\x1a\n" + b"live" * 20
OTHER_PNG = b"\x89PNG\r\n\x1a\n" + b"test" * 20
SWISS = {
    "way": "swiss-post/api",
    "swiss-post/api/client_id": "a",
    "swiss-post/api/client_secret": "b",
}


@pytest.fixture(params=["sqlite", "postgres"])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    sections: dict[str, Any] = {}
    if request.param == "postgres":
        sections["store"] = StoreSection(url=shared_cluster().create_database())
    async with open_dashboard(tmp_path, **sections) as desk:
        yield desk


async def put_live_brand(desk: Desk) -> None:
    """Store a brand where it was kept before worlds had brands of their own."""
    store, now = desk.house.store, desk.clock.now()
    brand = encode_brand(Brand(name="Alpine Live", logo_type="image/png"))
    number = str(desk.account.number)
    await store.change_record("brand", number, "brand", lambda _: brand, at=now)
    await store.change_record("brand-logo", number, "logo", lambda _: PNG, at=now)


async def records(desk: Desk, world_id: int) -> list[bytes | None]:
    """Return the brand and the logo that a world keeps."""
    store, scope = desk.house.store, record_scope(world_id)
    return [
        await store.load_record(BRAND_KIND, scope, BRAND_ID),
        await store.load_record(LOGO_KIND, scope, LOGO_ID),
    ]


async def page_of(desk: Desk, token: str, path: str = "") -> bytes:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{desk.url}/t/{token}{path}") as answer,
    ):
        return await answer.read()


def form(logo: bytes | None = None, **fields: str) -> aiohttp.FormData:
    made = aiohttp.FormData()
    for name, value in fields.items():
        made.add_field(name, value)
    made.add_field("logo", logo or b"", filename="logo.png" if logo else "")
    return made


async def test_a_brand_saved_with_a_test_key_is_the_test_worlds(desk: Desk) -> None:
    await put_live_brand(desk)
    live = await put_parcel(desk, "990012345612345678", Status.TRANSIT)
    test = await put_parcel(desk, "990012345612345678", Status.TRANSIT, world_id=desk.world_id + 1)
    before = await records(desk, desk.world_id)
    # Where the test world has no brand, its pages show the live one.
    for parcel in (live, test):
        assert b"Alpine Live" in await page_of(desk, parcel.page_token)
        assert await page_of(desk, parcel.page_token, "/logo") == PNG

    person = await desk.person(scope="admin", is_test=True)
    assert "Alpine Live" in (await person.get("/brand")).text
    evil = form(name="Evil", home_url="https://evil.example/", css="body{color:red}")
    assert (await person.post("/brand", evil)).status == 303
    assert await records(desk, desk.world_id) == before
    page = await page_of(desk, live.page_token)
    assert b"Alpine Live" in page
    assert b"evil.example" not in page
    assert b"color:red" not in await page_of(desk, live.page_token, "/brand.css")
    assert b"evil.example" in await page_of(desk, test.page_token)
    # A copy of the live brand keeps the live logo until it gets one of its own.
    assert await page_of(desk, test.page_token, "/logo") == PNG
    assert (await person.post("/brand", form(OTHER_PNG, name="Evil"))).status == 303
    assert await page_of(desk, test.page_token, "/logo") == OTHER_PNG
    assert await page_of(desk, live.page_token, "/logo") == PNG

    # The way back, and it is the test world's alone.
    assert (await person.post("/brand/remove")).status == 303
    assert b"Alpine Live" in await page_of(desk, test.page_token)
    assert await records(desk, desk.world_id + 1) == [None, None]
    owner = await desk.person(scope="admin")
    assert (await owner.post("/brand/remove")).status == 404
    assert await records(desk, desk.world_id) == before


async def test_a_draft_in_the_test_world_is_not_the_live_preview(desk: Desk) -> None:
    owner = await desk.person(scope="admin")
    assert (await owner.post("/brand/preview", form(PNG, name="Live draft"))).status == 200
    tester = await desk.person(scope="admin", is_test=True)
    draft = form(OTHER_PNG, name="Test draft", css=".test { color: red }")
    assert (await tester.post("/brand/preview", draft)).status == 200
    assert (await owner.get("/brand/draft/logo")).body == PNG
    assert ".test" not in (await owner.get("/brand/draft/brand.css")).text


async def test_connections_belong_to_the_live_world(desk: Desk) -> None:
    owner = await desk.person(scope="admin")
    assert (await owner.post("/connections", SWISS)).status == 303
    (connection,) = await desk.house.store.list_connections()
    store = desk.house.store
    tester = await desk.person(scope="admin", is_test=True)
    await owner.post("/world", {"world": "test"})
    for person in (tester, owner):
        page = await person.get("/connections")
        assert page.status == 403
        assert "belongs to the live world" in page.text
        assert connection.id not in page.text
        for action in ("test", "retry", "delete"):
            answer = await person.post(
                f"/connections/{connection.id}/{action}", {"number": "990012345612345678"}
            )
            assert answer.status == 403, action
        assert (await person.post("/connections", SWISS)).status == 403
        assert await store.list_connections() == [connection]
        # Not even how many there are.
        assert "<dt>Connections</dt><dd>0" in (await person.get("/connectors")).text
    assert "/dashboard/connections" not in _menu((await tester.get("/trackings")).text)
    assert "Switch to the live world" not in (await tester.get("/connections")).text
    assert "Switch to the live world" in (await owner.get("/connections")).text
    answer = await owner.post("/world", {"world": "live", "next": "/dashboard/connections"})
    assert answer.place == "/connections"
    assert connection.id in (await owner.get("/connections")).text
    assert (
        await owner.post("/world", {"world": "live", "next": "//evil.example/"})
    ).place == "/trackings"


def _menu(page: str) -> str:
    return page.partition('<nav id="menu"')[2].partition("</nav>")[0]


async def test_live_keys_are_not_reached_from_the_test_world(desk: Desk) -> None:
    store = desk.house.store
    live = await desk.add_key(label="the till")
    tester = await desk.person(scope="admin", is_test=True)
    owner = await desk.person(scope="admin")
    await owner.post("/world", {"world": "test"})
    await owner.get("/trackings")
    before = [one for one in await store.list_keys() if not one.is_test]
    for person in (tester, owner):
        assert live[:16] not in (await person.get("/keys")).text
        assert (await person.post(f"/keys/{live[:16]}/revoke")).status == 404
        answer = await person.post("/keys", {"scope": "admin", "world": "live", "label": "mine"})
        assert answer.status == 422
    assert [one for one in await store.list_keys() if not one.is_test] == before
    await owner.post("/world", {"world": "live"})
    assert live[:16] in (await owner.get("/keys")).text


async def test_mails_in_trouble_are_shown_in_their_own_world(desk: Desk) -> None:
    tracking = await put_parcel(
        desk, "990012345612345678", Status.TRANSIT, world_id=desk.world_id + 1
    )
    entry = Entry(tracking_id=tracking.id, occasion="delivered", digest="d" * 64)
    await Journal(desk.house.store, desk.clock).tell_trouble(
        entry, tracking.world_id, tracking.number, "refused", "no such mailbox"
    )
    owner = await desk.person(scope="admin")
    assert "no such mailbox" not in (await owner.get("/mails")).text
    tester = await desk.person(scope="read", is_test=True)
    assert "no such mailbox" in (await tester.get("/mails")).text
    assert await desk.house.store.list_records(TROUBLE_KIND, str(desk.account.number)) == []


async def test_unmapped_codes_are_for_operators(desk: Desk) -> None:
    gap = UnmappedCode(kind="code", value="X77", sample="a sample of somebody's parcel")
    await desk.house.store.add_unmapped_codes("swiss-post", [gap], desk.clock.now())
    # Its only account is the operator's; but what a key may is the key's own business.
    for fields in ({"scope": "read"}, {"scope": "write"}, {"scope": "admin", "is_test": True}):
        person = await desk.person(**fields)
        answer = await person.get("/gaps")
        assert answer.status == 403, fields
        assert "X77" not in answer.text
        assert "<dt>Unmapped</dt>" not in (await person.get("/connectors")).text
    admin = await desk.person(scope="admin")
    assert "X77" in (await admin.get("/gaps")).text
    other = await desk.house.store.add_account("other@example.com", now=desk.clock.now())
    assert (await (await desk.person(other, scope="admin")).get("/gaps")).status == 403
