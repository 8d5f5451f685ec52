"""The brand of a shop on the dashboard, over real HTTP."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import aiohttp
import pytest

from parcelwire.config import NotificationsSection
from parcelwire.domain.brand import decode_brand
from tests.support.dashboard import open_dashboard

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)

BRAND = {
    "name": "Alpine & Sons",
    "home_url": "https://shop.example",
    "has_primary": "yes",
    "primary_color": "#aa3300",
    "font": "serif",
    "links": "Returns | https://shop.example/returns\nHelp|https://shop.example/help",
    "css": ".summary { border-radius: 0 }",
    "language": "de",
    "text-footer": "Danke für Ihren Einkauf",
    "lookup": "email",
}


def brand_form(fields: dict[str, str], logo: bytes | None = None) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, value in fields.items():
        form.add_field(name, value)
    form.add_field("logo", logo or b"", filename="logo.png" if logo else "")
    return form


async def test_the_brand_is_previewed_and_kept(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person, store = await desk.person(scope="admin"), desk.house.store
        preview = await person.post("/brand/preview", brand_form(BRAND, PNG))
        assert preview.status == 200
        assert "Alpine &amp; Sons" in preview.text or "brand/draft/logo" in preview.text
        assert 'lang="de"' in preview.text
        assert "frame-ancestors 'self'" in preview.headers["content-security-policy"]
        assert ".summary { border-radius: 0 }" in (await person.get("/brand/draft/brand.css")).text
        assert (await person.get("/brand/draft/logo")).body == PNG
        # Nothing of it is seen by customers before it is saved.
        assert await store.load_record("brand", str(desk.account.number), "brand") is None
        await person.do("/brand", brand_form(BRAND, PNG))
        brand = decode_brand(await store.load_record("brand", str(desk.account.number), "brand"))
        assert (brand.name, brand.primary_color, brand.logo_type) == (
            "Alpine & Sons",
            "#aa3300",
            "image/png",
        )
        assert [link.text for link in brand.links] == ["Returns", "Help"]
        assert brand.texts == {"de": {"footer": "Danke für Ihren Einkauf"}}
        assert await store.load_record("brand-logo", str(desk.account.number), "logo") == PNG
        # Texts of one language leave those of another alone.
        english = {**BRAND, "language": "en", "text-footer": "Thanks"}
        await person.do("/brand", brand_form(english))
        brand = decode_brand(await store.load_record("brand", str(desk.account.number), "brand"))
        assert brand.texts["de"] == {"footer": "Danke für Ihren Einkauf"}
        assert brand.logo_type == "image/png"
        await person.do("/brand", brand_form({**BRAND, "remove_logo": "yes"}))
        brand = decode_brand(await store.load_record("brand", str(desk.account.number), "brand"))
        assert brand.logo_type == ""
        assert await store.load_record("brand-logo", str(desk.account.number), "logo") is None


async def test_the_shop_says_whether_customers_are_told_unasked(tmp_path: Path) -> None:
    notices = NotificationsSection(auto_notify_accounts=("*",))
    async with open_dashboard(tmp_path, notifications=notices) as desk:
        person, store = await desk.person(scope="admin"), desk.house.store
        page = (await person.get("/brand")).text
        assert re.search(r'name="mails_unasked" value="yes" aria-describedby', page)
        assert "There is no mail server set up" in page
        for wish in (True, False):
            fields = {**BRAND, **({"mails_unasked": "yes"} if wish else {})}
            page = (await person.do("/brand", brand_form(fields))).text
            kept = await store.load_record("brand", str(desk.account.number), "brand")
            assert decode_brand(kept).mails_unasked is wish
            assert ('name="mails_unasked" value="yes" checked' in page) is wish


async def test_what_the_operator_does_not_allow_cannot_be_ticked(tmp_path: Path) -> None:
    notices = NotificationsSection(
        smtp_host="127.0.0.1",
        sender="parcels@shop.example",
        auto_notify_accounts=("Shop@example.com",),
    )
    async with open_dashboard(tmp_path, notifications=notices) as desk:
        other = await desk.house.store.add_account("other@example.com", now=desk.clock.now())
        for account, may in ((desk.account, True), (other, False)):
            person = await desk.person(account, scope="admin")
            page = (await person.get("/brand")).text
            assert ('value="yes" disabled aria-describedby="unasked-hint"' in page) is not may
            assert ("notifications.auto_notify_accounts" in page) is not may
            assert "There is no mail server" not in page


@pytest.mark.parametrize(
    ("fields", "logo"),
    [
        ({"css": "body { background: url(https://evil.example/x) }"}, None),
        ({"css": "@import 'https://evil.example/x.css';"}, None),
        ({"css": "</style><script>alert(1)</script>"}, None),
        ({"css": "a { b: \\75rl(x) }"}, None),
        ({"home_url": "javascript:alert(1)"}, None),
        ({"links": "Evil | javascript:alert(1)"}, None),
        ({"links": "no bar"}, None),
        ({"links": "x | https://a.example\n" * 13}, None),
        ({"primary_color": "red; } body { display: none"}, None),
        ({"support_email": "a@b.example\nBcc: c@d.example"}, None),
        ({"name": "x" * 300}, None),
        ({"font": "Comic"}, None),
        ({"lookup": "magic"}, None),
        ({"language": "xx"}, None),
        ({}, b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ({}, b"GIF89a"),
        ({}, PNG + b"x" * 300_000),
    ],
)
async def test_brands_that_are_refused(
    tmp_path: Path, fields: dict[str, str], logo: bytes | None
) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person(scope="admin")
        for path in ("/brand", "/brand/preview"):
            answer = await person.post(path, brand_form({**BRAND, **fields}, logo))
            assert answer.status == 422, path
            assert "<script>alert" not in answer.text
            assert 'href="javascript' not in answer.text
        scope = str(desk.account.number)
        assert await desk.house.store.load_record("brand", scope, "brand") is None
        assert await desk.house.store.load_record("brand-logo", scope, "logo") is None
