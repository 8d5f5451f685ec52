"""v4's door: keys, paths, methods, limits, faults."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from parcelwire.accounts.key_format import make_key
from parcelwire.api.asgi import Door
from parcelwire.api.house import ApiSettings
from parcelwire.api.trackingmore.frame import DialectFrame
from parcelwire.api.v4.dialect import v4_dialect
from parcelwire.api.v4.errors import MESSAGES
from parcelwire.api.v4.routes import ROUTES
from parcelwire.store.port import Store, StoreUnavailableError
from tests.support.house import HouseUnderTest, call, nobody, open_house
from tests.support.v4 import DIALECTS, USPS_NUMBER, count, create, ok, refused

NOBODY = "0" * 32
CALLS = [
    (route.methods[0], f"/v4/{route.label}".replace("{id}", NOBODY), route) for route in ROUTES
]
GET = "/v4/trackings/get"
BODY = {"tracking_number": USPS_NUMBER, "courier_code": "usps"}


def empty(route: Any) -> Any:
    return [] if route.is_list else None


@pytest.mark.parametrize(("method", "path", "route"), CALLS)
async def test_no_call_without_a_good_key(
    v4: HouseUnderTest, method: str, path: str, route: Any
) -> None:
    revoked = await v4.add_key(seed=21, revoked_at=v4.clock.now())
    unknown = make_key(b"0" * 24, is_test=False)
    for key in (
        None,
        "  ",
        "nonsense",
        unknown,
        unknown[:-1] + "0",
        revoked,
        "ключ".encode().decode("latin-1"),
    ):
        answer = await v4.call(method, path, json=BODY, key=key)
        refused(answer, 401, data=empty(route), says="API Key is correct")
    assert await count(v4) == 0


async def test_a_revoked_key_is_known_no_longer(v4: HouseUnderTest) -> None:
    ok(await v4.call("GET", GET))
    assert await v4.store.revoke_key(v4.key[:16], v4.clock.now())
    v4.clock.advance(2)
    refused(await v4.call("GET", GET), 401, data=[])


@pytest.mark.parametrize(
    "name",
    ["Tracking-Api-Key", "tracking-api-key", "TRACKING-API-KEY", "Trackingmore-Api-Key"],
)
async def test_the_key_header_however_it_is_spelt(v4: HouseUnderTest, name: str) -> None:
    ok(await v4.call("GET", GET, key=None, headers={name: f" {v4.key} "}))


@pytest.mark.parametrize(
    "path",
    [
        "/v4",
        "/v4/",
        "/v4/trackings",
        "/v4/couriers",
        "/v4/trackings/nothing",
        "/v4/trackings/get/more",
        "/v4/awb/more",
        f"/v4/trackings/{NOBODY}",
        "/v4/trackings/realtime",
        "/v4/TRACKINGS/GET",
        "/v4/trackings/../couriers/all",
    ],
)
async def test_unknown_paths_are_404(v4: HouseUnderTest, path: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        refused(await v4.call(method, path, json=BODY), 404, says="Page does not exist")
    refused(await v4.call("GET", path, key=None), 401)


@pytest.mark.parametrize(("method", "path", "route"), CALLS)
async def test_wrong_methods_are_400_and_do_nothing(
    v4: HouseUnderTest, method: str, path: str, route: Any
) -> None:
    for wrong in {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} - {method}:
        answer = await v4.call(wrong, path, json=BODY)
        refused(answer, 400, data=empty(route), says="Request type error")
    assert await count(v4) == 0


@pytest.mark.parametrize(
    "path", ["/v4//trackings/get", "//v4///trackings////get//", "/v4/trackings/get/"]
)
async def test_repeated_and_trailing_slashes_do_not_matter(v4: HouseUnderTest, path: str) -> None:
    await create(v4)
    assert len(ok(await v4.call("GET", path))) == 1


async def test_read_keys_may_not_write(v4: HouseUnderTest) -> None:
    tracking = await create(v4)
    key = await v4.add_key(seed=22, scope="read")
    for method, path, route in CALLS:
        path = path.replace(NOBODY, tracking["id"])
        answer = await v4.call(method, path, json={"tracking_number": "AB10000001"}, key=key)
        if route.scope == "write":
            refused(answer, 403, data=empty(route))
        else:
            assert answer.json()["meta"]["code"] != 403
    assert ok(await v4.call("GET", GET, key=key)) == [tracking]


async def test_suspended_accounts_are_403(tmp_path: Path) -> None:
    async with open_house(tmp_path, DIALECTS) as house:
        await house.store.suspend_account(house.account.number, now=house.clock.now())
        for method, path, route in CALLS:
            answer = await house.call(method, path, json=BODY)
            refused(answer, 403, data=empty(route), says="Access prohibited")
        assert await count(house) == 0


async def test_rate_limits(tmp_path: Path) -> None:
    settings = ApiSettings(create_per_second=3, other_per_second=10)
    async with open_house(tmp_path, DIALECTS, settings=settings) as house:
        for left in (2, 1, 0):
            answer = await house.call(
                "POST", "/v4/trackings/create", json={**BODY, "tracking_number": f"AB1000000{left}"}
            )
            ok(answer)
            assert answer.headers["ratelimit-limit"] == "3"
            assert answer.headers["ratelimit-remaining"] == str(left)
            assert "retry-after" not in answer.headers
        answer = await house.call("POST", "/v4/trackings/create", json=BODY)
        refused(answer, 429, says="Exceeded API request limits")
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["ratelimit-remaining"] == "0"
        assert await count(house) == 3
        # Other calls have a limit of their own, errors carry the headers too, and so do 404s.
        answer = await house.call("POST", "/v4/couriers/detect", json={})
        refused(answer, 4111, data=[])
        assert answer.headers["ratelimit-limit"] == "10"
        assert (await house.call("GET", "/v4/nothing")).headers["ratelimit-remaining"] == "8"
        # A key of another world has its own share, and time gives back.
        ok(await house.call("POST", "/v4/trackings/create", json=BODY, key=house.test_key))
        house.clock.advance(int(answer.headers["ratelimit-reset"]) + 1)
        ok(await house.call("POST", "/v4/trackings/create", json=BODY))


async def test_without_limits_there_are_no_limit_headers(v4: HouseUnderTest) -> None:
    assert not any("ratelimit" in name for name in (await v4.call("GET", GET)).headers)


class BrokenStore:
    """The house's store, except that one call of it fails."""

    def __init__(self, store: Store, broken: Sequence[str], error: Exception) -> None:
        self._store = store
        self._broken = broken
        self._error = error
        self.fired = 0

    def __getattr__(self, name: str) -> Any:
        if name not in self._broken:
            return getattr(self._store, name)

        async def fail(*_: Any, **__: Any) -> Any:
            self.fired += 1
            raise self._error

        return fail


@pytest.mark.parametrize(
    ("error", "code"),
    [(StoreUnavailableError("disk full"), 512), (RuntimeError("a fault of ours"), 511)],
)
async def test_faults_are_told_in_the_envelope(
    v4: HouseUnderTest, error: Exception, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    broken = BrokenStore(v4.store, ("create_trackings", "list_renditions"), error)
    v4.house.store = v4.service.store = broken
    door = Door(v4.house, [DialectFrame(v4.house, v4_dialect())], nobody)
    headers = {"Tracking-Api-Key": v4.key}
    for method, path in (("POST", "/v4/trackings/create"), ("GET", GET)):
        body = b'{"tracking_number":"9400111899223857925380","courier_code":"usps"}'
        answer = await call(door, method, path, body=body, headers=headers)
        message = refused(answer, code)
        assert "Server error." in message
        assert str(error) not in message
        assert ("retry-after" in answer.headers) == (code == 512)
    assert broken.fired == 2
    assert str(error) in caplog.text


def test_every_code_has_a_message_and_none_is_empty() -> None:
    assert all(MESSAGES.values())
    documented = {200, 400, 401, 403, 404, 429, 511, 512, 513}
    documented |= {4101, 4103, 4110, 4111, 4112, 4113, 4120, 4121, 4122, 4130, 4160, 4161, 4190}
    assert set(MESSAGES) == documented
