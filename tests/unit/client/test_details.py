"""What is sent, from whatever a shop's own program holds."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx2
import msgspec
import pytest

from parcelwire.client import Parcelwire, calls, native_calls
from parcelwire.client.bulk_create import plan
from parcelwire.client.details import fields_of
from parcelwire.client.models import AirWaybill, Tracking
from parcelwire.client.reading import read
from parcelwire.compat import trackingmore
from parcelwire.compat.trackingmore.exception import TrackingMoreException
from tests.support.process import free_port

BASE = {"id": "1", "tracking_number": "2", "courier_code": "3", "delivery_status": "transit"}


def test_whole_numbers_are_their_digits() -> None:
    assert fields_of(
        {
            "tracking_number": 9400111899223857925380,
            "tracking_postal_code": 8001,
            "order_date": date(2026, 3, 1),
            "title": 1.5,
            "auto_correct": True,
            "note": None,
            "label": "",
        }
    ) == {
        "tracking_number": "9400111899223857925380",
        "tracking_postal_code": "8001",
        "order_date": "2026-03-01",
        "title": "1.5",
        "auto_correct": "1",
    }


@pytest.mark.parametrize(
    "name",
    ["tracking_number", "courier_code", "courier_code_new", "order_id", "tracking_postal_code"],
)
@pytest.mark.parametrize("value", [12345678.0, 9.4e21, 0.5, float("nan"), float("inf")])
def test_a_fraction_is_no_number_of_anything(name: str, value: float) -> None:
    with pytest.raises(TypeError, match=f"{name} must be text or a whole number"):
        fields_of({name: value})


@pytest.mark.parametrize("name", ["tracking_number", "courier_code", "order_id", "tracking_key"])
def test_a_negative_number_is_no_number_of_anything(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} must be text or a whole number from 0 on"):
        fields_of({name: -12345678})
    assert fields_of({"title": -5}) == {"title": "-5"}


def test_a_gap_in_a_table_is_no_title() -> None:
    with pytest.raises(TypeError, match="title"):
        fields_of({"title": float("nan")})


def test_no_item_of_many_becomes_another_number() -> None:
    items: list[Any] = [{"tracking_number": "1"}, {"tracking_number": 12345678.0}]
    with pytest.raises(TypeError, match="tracking_number"):
        plan(items)


LONE = "\ud800"
client = Parcelwire("key", transport=httpx2.MockTransport(lambda _: httpx2.Response(500)))
SENT: list[Any] = [
    lambda: fields_of({"tracking_number": LONE}),
    lambda: fields_of({"title": f"Cup {LONE}"}),
    lambda: plan([{"tracking_number": "1"}, f"2{LONE}"]),
    lambda: calls.list_trackings({"tracking_numbers": LONE}),
    lambda: calls.delete_tracking(LONE),
    lambda: calls.detect_couriers(LONE),
    lambda: calls.call_of("POST", "/v4/awb", {"awb_number": [LONE]}),
    lambda: native_calls.create_endpoint({"url": f"https://{LONE}.example"}),
    lambda: native_calls.read_message(LONE),
    lambda: native_calls.read_events({"after": LONE}),
    lambda: client.couriers.detect(LONE),
    lambda: client.trackings.find(LONE),
    lambda: client.request("GET", f"/v4/{LONE}"),
    lambda: client.request("GET", "/v4/a\nb"),
]


@pytest.mark.parametrize("send", SENT)
def test_what_cannot_be_sent_is_said_before(send: Any) -> None:
    with pytest.raises(ValueError, match=r"cannot be sent|can be sent") as caught:
        send()
    assert type(caught.value) is ValueError
    assert not hasattr(caught.value, "partial_result")


CALLS: list[Any] = [
    lambda m: m.tracking.create_tracking({"tracking_number": 12345678.0, "courier_code": "usps"}),
    lambda m: m.tracking.batch_create_trackings(
        [{"tracking_number": 12345678.0, "courier_code": "usps"}]
    ),
    lambda m: m.tracking.get_tracking_results({"tracking_numbers": 12345678.0}),
    lambda m: m.tracking.create_tracking({"tracking_number": -12345678, "courier_code": "usps"}),
    lambda m: m.tracking.get_tracking_results({"tracking_numbers": -12345678}),
    lambda m: m.tracking.update_tracking_by_id("1" * 32, {"courier_code_new": 1.0}),
    lambda m: m.courier.detect({"tracking_number": 12345678.0}),
    lambda m: m.air_waybill.create_an_air_waybill({"awb_number": 2356903043.0}),
    lambda m: m.tracking.create_tracking({"tracking_number": LONE, "courier_code": "usps"}),
    lambda m: m.tracking.get_tracking_results({"tracking_numbers": LONE}),
    lambda m: m.tracking.update_tracking_by_id(LONE, {"title": "Cup"}),
    lambda m: m.tracking.delete_tracking_by_id(LONE),
    lambda m: m.tracking.retrack_tracking_by_id(LONE),
]


@pytest.mark.parametrize("call", CALLS)
def test_the_old_names_refuse_it_too(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackingmore, "api_key", "key")
    monkeypatch.setattr(trackingmore, "base_url", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("time.sleep", lambda _: None)
    told = r"give it as text|format is invalid|cannot be sent"
    with pytest.raises(TrackingMoreException, match=told) as caught:
        call(trackingmore)
    assert type(caught.value) is TrackingMoreException


def test_an_answer_names_what_it_means() -> None:
    found = read(Tracking, {**BASE, "tracking_number": 12345678.0, "exchange_number": 1.5})
    assert found.tracking_number == "12345678"
    assert (found.exchange_number, found.extra) == (None, {"exchange_number": 1.5})
    assert read(AirWaybill, {"awb_number": 23569030430, "weight": 2.0}).weight == "2.0"


@pytest.mark.parametrize("number", [1.5, 9.400111899223858e21])
def test_an_answer_that_names_nothing(number: float) -> None:
    with pytest.raises(msgspec.ValidationError, match="names nothing"):
        read(Tracking, {**BASE, "tracking_number": number})
