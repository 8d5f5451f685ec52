"""An installation with its dashboard behind real HTTP, and people who use it.

async with open_dashboard(tmp_path) as desk:
    person = await desk.person(scope="write")
    page = await person.get("/trackings")
"""

from __future__ import annotations

import asyncio
import csv
import io
import random
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from parcelwire.accounts.key_format import make_key
from parcelwire.bootstrap import Installation, open_installation
from parcelwire.bootstrap.settings import server_limits
from parcelwire.config import (
    ApiSection,
    CarriersSection,
    Config,
    SecretsSection,
    ServerSection,
    StoreSection,
    WebhooksSection,
)
from parcelwire.domain.account import Account, world_of
from parcelwire.domain.clock import Clock, FrozenClock
from parcelwire.pages.dashboard.application import application, in_front_of
from parcelwire.pages.dashboard.registry import Page
from parcelwire.tracking.ports import TrackingFilter
from tests.support.house import key_record, nobody, serve

ROOT = "/dashboard"
COOKIE = "parcelwire_session"
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


class Answer(msgspec.Struct, frozen=True):
    """What came back; redirects are not followed by themselves."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()
    """The ``Set-Cookie`` headers."""

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def place(self) -> str:
        """Where a redirect leads, within the dashboard."""
        return self.headers.get("location", "").removeprefix(ROOT)


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session
        self.csrf = ""

    async def ask(self, method: str, path: str, **sent: Any) -> Answer:
        """Make one request."""
        headers = {"origin": self.url} if method == "POST" else {}
        headers.update(sent.pop("headers", {}))
        async with self.session.request(
            method, self.url + ROOT + path, allow_redirects=False, headers=headers, **sent
        ) as answer:
            body = await answer.read()
            said = {name.lower(): value for name, value in answer.headers.items()}
            cookies = tuple(answer.headers.getall("set-cookie", ()))
            return Answer(answer.status, said, body, cookies)

    async def get(self, path: str, **sent: Any) -> Answer:
        """Open a page."""
        answer = await self.ask("GET", path, **sent)
        if found := _CSRF.search(answer.body.decode("utf-8", "replace")):
            self.csrf = found[1]
        return answer

    async def post(self, path: str, data: Any = None, **sent: Any) -> Answer:
        """Send a form, with the token of this session."""
        if isinstance(data, aiohttp.FormData):
            data.add_field("csrf", self.csrf)
        elif isinstance(data, list):
            data = [("csrf", self.csrf), *data]
        else:
            data = {"csrf": self.csrf, **(data or {})}
        return await self.ask("POST", path, data=data, **sent)

    async def do(self, path: str, data: Any = None, **sent: Any) -> Answer:
        """Send a form and open the page that it leads to."""
        answer = await self.post(path, data, **sent)
        assert answer.status == 303, (answer.status, answer.text[-2_000:])
        return await self.get(answer.place)

    async def login(self, **fields: str) -> Answer:
        """Log in with ``key`` or ``email`` and ``password``."""
        answer = await self.ask("POST", "/login", data=fields)
        if answer.status == 303:
            await self.get("/trackings")
        return answer

    @property
    def cookie(self) -> str:
        """The session's token."""
        return next(one.value for one in self.session.cookie_jar if one.key == COOKIE)


class Desk(msgspec.Struct, kw_only=True):
    """The installation and what a test wants to get hold of."""

    house: Installation
    url: str
    account: Account
    stack: AsyncExitStack
    made: list[int] = []

    @property
    def world_id(self) -> int:
        return world_of(self.account.number, is_test=False)

    @property
    def clock(self) -> FrozenClock:
        assert isinstance(self.house.clock, FrozenClock)
        return self.house.clock

    async def total(self) -> int:
        """Return how many parcels the account's live world has."""
        counts = await self.house.store.count_by_status(self.world_id, TrackingFilter())
        return sum(counts.values())

    async def add_key(self, account: Account | None = None, **fields: Any) -> str:
        """Store a key and return it."""
        self.made.append(1)
        number = (account or self.account).number
        seed = random.Random(f"{number} {len(self.made)}")
        key = make_key(seed.randbytes(24), is_test=bool(fields.get("is_test")))
        await self.house.store.add_key(key_record(key, number, **fields))
        return key

    async def browser(self, source: str = "127.0.0.1") -> Person:
        """Return somebody who has not logged in, and calls from an address of 127.0.0.0/8."""
        session = await self.stack.enter_async_context(
            aiohttp.ClientSession(
                cookie_jar=aiohttp.CookieJar(unsafe=True),
                connector=aiohttp.TCPConnector(local_addr=(source, 0)),
            )
        )
        return Person(self.url, session)

    async def person(self, account: Account | None = None, **fields: Any) -> Person:
        """Return somebody who has logged in with a new key (``scope``, ``is_test``)."""
        person = await self.browser()
        answer = await person.login(key=await self.add_key(account, **fields))
        assert answer.status == 303, answer.text
        return person


def dashboard_config(folder: Path, **sections: Any) -> Config:
    """Return settings of an installation in ``folder`` that reaches nothing but loopback."""
    settings: dict[str, Any] = {
        "server": ServerSection(),
        "store": StoreSection(url=f"sqlite:{folder / 'parcelwire.db'}"),
        "secrets": SecretsSection(key_file=str(folder / "parcelwire.key")),
        "api": ApiSection(fetch_on_create=False),
        "webhooks": WebhooksSection(allowed_networks=("127.0.0.0/8",), request_timeout_seconds=5),
        "carriers": CarriersSection(registry_file=str(folder / "couriers.json")),
        **sections,
    }
    return Config(**settings)


@asynccontextmanager
async def open_dashboard(
    folder: Path,
    *,
    clock: Clock | None = None,
    extra: tuple[Page, ...] = (),
    works: bool = True,
    **sections: Any,
) -> AsyncIterator[Desk]:
    """Open an installation with one account; ``works``: uploaded files are worked through.

    Nothing polls and nothing delivers by itself.
    """
    house = await open_installation(
        dashboard_config(folder, **sections), clock=clock or FrozenClock()
    )
    task = asyncio.create_task(house.imports.run()) if works else None
    try:
        account = await house.store.add_account(
            "shop@example.com", name="Shop", now=house.clock.now()
        )
        app = house.asgi(is_served=False)
        if extra:
            app = in_front_of(lambda: application(house.dashboard, extra=extra), nobody)
        async with AsyncExitStack() as stack:
            most = server_limits(house.config, 0).max_body_bytes
            address = await stack.enter_async_context(serve(app, max_body_bytes=most))
            yield Desk(house=house, url=f"http://{address}", account=account, stack=stack)
    finally:
        house.imports.stop()
        if task is not None:
            await task
        await house.close()


class Receiver:
    """Takes webhooks on loopback, and answers what it is told to."""

    def __init__(self) -> None:
        self.status = 200
        self.bodies: list[bytes] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        """Take one message."""
        self.bodies.append(await request.read())
        return web.Response(status=self.status, text="<b>thanks</b>")


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Start a receiver."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        yield receiver
    finally:
        await runner.cleanup()


def numbers(count: int, first: int = 0) -> list[str]:
    """Return numbers of Swiss Post."""
    return [f"9900{first + number:014}" for number in range(count)]


def five_thousand() -> tuple[bytes, dict[int, str]]:
    """Return a file of 5,000 rows, and which lines are bad and why."""
    bad = {2: "no tracking number", 700: "spreadsheet makes", 701: "no tracking number:"}
    bad |= {3_000: "two letters", 4_999: "fits no courier", 5_001: "There is no courier"}
    rows = []
    for line, number in enumerate(numbers(5_000), 2):
        row = [number, f"order {line}", "swiss-post" if line % 2 else "", "CH"]
        if line in bad:
            row = {
                2: ["", "7", "", ""],
                700: ["9,9E+17", "8", "", ""],
                701: ["!!!", '=HYPERLINK("http://evil.example")', "", ""],
                3_000: [number, "9", "", "Switzerland"],
                4_999: ["ABCDE1", "10", "", ""],
                5_001: [number, "11", "nobody-knows", ""],
            }[line]
        rows.append(row)
    text = io.StringIO()
    table = csv.writer(text, delimiter=";")
    table.writerow(["Sendungsnummer", "Bestellnummer", "Courier", "Country"])
    table.writerows(rows)
    return text.getvalue().encode("cp1252"), bad
