"""API keys: what one can be, who sees it, who may revoke it."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from parcelwire.accounts.errors import CurrentKeyError, KeyNotFoundError
from parcelwire.accounts.key_format import digest_of, is_well_formed, make_key, prefix_of
from parcelwire.accounts.keys import (
    LONGEST_LABEL,
    Caller,
    CreateKey,
    KeyService,
    NewKey,
    RevokeKey,
)
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.field_problems import InvalidInputError
from parcelwire.store.port import Store
from parcelwire.tracking.ports import AlreadyDoneError, Once

TESTER = Caller(is_test=True)
"""Somebody who came with a test key, or looks at the test world."""


@pytest.fixture
async def keys(store: Store, clock: FrozenClock) -> KeyService:
    for email in ("you@shop.example", "other@shop.example"):
        await store.add_account(email, now=clock.now())
    return KeyService(store, clock=clock, random_bytes=random.Random(1).randbytes)


def test_the_form_of_a_key() -> None:
    live, test = (make_key(bytes(range(24)), is_test=is_test) for is_test in (False, True))
    assert live.startswith("pw_live_")
    assert test.startswith("pw_test_")
    assert {len(live), len(test)} == {46}
    assert is_well_formed(live)
    assert prefix_of(live) == live[:16]
    for typo in (live[:-1], f"{live}0", live.swapcase(), f"{live}\n", "", live[:20] + live[21:]):
        assert not is_well_formed(typo)
    assert is_well_formed(make_key(b"\xff" * 24, is_test=False))
    with pytest.raises(ValueError, match="24 random bytes"):
        make_key(b"x" * 23, is_test=False)


async def test_only_the_digest_of_a_key_is_stored(
    keys: KeyService, store: Store, clock: FrozenClock
) -> None:
    expires_at = clock.now() + 1
    made = await keys.create(
        CreateKey(account_number=1, label="till", scope="read", expires_at=expires_at)
    )
    assert is_well_formed(made.text)
    assert (made.key.digest, made.key.prefix) == (digest_of(made.text), made.text[:16])
    assert (made.key.label, made.key.scope, made.key.is_test) == ("till", "read", False)
    assert (made.key.created_at, made.key.expires_at) == (clock.now(), expires_at)
    assert await keys.list_keys(1) == [made.key]
    found = await store.find_key(digest_of(made.text))
    assert found is not None
    assert found[0] == made.key
    assert (await keys.create(CreateKey(account_number=1))).text != made.text


@pytest.mark.parametrize(
    ("changes", "caller", "wrong"),
    [
        ({"label": "x" * (LONGEST_LABEL + 1)}, Caller(), [("label", "too-long")]),
        ({"label": "a\0b"}, Caller(), [("label", "invalid")]),
        ({"scope": "owner"}, Caller(), [("scope", "unknown")]),
        ({"scope": ""}, Caller(), [("scope", "unknown")]),
        ({"expires_at": FrozenClock().now()}, Caller(), [("expires_at", "invalid")]),
        ({"expires_at": -1}, Caller(), [("expires_at", "invalid")]),
        ({}, TESTER, [("is_test", "not-allowed")]),
        (
            {"label": "\0", "scope": "x", "expires_at": 0},
            TESTER,
            [
                ("is_test", "not-allowed"),
                ("label", "invalid"),
                ("scope", "unknown"),
                ("expires_at", "invalid"),
            ],
        ),
    ],
)
async def test_a_key_that_cannot_be(
    keys: KeyService, changes: dict[str, object], caller: Caller, wrong: list[tuple[str, str]]
) -> None:
    command = replace(CreateKey(account_number=1), **changes)
    with pytest.raises(InvalidInputError) as caught:
        await keys.create(command, caller)
    assert [(one.field, one.code) for one in caught.value.problems] == wrong
    assert await keys.list_keys(None) == []


async def test_from_the_test_world_only_its_own_keys_exist(keys: KeyService) -> None:
    live = (await keys.create(CreateKey(account_number=1))).key
    test = (await keys.create(CreateKey(account_number=1, is_test=True), TESTER)).key
    theirs = (await keys.create(CreateKey(account_number=2, is_test=True))).key
    assert await keys.list_keys(1) == [live, test]
    assert await keys.list_keys(1, TESTER) == [test]
    assert await keys.list_keys(None) == [live, test, theirs]
    for prefix, caller in ((live.prefix, TESTER), (theirs.prefix, Caller()), ("pw_live_", TESTER)):
        with pytest.raises(KeyNotFoundError):
            await keys.revoke(RevokeKey(account_number=1, prefix=prefix), caller)
    assert all(one.revoked_at is None for one in await keys.list_keys(None))
    assert await keys.revoke(RevokeKey(account_number=None, prefix=theirs.prefix))


async def test_a_key_is_revoked_once_and_for_good(keys: KeyService, clock: FrozenClock) -> None:
    key = (await keys.create(CreateKey(account_number=1))).key
    revoke = RevokeKey(account_number=1, prefix=key.prefix)
    assert await keys.revoke(revoke)
    clock.advance(1)
    assert not await keys.revoke(revoke)
    (revoked,) = await keys.list_keys(1)
    assert revoked.revoked_at == key.created_at


async def test_the_key_that_asks_is_revoked_only_when_that_is_meant(keys: KeyService) -> None:
    prefix = (await keys.create(CreateKey(account_number=1))).key.prefix
    caller = Caller(key_prefix=prefix)
    command = RevokeKey(account_number=1, prefix=prefix)
    with pytest.raises(CurrentKeyError):
        await keys.revoke(command, caller)
    assert (await keys.list_keys(1))[0].revoked_at is None
    assert await keys.revoke(replace(command, allows_current=True), caller)


async def test_a_repeated_creation_makes_one_key(keys: KeyService, clock: FrozenClock) -> None:
    texts = []

    def guard(made: NewKey) -> Once:
        texts.append(made.text)
        return Once(
            world_id=2,
            key="again",
            fingerprint=bytes(32),
            at=clock.now(),
            answer=lambda _: (201, made.key.prefix.encode()),
        )

    made = await keys.create(CreateKey(account_number=1), guard=guard)
    with pytest.raises(AlreadyDoneError) as caught:
        await keys.create(CreateKey(account_number=1), guard=guard)
    assert caught.value.record.body == made.key.prefix.encode()
    assert texts[0] == made.text
    assert await keys.list_keys(1) == [made.key]
