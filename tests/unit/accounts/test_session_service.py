"""Sessions: how long somebody stays logged in, in which world, and as whom."""

from __future__ import annotations

import random

import pytest

from parcelwire.accounts.keys import CreateKey, KeyService, NewKey, RevokeKey
from parcelwire.accounts.login_throttle import LoginLimits
from parcelwire.accounts.logins import LoginService
from parcelwire.accounts.passwords import PasswordService
from parcelwire.accounts.sessions import IDLE, LONGEST, SessionService
from parcelwire.domain.clock import HOUR, SECOND, FrozenClock
from parcelwire.store.port import Store
from tests.unit.accounts.quick_hasher import QuickHasher

EMAIL, PASSWORD = "you@shop.example", "correct horse battery"


class Desk:
    """The use cases around sessions, for one account."""

    def __init__(self, store: Store, clock: FrozenClock) -> None:
        self.store = store
        self.clock = clock
        draw = random.Random(4).randbytes
        self.keys = KeyService(store, clock=clock, random_bytes=draw)
        self.passwords = PasswordService(store, QuickHasher(), clock=clock, random_bytes=draw)
        self.logins = LoginService(
            store, self.passwords, clock=clock, random_bytes=draw, limits=LoginLimits()
        )

    def sessions(self, *operators: str) -> SessionService:
        return SessionService(
            self.store,
            self.logins,
            self.passwords,
            clock=self.clock,
            random_bytes=random.Random(5).randbytes,
            operators=operators,
        )

    async def key(self, scope: str = "admin", *, is_test: bool = False) -> NewKey:
        return await self.keys.create(CreateKey(account_number=1, scope=scope, is_test=is_test))

    async def enter(self, sessions: SessionService) -> str:
        """Log in with the password; return the session's token."""
        await self.passwords.set(1, PASSWORD)
        return (await sessions.open_with_password(EMAIL, PASSWORD)).token


@pytest.fixture
async def desk(store: Store, clock: FrozenClock) -> Desk:
    await store.add_account(EMAIL, now=clock.now())
    return Desk(store, clock)


async def test_a_session_ends_without_requests_and_in_any_case(desk: Desk) -> None:
    sessions, clock = desk.sessions(), desk.clock
    token = await desk.enter(sessions)
    clock.advance(IDLE / SECOND)
    assert await sessions.find(token) is None
    token = await desk.enter(sessions)
    for _ in range(LONGEST // HOUR - 1):
        clock.advance(HOUR / SECOND)
        assert await sessions.find(token) is not None
    clock.advance(HOUR / SECOND)
    assert await sessions.find(token) is None
    # It is gone, not only refused.
    clock.advance(-HOUR / SECOND)
    assert await sessions.find(token) is None


async def test_a_session_ends_with_the_key_that_opened_it(desk: Desk) -> None:
    sessions = desk.sessions()
    key, other = await desk.key(), await desk.key()
    token, others = [await sessions.open_with_key(one.text) for one in (key, other)]
    await desk.keys.revoke(RevokeKey(account_number=1, prefix=key.key.prefix))
    assert await sessions.find(token) is None
    assert await sessions.find(others) is not None


async def test_a_session_ends_with_the_password_that_opened_it(desk: Desk) -> None:
    sessions = desk.sessions()
    token = await desk.enter(sessions)
    await desk.passwords.set(1, "another horse battery")
    assert await sessions.find(token) is None
    await desk.passwords.set(1, PASSWORD)
    token = await desk.enter(sessions)
    await desk.passwords.remove(1)
    assert await sessions.find(token) is None


async def test_a_session_ends_when_its_account_is_suspended(desk: Desk) -> None:
    sessions = desk.sessions()
    token = await desk.enter(sessions)
    await desk.store.suspend_account(1, now=desk.clock.now())
    assert await sessions.find(token) is None
    await desk.store.resume_account(1)
    assert await sessions.find(token) is None


@pytest.mark.parametrize("token", ["", "short", "x" * 43, "ü" * 43, "x" * 101])
async def test_what_names_no_session(desk: Desk, token: str) -> None:
    await desk.enter(desk.sessions())
    assert await desk.sessions().find(token) is None


async def test_only_who_has_both_worlds_chooses(desk: Desk) -> None:
    sessions = desk.sessions()
    for key, worlds in ((await desk.key(), [2, 3]), (await desk.key(is_test=True), [3, 3])):
        token = await sessions.open_with_key(key.text)
        for is_test, world in zip((False, True), worlds, strict=True):
            session = await sessions.find(token)
            assert session is not None
            await sessions.choose_world(session, is_test=is_test)
            session = await sessions.find(token)
            assert session is not None
            assert (session.world_id, session.is_test) == (world, world == 3)


async def is_operator(desk: Desk, key: NewKey, *operators: str) -> bool:
    sessions = desk.sessions(*operators)
    session = await sessions.find(await sessions.open_with_key(key.text))
    assert session is not None
    return session.is_operator


async def test_operators_are_named_or_the_only_account(desk: Desk) -> None:
    live, read, test = (
        await desk.key(),
        await desk.key("read"),
        await desk.key(is_test=True),
    )
    assert await is_operator(desk, live)
    assert not await is_operator(desk, live, "other@shop.example")
    for one in (read, test):
        assert not await is_operator(desk, one, EMAIL)
    await desk.store.add_account("other@shop.example", now=desk.clock.now())
    assert not await is_operator(desk, live)
    assert await is_operator(desk, live, EMAIL.upper())


async def test_a_sentence_is_shown_once(desk: Desk) -> None:
    sessions = desk.sessions()
    token = await desk.enter(sessions)

    async def shown() -> list[str]:
        session = await sessions.find(token)
        assert session is not None
        return [text for _, text in await sessions.take_flashes(session)]

    session = await sessions.find(token)
    assert session is not None
    for number in range(7):
        await sessions.tell(session, "good", str(number))
    assert await shown() == ["2", "3", "4", "5", "6"]
    assert await shown() == []
    await sessions.end(token)
    # What is ended meanwhile is not brought back by a sentence.
    await sessions.tell(session, "good", "late")
    assert await sessions.find(token) is None
