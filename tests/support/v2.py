"""Calls of v2 in a test's house, with what holds for every answer of v2 checked on each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from parcelwire.api.trackingmore.frame import DialectFrame
from parcelwire.api.v2.dialect import V2
from parcelwire.api.v2.errors import CODES
from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.report import ParcelFacts, ProofOfDelivery
from parcelwire.domain.status import Status, Substatus
from tests.support.house import HouseUnderTest, open_house, report

NUMBER = "RS907483608CH"
COURIER = "swiss-post"
OTHER_NUMBER = "LZ448865302CN"
OTHER_COURIER = "china-ems"
ONE = f"/v2/trackings/{COURIER}/{NUMBER}"
PAIR = {"tracking_number": NUMBER, "carrier_code": COURIER}
OTHER_PAIR = {"tracking_number": OTHER_NUMBER, "carrier_code": OTHER_COURIER}
SHORT = {
    "id",
    "tracking_number",
    "carrier_code",
    "order_create_time",
    "status",
    "created_at",
    "customer_email",
    "customer_name",
    "customer_phone",
    "order_id",
    "comment",
    "title",
    "logistics_channel",
    "destination",
}
"""Names of the short item."""
GOOD_CODES = (200, 201, 202)


@asynccontextmanager
async def open_v2(folder: Path, **options: Any) -> AsyncIterator[HouseUnderTest]:
    """Open a house that speaks v2; ``options`` are those of ``open_house``."""
    async with open_house(
        folder,
        lambda house: [DialectFrame(house, V2)],
        key_header="Trackingmore-Api-Key",
        **options,
    ) as house:
        yield house


async def ask(house: HouseUnderTest, method: str, path: str, **sent: Any) -> tuple[int, Any]:
    """Make one call and return code and data."""
    answer = await house.call(method, path, **sent)
    assert answer.status == 200, "v2 says everything in meta.code"
    assert answer.headers["content-type"].startswith("application/json")
    assert b"\n" not in answer.body
    body = answer.json()
    assert set(body) == {"meta", "data"}
    code = body["meta"]["code"]
    assert body["meta"] == {"code": code, "type": CODES[code][0], "message": CODES[code][1]}
    if code not in GOOD_CODES:
        assert body["data"] == []
    return code, body["data"]


async def succeed(house: HouseUnderTest, method: str, path: str, **sent: Any) -> Any:
    """Make one call that must answer 200, and return its data."""
    code, data = await ask(house, method, path, **sent)
    assert code == 200
    return data


async def create(house: HouseUnderTest, **fields: Any) -> Any:
    """Follow ``NUMBER`` (or what ``fields`` say) and return the short item."""
    return await succeed(house, "POST", "/v2/trackings/post", json={**PAIR, **fields})


async def stored_documents(house: HouseUnderTest) -> list[bytes]:
    """Return everything that the live and the test world hold, to compare before and after."""
    from parcelwire.tracking.ports import TrackingFilter

    found: list[bytes] = []
    for world_id in (house.world_id, house.world_id + 1):
        all_of_it = TrackingFilter()
        stored = await house.store.list_trackings(world_id, all_of_it, offset=0, limit=1000)
        found.extend(msgspec.json.encode(one) for one in stored)
    return found


async def refuse_all(folder: Path, cases: Iterable[tuple[str, str, Any, int]]) -> None:
    """Make calls (method, path, body, code) that must be refused and leave everything as it was.

    A body of bytes is sent as it is; text that begins with ``?`` is a query.
    """
    async with open_v2(folder) as house:
        await create(house, title="kept")
        before = await stored_documents(house)
        assert len(before) == 1
        for method, path, body, code in cases:
            if isinstance(body, bytes):
                sent: dict[str, Any] = {"body": body}
            elif isinstance(body, str) and body.startswith("?"):
                sent = {"query": body[1:]}
            else:
                sent = {"json": body}
            assert await ask(house, method, path, **sent) == (code, []), (method, path, body)
            assert await stored_documents(house) == before, (method, path, body)


def checkpoint(time: str, text: str, substatus: Substatus | None = None, **more: Any) -> Checkpoint:
    """Return one event, at an hour of which the offset is known to be UTC."""
    status = Status(substatus.status) if substatus is not None else None
    return Checkpoint(
        **{
            "local_time": time,
            "text": text,
            "offset_minutes": 0,
            "time_source": TimeSource.CARRIER,
            "status": status,
            "substatus": substatus,
            **more,
        }
    )


def script_a_way(house: HouseUnderTest, number: str = NUMBER) -> None:
    """Let the carrier tell a parcel's whole way, from China to the United States."""
    house.carriers.phrases[COURIER, "D1", "de"] = "Zugestellt"
    house.carriers.script(
        COURIER,
        number,
        report(
            number,
            checkpoint("2026-02-20T08:00:00", "Accepted", Substatus.TRANSIT, location="Bern"),
            checkpoint("2026-02-21T09:30:00", "Dispatched", Substatus.TRANSIT_DISPATCHED),
            checkpoint("2026-02-22T09:30", "Left", Substatus.TRANSIT_LEFT_AIRPORT, city="Zurich"),
            checkpoint("2026-02-25", "A note"),
            checkpoint(
                "2026-02-27T11:12:13",
                "Delivered",
                Substatus.DELIVERED_SIGNED,
                raw_code="D1",
                location="Albany",
                language="en",
            ),
            facts=ParcelFacts(
                service="PRIORITY",
                origin_country="CH",
                destination_country="US",
                reference_number="REF-1",
                proof=ProofOfDelivery(signed_by="M. Muster"),
            ),
        ),
    )
