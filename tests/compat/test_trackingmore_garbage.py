"""Whatever comes back, the old names raise what they are documented to raise, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from parcelwire.compat import trackingmore
from parcelwire.compat.trackingmore.exception import (
    TrackingMoreException,
    TrackingMoreNetworkException,
)
from tests.support.raw_server import raw_server, saying

ITEM = {"tracking_number": "9400111899223857925380", "courier_code": "usps"}
CALLS: list[Callable[[], Any]] = [
    lambda: trackingmore.tracking.create_tracking(ITEM),
    lambda: trackingmore.tracking.batch_create_trackings([ITEM]),
    lambda: trackingmore.tracking.batch_create_trackings([]),
    lambda: trackingmore.tracking.get_tracking_results({}),
    lambda: trackingmore.tracking.update_tracking_by_id("1" * 32, {"title": "Cup"}),
    lambda: trackingmore.tracking.delete_tracking_by_id("1" * 32),
    lambda: trackingmore.tracking.retrack_tracking_by_id("1" * 32),
    lambda: trackingmore.courier.get_all_couriers(),
    lambda: trackingmore.courier.detect(ITEM),
    lambda: trackingmore.air_waybill.create_an_air_waybill({"awb_number": "235-69030430"}),
]
BODIES = {
    "a page": b"<html>hello</html>",
    "nothing": b"",
    "no code": b'{"meta":{},"data":[]}',
    "half of it": b'{"meta":{"code":200,"mess',
    "bytes": b"\xff\xfe\x00",
}


@pytest.fixture(autouse=True)
def tidy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(trackingmore, "api_key", "key")
    monkeypatch.setattr("time.sleep", lambda _: None)
    yield
    trackingmore.close()


STATUSES = [b"200 OK", b"302 Found", b"404 Not Found", b"502 Bad Gateway"]
NUMBER = b'{"meta":{"code":200,"message":""},"data":7}'
"""An envelope, and nothing in it that any call answers."""


@pytest.mark.parametrize(
    ("status", "body"),
    [*((status, body) for status in STATUSES for body in BODIES.values()), (STATUSES[0], NUMBER)],
)
def test_answers_that_are_none(status: bytes, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    head = b"HTTP/1.1 %b\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
    with raw_server(saying(head + body)) as address:
        monkeypatch.setattr(trackingmore, "base_url", f"http://{address}")
        for call in CALLS:
            with pytest.raises(TrackingMoreException) as caught:
                call()
            assert type(caught.value) is TrackingMoreException


def test_no_answer_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(saying(b"HTTP/1.1 200 OK\r\nconte")) as address:
        monkeypatch.setattr(trackingmore, "base_url", f"http://{address}")
        for call in CALLS:
            with pytest.raises(TrackingMoreNetworkException):
                call()


@pytest.mark.parametrize(
    "address", ["parcels.example.com", "http://[::", f"http://{'a' * 70}.example", "http://x y"]
)
def test_an_address_that_is_none(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackingmore, "base_url", address)
    for call in CALLS:
        with pytest.raises(TrackingMoreException, match="base_url"):
            call()


def test_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackingmore, "base_url", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "foo://proxy.example")
    monkeypatch.delenv("http_proxy", raising=False)
    for call in CALLS:
        with pytest.raises(TrackingMoreException, match="proxy"):
            call()
