"""``parcelwire webhook forward``: what it posts is what a delivery would have posted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import msgspec
import pytest

from parcelwire.client import AuthenticationError
from parcelwire.domain.clock import SECOND
from parcelwire.signatures.verify import verify_standard, verify_v2, verify_v4
from tests.contract.webhook_receivers import Received, Receiver, answer, receiver
from tests.support.forwarding import SECRET, Desk, open_desk
from tests.support.v4 import USPS_NUMBER

OF_THE_MOMENT = {"webhook-id", "webhook-timestamp", "webhook-signature", "timestamp", "signature"}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as made:
        yield made


def check(received: Received, dialect: str, now: float) -> None:
    """Check every signature that a message of the dialect carries."""
    verify_standard(received.body, received.headers, SECRET, now=now)
    if dialect == "v4":
        verify_v4(received.headers, SECRET, now=now)
    if dialect == "v2":
        verify_v2(received.body, "shop@example.com", now=now)


@pytest.mark.parametrize("dialect", ["native", "v4", "v2"])
async def test_it_posts_what_a_delivery_posts(desk: Desk, dialect: str) -> None:
    house = desk.house
    async with receiver(answer(204)) as there:
        url = there.url.replace("/hook", "/delivered")
        added = await desk.http.post(
            "/api/endpoints",
            json={"url": url, "dialect": dialect},
            headers={"authorization": f"Bearer {house.key}"},
        )
        assert added.status_code == 201
        await desk.live()
        while await house.delivery.step():
            pass
        forwarder = desk.forwarder(f"{there.url}", dialect=dialect)
        await desk.forward(forwarder, lambda: forwarder.tally.delivered > 0)
    (delivered,) = [one for one in there.received if one.path == "/delivered"]
    (forwarded,) = [one for one in there.received if one.path == "/hook"]
    assert set(forwarded.headers) == set(delivered.headers)
    for name, value in delivered.headers.items():
        if name not in OF_THE_MOMENT:
            assert forwarded.headers[name] == value, name
    assert forwarded.headers["webhook-id"] != delivered.headers["webhook-id"]
    check(forwarded, dialect, house.clock.now() / SECOND)
    bodies = [msgspec.json.decode(one.body) for one in (delivered, forwarded)]
    for body in bodies:
        body.pop("verifyInfo", None)
    assert bodies[0] == bodies[1]
    assert b"Two books" in forwarded.body


async def test_all_events_come_in_order_and_once(desk: Desk) -> None:
    house = desk.house
    async with receiver(answer(200)) as there:
        forwarder = desk.forwarder(there.url)
        running = asyncio.create_task(forwarder.run())
        await desk.live()
        for sequence in (2, 3):
            house.clock.advance(3_600)
            (stored,) = await house.store.find(house.world_id, USPS_NUMBER)
            await house.service.refresh_now(stored)
            assert sequence
        await until(lambda: len(there.received) == 3, running)
        await until(lambda: forwarder.tally.delivered == 3, running)
        running.cancel()
        await desk.sender.close()
    assert list(there.lines.values()) == [[1, 2, 3]]
    types = [one.headers["parcelwire-event"] for one in there.received]
    assert types == ["tracking.status_changed"] * 3
    assert str(forwarder.tally) == "3 delivered"


async def until(is_so: Callable[[], bool], running: asyncio.Task[None]) -> None:
    async with asyncio.timeout(15):
        while not is_so():
            await asyncio.sleep(0.01)
            if running.done():
                running.result()


async def test_it_goes_on_where_it_stopped(desk: Desk) -> None:
    async with receiver(answer(200)) as there:
        await desk.live()
        first = desk.forwarder(there.url)
        await desk.forward(first, lambda: bool(first.cursor))
        assert len(there.received) == 1
        # With its cursor nothing comes again; with a time, what happened then and later does.
        for wish, count in (
            ({"after": first.cursor, "since": ""}, 1),
            ({"since": "2026-03-01T10:00:00+00:00"}, 2),
            ({"since": "2026-03-01T10:00:01+00:00"}, 2),
            ({"since": "2026-01-01T00:00:00+00:00"}, 3),
            # Without a word it begins now.
            ({"since": ""}, 3),
        ):
            desk.house.clock.advance(1)
            again = desk.forwarder(there.url, **wish)
            before = again.cursor
            await desk.forward(again, lambda now=again, old=before: now.cursor != old)  # type: ignore[misc]
            assert len(there.received) == count


async def test_filters(desk: Desk) -> None:
    async with receiver(answer(200)) as there:
        await desk.live()
        for wish, taken in (
            ({"statuses": ("delivered",)}, 0),
            ({"statuses": ("delivered", "transit")}, 1),
            ({"event_types": ("tracking.updated",)}, 0),
            ({"event_types": ("tracking.status_changed",)}, 1),
        ):
            forwarder = desk.forwarder(there.url, **wish)
            await desk.forward(forwarder, lambda one=forwarder: bool(one.cursor))  # type: ignore[misc]
            assert (forwarder.tally.delivered, forwarder.tally.skipped) == (taken, 1 - taken)


async def test_a_test_key_forwards_its_world_alone(desk: Desk) -> None:
    async with receiver(answer(200)) as there:
        await desk.live()
        forwarder = desk.forwarder(there.url, key=desk.house.test_key)
        await desk.forward(forwarder, lambda: bool(forwarder.cursor))
        assert there.received == []


async def test_a_deleted_tracking_is_passed_over(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    house = desk.house
    async with receiver(answer(200)) as there:
        await desk.live()
        (stored,) = await house.store.find(house.world_id, USPS_NUMBER)
        await house.service.delete(house.world_id, [stored.tracking.id])
        forwarder = desk.forwarder(there.url)
        await desk.forward(forwarder, lambda: bool(forwarder.cursor))
        assert there.received == []
    assert str(forwarder.tally) == "0 delivered, 1 skipped"
    assert "the tracking was deleted meanwhile" in capsys.readouterr().out


async def test_a_receiver_that_refuses_is_told_of_and_not_asked_again(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    inside: list[Receiver] = []
    async with receiver(answer(200)) as elsewhere:
        redirect = answer(302, b"", f"Location: {elsewhere.url}")
        async with receiver(redirect) as there:
            inside.append(there)
            await desk.live()
            forwarder = desk.forwarder(there.url)
            await desk.forward(forwarder, lambda: bool(forwarder.cursor))
            assert len(there.received) == 1
        # Nothing goes to anywhere but the URL given.
        assert elsewhere.connections == 0
    assert str(forwarder.tally) == "0 delivered, 1 failed (1 times answered 302)"
    assert "HTTP 302 after" in capsys.readouterr().out


async def test_a_refused_connection_is_tried_until_something_listens(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    async with receiver(answer(200)) as there:
        url = there.url
    port = int(url.split(":")[2].split("/")[0])
    await desk.live()
    forwarder = desk.forwarder(url)
    running = asyncio.create_task(forwarder.run())
    said = ""
    async with asyncio.timeout(15):
        while "trying again" not in said:
            await asyncio.sleep(0.01)
            said += capsys.readouterr().out
    assert "no connection" in said
    late = Receiver(answer(200))
    server = await asyncio.start_server(late.serve, "127.0.0.1", port)
    await until(lambda: forwarder.tally.delivered == 1, running)
    running.cancel()
    server.close()
    late.cut_connections()
    await desk.sender.close()
    assert len(late.received) == 1
    assert forwarder.tally.failed == {}


async def test_a_server_that_is_away_is_waited_for(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = 0
    real = desk.network.handle

    async def broken(request: httpx2.Request) -> httpx2.Response:
        nonlocal faults
        faults += 1
        if faults <= 3:
            msg = "connection refused"
            raise httpx2.ConnectError(msg)
        if faults <= 5:
            return httpx2.Response(503, text="a proxy's page")
        return await real(request)

    desk.network.handle = broken  # the network between
    async with receiver(answer(200)) as there:
        await desk.live()
        forwarder = desk.forwarder(there.url)
        await desk.forward(forwarder, lambda: bool(forwarder.cursor))
        assert len(there.received) == 1
    assert capsys.readouterr().err.count("trying again") == 1


async def test_a_key_that_is_refused_ends_it(desk: Desk) -> None:
    key = desk.house.key
    forwarder = desk.forwarder("http://127.0.0.1:9/", key=f"{key[:-1]}x")
    with pytest.raises(AuthenticationError, match="Invalid API key"):
        await forwarder.run()
    await desk.sender.close()
