"""Keys that end by themselves, in every dialect and on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parcelwire.accounts.authentication import KEY_CACHE_SECONDS
from parcelwire.api.asgi import Door
from parcelwire.api.trackingmore.frame import DialectFrame
from parcelwire.bootstrap.dialects import own_dialects
from parcelwire.domain.clock import HOUR, SECOND, iso_utc
from tests.support.house import call, nobody
from tests.support.native import Caller, fields_of, ok, open_caller, refused

ACCOUNT = "/api/account"
KEYS = "/api/keys"


@pytest.fixture(params=["sqlite", "postgres"])
async def caller(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Caller]:
    async with open_caller(tmp_path, request, request.param) as caller:
        yield caller


async def test_an_expired_key_is_answered_like_a_revoked_one(caller: Caller) -> None:
    house = caller.house
    now = house.clock.now()
    key = await house.add_key(seed=51, expires_at=now + 1)
    revoked = await house.add_key(seed=52, revoked_at=now)
    door = Door(
        house.house,
        [DialectFrame(house.house, one) for one in own_dialects()],
        nobody,
    )
    ok(await caller.ask("GET", ACCOUNT, key=key))
    house.clock.advance(0.001)
    refused(await caller.ask("GET", ACCOUNT, key=key), 401, "api-key-expired")
    for path, header in (
        ("/v2/trackings/get", "Trackingmore-Api-Key"),
        ("/v4/trackings/get", "Tracking-Api-Key"),
    ):
        first = await call(door, "GET", path, headers={header: key})
        second = await call(door, "GET", path, headers={header: revoked})
        assert (first.status, first.body) == (second.status, second.body)


async def test_a_key_that_ends_while_it_is_remembered_is_refused_at_once(caller: Caller) -> None:
    house = caller.house
    within = round(KEY_CACHE_SECONDS * SECOND / 2)
    key = await house.add_key(seed=53, expires_at=house.clock.now() + within)
    ok(await caller.ask("GET", ACCOUNT, key=key))
    house.clock.advance((within - 1) / SECOND)
    ok(await caller.ask("GET", ACCOUNT, key=key))
    house.clock.advance(1 / SECOND)
    refused(await caller.ask("GET", ACCOUNT, key=key), 401, "api-key-expired")


async def test_a_key_is_made_with_an_end(caller: Caller) -> None:
    house = caller.house
    admin = await house.add_key(seed=54, scope="admin")
    until = iso_utc(house.clock.now() + HOUR)
    made = ok(
        await caller.ask("POST", KEYS, json={"expires_at": until}, key=admin, idempotency_key="a"),
        201,
    )
    assert made["expires_at"] == until
    listed = ok(await caller.ask("GET", KEYS, key=admin))["items"]
    assert {one["prefix"]: one["expires_at"] for one in listed}[made["prefix"]] == until
    ok(await caller.ask("GET", ACCOUNT, key=made["key"]))
    house.clock.advance(3_600)
    refused(await caller.ask("GET", ACCOUNT, key=made["key"]), 401, "api-key-expired")
    # The same call under the same Idempotency-Key is answered what it was, though the time is over.
    again = {"expires_at": until}
    assert (
        ok(await caller.ask("POST", KEYS, json=again, key=admin, idempotency_key="a"), 201) == made
    )


@pytest.mark.parametrize("at", ["2026-03-01T10:00:00Z", "2020-01-01T00:00:00+01:00"])
async def test_a_key_cannot_be_made_with_its_end_behind_it(caller: Caller, at: str) -> None:
    admin = await caller.house.add_key(seed=55, scope="admin")
    before = await caller.house.store.list_keys()
    problem = refused(
        await caller.ask("POST", KEYS, json={"expires_at": at}, key=admin), 422, "invalid-expiry"
    )
    assert fields_of(problem) == ["expires_at"]
    refused(
        await caller.ask("POST", KEYS, json={"expires_at": "2027-01-01T00:00:00"}, key=admin),
        422,
        "validation-failed",
    )
    assert await caller.house.store.list_keys() == before
