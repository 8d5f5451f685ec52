"""Which API keys open something, and for how long that is believed."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from parcelwire.accounts.authentication import (
    KEY_CACHE_SECONDS,
    AuthFailure,
    KeyAuthenticator,
    find_key,
)
from parcelwire.accounts.key_format import KEY_BYTES, digest_of, make_key, prefix_of
from parcelwire.domain.account import Account, ApiKey
from parcelwire.domain.clock import SECOND, FrozenClock

OWNER = Account(number=1, email="you@shop.example")
TEXT = make_key(random.Random(7).randbytes(KEY_BYTES), is_test=False)
KEY = ApiKey(digest=digest_of(TEXT), prefix=prefix_of(TEXT), account_number=1, is_test=False)


class Keys:
    """Keeps one key, and counts how often somebody looks."""

    def __init__(self) -> None:
        self.key: ApiKey | None = KEY
        self.looks = 0

    async def find_key(self, digest: bytes) -> tuple[ApiKey, Account] | None:
        self.looks += 1
        return (self.key, OWNER) if self.key is not None and self.key.digest == digest else None


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def authenticator(keys: Keys, clock: FrozenClock) -> KeyAuthenticator:
    return KeyAuthenticator(keys, clock)


def test_the_states_of_a_key() -> None:
    key = replace(KEY, expires_at=1_000)
    assert [key.state_at(now) for now in (999, 1_000)] == ["active", "expired"]
    assert replace(key, revoked_at=5).state_at(1_000) == "revoked"
    assert KEY.state_at(10**15) == "active"


async def test_what_has_not_the_form_of_a_key_is_not_looked_for(
    keys: Keys, authenticator: KeyAuthenticator
) -> None:
    for text in (None, "", " "):
        assert await authenticator.authenticate(text) is AuthFailure.NO_KEY
    for text in ("x", TEXT[:-1], TEXT[:-1] + ("a" if TEXT[-1] != "a" else "b")):
        assert await authenticator.authenticate(text) is AuthFailure.UNKNOWN_KEY
        assert await find_key(keys, text) is None
    assert keys.looks == 0
    keys.key = None
    assert await authenticator.authenticate(TEXT) is AuthFailure.UNKNOWN_KEY
    assert keys.looks == 1


async def test_a_key_is_believed_for_a_second(
    keys: Keys, authenticator: KeyAuthenticator, clock: FrozenClock
) -> None:
    assert await authenticator.authenticate(f" {TEXT} ") == (KEY, OWNER)
    keys.key = replace(KEY, revoked_at=clock.now())
    clock.advance(KEY_CACHE_SECONDS - 1 / SECOND)
    assert await authenticator.authenticate(TEXT) == (KEY, OWNER)
    assert keys.looks == 1
    clock.advance(1 / SECOND)
    assert await authenticator.authenticate(TEXT) is AuthFailure.REVOKED_KEY


async def test_a_key_that_is_believed_still_expires(
    keys: Keys, authenticator: KeyAuthenticator, clock: FrozenClock
) -> None:
    keys.key = replace(KEY, expires_at=clock.now() + 500)
    assert await authenticator.authenticate(TEXT) == (keys.key, OWNER)
    clock.advance(0.5)
    assert await authenticator.authenticate(TEXT) is AuthFailure.EXPIRED_KEY
    clock.advance(KEY_CACHE_SECONDS)
    assert await authenticator.authenticate(TEXT) is AuthFailure.EXPIRED_KEY
    assert keys.looks == 2


async def test_nothing_is_believed_when_the_clock_was_set_back(
    keys: Keys, authenticator: KeyAuthenticator, clock: FrozenClock
) -> None:
    await authenticator.authenticate(TEXT)
    clock.advance(-1)
    await authenticator.authenticate(TEXT)
    assert keys.looks == 2
