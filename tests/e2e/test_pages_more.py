"""What the tracking page does beside showing: languages, orders, brands, news, lookup."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from msgspec.structs import replace

from parcelwire.domain.brand import Brand, Link, LookupField
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import HOUR, SECOND, FrozenClock
from parcelwire.domain.report import CarrierReport, ParcelFacts, ProofOfDelivery
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Product, Tracking
from parcelwire.pages.application import application
from parcelwire.pages.words import LANGUAGES
from parcelwire.tracking.ports import Save, Stored
from tests.support.house import HouseUnderTest, open_house, report, serve
from tests.support.pages import page_house, put_brand
from tests.support.v4 import DIALECTS

NUMBERS = ("990012345612345678", "990012345612345679", "990012345612345680")
PERSON = {
    "customer_name": "Canary Nameson",
    "customer_email": "canary@person.example",
    "customer_sms": "+41790000001",
    "recipient_postcode": "8042",
    "order_number": "#CANARY-1001",
    "order_id": "canary-order",
    "title": "canary title",
    "note": "canary note",
    "label": "canary label",
}
DELIVERED = report(
    "",
    Checkpoint(
        local_time="2026-02-27T08:15",
        offset_minutes=60,
        text="Zugestellt",
        language="de",
        country="CH",
        city="Bern",
        status=Status.DELIVERED,
        substatus=Substatus.DELIVERED,
    ),
    facts=ParcelFacts(
        proof=ProofOfDelivery(signed_by="Canary Signer", place="canary porch"),
        destination_postal_code="8042",
    ),
)
MOVING = report(
    "",
    Checkpoint(
        local_time="2026-02-26T08:15",
        offset_minutes=60,
        text="Sortiert",
        country="CH",
        status=Status.TRANSIT,
        substatus=Substatus.TRANSIT_AT_HUB,
    ),
)


class Site:
    """Pages of one shop with two parcels of one order."""

    def __init__(self, house: HouseUnderTest, url: str, session: aiohttp.ClientSession) -> None:
        self.house = house
        self.url = url
        self.session = session
        self.tokens: list[str] = []

    async def add(self, number: str, answer: CarrierReport, **fields: Any) -> Tracking:
        self.house.carriers.script("swiss-post", number, answer)
        body = {"tracking_number": number, "courier_code": "swiss-post", **PERSON, **fields}
        created = await self.house.call("POST", "/v4/trackings/create", json=body)
        assert created.json()["meta"]["code"] == 200
        tracking = (await self.stored(number)).tracking
        self.tokens.append(tracking.page_token)
        return tracking

    async def stored(self, number: str) -> Stored:
        (stored,) = await self.house.store.find(self.house.world_id, number)
        return stored

    async def get(self, path: str, **headers: str) -> tuple[int, str, Any]:
        async with self.session.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.text(), answer.headers

    async def post(
        self, path: str, form: dict[str, str] | bytes, source: str = "127.0.0.1"
    ) -> tuple[int, bytes, Any]:
        """Send a form from an address of 127.0.0.0/8."""
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(local_addr=(source, 0))
            ) as session,
            session.post(self.url + path, data=form, allow_redirects=False) as answer,
        ):
            return answer.status, await answer.read(), answer.headers

    async def brand(self, **fields: Any) -> None:
        await put_brand(self.house, self.house.world_id // 2, Brand(**fields))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with (
        open_house(tmp_path, DIALECTS) as house,
        serve(application(page_house(house))) as address,
        aiohttp.ClientSession() as session,
    ):
        made = Site(house, f"http://{address}", session)
        await made.add(NUMBERS[0], DELIVERED)
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


# --- lookup -----------------------------------------------------------------------------------


@asynccontextmanager
async def looking(site: Site, field: LookupField) -> AsyncIterator[str]:
    await site.brand(name="Shop", lookup=field)
    yield f"/track/{site.house.world_id // 2}"


@pytest.mark.parametrize(
    ("field", "word"),
    [
        (LookupField.POSTAL_CODE, " 80 42"),
        (LookupField.EMAIL, "CANARY@person.example"),
        (LookupField.ORDER_NUMBER, "canary 1001"),
    ],
)
async def test_who_knows_number_and_word_comes_to_the_parcel(
    site: Site, field: LookupField, word: str
) -> None:
    async with looking(site, field) as path:
        status, text, _ = await site.get(path)
        assert status == 200
        assert 'name="word"' in text
        status, _, headers = await site.post(
            path, {"number": "99.00.123456.12345678", "word": word}
        )
        assert (status, headers["location"]) == (303, f"/t/{site.tokens[0]}")
        _, alone, _ = await site.get("/track")
        assert 'name="word"' in alone, "the only account's form"


async def test_lookup_is_off_until_the_shop_turns_it_on(site: Site) -> None:
    for path in ("/track", "/track/1", "/track/99", "/track/99999999999999999999"):
        status, _, _ = await site.get(path)
        assert status == 404
    status, _, _ = await site.post("/track/1", {"number": NUMBERS[0], "word": "8042"})
    assert status == 404


async def test_unknown_wrong_and_locked_are_the_same_bytes(site: Site) -> None:
    async with looking(site, LookupField.POSTAL_CODE) as path:
        answers = [
            await site.post(path, form)
            for form in (
                {"number": NUMBERS[0], "word": "1111"},
                {"number": "990099999999999999", "word": "8042"},
                {"number": "<script>", "word": "8042"},
                {"number": "", "word": ""},
                {},
                *({"number": NUMBERS[0], "word": str(code)} for code in range(1112, 1117)),
                {"number": NUMBERS[0], "word": "8042"},
            )
        ]
        assert {(status, body) for status, body, _ in answers} == {answers[0][:2]}
        assert answers[0][0] == 200
        lengths = {headers.get("content-length") for _, _, headers in answers}
        assert len(lengths) == 1


async def test_five_wrong_tries_an_hour_and_twenty_in_all(site: Site) -> None:
    async with looking(site, LookupField.POSTAL_CODE) as path:

        async def tries(word: str, source: int) -> int:
            status, _, _ = await site.post(
                path, {"number": NUMBERS[0], "word": word}, f"127.0.3.{source}"
            )
            return status

        for hour in range(4):
            for code in range(5):
                assert await tries("8042", code) == 303, "not before five wrong ones"
                assert await tries(str(1000 + hour * 10 + code), code) == 200
            assert await tries("8042", 9) == 200, "locked: even the right word finds nothing"
            site.house.clock.advance(HOUR / SECOND + 1)
        # Twenty in all: nothing opens it any more, however long one waits.
        site.house.clock.advance(100 * HOUR / SECOND)
        assert await tries("8042", 9) == 200


async def test_a_single_stranger_does_not_lock_a_number_for_its_people(site: Site) -> None:
    async with looking(site, LookupField.POSTAL_CODE) as path:
        for hour in range(10):
            for code in range(8):
                form = {"number": NUMBERS[0], "word": str(1000 + hour * 10 + code)}
                assert (await site.post(path, form, "127.0.0.66"))[0] == 200
            form = {"number": NUMBERS[0], "word": "8042"}
            assert (await site.post(path, form, "127.0.0.2"))[0] == 303
            site.house.clock.advance(HOUR / SECOND + 1)
        # The stranger's ten are used up for good.
        assert (await site.post(path, form, "127.0.0.66"))[0] == 200


async def test_right_tries_do_not_count(site: Site) -> None:
    async with looking(site, LookupField.POSTAL_CODE) as path:
        for _ in range(12):
            status, _, _ = await site.post(path, {"number": NUMBERS[0], "word": "8042"})
            assert status == 303


async def test_guesses_at_one_moment_are_all_counted(site: Site) -> None:
    async with looking(site, LookupField.POSTAL_CODE) as path:
        codes = [*range(1000, 1030), 8042, *range(1030, 1050)]
        answers = await asyncio.gather(
            *(
                site.post(path, {"number": NUMBERS[0], "word": str(code)}, f"127.0.3.{code % 7}")
                for code in codes
            )
        )
        assert {status for status, _, _ in answers} <= {200, 303}
        assert sum(status == 303 for status, _, _ in answers) <= 1
        _, record = (await site.house.store.list_records("lookup", str(site.house.world_id)))[0]
        assert msgspec.json.decode(record)["total"] <= 5


async def test_guessing_numbers_fills_no_table_and_is_slowed(site: Site) -> None:
    async with looking(site, LookupField.POSTAL_CODE) as path:
        statuses = [
            (await site.post(path, {"number": f"99009999999999{n:04d}", "word": "8042"}))[0]
            for n in range(70)
        ]
        assert statuses.count(429) == 50
