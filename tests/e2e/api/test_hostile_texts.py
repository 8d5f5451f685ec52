"""Texts that are made to cost the square of their length, in every field that takes a text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parcelwire.api.trackingmore.frame import DialectFrame
from parcelwire.bootstrap.dialects import own_dialects
from tests.support.hostile_inputs import cell_of_combining_marks
from tests.support.house import Answer, HouseUnderTest, open_house
from tests.support.loop_lag import loop_lag
from tests.support.native_shop import open_shop

TEXTS = {
    "marks": cell_of_combining_marks(60_000),
    "letters": "\u00e9" * 300_000,
    "words": "tracking number " * 40_000,
    "signs": "#" * 600_000,
    "blanks": "1" + " " * 600_000 + "1",
    "digits": "1" * 600_000,
}
LONGEST_TURN = 1.0
"""Seconds that one call may compute at a time; marks alone would take 3."""

Call = Callable[..., Any]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[HouseUnderTest]:
    """A house that speaks v2 and v4."""
    async with open_house(
        tmp_path, lambda house: [DialectFrame(house, one) for one in own_dialects()]
    ) as house:
        yield house


async def swift(work: Call, *given: Any, **sent: Any) -> Answer:
    """Make a call that may compute only so long, and return its answer."""
    async with loop_lag() as lag:
        answer: Answer = await work(*given, **sent)
    assert lag.busiest < LONGEST_TURN
    assert answer.status < 500, answer.body[:200]
    return answer


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("field", ["tracking_number", "courier_code", "note", "customer_email"])
async def test_v4(house: HouseUnderTest, field: str, text: str) -> None:
    body = {"tracking_number": "9400111899223857925380", "courier_code": "usps", field: text}
    for path, sent in (
        ("/v4/trackings/create", body),
        ("/v4/trackings/batch", [body]),
        ("/v4/couriers/detect", body),
    ):
        await swift(house.call, "POST", path, json=sent)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("field", ["tracking_number", "carrier_code", "title", "customer_email"])
async def test_v2(house: HouseUnderTest, field: str, text: str) -> None:
    headers = {"Trackingmore-Api-Key": house.key}
    body = {"tracking_number": "9400111899223857925380", "carrier_code": "usps", field: text}
    for path, sent in (
        ("/v2/trackings/post", body),
        ("/v2/trackings/batch", [body]),
        ("/v2/carriers/detect", body),
        ("/v2/trackings/remote", [{"country": "CH", "postcode": text, "company": text}]),
        ("/v2/trackings/get", {"numbers": text, "orders": text, "status": text}),
    ):
        await swift(house.call, "POST", path, json=sent, headers=headers)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_queries(house: HouseUnderTest, text: str) -> None:
    # A server passes on heads of some kilobytes; a proxy that takes more is no reason to freeze.
    query = msgspec.json.encode(text[:60_000])[1:-1].decode()
    for path in ("/v4/trackings/get", "/v2/trackings/get", "/v2/carriers/detect"):
        for name in ("tracking_numbers", "numbers", "courier_code", "orders", "created_date_min"):
            await swift(
                house.call,
                "GET",
                path,
                query=f"{name}={query}",
                headers={"Trackingmore-Api-Key": house.key},
            )


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("field", ["number", "courier_code", "note", "customer_email"])
async def test_native(tmp_path: Path, field: str, text: str) -> None:
    async with open_shop(tmp_path) as shop:
        body = {"number": "9400111899223857925380", "courier_code": "usps", field: text}
        await swift(shop.ask, "POST", "/api/trackings", json=body)
        await swift(shop.ask, "POST", "/api/couriers/detect", json=body)
        await swift(shop.ask, "POST", "/api/endpoints", json={"url": f"https://{text}/"})
