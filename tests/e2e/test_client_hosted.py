"""Every method of the SDK, sync and async, against a recorder of TrackingMore's hosted v4."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from parcelwire import AsyncParcelwire, Parcelwire
from parcelwire.client import (
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    UnsupportedError,
)
from parcelwire.client.settings import TRACKINGMORE
from tests.support.clients import SIDES, open_client
from tests.support.hosted import NEWER_FIELDS, Hosted
from tests.support.house import serve


@pytest.fixture
def hosted() -> Hosted:
    return Hosted()


@pytest.fixture
async def address(hosted: Hosted) -> AsyncIterator[str]:
    async with serve(hosted) as address:
        yield f"http://{address}/v4"


@pytest.fixture(params=SIDES)
async def client(request: pytest.FixtureRequest, address: str) -> AsyncIterator[Any]:
    async with open_client(request.param, "uuid-like-key", address, is_hosted=True) as opened:
        yield opened


async def test_a_tracking_with_what_the_models_do_not_know(client: Any, hosted: Hosted) -> None:
    created = await client.trackings.create("TBA000000000001", "amazon", title="Cup")
    assert created.extra == NEWER_FIELDS
    assert created.title == "Cup"
    assert created.updated_at == datetime(2023, 10, 25, 7, 2, 53, tzinfo=UTC)
    (point,) = created.checkpoints
    assert point.extra == {"icon": "truck"}
    assert point.postal_code == "20121"
    # A time without offset is no instant, but it is the time on the wall.
    assert (point.time, point.occurred_at) == ("2024-05-03 09:15", None)
    assert point.local_time == datetime(2024, 5, 3, 9, 15)  # noqa: DTZ001  (a wall clock)
    assert created.origin_leg.extra == {"tracking_link": None}
    second = await client.trackings.create("TBA000000000002", "amazon")
    west = timezone(timedelta(hours=-3))
    assert second.checkpoints[0].occurred_at == datetime(2024, 5, 29, 6, 46, 26, tzinfo=west)
    # A leg written as an empty array is none; what was there is kept beside it.
    third = await client.trackings.create("TBA000000000003", "amazon")
    assert third.destination_leg is None
    assert third.extra == {**NEWER_FIELDS, "destination_info": []}
    wire = {**hosted.trackings[0]}
    wire["origin_info"]["trackinfo"][0]["zip"] = "20121"
    assert third.to_dict() == {**wire, "label": None, "recipient_postcode": None}


async def test_what_is_sent(client: Any, hosted: Hosted) -> None:
    await client.trackings.create(
        "TBA000000000001",
        "amazon",
        order_date=date(2023, 8, 23),
        tracking_ship_date=date(2023, 8, 23),
        note=None,
        label="",
        order_number=17,
    )
    method, path, headers, body = hosted.requests[-1]
    assert (method, path) == ("POST", "/v4/trackings/create")
    assert headers["tracking-api-key"] == "uuid-like-key"
    assert headers["content-type"] == headers["accept"] == "application/json"
    assert headers["user-agent"].startswith("parcelwire-python/")
    assert msgspec.json.decode(body) == {
        "tracking_number": "TBA000000000001",
        "courier_code": "amazon",
        "order_date": "2023-08-23",
        "tracking_ship_date": "20230823",
        "order_number": "17",
    }
    east = timezone(timedelta(hours=8))
    await client.trackings.list(
        created_date_min=datetime(2023, 8, 23, 14, tzinfo=east),
        created_date_max=date(2023, 8, 24),
        status=["transit", "pickup"],
        is_archived=False,
        language="en",
    ).all()
    # The second call asks whether there is more: this server may send less than a full page.
    method, path, headers, body = hosted.requests[-2]
    address = urlsplit(path)
    assert (method, address.path, body) == ("GET", "/v4/trackings/get", b"")
    assert " " not in path
    assert "content-type" not in headers
    assert parse_qs(address.query) == {
        "created_date_min": ["2023-08-23T14:00:00+08:00"],
        "created_date_max": ["2023-08-24T23:59:59+00:00"],
        "delivery_status": ["transit,pickup"],
        "archived_status": ["tracking"],
        "lang": ["en"],
        "items_amount": ["100"],
        "pages_amount": ["1"],
    }


async def test_the_life_of_a_tracking(client: Any, hosted: Hosted) -> None:
    with pytest.raises(NotFoundError):
        await client.trackings.get("TBA000000000001")
    with pytest.raises(InvalidRequestError):
        await client.trackings.create("TBA000000000001")
    created = await client.trackings.create("TBA000000000001", "amazon")
    assert await client.trackings.get("TBA000000000001", "amazon") == created
    with pytest.raises(ConflictError) as caught:
        await client.trackings.create("TBA000000000001", "amazon")
    assert caught.value.existing is not None
    assert caught.value.existing.id == created.id
    assert (await client.trackings.update(created, note="New")).note == "New"
    with pytest.raises(InvalidRequestError) as refused:
        await client.trackings.retrack(created)
    assert refused.value.code == 4113
    hosted.trackings[0]["delivery_status"] = "expired"
    assert (await client.trackings.retrack(created)).id == created.id
    found = await client.trackings.wait_until(created, "expired", timeout_seconds=1)
    assert found.is_updating is True
    assert (await client.trackings.delete(created)).tracking_number == "TBA000000000001"
    with pytest.raises(NotFoundError) as gone:
        await client.trackings.delete(created)
    assert gone.value.code == 4112


async def test_create_many(client: Any, hosted: Hosted) -> None:
    items = [{"tracking_number": f"TBA{i:012d}", "courier_code": "amazon"} for i in range(85)]
    result = await client.trackings.create_many([*items, "TBA1", items[0]])
    assert [len(msgspec.json.decode(body)) for *_, body in hosted.requests] == [40, 40, 7]
    assert len(result.created) == 85
    keys = {headers["idempotency-key"] for _, _, headers, _ in hosted.requests}
    assert len(keys) == 3
    await client.with_options(idempotency_key="mine").trackings.create_many(items)
    keys = {headers["idempotency-key"] for _, _, headers, _ in hosted.requests[3:]}
    assert keys == {"mine", "mine-1", "mine-2"}
    assert [(item.index, item.error.code) for item in result.failed] == [(85, 4120), (86, 4101)]


async def test_lists_are_walked_by_number_whatever_the_cap(client: Any, hosted: Hosted) -> None:
    for start in range(0, 250, 40):
        await client.trackings.create_many(
            {"tracking_number": f"TBA{i:012d}", "courier_code": "amazon"}
            for i in range(start, min(start + 40, 250))
        )
    expected = [f"TBA{i:012d}" for i in reversed(range(250))]
    for size, cap in [(100, 200), (200, 200), (200, 30), (125, 125)]:
        hosted.page_cap = cap
        found = await client.trackings.list(page_size=size).all()
        assert [one.tracking_number for one in found] == expected


async def test_couriers_and_air_waybills(client: Any) -> None:
    (courier,) = await client.couriers.list()
    assert (courier.courier_name, courier.support_language) == ("USPS", ("en",))
    assert (await client.couriers.detect("9400111899223857925380"))[0] == courier
    found = await client.air_waybills.get("235-69030430")
    assert (found.piece, found.status_number) == ("1", 4)
    assert found.flight_info["CV6684"].extra == {"gate": "7"}
    assert found.flight_info["CV6684"].depart_station == "LUX"
    assert found.track_info[0].checkpoint_status is None


async def test_errors_with_an_empty_array(client: Any, hosted: Hosted) -> None:
    hosted.refusals = [4121]
    assert await client.couriers.detect("?") == []
    hosted.refusals = [4190]
    with pytest.raises(QuotaExceededError, match="quota"):
        await client.trackings.create("TBA000000000001", "amazon")
    hosted.refusals = [401]
    with pytest.raises(AuthenticationError):
        await client.couriers.list()
    hosted.refusals = [4101]
    with pytest.raises(ConflictError) as caught:
        await client.trackings.create("TBA000000000001", "amazon")
    assert caught.value.existing is None


async def test_server_errors_are_repeated(client: Any, hosted: Hosted) -> None:
    hosted.refusals = [511, 511]
    assert (await client.trackings.create("TBA000000000001", "amazon")).id
    assert len(client.pauses) == 2
    hosted.refusals = [511] * 9
    with pytest.raises(ServerError) as caught:
        await client.couriers.list()
    assert (caught.value.code, caught.value.status_code) == (511, 500)
    assert len(hosted.refusals) == 4


async def test_too_many_calls(client: Any, hosted: Hosted) -> None:
    # Its manual asks for two minutes of silence. That is longer than is waited by itself.
    hosted.refusals = [429]
    with pytest.raises(RateLimitError) as caught:
        await client.couriers.list()
    assert caught.value.retry_after_seconds == 120
    assert client.pauses == []
    patient = client.with_options(max_retry_delay_seconds=300)
    hosted.refusals = [429]
    assert len(await patient.couriers.list()) == 1
    assert client.pauses == [120]


async def test_what_it_has_no_call_for(client: Any, hosted: Hosted) -> None:
    with pytest.raises(UnsupportedError, match="TrackingMore's hosted service has no call"):
        await client.trackings.refresh("TBA000000000001")
    assert not hasattr(client, "endpoints")
    # A client of a Parcelwire that was told of the other server by hand says the same.
    kinds: tuple[Any, ...] = (AsyncParcelwire, Parcelwire)
    for kind in kinds:
        own = kind("key", backend=TRACKINGMORE)
        with pytest.raises(UnsupportedError, match="no call for events"):
            own.events  # noqa: B018  (asking is the test)
        with pytest.raises(AttributeError, match="no attribute 'nothing'"):
            own.nothing  # noqa: B018
    assert hosted.requests == []


async def test_the_ready_made_clients_of_the_hosted_service(hosted: Hosted, address: str) -> None:
    async with AsyncParcelwire.for_trackingmore("key", base_url=address) as client:
        assert len(await client.couriers.list()) == 1

    def block() -> int:
        with Parcelwire.for_trackingmore("key", base_url=address) as client:
            return len(client.couriers.list())

    assert await asyncio.to_thread(block) == 1
    assert "api.trackingmore.com" in repr(Parcelwire.for_trackingmore("key"))
