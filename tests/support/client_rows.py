"""One call and one check for each method of the client that the hosted service has, too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from parcelwire.client import WebhookVerificationError
from parcelwire.domain.clock import DAY
from parcelwire.domain.status import Substatus
from tests.support.hosted import Hosted
from tests.support.house import HouseUnderTest, report
from tests.support.v4 import USPS_NUMBER, point

OTHER = "9400111899223857925397"


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


@row("trackings.create")
async def _(client: Any, stage: Stage) -> None:
    assert (await follow(client)).tracking_number == USPS_NUMBER


@row("trackings.create_many")
async def _(client: Any, stage: Stage) -> None:
    items = [{"tracking_number": number, "courier_code": "usps"} for number in (USPS_NUMBER, OTHER)]
    assert len((await client.trackings.create_many(items)).created) == 2


@row("trackings.create_chunk")
async def _(client: Any, stage: Stage) -> None:
    from parcelwire.client.bulk_create import plan

    result, (chunk,) = plan([{"tracking_number": USPS_NUMBER, "courier_code": "usps"}])
    attempts = await client.trackings.create_chunk(chunk)
    assert attempts.maybe_applied is False
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


@row("trackings.recover_created")
async def _(client: Any, stage: Stage) -> None:
    from parcelwire.client import ConflictError
    from parcelwire.client.calls import create_tracking

    created = await follow(client)
    attempts = client.engine.open(create_tracking({}))
    conflict = ConflictError("")
    fields = {"tracking_number": USPS_NUMBER}
    # Without a lost try it is nobody's own.
    assert await client.trackings.recover_created(attempts, conflict, fields) is None
    attempts.maybe_applied = True
    assert (await client.trackings.recover_created(attempts, conflict, fields)).id == created.id


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
    with pytest.raises(WebhookVerificationError):
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
