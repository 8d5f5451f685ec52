"""What the tracking page does beside showing: languages, orders, brands, news."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from parcelwire.domain.brand import Link, LookupField
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.tracking import Product
from parcelwire.pages.application import application
from parcelwire.pages.parcel import MAX_FORM
from parcelwire.pages.words import LANGUAGES
from parcelwire.tracking.ports import Save
from tests.support.house import serve
from tests.support.pages import page_house
from tests.support.shop_pages import MOVING, NUMBERS, PERSON, Site, open_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as made:
        yield made


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_language_by_parameter_and_by_browser(site: Site, language: str) -> None:
    path = f"/t/{site.tokens[0]}"
    _, by_parameter, _ = await site.get(f"{path}?lang={language}", **{"accept-language": "xx"})
    _, by_browser, _ = await site.get(path, **{"accept-language": f"xx, {language};q=0.9"})
    tag = "zh-Hans" if language == "zh" else language
    assert f'<html lang="{tag}">' in by_parameter
    assert by_parameter == by_browser
    assert '<p lang="de">Zugestellt</p>' in by_parameter or (
        '<p class="original" lang="de">Zugestellt</p>' in by_parameter
    )


@pytest.mark.parametrize("path", ["", "/data.json", "?embed=1", "?lang=de", "?lang=ja"])
async def test_nothing_of_the_person_is_public(site: Site, path: str) -> None:
    await site.add(NUMBERS[1], MOVING)
    await site.brand(name="Shop", lookup=LookupField.POSTAL_CODE)
    for token in (*site.tokens, "AAAAAAAAAAAAAAAAAAAAAAAAAAA"):
        _, text, headers = await site.get(f"/t/{token}{path}")
        for secret in (*PERSON.values(), "Signer", "porch", "canary", "Canary"):
            assert secret not in text.replace(token, ""), secret
            assert secret not in str(headers)


async def test_the_signer_is_shown_where_the_shop_wants_it(site: Site) -> None:
    await site.brand(shows_signer=True)
    for path in ("", "/data.json"):
        _, text, _ = await site.get(f"/t/{site.tokens[0]}{path}")
        assert "Canary Signer" in text
        assert "Nameson" not in text


async def test_parcels_of_one_order_lead_to_each_other(site: Site) -> None:
    await site.add(NUMBERS[1], MOVING)
    stranger = await site.add(NUMBERS[2], MOVING, customer_email="other@person.example")
    _, text, _ = await site.get(f"/t/{site.tokens[0]}")
    assert "1 of 2 parcels delivered" in text
    assert f'href="/t/{site.tokens[1]}?lang=en"' in text
    assert stranger.number not in text, "the same order number, but somebody else's"
    _, data, _ = await site.get(f"/t/{site.tokens[0]}/data.json")
    assert site.tokens[1] not in data


@pytest.mark.parametrize("nobody", ["", " ", "-", "n/a", "@", "guest@", "canary@person.example,-"])
async def test_parcels_of_unknown_customers_do_not_lead_to_each_other(
    site: Site, nobody: str
) -> None:
    one = await site.add(NUMBERS[1], MOVING, customer_email=nobody)
    other = await site.add(NUMBERS[2], MOVING, customer_email=nobody)
    for this, stranger in ((one, other), (other, one)):
        status, text, _ = await site.get(f"/t/{this.page_token}")
        assert status == 200
        assert this.number in text
        assert stranger.page_token not in text
        assert stranger.number not in text


async def test_one_customer_is_known_however_the_address_is_written(site: Site) -> None:
    one = await site.add(NUMBERS[1], MOVING, customer_email="Jo@person.example, al@person.example")
    other = await site.add(
        NUMBERS[2], MOVING, customer_email="al@Person.example,jo@person.example "
    )
    _, text, _ = await site.get(f"/t/{one.page_token}")
    assert "0 of 2 parcels delivered" in text
    assert other.page_token in text
    assert site.tokens[0] not in text


async def test_what_is_in_the_parcel_is_listed_as_text(site: Site) -> None:
    stored = await site.stored(NUMBERS[0])
    products = (Product(name="Boots <b>", quantity=2), Product(name="Laces"))
    tracking = stored.tracking
    changed = replace(
        tracking,
        version=tracking.version + 1,
        details=replace(tracking.details, products=products),
    )
    assert await site.house.store.save(Save(tracking=changed, expected_version=tracking.version))
    _, text, _ = await site.get(f"/t/{site.tokens[0]}")
    assert "<strong>2 ×</strong> Boots &lt;b&gt;" in text
    assert "<li>Laces</li>" in text


async def test_the_widgets_data(site: Site) -> None:
    status, text, headers = await site.get(f"/t/{site.tokens[0]}/data.json?lang=it")
    data = msgspec.json.decode(text)
    assert status == 200
    assert headers["access-control-allow-origin"] == "*"
    assert data["language"] == "it"
    assert data["headline"].startswith("Consegnato")
    assert data["link"].endswith(f"/t/{site.tokens[0]}")
    assert [step["state"] for step in data["steps"]] == ["done"] * 5
    status, _, _ = await site.get("/t/AAAAAAAAAAAAAAAAAAAAAAAAAAA/data.json")
    assert status == 404


async def test_who_may_frame_the_page(site: Site) -> None:
    _, _, headers = await site.get(f"/t/{site.tokens[0]}")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    _, text, headers = await site.get(f"/t/{site.tokens[0]}?embed=1")
    assert "frame-ancestors *" in headers["content-security-policy"]
    assert "<footer>" not in text
    assert "<form" not in text, "nobody can be led to send something from within another page"
    _, _, headers = await site.get("/widget.js")
    assert headers["cross-origin-resource-policy"] == "cross-origin"


async def test_the_shops_brand(site: Site) -> None:
    await site.brand(
        name="Alpenshop <b>",
        primary_color="#ffee00",
        links=(Link("Help", "https://alpenshop.example/help"),),
        support_email="help@alpenshop.example",
        texts={"en": {"delivered": "Enjoy </p><script>it</script>!"}},
        css=".card { border-radius: 0 }",
        logo_type="image/png",
        logo_alt="Alpenshop",
    )
    logo = b"\x89PNG\r\n\x1a\n" + b"0" * 50
    await site.house.store.change_record(
        "brand-logo", str(site.house.world_id // 2), "logo", lambda _: logo, at=0
    )
    path = f"/t/{site.tokens[0]}"
    _, text, _ = await site.get(path)
    assert f'src="{path}/logo"' in text
    assert "https://alpenshop.example/help" in text
    assert "mailto:help@alpenshop.example" in text
    assert "Enjoy &lt;/p&gt;&lt;script&gt;it&lt;/script&gt;!" in text
    _, css, headers = await site.get(f"{path}/brand.css")
    assert headers["content-type"].startswith("text/css")
    assert ".card { border-radius: 0 }" in css
    assert "#ffee00" not in css.partition("@media")[0], "nobody could read that on a light page"
    async with site.session.get(f"{site.url}{path}/logo") as answer:
        assert (answer.content_type, await answer.read()) == ("image/png", logo)


async def test_feedback_is_kept_and_bounded(site: Site) -> None:
    path = f"/t/{site.tokens[0]}/feedback"
    for _ in range(5):
        status, _, headers = await site.post(path, {"rating": "good", "text": "x" * 5_000})
        assert status == 303
        assert headers["location"].startswith(f"/t/{site.tokens[0]}?said=feedback")
    tracking = (await site.stored(NUMBERS[0])).tracking
    kept = await site.house.store.list_records("feedback", tracking.id)
    assert len(kept) == 3
    assert len(msgspec.json.decode(kept[0][1])["text"]) == 1_000
    for form in ({"rating": "excellent"}, {}, b"\xff\xfe", b"x" * 50_000):
        status, _, _ = await site.post(path, form)
        assert status == 303
    status, _, _ = await site.post("/t/AAAAAAAAAAAAAAAAAAAAAAAAAAA/feedback", {"rating": "good"})
    assert status == 404
    assert len(await site.house.store.list_records("feedback", tracking.id)) == 3


async def test_a_form_that_is_too_large_counts_as_empty(site: Site) -> None:
    path = f"/t/{site.tokens[0]}/feedback"
    form = b"rating=bad&text="
    tracking_id = (await site.stored(NUMBERS[0])).tracking.id
    for size, count in ((MAX_FORM + 1, 0), (MAX_FORM, 1)):
        assert (await site.post(path, form.ljust(size, b"x")))[0] == 303
        assert len(await site.house.store.list_records("feedback", tracking_id)) == count


async def test_feedback_at_one_moment_is_bounded_too(site: Site) -> None:
    path = f"/t/{site.tokens[0]}/feedback"
    answers = await asyncio.gather(
        *(site.post(path, {"rating": "good", "text": f"text {number}"}) for number in range(12))
    )
    assert {status for status, _, _ in answers} == {303}
    tracking = (await site.stored(NUMBERS[0])).tracking
    kept = await site.house.store.list_records("feedback", tracking.id)
    assert len({msgspec.json.decode(document)["text"] for _, document in kept}) == len(kept) == 3


async def test_without_a_mail_server_nobody_can_subscribe(site: Site) -> None:
    status, _, _ = await site.post(f"/t/{site.tokens[0]}/subscribe", {"email": "a@b.example"})
    assert status == 404
    _, text, _ = await site.get(f"/t/{site.tokens[0]}")
    assert "e-mail" not in text


class SteppedClock(FrozenClock):
    """A clock whose sleepers wake when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.step = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Wait for the test."""
        await self.step.wait()
        self.step.clear()
        self.advance(seconds)


async def test_news_reaches_who_watches(site: Site) -> None:
    await site.add(NUMBERS[1], MOVING)
    stored = await site.stored(NUMBERS[1])
    version = stored.tracking.version
    clock = SteppedClock()
    pages = application(msgspec.structs.replace(page_house(site.house), clock=clock))
    async with serve(pages) as address:
        url = f"http://{address}/t/{site.tokens[1]}/live?version={version}"
        async with site.session.get(url) as answer:
            said = answer.content
            assert answer.content_type == "text/event-stream"
            assert await said.readuntil(b"\n\n") == b"retry: 5000\n\n"
            assert await said.readuntil(b"\n\n") == b":\n\n"
            changed = replace(stored.tracking, version=version + 1, is_archived=True)
            assert await site.house.store.save(Save(tracking=changed, expected_version=version))
            clock.step.set()
            expected = b"event: changed\ndata: %d\n\n" % (version + 1)
            assert await said.readuntil(b"\n\n") == expected
            # Deleted: nothing more to say.
            await site.house.store.delete_trackings(site.house.world_id, [changed.id])
            clock.step.set()
            assert await said.read() == b""
