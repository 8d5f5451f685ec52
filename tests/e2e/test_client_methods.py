"""Every public method of the SDK, sync and async, against the real server and a hosted recorder.

A method without a row in ``ROWS`` fails the first test, and a row that does not call its method
fails its own.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parcelwire.api.v4.dialect import V4Dialect
from parcelwire.client import (
    AsyncParcelwire,
    AsyncV4Client,
    NotFoundError,
    Parcelwire,
    UnsupportedError,
    V4Client,
    WebhookError,
)
from parcelwire.connectors.simulated import AirWaybill, air_waybill
from parcelwire.domain.clock import DAY
from parcelwire.domain.status import Substatus
from tests.support.clients import RESOURCES, SIDES, Side, open_client, whole_door
from tests.support.hosted import Hosted
from tests.support.house import HouseUnderTest, open_house, report, serve
from tests.support.process import free_port
from tests.support.v4 import USPS_NUMBER, point

OTHER = "9400111899223857925397"
OWN_METHODS = {"trackings.refresh", "trackings.events", "trackings.polls"}
OWN = ("endpoints", "messages", "events", "keys", "account")


class Stage(msgspec.Struct, kw_only=True):
    """What a row may need beside the client."""

    house: HouseUnderTest | None = None
    hosted: Hosted | None = None
    hook: str = ""

    def move(self) -> None:
        """Let the parcel be under way, as far as its carrier says."""
        if self.house is not None:
            self.house.carriers.script(
                "usps",
                USPS_NUMBER,
                report("", point("2026-02-27T09:00:00", "Accepted", Substatus.TRANSIT)),
            )

    async def expire(self, tracking_id: str) -> None:
        """Let the time pass after which a parcel is given up."""
        if self.hosted is not None:
            self.hosted.trackings[0]["delivery_status"] = "expired"
            return
        assert self.house is not None
        self.house.clock.advance(61 * DAY / 1000)
        stored = await self.house.store.load(self.house.world_id, tracking_id)
        assert stored is not None
        await self.house.service.refresh_now(stored)


Row = Callable[[Any, Stage], Awaitable[None]]
ROWS: dict[str, Row] = {}


def row(name: str) -> Callable[[Row], Row]:
    def keep(function: Row) -> Row:
        assert name not in ROWS
        ROWS[name] = function
        return function

    return keep


async def follow(client: Any) -> Any:
    return await client.trackings.create(USPS_NUMBER, "usps")


# --- what the hosted service has too ----------------------------------------------------------


@row("trackings.create")
async def _(client: Any, stage: Stage) -> None:
    assert (await follow(client)).tracking_number == USPS_NUMBER


@row("trackings.create_many")
async def _(client: Any, stage: Stage) -> None:
    items = [{"tracking_number": number, "courier_code": "usps"} for number in (USPS_NUMBER, OTHER)]
    assert len((await client.trackings.create_many(items)).created) == 2


@row("trackings.create_chunk")
async def _(client: Any, stage: Stage) -> None:
    from parcelwire.client.batches import plan

    result, (chunk,) = plan([{"tracking_number": USPS_NUMBER, "courier_code": "usps"}])
    exchange = await client.trackings.create_chunk(chunk)
    assert exchange.was_cut is False
    assert len(result.created) == 1


@row("trackings.get")
async def _(client: Any, stage: Stage) -> None:
    created = await follow(client)
    assert (await client.trackings.get(USPS_NUMBER)).id == created.id


@row("trackings.find")
async def _(client: Any, stage: Stage) -> None:
    assert await client.trackings.find(USPS_NUMBER) is None


@row("trackings.list")
async def _(client: Any, stage: Stage) -> None:
    created = await follow(client)
    assert [one.id async for one in client.trackings.list()] == [created.id]


@row("trackings.update")
async def _(client: Any, stage: Stage) -> None:
    assert (await client.trackings.update(await follow(client), note="Seen")).note == "Seen"


@row("trackings.delete")
async def _(client: Any, stage: Stage) -> None:
    created = await follow(client)
    assert (await client.trackings.delete(created)).id == created.id


@row("trackings.retrack")
async def _(client: Any, stage: Stage) -> None:
    stage.move()
    created = await follow(client)
    await stage.expire(created.id)
    assert (await client.trackings.retrack(created)).id == created.id


@row("trackings.wait_until")
async def _(client: Any, stage: Stage) -> None:
    created = await follow(client)
    found = await client.trackings.wait_until(created, created.status, timeout_seconds=1)
    assert found.id == created.id


@row("trackings.own")
async def _(client: Any, stage: Stage) -> None:
    from parcelwire.client import ConflictError
    from parcelwire.client.calls import create_tracking

    created = await follow(client)
    exchange = client.engine.open(create_tracking({}))
    conflict = ConflictError("")
    fields = {"tracking_number": USPS_NUMBER}
    # Without a lost try it is nobody's own.
    assert await client.trackings.own(exchange, conflict, fields) is None
    exchange.was_cut = True
    assert (await client.trackings.own(exchange, conflict, fields)).id == created.id


@row("couriers.list")
async def _(client: Any, stage: Stage) -> None:
    assert "usps" in {one.courier_code for one in await client.couriers.list()}


@row("couriers.detect")
async def _(client: Any, stage: Stage) -> None:
    assert (await client.couriers.detect(USPS_NUMBER))[0].courier_code == "usps"


@row("air_waybills.get")
async def _(client: Any, stage: Stage) -> None:
    assert (await client.air_waybills.get("235-69030430")).awb_number == "235-69030430"


@row("webhooks.unwrap")
async def _(client: Any, stage: Stage) -> None:
    with pytest.raises(WebhookError):
        client.webhooks.unwrap(b"{}", {}, "whsec_" + "A" * 32)


@row("request")
async def _(client: Any, stage: Stage) -> None:
    assert (await client.request("GET", "/v4/couriers/all"))[0]["courier_code"]
    if stage.house is not None:
        assert (await client.request("GET", "/api/trackings/counts"))["total"] == 0


@row("with_options")
async def _(client: Any, stage: Stage) -> None:
    assert await client.with_options(timeout_seconds=9).couriers.list()


@row("close")
async def _(client: Any, stage: Stage) -> None:
    await client.couriers.list()
    await client.close()


# --- what only a Parcelwire has ---------------------------------------------------------------


@row("trackings.refresh")
async def _(client: Any, stage: Stage) -> None:
    created = await follow(client)
    assert stage.house is not None
    stage.house.carriers.script(
        "usps",
        USPS_NUMBER,
        report("", point("2026-03-01T09:30:00", "Delivered", Substatus.DELIVERED)),
    )
    stage.house.clock.advance(3600)
    assert (await client.trackings.refresh(created)).status == "delivered"
    assert (await client.trackings.refresh(USPS_NUMBER)).id == created.id
    with pytest.raises(NotFoundError):
        await client.trackings.refresh(OTHER)


@row("trackings.events")
async def _(client: Any, stage: Stage) -> None:
    stage.move()
    created = await follow(client)
    assert stage.house is not None
    stage.house.carriers.script(
        "usps",
        USPS_NUMBER,
        report("", point("2026-03-01T09:30:00", "Delivered", Substatus.DELIVERED)),
    )
    stage.house.clock.advance(3600)
    await client.trackings.refresh(created)
    told = [event async for event in client.trackings.events(created, page_size=1)]
    assert [(one.sequence, one.data.status) for one in told] == [(2, "delivered"), (1, "transit")]
    assert await client.trackings.events(created.id).all() == told
    with pytest.raises(NotFoundError):
        await client.trackings.events("0" * 32).all()


@row("trackings.polls")
async def _(client: Any, stage: Stage) -> None:
    stage.move()
    created = await follow(client)
    history = await client.trackings.polls(created.id)
    (poll,) = history.items
    assert (poll.outcome, poll.is_news, poll.connector) == ("found", True, "scripted")
    assert (history.checks, history.next_check_at > poll.at) == (1, True)


@row("endpoints.create")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook, statuses=["delivered"], headers={"x-a": "b"})
    assert made.secret.startswith("whsec_")
    assert (made.statuses, made.header_names) == (("delivered",), ("x-a",))


@row("endpoints.list")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook)
    assert [one.id for one in await client.endpoints.list()] == [made.id]


@row("endpoints.get")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook)
    found = await client.endpoints.get(made.id)
    assert (found.url, found.health.waiting) == (stage.hook, 0)


@row("endpoints.update")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook, concurrency=3)
    changed = await client.endpoints.update(made, description="Shop", concurrency=None)
    assert (changed.description, changed.concurrency) == ("Shop", None)


@row("endpoints.delete")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook)
    await client.endpoints.delete(made)
    with pytest.raises(NotFoundError) as caught:
        await client.endpoints.delete(made.id)
    assert caught.value.code == "endpoint-unknown"


@row("endpoints.pause")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook)
    assert (await client.endpoints.pause(made)).state == "paused"


@row("endpoints.enable")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook)
    await client.endpoints.pause(made)
    assert (await client.endpoints.enable(made)).state == "enabled"


@row("endpoints.rotate_secret")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook)
    assert (await client.endpoints.rotate_secret(made, overlap_seconds=60)).secret != made.secret


@row("endpoints.test")
async def _(client: Any, stage: Stage) -> None:
    # Nobody listens there, which is what the attempt says.
    made = await client.endpoints.create(stage.hook)
    assert (await client.endpoints.test(made)).is_delivered is False


@row("endpoints.replay")
async def _(client: Any, stage: Stage) -> None:
    made = await client.endpoints.create(stage.hook)
    assert stage.house is not None
    since = (await client.trackings.create(USPS_NUMBER, "usps")).created_at
    result = await client.endpoints.replay(made, since=since, states=["delivered"])
    assert (result.replayed, result.is_complete) == (0, True)


async def told(client: Any, stage: Stage) -> Any:
    """Have one message stored, and return the endpoint it is for."""
    made = await client.endpoints.create(stage.hook, dialect="v4")
    stage.move()
    await follow(client)
    return made


@row("messages.list")
async def _(client: Any, stage: Stage) -> None:
    made = await told(client, stage)
    (message,) = [one async for one in client.messages.list(endpoint_id=made.id, page_size=1)]
    assert message.state == "pending"
    assert await client.messages.list(states=["dead"]).all() == []
    late = client.messages.list(created_min=message.created_at, event_types=["endpoint.failing"])
    assert await late.all() == []


@row("messages.get")
async def _(client: Any, stage: Stage) -> None:
    await told(client, stage)
    (message,) = await client.messages.list().all()
    found = await client.messages.get(message.id)
    assert (found.attempts, found.payload["delivery_status"]) == ((), "transit")


@row("messages.resend")
async def _(client: Any, stage: Stage) -> None:
    await told(client, stage)
    (message,) = await client.messages.list().all()
    assert (await client.messages.resend(message)).id == message.id


@row("events.page")
async def _(client: Any, stage: Stage) -> None:
    await told(client, stage)
    page = await client.events.page(limit=5)
    assert [event.data.status for event in page.items] == ["transit"]
    assert (await client.events.page(after=page.next_cursor, wait_seconds=0)).items == ()


@row("events.pages")
async def _(client: Any, stage: Stage) -> None:
    await told(client, stage)
    pages = [page async for page in client.events.pages(limit=1)]
    assert sum(len(page.items) for page in pages) == 1


@row("events.list")
async def _(client: Any, stage: Stage) -> None:
    await told(client, stage)
    (event,) = [event async for event in client.events.list()]
    assert event.type == "tracking.status_changed"
    assert event.data.changes[0]["type"]


@row("events.follow")
async def _(client: Any, stage: Stage) -> None:
    await told(client, stage)
    async for event in client.events.follow():
        assert event.sequence == 1
        break


@row("keys.create")
async def _(client: Any, stage: Stage) -> None:
    assert (await client.keys.create(label="till", scope="read")).key.startswith("pw_live_")


@row("keys.list")
async def _(client: Any, stage: Stage) -> None:
    assert sum(one.is_own for one in await client.keys.list()) == 1


@row("keys.revoke")
async def _(client: Any, stage: Stage) -> None:
    made = await client.keys.create(label="till")
    await client.keys.revoke(made)
    (found,) = [one for one in await client.keys.list() if one.prefix == made.prefix]
    assert found.revoked_at is not None


@row("account.get")
async def _(client: Any, stage: Stage) -> None:
    await follow(client)
    account = await client.account.get()
    assert (account.email, account.trackings) == ("shop@example.com", 1)


@row("account.update")
async def _(client: Any, stage: Stage) -> None:
    assert (await client.account.update(name="Cups & Co.")).name == "Cups & Co."


# --- the tests --------------------------------------------------------------------------------


def methods(client: Any) -> dict[str, type]:
    """Return every public method of a client and its resources, and the class that has it."""
    found: dict[str, type] = {}
    kind = type(client)
    for name in dir(kind):
        if name.startswith("_") or name == "for_trackingmore":
            continue
        if inspect.isfunction(inspect.getattr_static(kind, name)):
            found[name] = kind
    for resource in (*RESOURCES, "webhooks"):
        if not hasattr(client, resource):
            continue
        held = type(getattr(client, resource))
        for name in dir(held):
            if not name.startswith("_") and inspect.isfunction(inspect.getattr_static(held, name)):
                found[f"{resource}.{name}"] = held
    return found


@pytest.mark.parametrize("kind", [AsyncParcelwire, Parcelwire])
def test_every_public_method_has_a_row(kind: Any) -> None:
    assert sorted(methods(kind("key"))) == sorted(ROWS)


@pytest.mark.parametrize("kind", [AsyncV4Client, V4Client])
def test_the_hosted_client_has_the_others(kind: Any) -> None:
    lacking = {name for name in ROWS if name.partition(".")[0] in OWN} | OWN_METHODS
    assert set(methods(kind("key"))) == set(ROWS) - lacking


class Airlines:
    """The carrier in a box, whatever the world."""

    async def air_waybill(self, world_id: int, number: str) -> AirWaybill | None:
        return air_waybill(number, 1_772_359_200_000)


@asynccontextmanager
async def real_client(side: Side, folder: Path) -> AsyncIterator[tuple[Any, Stage]]:
    async with open_house(
        folder, lambda house: [V4Dialect(house)], air_waybills=Airlines()
    ) as house:
        key = await house.add_key(scope="admin")
        hook = f"http://127.0.0.1:{free_port()}/hook"
        async with (
            serve(whole_door(house)) as address,
            open_client(side, key, f"http://{address}") as client,
        ):
            yield client, Stage(house=house, hook=hook)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", ROWS)
async def test_against_the_real_server(
    side: Side, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with real_client(side, tmp_path) as (client, stage):
        called = watch(monkeypatch, client, name)
        await ROWS[name](client, stage)
        assert called == [name]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", ROWS)
async def test_against_the_hosted_recorder(
    side: Side, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted = Hosted()
    async with (
        serve(hosted) as address,
        open_client(side, "key", f"http://{address}", is_hosted=True) as client,
    ):
        if name in OWN_METHODS or name.partition(".")[0] in OWN:
            resource, _, method = name.partition(".")
            with pytest.raises(
                UnsupportedError, match=f"hosted service has no call for {resource}"
            ):
                getattr(getattr(client, resource), method)
            assert hosted.requests == []
            return
        called = watch(monkeypatch, client, name)
        await ROWS[name](client, Stage(hosted=hosted))
        assert called == [name]


def watch(monkeypatch: pytest.MonkeyPatch, client: Any, name: str) -> list[str]:
    """Return a list that ``name`` will stand in once its method was called."""
    blocking = getattr(client, "blocking", client)
    kind, method = methods(blocking)[name], name.rpartition(".")[2]
    original = getattr(kind, method)
    called: list[str] = []

    if inspect.isgeneratorfunction(original):

        def note(*arguments: Any, **more: Any) -> Any:
            called[:] = [name]
            yield from original(*arguments, **more)
    else:

        def note(*arguments: Any, **more: Any) -> Any:
            called[:] = [name]
            return original(*arguments, **more)

    monkeypatch.setattr(kind, method, note)
    return called
