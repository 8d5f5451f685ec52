"""Every code of v2, each produced by the state or the request that it stands for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from parcelwire.api.house import ApiSettings
from parcelwire.api.v2.errors import CODES
from tests.support.house import HouseUnderTest
from tests.support.v2 import (
    NUMBER,
    ONE,
    OTHER_COURIER,
    OTHER_PAIR,
    PAIR,
    ask,
    create,
    open_v2,
    succeed,
)

Case = Callable[[HouseUnderTest], Awaitable[tuple[int, Any]]]


async def _200(house: HouseUnderTest) -> tuple[int, Any]:
    return await ask(house, "POST", "/v2/trackings/post", json=PAIR)


async def _201(house: HouseUnderTest) -> tuple[int, Any]:
    return await ask(house, "POST", "/v2/trackings/batch", json=[PAIR])


async def _202(house: HouseUnderTest) -> tuple[int, Any]:
    await create(house)
    numbers = ",".join([NUMBER, *(f"RS{number:09d}CH" for number in range(40))])
    return await ask(house, "GET", "/v2/trackings/get", query=f"numbers={numbers}")


async def _401(house: HouseUnderTest) -> tuple[int, Any]:
    return await ask(house, "GET", "/v2/carriers", key=None)


async def _403(house: HouseUnderTest) -> tuple[int, Any]:
    key = await house.add_key(scope="read")
    return await ask(house, "POST", "/v2/trackings/post", json=PAIR, key=key)


async def _404(house: HouseUnderTest) -> tuple[int, Any]:
    return await ask(house, "GET", "/v2/trackings/getusetrack")


async def _405(house: HouseUnderTest) -> tuple[int, Any]:
    return await ask(house, "DELETE", "/v2/trackings/post")


async def _409(house: HouseUnderTest) -> tuple[int, Any]:
    await create(house)
    await create(house, carrier_code=OTHER_COURIER)
    body = {**PAIR, "update_carrier_code": OTHER_COURIER}
    return await ask(house, "POST", "/v2/trackings/update", json=body)


async def _4001(house: HouseUnderTest) -> tuple[int, Any]:
    return await ask(house, "GET", "/v2/carriers", key="0d9b7c5e-0000-4000-8000-000000000000")


async def _4002(house: HouseUnderTest) -> tuple[int, Any]:
    key = await house.add_key(revoked_at=house.clock.now())
    return await ask(house, "GET", "/v2/carriers", key=key)


async def _4012(house: HouseUnderTest) -> tuple[int, Any]:
    body = {**PAIR, "order_create_time": "yesterday"}
    return await ask(house, "POST", "/v2/trackings/post", json=body)


async def _4013(house: HouseUnderTest) -> tuple[int, Any]:
    return await ask(house, "POST", "/v2/trackings/post", json={"carrier_code": "dhl"})


async def _4014(house: HouseUnderTest) -> tuple[int, Any]:
    body = {"tracking_number": "1Z", "carrier_code": "ups"}
    return await ask(house, "POST", "/v2/trackings/post", json=body)


async def _4015(house: HouseUnderTest) -> tuple[int, Any]:
    body = {"tracking_number": NUMBER, "carrier_code": "no-such-courier"}
    return await ask(house, "POST", "/v2/trackings/post", json=body)


async def _4016(house: HouseUnderTest) -> tuple[int, Any]:
    await create(house)
    return await ask(house, "POST", "/v2/trackings/post", json=PAIR)


async def _4017(house: HouseUnderTest) -> tuple[int, Any]:
    return await ask(house, "GET", ONE)


async def _4018(house: HouseUnderTest) -> tuple[int, Any]:
    # The house of these tests has nobody to ask about air waybills.
    body = {"track_number": "172-28891936"}
    return await ask(house, "POST", "/v2/trackings/aircargo", json=body)


async def _4020(house: HouseUnderTest) -> tuple[int, Any]:
    return await ask(house, "POST", "/v2/trackings/batch", json=[PAIR] * 201)


async def _4031(house: HouseUnderTest) -> tuple[int, Any]:
    return await ask(house, "GET", "/v2/trackings/get")


async def _4032(house: HouseUnderTest) -> tuple[int, Any]:
    body = {"tracking_number": "QWERTYUIOPASDFG1"}
    return await ask(house, "POST", "/v2/carriers/detect", json=body)


async def _4033(house: HouseUnderTest) -> tuple[int, Any]:
    return await ask(house, "GET", "/v2/trackings/get", query="status=lost")


async def _500(house: HouseUnderTest) -> tuple[int, Any]:
    # A fault of ours: an air waybill source that breaks on every number.
    house.house.air_waybills = _Broken()
    body = {"track_number": "172-28891936"}
    return await ask(house, "POST", "/v2/trackings/aircargo", json=body)


async def _503(house: HouseUnderTest) -> tuple[int, Any]:
    await succeed(house, "GET", "/v2/trackings/getuserinfo")
    await house.store.close()
    return await ask(house, "POST", "/v2/trackings/post", json=PAIR)


class _Broken:
    async def air_waybill(self, world_id: int, number: str) -> None:
        msg = f"no such attribute of {number}"
        raise AttributeError(msg)


CASES: dict[int, Case] = {
    int(name[1:]): case for name, case in list(globals().items()) if name[1:].isdigit()
}
OWN_HOUSE = {402, 429, 4021}
"""Codes that need a house of another setting; they have tests of their own below."""


def test_the_table_holds_every_code() -> None:
    assert set(CASES) | OWN_HOUSE == set(CODES)
    required = {200, 201, 202, 401, 402, 403, 404, 405, 409, 429, 500, 503}
    required |= {4001, 4002, 4012, 4013, 4014, 4015, 4016, 4017, 4018}
    required |= {4020, 4021, 4031, 4032, 4033}
    assert set(CODES) == required


@pytest.mark.parametrize("code", sorted(CASES))
async def test_code(code: int, tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        answered, _ = await CASES[code](house)
        assert answered == code


async def test_402_while_the_installation_asks_for_payment(tmp_path: Path) -> None:
    async with open_v2(tmp_path, settings=ApiSettings(is_payment_required=True)) as house:
        for method, path in (("GET", "/v2/carriers"), ("POST", "/v2/trackings/post")):
            assert await ask(house, method, path, json=PAIR) == (402, [])
        assert await ask(house, "GET", "/v2/carriers", key=None) == (401, [])


async def test_402_for_a_suspended_account(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        assert (await ask(house, "GET", "/v2/carriers"))[0] == 200
        await house.store.suspend_account(house.account.number, now=house.clock.now())
        house.clock.advance(1)  # so long is a key believed
        assert await ask(house, "POST", "/v2/trackings/post", json=PAIR) == (402, [])


async def test_another_account_is_not_suspended(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        other = await house.store.add_account("other@example.com", now=house.clock.now())
        await house.store.suspend_account(other.number, now=house.clock.now())
        assert (await ask(house, "GET", "/v2/carriers"))[0] == 200


async def test_429_advises_two_minutes_and_passes(tmp_path: Path) -> None:
    settings = ApiSettings(create_per_second=1, other_per_second=5)
    async with open_v2(tmp_path, settings=settings) as house:
        first = await house.call("POST", "/v2/trackings/post", json=PAIR)
        assert first.json()["meta"]["code"] == 200
        assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == (
            "1",
            "0",
        )
        assert "retry-after" not in first.headers
        second = await house.call("POST", "/v2/trackings/post", json=OTHER_PAIR)
        assert second.status == 200
        assert second.json()["meta"]["code"] == 429
        assert "two minutes" in second.json()["meta"]["message"]
        assert second.headers["retry-after"] == "120"
        # Other calls have a bucket of their own, and so has the test world.
        assert (await ask(house, "GET", "/v2/trackings/get"))[0] == 200
        assert (await ask(house, "POST", "/v2/trackings/post", json=PAIR, key=house.test_key))[
            0
        ] == 200
        house.clock.advance(1)
        assert (await ask(house, "POST", "/v2/trackings/post", json=OTHER_PAIR))[0] == 200


async def test_4018_for_calls_that_the_operator_switched_off(tmp_path: Path) -> None:
    settings = ApiSettings(v2_disabled_calls=("/trackings/remote", "carriers/detect"))
    async with open_v2(tmp_path, settings=settings) as house:
        places = [{"country": "CN", "postcode": "400422"}]
        assert await ask(house, "POST", "/v2/trackings/remote", json=places) == (4018, [])
        assert await ask(house, "GET", "/v2/carriers/detect", json=PAIR) == (4018, [])
        assert (await ask(house, "GET", "/v2/carriers"))[0] == 200


async def test_4021_when_the_quota_is_used_up(tmp_path: Path) -> None:
    async with open_v2(tmp_path, quota=1) as house:
        await create(house)
        assert await ask(house, "POST", "/v2/trackings/post", json=OTHER_PAIR) == (4021, [])
        code, data = await ask(house, "POST", "/v2/trackings/batch", json=[PAIR, OTHER_PAIR])
        assert (code, data["added"]) == (201, 0)
        assert [error["code"] for error in data["errors"]] == [4016, 4021]
        # Nothing of it was stored, and a deleted tracking gives no quota back.
        await succeed(house, "DELETE", ONE)
        assert (await ask(house, "GET", "/v2/trackings/get"))[0] == 4031
        assert (await ask(house, "POST", "/v2/trackings/post", json=PAIR))[0] == 4021
        # Test worlds have no quota.
        for pair in (PAIR, OTHER_PAIR):
            await succeed(house, "POST", "/v2/trackings/post", json=pair, key=house.test_key)


async def test_a_revoked_key_is_refused_within_a_second(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        key = await house.add_key()
        assert (await ask(house, "GET", "/v2/trackings/getuserinfo", key=key))[0] == 200
        assert await house.store.revoke_key(key[:16], house.clock.now())
        house.clock.advance(1)
        assert await ask(house, "GET", "/v2/trackings/getuserinfo", key=key) == (4002, [])
