"""A project that uses the client, for `mypy --strict`. It is checked, not run."""

from collections.abc import Mapping
from datetime import date, datetime

from parcelwire import AsyncParcelwire, Parcelwire
from parcelwire.client import (
    ConflictError,
    CreateManyResult,
    EndpointWithSecret,
    ParcelwireError,
    RateLimitError,
    Status,
    Tracking,
    TrackingCreateParams,
    TrackingRef,
    V4Client,
    WebhookEvent,
    unwrap,
)
from parcelwire.compat import trackingmore


def follow(client: Parcelwire, number: str) -> str:
    try:
        tracking = client.trackings.create(
            number, "swiss-post", order_number="#17", order_date=date(2026, 3, 1), title="Cup"
        )
    except ConflictError as conflict:
        existing: TrackingRef | None = conflict.existing
        return existing.id if existing is not None else ""
    except RateLimitError as limit:
        pause: float | None = limit.retry_after_seconds
        return str(pause)
    except ParcelwireError as error:
        code: int | str | None = error.code
        request_id: str | None = error.request_id
        return f"{error.message} {code} {request_id}"
    moment: datetime | None = tracking.created_at
    if tracking.status == Status.DELIVERED and moment is not None:
        return moment.isoformat()
    return ", ".join(point.text or "" for point in tracking.checkpoints)


def follow_many(client: Parcelwire, rows: list[TrackingCreateParams]) -> int:
    result: CreateManyResult = client.trackings.create_many([*rows, "996012345678901234"])
    for item in result:
        if item.error is not None:
            raise ValueError(f"{item.index} {item.tracking_number}: {item.error.message}")
    client.trackings.create_many([{"tracking_number": "1", "title": "Cup"}])
    return len(result.created)


async def walk(key: str) -> list[str]:
    async with AsyncParcelwire(key, "https://parcels.example.com", timeout_seconds=10) as client:
        patient = client.with_options(max_retries=8, headers={"x-shop": "7"})
        pages = patient.trackings.list(status=[Status.TRANSIT], created_date_min=date(2026, 3, 1))
        found: list[str] = [tracking.tracking_number async for tracking in pages]
        one: Tracking | None = await client.trackings.find("1")
        if one is not None:
            await client.trackings.update(one, note="Seen", is_archived=True)
            await client.trackings.wait_until(one, Status.DELIVERED, timeout_seconds=60)
            await client.trackings.delete(one)
        return found + [courier.courier_code for courier in await client.couriers.detect("1")]


def receive(body: bytes, headers: Mapping[str, str], secret: str) -> str | None:
    event: WebhookEvent = unwrap(body, headers, secret)
    return event.tracking.status if event.tracking is not None else event.type


def old(number: str) -> object:
    trackingmore.api_key = "key"
    return trackingmore.tracking.create_tracking({"tracking_number": number})["data"]


async def read_feed(client: AsyncParcelwire, cursor: str) -> str:
    async for page in client.events.pages(after=cursor):
        for event in page.items:
            status: str | None = event.data.status if event.data is not None else None
            assert status != event.tracking_id
        cursor = page.next_cursor
    return cursor


def set_up(client: Parcelwire) -> str:
    made: EndpointWithSecret = client.endpoints.create(
        "https://shop.example.com/hook", dialect="native", statuses=["delivered"]
    )
    client.endpoints.update(made, rate_per_second=None)
    waiting = [message.id for message in client.messages.list(states=["pending"])]
    quota: int | None = client.account.get().tracking_quota
    return f"{made.secret} {len(waiting)} {quota} {client.trackings.refresh('1').status}"


hosted: V4Client = Parcelwire.for_trackingmore("key", max_retry_delay_seconds=120)
number: str = hosted.trackings.create("1", "dhl").tracking_number
# What the hosted service lacks, the type checker misses too.
hosted.endpoints  # type: ignore[attr-defined]  # noqa: B018  (asking is the test)
hosted.trackings.refresh(number)  # type: ignore[attr-defined]
