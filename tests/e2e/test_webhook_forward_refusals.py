"""``parcelwire webhook forward``: what a server answers beside events and trackings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from parcelwire.client import ParcelwireError
from parcelwire.domain.status import Substatus
from tests.contract.webhook_receivers import answer, receiver
from tests.support.forwarding import Desk, PatientClock, open_desk
from tests.support.house import report
from tests.support.v4 import USPS_NUMBER, create, point


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as made:
        yield made


@pytest.mark.parametrize("dialect", ["native", "v4", "v2"])
async def test_a_server_that_limits_calls_loses_no_event(
    tmp_path: Path, dialect: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twenty events, and four calls a second are let through."""
    async with (
        open_desk(tmp_path, PatientClock(), other_per_second=4) as desk,
        receiver(answer(200)) as there,
    ):
        house = desk.house
        points = [
            point(f"2026-03-01T{hour:02}:00:00", f"Scan {hour}", Substatus.TRANSIT)
            for hour in range(1, 21)
        ]
        house.carriers.script(
            "usps",
            USPS_NUMBER,
            *(report(USPS_NUMBER, *points[: count + 1]) for count in range(len(points))),
        )
        await create(house, title="Two books")
        for _ in range(19):
            house.clock.advance(3_600)
            (stored,) = await house.store.find(house.world_id, USPS_NUMBER)
            await house.service.refresh_now(stored)
        forwarder = desk.forwarder(there.url, dialect=dialect)
        await desk.forward(forwarder, lambda: bool(forwarder.cursor))
        assert list(there.lines.values()) == [list(range(1, 21))]
    assert str(forwarder.tally) == "20 delivered"
    said = capsys.readouterr()
    assert "trying again" in said.err
    assert "skipped" not in said.out


@pytest.mark.parametrize("dialect", ["v4", "v2"])
@pytest.mark.parametrize("status", [429, 503])
async def test_an_error_with_data_is_no_deleted_tracking(
    desk: Desk, dialect: str, status: int
) -> None:
    """Both dialects send an empty ``data`` along with errors, v2 under HTTP 200."""
    real, refused = desk.network.handle, 0

    async def impatient(request: httpx2.Request) -> httpx2.Response:
        nonlocal refused
        if request.url.path.startswith(f"/{dialect}/") and refused < 3:
            refused += 1
            code = status if dialect == "v2" or status == 429 else 512
            body = {"meta": {"code": code, "message": "later"}, "data": []}
            return httpx2.Response(200 if dialect == "v2" else status, json=body)
        return await real(request)

    desk.network.handle = impatient  # a server under load
    async with receiver(answer(200)) as there:
        await desk.live()
        forwarder = desk.forwarder(there.url, dialect=dialect)
        await desk.forward(forwarder, lambda: bool(forwarder.cursor))
        assert len(there.received) == 1
    assert refused == 3
    assert str(forwarder.tally) == "1 delivered"


@pytest.mark.parametrize("dialect", ["v4", "v2"])
async def test_a_refusal_that_will_not_pass_ends_it(desk: Desk, dialect: str) -> None:
    real = desk.network.handle

    async def forbidding(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.startswith(f"/{dialect}/"):
            body = {"meta": {"code": 402, "message": "Payment is required."}, "data": []}
            return httpx2.Response(200 if dialect == "v2" else 402, json=body)
        return await real(request)

    desk.network.handle = forbidding  # an account that is suspended
    await desk.live()
    forwarder = desk.forwarder("http://127.0.0.1:9/", dialect=dialect)
    with pytest.raises(ParcelwireError, match=r"Payment is required\. \(code 402\)"):
        await forwarder.run()
    await desk.sender.close()
    # Whoever goes on from the cursor misses nothing.
    assert (forwarder.cursor, forwarder.tally.skipped) == ("", 0)


@pytest.mark.parametrize("dialect", ["v4", "v2"])
async def test_a_courier_that_is_corrected_between_two_answers(desk: Desk, dialect: str) -> None:
    real, is_corrected = desk.network.handle, False

    async def correcting(request: httpx2.Request) -> httpx2.Response:
        nonlocal is_corrected
        if request.url.path.startswith(f"/{dialect}/") and not is_corrected:
            is_corrected = True
            (stored,) = await desk.house.store.find(desk.house.world_id, USPS_NUMBER)
            await desk.house.service.change_courier(stored, "ups")
        return await real(request)

    desk.network.handle = correcting  # an operator at the same time
    async with receiver(answer(200)) as there:
        await desk.live()
        forwarder = desk.forwarder(there.url, dialect=dialect)
        await desk.forward(forwarder, lambda: bool(forwarder.cursor))
        assert len(there.received) >= 1
    assert forwarder.tally.skipped == 0


@pytest.mark.parametrize("dialect", ["v4", "v2"])
async def test_deleted_between_two_answers(
    desk: Desk, dialect: str, capsys: pytest.CaptureFixture[str]
) -> None:
    real = desk.network.handle

    async def deleting(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.startswith(f"/{dialect}/trackings"):
            found = await desk.house.store.find(desk.house.world_id, USPS_NUMBER)
            ids = [stored.tracking.id for stored in found]
            await desk.house.service.delete(desk.house.world_id, ids)
        return await real(request)

    desk.network.handle = deleting  # an operator at the same time
    async with receiver(answer(200)) as there:
        await desk.live()
        forwarder = desk.forwarder(there.url, dialect=dialect)
        await desk.forward(forwarder, lambda: bool(forwarder.cursor))
        assert there.received == []
    assert str(forwarder.tally) == "0 delivered, 1 skipped"
    assert "the tracking was deleted meanwhile" in capsys.readouterr().out
