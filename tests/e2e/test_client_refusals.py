"""What the client says of keys, quotas, limits and of servers that are none of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from parcelwire import Parcelwire
from parcelwire.api.house import ApiSettings
from parcelwire.client import (
    AuthenticationError,
    ForbiddenError,
    QuotaExceededError,
    RateLimitError,
    UnexpectedResponseError,
)
from tests.support.clients import SIDES, open_client, whole_door
from tests.support.house import HouseUnderTest, open_house, serve
from tests.support.v4 import USPS_NUMBER

NUMBERS = [f"94001118992238579253{i:02d}" for i in range(100)]


async def test_keys(client: Any, house: HouseUnderTest, address: str) -> None:
    reader = await house.add_key(scope="read")
    for side in SIDES:
        async with open_client(side, "pw_live_wrong", address) as stranger:
            with pytest.raises(AuthenticationError) as caught:
                await stranger.trackings.create_many(NUMBERS)
            assert caught.value.partial_result is not None
            assert len(caught.value.partial_result.failed) == 100
            assert stranger.pauses == []
        async with open_client(side, reader, address) as colleague:
            with pytest.raises(ForbiddenError):
                await colleague.trackings.create(USPS_NUMBER)
            assert await colleague.trackings.list().all() == []


async def test_quota(tmp_path: Path) -> None:
    async with (
        open_house(tmp_path, lambda _: [], quota=2) as house,
        serve(whole_door(house)) as address,
    ):
        for side in SIDES:
            async with open_client(side, house.key, f"http://{address}") as client:
                items = [{"tracking_number": n, "courier_code": "usps"} for n in NUMBERS[:3]]
                result = await client.trackings.create_many(items)
                assert isinstance(result.items[2].error, QuotaExceededError)
                with pytest.raises(QuotaExceededError):
                    await client.trackings.create(NUMBERS[3], "usps")


async def test_rate_limit(tmp_path: Path) -> None:
    settings = ApiSettings(create_per_second=1)
    async with (
        open_house(tmp_path, lambda _: [], settings=settings) as house,
        serve(whole_door(house)) as address,
    ):
        for side, numbers in zip(SIDES, (NUMBERS[:2], NUMBERS[2:4]), strict=True):
            house.clock.advance(10)
            async with open_client(side, house.key, f"http://{address}", max_retries=2) as client:
                await client.trackings.create(numbers[0], "usps")
                with pytest.raises(RateLimitError) as caught:
                    await client.trackings.create(numbers[1], "usps")
                # The clock of this house stands, so waiting as long as it asks does not help.
                asked = caught.value.retry_after_seconds
                assert asked is not None
                assert asked >= 1
                assert len(client.pauses) == 2
                assert min(client.pauses) >= asked


async def test_another_server_at_that_address(house: HouseUnderTest, address: str) -> None:
    for side in SIDES:
        async with open_client(side, house.key, f"{address}/elsewhere") as client:
            with pytest.raises(UnexpectedResponseError, match="server's address") as caught:
                await client.couriers.list()
            assert (caught.value.status_code, caught.value.body) == (404, b"nobody")


async def test_a_key_that_no_header_can_carry_is_refused_at_once(address: str) -> None:
    for key in ("", "  ", "ü", "a\nb"):
        with pytest.raises(ValueError, match="API key"):
            Parcelwire(key, address)
    for url in ("", "localhost:80", "ftp://x", "https://", "http://x/?a=b"):
        with pytest.raises(ValueError, match="base_url"):
            Parcelwire("key", url)
    for options in ({"timeout_seconds": 0}, {"max_retry_delay_seconds": float("nan")}):
        with pytest.raises(ValueError, match="must be above 0"):
            Parcelwire("key", address, **options)
    assert "secret" not in repr(Parcelwire("secret", address))
