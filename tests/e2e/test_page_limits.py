"""What one stranger can do to the public pages, and that it shuts out nobody else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import astuple, replace
from starlette.routing import Route

from parcelwire.api.asgi import ASGIApp
from parcelwire.bootstrap.settings import login_limits, page_limits
from parcelwire.config import Config, LimitsSection
from parcelwire.domain.brand import Brand, LookupField
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.refusal_log import LINES_A_MINUTE
from parcelwire.pages.application import application
from parcelwire.pages.limits import PageLimits
from parcelwire.pages.live import LIVE_FOR_SECONDS
from parcelwire.tracking.words import LANGUAGES
from tests.support.house import Answer, HouseUnderTest, call, open_house, serve
from tests.support.pages import page_house, put_brand
from tests.support.v4 import DIALECTS

NUMBERS = ("990012345612345678", "990012345612345679")
RIGHT = b"number=990012345612345678&word=8042"
FORM = {"content-type": "application/x-www-form-urlencoded"}
STRANGER, CUSTOMER = "198.51.100.66", "203.0.113.7"


ROUTES = [
    ("GET", "/t/{token}"),
    ("GET", "/t/{token}/live"),
    ("GET", "/t/{token}/data.json"),
    ("GET", "/t/{token}/brand.css"),
    ("GET", "/t/{token}/logo"),
    ("POST", "/t/{token}/feedback"),
    ("POST", "/t/{token}/subscribe"),
    ("GET", "/n/{token}"),
    ("POST", "/n/{token}"),
    ("GET", "/track"),
    ("GET", "/track/{account}"),
    ("POST", "/track/{account}"),
    ("GET", "/track/{account}/brand.css"),
    ("GET", "/track/{account}/logo"),
]


class Site:
    """The pages of one shop with two parcels, asked from any address."""

    def __init__(self, house: HouseUnderTest) -> None:
        self.house = house
        self.app: ASGIApp = application(page_house(house))
        self.tokens: list[str] = []

    def limit(self, **limits: int) -> None:
        """Have the pages bounded by these figures."""
        self.app = application(replace(page_house(self.house), limits=PageLimits(**limits)))

    async def look_up(self, source: str, body: bytes = RIGHT) -> Answer:
        path = f"/track/{self.house.account.number}"
        return await call(self.app, "POST", path, body=body, headers=FORM, source=source)

    async def open(self, source: str, query: str = "") -> Answer:
        return await call(self.app, "GET", f"/t/{self.tokens[0]}", query=query, source=source)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_house(tmp_path, DIALECTS) as house:
        made = Site(house)
        for number in NUMBERS:
            body = {
                "tracking_number": number,
                "courier_code": "swiss-post",
                "recipient_postcode": "8042",
            }
            created = await house.call("POST", "/v4/trackings/create", json=body)
            assert created.json()["meta"]["code"] == 200
            (stored,) = await house.store.find(house.world_id, number)
            made.tokens.append(stored.tracking.page_token)
        await put_brand(house, house.account, Brand(name="Shop", lookup=LookupField.POSTAL_CODE))
        yield made


async def test_ten_thousand_lookups_of_a_stranger_stop_nobody_else(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        answers = [await site.look_up(STRANGER, b"number=1&word=2") for _ in range(10_000)]
    assert sum(answer.status == 429 for answer in answers) == 9_980
    assert answers[-1].headers["retry-after"] == "3"
    answer = await site.look_up(CUSTOMER)
    assert (answer.status, answer.headers["location"]) == (303, f"/t/{site.tokens[0]}")
    lines = [one.getMessage() for one in caplog.records]
    assert lines == [f"refused: lookup, more than one source may ask for, from {STRANGER}"]
    # It ends by itself.
    site.house.clock.advance(60)
    assert (await site.look_up(STRANGER)).status == 303


async def test_all_together_are_bounded_last_and_the_log_with_them(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.limit(lookups_and_forms_per_minute=20)
    for number in range(300):
        answer = await site.look_up(f"198.51.100.{number % 250}", b"number=1&word=2")
        assert answer.status == (200 if number < 20 else 429)
    lines = [one.getMessage() for one in caplog.records]
    assert len(lines) == LINES_A_MINUTE
    site.house.clock.advance(60)
    for number in range(21):
        await site.look_up(f"198.51.101.{number}", b"number=1&word=2")
    text = caplog.records[LINES_A_MINUTE].getMessage()
    assert text.startswith("refused 260 more within a minute: lookup, more than all may ask for")


async def test_one_customers_ipv6_networks_are_counted_together_too(site: Site) -> None:
    statuses = [
        (await site.look_up(f"2001:db8:7:{number:x}::1", b"number=1&word=2")).status
        for number in range(400)
    ]
    assert statuses.count(200) == 160
    assert (await site.look_up("2001:db8:8::1")).status == 303


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_refusal_is_a_page_in_the_readers_language(site: Site, language: str) -> None:
    site.limit(pages_per_source_per_minute=2)
    for _ in range(2):
        assert (await site.open(CUSTOMER)).status == 200
    answer = await site.open(CUSTOMER, f"lang={language}&embed=1")
    assert answer.status == 429
    assert answer.headers["retry-after"] == "30"
    assert "set-cookie" not in answer.headers
    assert "frame-ancestors *" in answer.headers["content-security-policy"]
    tag = "zh-Hans" if language == "zh" else language
    assert f'<html lang="{tag}">' in answer.body.decode()
    assert (await site.open("203.0.113.8")).status == 200


def test_the_table_of_routes_is_whole(site: Site) -> None:
    app = application(page_house(site.house))
    found = {
        (method, route.path.replace(":int", ""))
        for route in app.routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    # A constant text, for whole web sites.
    assert found - {("GET", "/widget.js")} == set(ROUTES)


HEAVY = {"/t/{token}/feedback", "/t/{token}/subscribe", "/track/{account}"}


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_what_writes_to_the_store_is_bounded_together(
    site: Site, method: str, path: str
) -> None:
    site.limit(lookups_and_forms_per_minute=1)
    is_heavy = method == "POST" and path in HEAVY
    path = path.replace("{token}", "A" * 27).replace("{account}", "1")
    answers = [await call(site.app, method, path, source=f"203.0.113.{n}") for n in range(2)]
    assert (answers[1].status == 429) == is_heavy
    assert answers[0].status != 429


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_every_page_that_reads_the_store_is_bounded(
    site: Site, method: str, path: str
) -> None:
    one = dict.fromkeys(("pages", "lookups", "forms"), 1)
    site.limit(**{f"{kind}_per_source_per_minute": most for kind, most in one.items()})
    path = path.replace("{token}", site.tokens[0]).replace("{account}", "1")
    if path.endswith("/live"):
        path = path.replace(site.tokens[0], "A" * 27)  # one that would not end by itself
    answers = [
        await call(site.app, method, path, source=source)
        for source in (STRANGER, STRANGER, CUSTOMER)
    ]
    statuses = [answer.status for answer in answers]
    assert statuses == [statuses[0], 429, statuses[0]]
    assert statuses[0] in {200, 303, 404}


def test_every_setting_reaches_what_it_bounds() -> None:
    mine = [
        name
        for name in LimitsSection.__struct_fields__
        if name.startswith(("login_", "lookups_", "forms_", "pages_", "live_streams"))
    ]
    figures = {name: 5_000 + place for place, name in enumerate(mine)}
    config = Config(limits=LimitsSection(**figures))
    reached = [*astuple(login_limits(config)), *astuple(page_limits(config))]
    assert sorted(reached) == sorted(figures.values())


# --- live updates -----------------------------------------------------------------------------


class SteppedClock(FrozenClock):
    """A clock whose sleepers all wake when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.step = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Wait for the test, which moves the time itself."""
        await self.step.wait()


class Watching:
    """Streams on a real server, from addresses of 127.0.0.0/8."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self.url = url
        self.stack = stack
        self.sessions: dict[str, aiohttp.ClientSession] = {}

    async def ask(self, token: str, source: str, method: str = "GET") -> aiohttp.ClientResponse:
        """Open a stream; it stays open until it is closed."""
        if source not in self.sessions:
            connector = aiohttp.TCPConnector(local_addr=(source, 0), limit=0)
            self.sessions[source] = await self.stack.enter_async_context(
                aiohttp.ClientSession(connector=connector)
            )
        url = f"{self.url}/t/{token}/live?version=0"
        answer = await self.sessions[source].request(method, url)
        self.stack.callback(answer.close)
        return answer

    async def open_again(self, token: str, source: str) -> aiohttp.ClientResponse:
        """Open a stream as soon as the server has noticed that there is room."""
        for _ in range(1_000):
            answer = await self.ask(token, source)
            if answer.status != 204:
                break
            await asyncio.sleep(0.01)  # for the server's task, in this loop, to notice
        return answer


@pytest.fixture
async def watching(site: Site) -> AsyncIterator[tuple[Watching, SteppedClock]]:
    clock = SteppedClock()
    limits = PageLimits(live=60, live_per_account=50)
    pages = application(replace(page_house(site.house), clock=clock, limits=limits))
    async with serve(pages) as address, AsyncExitStack() as stack:
        yield Watching(f"http://{address}", stack), clock


async def test_one_link_does_not_fill_all_streams(
    site: Site, watching: tuple[Watching, SteppedClock]
) -> None:
    watch, _ = watching
    answers = [await watch.ask(site.tokens[0], f"127.0.4.{n % 5}") for n in range(60)]
    statuses = [answer.status for answer in answers]
    assert statuses == [200] * 20 + [204] * 40
    assert answers[-1].headers["retry-after"] == "60"
    assert (await watch.ask(site.tokens[1], "127.0.4.1")).status == 200
    # One that leaves makes room for another.
    answers[0].close()
    assert (await watch.open_again(site.tokens[0], "127.0.4.9")).status == 200
    assert (await watch.ask(site.tokens[0], "127.0.4.9")).status == 204


async def test_one_source_does_not_fill_all_streams(
    site: Site, watching: tuple[Watching, SteppedClock]
) -> None:
    watch, _ = watching
    answers = [await watch.ask(site.tokens[n % 2], "127.0.4.1") for n in range(40)]
    assert [answer.status for answer in answers] == [200] * 10 + [204] * 30
    assert (await watch.ask(site.tokens[0], "127.0.4.2")).status == 200


async def test_a_head_holds_no_place(site: Site, watching: tuple[Watching, SteppedClock]) -> None:
    watch, _ = watching
    for _ in range(30):
        assert (await watch.ask(site.tokens[0], "127.0.4.1", "HEAD")).status == 200
    assert (await watch.ask(site.tokens[0], "127.0.4.1")).status == 200


@pytest.mark.parametrize("seconds", [LIVE_FOR_SECONDS, -7_200], ids=["in time", "clock set back"])
async def test_a_stream_whose_client_says_nothing_more_ends_by_itself(
    site: Site, watching: tuple[Watching, SteppedClock], seconds: int
) -> None:
    watch, clock = watching
    for number in range(20):
        # Opened, and neither read nor closed.
        answer = await watch.ask(site.tokens[0], f"127.0.4.{number % 5}")
        assert answer.status == 200
    assert (await watch.ask(site.tokens[0], "127.0.4.9")).status == 204
    clock.advance(seconds)
    clock.step.set()
    clock.step.clear()
    assert (await watch.open_again(site.tokens[0], "127.0.4.9")).status == 200
