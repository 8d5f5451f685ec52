"""What every test of v4's wire asserts: one shape of success, one shape of error."""

from __future__ import annotations

from typing import Any

from parcelwire.api.trackingmore.frame import DialectFrame
from parcelwire.api.v4.dialect import v4_dialect
from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.status import Substatus
from parcelwire.tracking.ports import TrackingFilter
from tests.support.house import Answer, HouseUnderTest, MakeDialects
from tests.support.v4_types import META, TRACKING, check

USPS_NUMBER = "9400111899223857925380"
SWISS_NUMBER = "996012345678901234"

DIALECTS: MakeDialects = lambda house: [DialectFrame(house, v4_dialect())]  # noqa: E731  (typed by its name)

HTTP_STATUS = {400: 400, 401: 401, 403: 403, 404: 404, 429: 429, 511: 500, 512: 503, 513: 503}
"""``meta.code`` -> HTTP status; the four-digit codes are all 400."""


def ok(answer: Answer, shape: Any = None) -> Any:
    """Return ``data`` of a success, after its envelope (and its ``shape``) was checked."""
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"].startswith("application/json")
    envelope = answer.json()
    assert list(envelope) == ["meta", "data"]
    assert envelope["meta"] == {"code": 200, "message": "Request response is successful"}
    if shape is not None:
        check(envelope["data"], shape)
    return envelope["data"]


def refused(answer: Answer, code: int, *, data: Any = None, says: str = "") -> str:
    """Return the message of an error, after code, HTTP status and ``data`` were checked."""
    envelope = answer.json()
    assert list(envelope) == ["meta", "data"]
    check(envelope["meta"], META)
    assert (envelope["meta"]["code"], answer.status) == (code, HTTP_STATUS.get(code, 400))
    assert envelope["data"] == data
    assert says in envelope["meta"]["message"]
    message: str = envelope["meta"]["message"]
    return message


async def create(house: HouseUnderTest, number: str = USPS_NUMBER, **fields: Any) -> dict[str, Any]:
    """Create one tracking and return its object."""
    body = {"tracking_number": number, "courier_code": "usps", **fields}
    created: dict[str, Any] = ok(
        await house.call("POST", "/v4/trackings/create", json=body), TRACKING
    )
    return created


async def count(house: HouseUnderTest, *, is_test: bool = False) -> int:
    """Return how many trackings the account has."""
    return await house.store.count_trackings(house.world_id + is_test, TrackingFilter())


def point(time: str, text: str, substatus: Substatus | None, **more: Any) -> Checkpoint:
    """Return a checkpoint of a carrier one hour east of Greenwich."""
    return Checkpoint(
        **{
            "local_time": time,
            "text": text,
            "offset_minutes": 60,
            "time_source": TimeSource.CARRIER,
            "status": substatus.status if substatus else None,
            "substatus": substatus,
            **more,
        }
    )
