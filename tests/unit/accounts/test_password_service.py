"""Passwords: what one can be, what is stored, and who comes in with it."""

from __future__ import annotations

import random

import pytest

from parcelwire.accounts.errors import LoginError
from parcelwire.accounts.keys import CreateKey, KeyService
from parcelwire.accounts.login_throttle import LoginLimits
from parcelwire.accounts.logins import LoginService
from parcelwire.accounts.passwords import COST, LONGEST, SHORTEST, PasswordService
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.field_problems import InvalidInputError
from parcelwire.store.port import Store
from tests.unit.accounts.quick_hasher import QuickHasher

EMAIL, PASSWORD = "you@shop.example", "correct horse battery"


@pytest.fixture
def hasher() -> QuickHasher:
    return QuickHasher()


@pytest.fixture
def passwords(store: Store, hasher: QuickHasher, clock: FrozenClock) -> PasswordService:
    return PasswordService(store, hasher, clock=clock, random_bytes=random.Random(1).randbytes)


@pytest.fixture
async def logins(store: Store, passwords: PasswordService, clock: FrozenClock) -> LoginService:
    await store.add_account(EMAIL, now=clock.now())
    return LoginService(
        store,
        passwords,
        clock=clock,
        random_bytes=random.Random(2).randbytes,
        limits=LoginLimits(),
    )


@pytest.mark.parametrize("text", ["", "x" * (SHORTEST - 1), "x" * (LONGEST + 1)])
async def test_a_password_has_ten_to_a_thousand_characters(
    passwords: PasswordService, hasher: QuickHasher, text: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await passwords.set(1, text)
    assert [one.field for one in caught.value.problems] == ["password"]
    assert await passwords.load(1) is None
    assert hasher.hashed == []


@pytest.mark.parametrize("text", ["x" * SHORTEST, "ü" * LONGEST])
async def test_only_its_hash_is_stored_with_a_salt_of_its_own(
    passwords: PasswordService, clock: FrozenClock, text: str
) -> None:
    await passwords.set(1, text)
    await passwords.set(2, text)
    one, two = await passwords.load(1), await passwords.load(2)
    assert one is not None
    assert two is not None
    assert (one.cost, one.set_at, len(one.salt)) == (COST, clock.now(), 16)
    assert one.digest != two.digest
    assert await passwords.verify(one, text)
    assert not await passwords.verify(one, text + "x" if len(text) < LONGEST else text[:-1])


async def test_a_missing_password_costs_what_one_does_and_is_never_right(
    passwords: PasswordService, hasher: QuickHasher
) -> None:
    assert not await passwords.verify(None, "")
    assert not await passwords.verify(None, "x" * 2 * LONGEST)
    assert hasher.hashed == [("", COST), ("x" * LONGEST, COST)]


async def test_removing_it(passwords: PasswordService) -> None:
    assert not await passwords.remove(1)
    await passwords.set(1, PASSWORD)
    assert await passwords.remove(1)
    assert await passwords.load(1) is None


async def test_who_comes_in_with_a_password(
    logins: LoginService, passwords: PasswordService, store: Store, clock: FrozenClock
) -> None:
    await passwords.set(1, PASSWORD)
    login = await logins.with_password(EMAIL.upper(), PASSWORD, source="192.0.2.1")
    assert login.account.email == EMAIL
    assert login.password == await passwords.load(1)
    known = await logins.with_password(EMAIL, PASSWORD, device=login.device)
    assert known.device == login.device
    for email, text in ((EMAIL, "wrong"), ("nobody@shop.example", PASSWORD), ("", "")):
        with pytest.raises(LoginError) as caught:
            await logins.with_password(email, text, source="192.0.2.2")
        assert str(caught.value) == "refused"
        assert not caught.value.is_suspended
    await store.suspend_account(1, now=clock.now())
    with pytest.raises(LoginError) as caught:
        await logins.with_password(EMAIL, PASSWORD, source="192.0.2.1")
    assert caught.value.is_suspended


async def test_a_source_that_guesses_has_to_wait(
    logins: LoginService, passwords: PasswordService
) -> None:
    await passwords.set(1, PASSWORD)
    waits = []
    for _ in range(6):
        with pytest.raises(LoginError) as caught:
            await logins.with_password(EMAIL, "wrong", source="192.0.2.1")
        waits.append(caught.value.wait_seconds)
    assert waits == [0, 0, 0, 0, 0, 60]
    assert (await logins.with_password(EMAIL, PASSWORD, source="192.0.2.2")).account.number == 1


async def test_who_comes_in_with_a_key(
    logins: LoginService, store: Store, clock: FrozenClock
) -> None:
    keys = KeyService(store, clock=clock, random_bytes=random.Random(3).randbytes)
    made = await keys.create(CreateKey(account_number=1, expires_at=clock.now() + 1_000))
    key, account = await logins.with_key(made.text)
    assert (key, account.email) == (made.key, EMAIL)
    for wrong in ("", "pw_live_nonsense", made.text[:-1], f"{made.text} "):
        with pytest.raises(LoginError):
            await logins.with_key(wrong)
    await store.suspend_account(1, now=clock.now())
    with pytest.raises(LoginError) as caught:
        await logins.with_key(made.text)
    assert caught.value.is_suspended
    await store.resume_account(1)
    clock.advance(1)
    with pytest.raises(LoginError) as caught:
        await logins.with_key(made.text)
    assert not caught.value.is_suspended
