"""Guessing at the dashboard's login: who has to wait, and which browsers are known."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from parcelwire.accounts.errors import LoginError
from parcelwire.accounts.login_throttle import LoginLimits
from parcelwire.accounts.logins import LoginService
from parcelwire.accounts.passwords import PasswordService
from parcelwire.accounts.sessions import SessionService
from parcelwire.api.asgi import ASGIApp
from parcelwire.bootstrap.accounts import ScryptHasher
from parcelwire.config import LimitsSection, ServerSection, StoreSection
from parcelwire.domain.clock import DAY, SECOND
from parcelwire.domain.refusal_log import LINES_A_MINUTE
from parcelwire.store.port import Store
from tests.contract.store.postgres_fixture import shared_cluster
from tests.support.dashboard import Desk, open_dashboard
from tests.support.dashboard_login import DEVICE_COOKIE, EMAIL, PASSWORD, give_password
from tests.support.house import call


@pytest.fixture(params=["postgres", "sqlite"])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    """An installation on either engine."""
    sections: dict[str, Any] = {}
    if request.param == "postgres":
        dsn = shared_cluster().create_database()
        sections["store"] = StoreSection(url=dsn)
    async with open_dashboard(tmp_path, **sections) as made:
        yield made


class CountingStore:
    """Counts the calls of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        return getattr(self._store, name)


class CountingHasher(ScryptHasher):
    """Counts what is hashed."""

    def __init__(self) -> None:
        self.hashed: list[str] = []

    async def hash(self, text: str, salt: bytes, cost: int) -> bytes:
        """Hash a password."""
        self.hashed.append(text)
        return await super().hash(text, salt, cost)


async def test_an_unknown_account_costs_what_a_known_one_does(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        await give_password(desk)
        store = CountingStore(desk.house.store)
        hasher = CountingHasher()
        passwords = PasswordService(
            store, hasher, clock=desk.clock, random_bytes=random.Random(1).randbytes
        )
        logins = LoginService(
            store,
            passwords,
            clock=desk.clock,
            random_bytes=random.Random(2).randbytes,
            limits=LoginLimits(),
        )
        sessions = SessionService(
            store,
            logins,
            passwords,
            clock=desk.clock,
            random_bytes=random.Random(3).randbytes,
            operators=(),
        )
        calls = []
        for email in (EMAIL, "nobody@example.com"):
            for device in ("", "A" * 43):
                store.calls.clear()
                with pytest.raises(LoginError):
                    await sessions.open_with_password(email, "no", source="a", device=device)
                calls.append(list(store.calls))
        assert calls[0]
        assert calls[1:] == [calls[0]] * 3
        assert hasher.hashed == ["no"] * 4


async def test_five_failures_make_only_their_own_source_wait(desk: Desk) -> None:
    await give_password(desk)
    stranger = await desk.browser("127.0.0.66")
    for email in (EMAIL, "nobody@example.com"):
        answers = [await stranger.login(email=email, password="wrong") for _ in range(7)]
        # Whether there is such an account is not told by having to wait either.
        assert [answer.status for answer in answers] == [401] * 5 + [429] * 2
        assert answers[-1].headers["retry-after"] == "60"
        assert "Try again in 1 minute" in answers[-1].text
    assert (await stranger.login(email=EMAIL, password=PASSWORD)).status == 429
    assert (await stranger.login(key=await desk.add_key())).status == 303
    owner = await desk.browser("127.0.0.2")
    assert (await owner.login(email=EMAIL.upper(), password=PASSWORD)).status == 303
    # The stranger's wait is not ended by the owner's success; it ends by itself, and doubles.
    other = await desk.browser("127.0.0.66")
    assert (await other.login(email=EMAIL, password=PASSWORD)).status == 429
    desk.clock.advance(61)
    assert (await other.login(email=EMAIL, password="wrong")).status == 401
    answer = await other.login(email=EMAIL, password=PASSWORD)
    assert (answer.status, answer.headers["retry-after"]) == (429, "120")
    desk.clock.advance(121)
    assert (await other.login(email=EMAIL, password=PASSWORD)).status == 303


async def test_a_strangers_wrong_keys_keep_nobody_else_out(desk: Desk) -> None:
    await give_password(desk)
    stranger = await desk.browser("127.0.0.66")
    statuses = [(await stranger.login(key=f"wrong {number}")).status for number in range(100)]
    assert statuses == [401] * 30 + [429] * 70
    # Whoever has a key is no guesser, wherever it comes from.
    assert (await stranger.login(key=await desk.add_key())).status == 303
    assert (await stranger.login(email=EMAIL, password=PASSWORD)).status == 429
    owner = await desk.browser("127.0.0.2")
    assert (await owner.login(key="wrong")).status == 401
    assert (await owner.login(email=EMAIL, password=PASSWORD)).status == 303


async def guess(app: ASGIApp, source: str, password: str = "wrong") -> int:
    """Try the owner's password once from any address, without a cookie; return the status."""
    answer = await call(
        app,
        "POST",
        "/dashboard/login",
        body=urlencode({"email": EMAIL, "password": password}).encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
        source=source,
    )
    return answer.status


async def test_a_thousand_sources_that_guess_do_not_keep_the_owner_out(desk: Desk) -> None:
    await give_password(desk, cost=1 << 7)  # what is tried here is who comes in, not the cost
    owner = await desk.browser("127.0.0.2")
    assert (await owner.login(email=EMAIL, password=PASSWORD)).status == 303
    assert (await owner.post("/logout")).status == 303

    app = desk.house.asgi(is_served=False)
    for number in range(100):
        assert await guess(app, f"198.51.{number // 250}.{number % 250}") == 401
    # From now on each source has one try a day, and a new one has it still.
    assert await guess(app, "198.51.0.0") == 429
    assert await guess(app, "203.0.113.7", PASSWORD) == 303

    statuses = [await guess(app, f"198.51.{n // 250}.{n % 250}") for n in range(100, 1_000)]
    assert statuses == [401] * 900
    assert await guess(app, "198.51.200.1") == 429
    assert await guess(app, "203.0.113.8", PASSWORD) == 429
    # A key, and the browser that is known: even from an address that has to wait itself.
    stranger = await desk.browser("127.0.0.66")
    assert (await stranger.login(key=await desk.add_key())).status == 303
    statuses = [(await owner.login(email="x@example.com", password="no")).status for _ in range(9)]
    assert statuses == [401] * 5 + [429] * 4
    assert (await owner.login(email=EMAIL, password="a slip")).status == 401
    assert (await owner.login(email=EMAIL, password=PASSWORD)).status == 303
    desk.clock.advance(DAY / SECOND)
    assert await guess(app, "203.0.113.8", PASSWORD) == 303


async def test_a_password_that_is_taken_away_takes_its_browsers_along(desk: Desk) -> None:
    await give_password(desk)
    person = await desk.browser()
    await person.login(email=EMAIL, password=PASSWORD)
    store, scope = desk.house.store, str(desk.account.number)
    assert len(await store.list_records("login-device", scope)) == 1
    passwords = desk.house.use_cases.passwords
    assert await passwords.remove(desk.account.number)
    assert await store.list_records("login-device", scope) == []
    assert not await passwords.remove(desk.account.number)


async def test_what_a_browser_is_known_by(tmp_path: Path) -> None:
    server = ServerSection(public_url="https://parcels.example")
    async with open_dashboard(tmp_path, server=server) as desk:
        await give_password(desk)
        person = await desk.browser()
        answer = await person.ask("POST", "/login", data={"email": EMAIL, "password": PASSWORD})
        (cookie,) = [one for one in answer.cookies if DEVICE_COOKIE in one]
        assert cookie.startswith(f"__Secure-{DEVICE_COOKIE}=")
        for word in ("HttpOnly", "SameSite=Strict", "Path=/dashboard/login", "Secure"):
            assert word in cookie
        assert f"Max-Age={180 * 86_400}" in cookie
        token = cookie.partition("=")[2].partition(";")[0]
        ((name, document),) = await desk.house.store.list_records(
            "login-device", str(desk.account.number)
        )
        assert name == hashlib.sha256(token.encode()).hexdigest()
        assert token.encode() not in document
        # A key of small scope makes no browser known: it would open a way to guess the password.
        answer = await person.ask("POST", "/login", data={"key": await desk.add_key(scope="read")})
        assert not any(DEVICE_COOKIE in one for one in answer.cookies)


async def test_a_known_browser_has_an_allowance_of_its_own(desk: Desk) -> None:
    await give_password(desk)
    person = await desk.browser()
    await person.login(email=EMAIL, password=PASSWORD)
    statuses = [(await person.login(email=EMAIL, password="no")).status for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    desk.clock.advance(61)
    assert (await person.login(email=EMAIL, password=PASSWORD)).status == 303
    # A token that nobody gave out is none.
    guest = await desk.browser("127.0.0.3")
    guest.session.cookie_jar.update_cookies({DEVICE_COOKIE: "A" * 43})
    statuses = [(await guest.login(email=EMAIL, password="no")).status for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2


async def test_only_so_many_hashes_run_and_wait(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_dashboard(tmp_path, limits=LimitsSection(login_queue_size=3)) as desk:
        await give_password(desk)
        owner = await desk.browser("127.0.0.2")
        await owner.login(email=EMAIL, password=PASSWORD)
        crowd = [await desk.browser(f"127.0.8.{number}") for number in range(40)]
        answers = await asyncio.gather(
            *(
                one.login(email=f"{i}@example.com", password="secret no")
                for i, one in enumerate(crowd)
            ),
            owner.login(email=EMAIL, password=PASSWORD),
        )
        statuses = [answer.status for answer in answers[:-1]]
        assert set(statuses) == {401, 503}
        assert statuses.count(401) < 40
        busy = next(answer for answer in answers if answer.status == 503)
        assert busy.headers["retry-after"] == "5"
        # Strangers do not stand in the way of a browser that is known.
        assert answers[-1].status == 303
        # Whoever was turned away has not used up a try.
        turned_away = crowd[statuses.index(503)]
        email = f"{statuses.index(503)}@example.com"
        again = [(await turned_away.login(email=email, password="no")).status for _ in range(6)]
        assert again == [401] * 5 + [429]
    lines = [one.getMessage() for one in caplog.records if "refused" in one.getMessage()]
    assert any("too many passwords wait" in line and "127.0.8." in line for line in lines)
    assert len(lines) <= LINES_A_MINUTE + 1
    assert not any("secret" in line or "example.com" in line for line in lines)
