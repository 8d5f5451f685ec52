"""Fill a store with trackings of ten checkpoints each, through the store's own port."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from parcelwire.accounts.keys import CreateKey
from parcelwire.accounts.service import CreateAccount
from parcelwire.bootstrap import open_installation
from parcelwire.config import Config, SecretsSection, StoreSection
from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.clock import MINUTE
from parcelwire.domain.merge import merge
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import Substatus
from parcelwire.domain.tracking import Details, Tracking, make_page_token
from parcelwire.tracking.ports import NewTracking

CHUNK = 1_000
PLACES = ("3000 Bern", "8010 Zürich-Mülligen", "4621 Härkingen", "6593 Cadenazzo")


def story() -> tuple[Checkpoint, ...]:
    """Return ten checkpoints of a usual size."""
    return tuple(
        Checkpoint(
            local_time=f"2026-03-{2 + i // 4:02d}T{8 + i % 4 * 3:02d}:{i:02d}:00",
            offset_minutes=60,
            time_source=TimeSource.CARRIER,
            text=f"Your consignment was sorted and forwarded, stage {i}",
            status=Substatus.TRANSIT_AT_HUB.status,
            substatus=Substatus.TRANSIT_AT_HUB,
            raw_code=f"PARCEL.*.88.{900 + i}",
            location=PLACES[i % len(PLACES)],
            city=PLACES[i % len(PLACES)][5:],
            postal_code=PLACES[i % len(PLACES)][:4],
            country="CH",
            language="en",
        )
        for i in range(10)
    )


async def seed(store_url: str, key_file: Path, rows: int) -> tuple[str, list[str]]:
    """Create an account with a live key and ``rows`` trackings.

    Return the key and a sample of numbers.
    """
    config = Config(
        store=StoreSection(url=store_url), secrets=SecretsSection(key_file=str(key_file))
    )
    house = await open_installation(config)
    try:
        now = house.clock.now()
        owner = await house.use_cases.accounts.create(CreateAccount(email="bench@example.com"))
        key = (await house.use_cases.keys.create(CreateKey(account_number=owner.number))).text
        world_id = owner.number * 2
        pattern = _pattern(world_id, now)
        numbers = [f"93{i:018d}" for i in range(rows)]
        for start in range(0, rows, CHUNK):
            await house.store.create_trackings(
                list(_trackings(house, pattern, numbers[start : start + CHUNK], now + start))
            )
        return key, random.Random(3).sample(numbers, min(20_000, rows))
    finally:
        await house.close()


def _pattern(world_id: int, now: int) -> Tracking:
    plain = Tracking(
        id="",
        world_id=world_id,
        number="",
        typed_number="",
        courier_code="usps",
        created_at=now,
        updated_at=now,
        page_token="",
        details=Details(order_number="#1000", title="A title", customer_name="A name"),
    )
    report = CarrierReport(number="", outcome=Outcome.FOUND, checkpoints=story(), fetched_at=now)
    return merge(plain, report).tracking


def _trackings(
    house: object, pattern: Tracking, numbers: list[str], now: int
) -> Iterator[NewTracking]:
    identifiers = house.identifiers  # type: ignore[attr-defined]
    for number in numbers:
        yield NewTracking(
            tracking=replace(
                pattern,
                id=(tracking_id := identifiers.new_id(now)),
                number=number,
                typed_number=number,
                page_token=make_page_token(tracking_id, identifiers.new_token()),
            ),
            due_at=now + 600 * MINUTE,
            due_reason="seeded",
        )
