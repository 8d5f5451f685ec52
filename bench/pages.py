"""The dashboard's list of parcels: ``python -m bench.pages [ROWS] [ENGINE]``.

A page is asked for 1,000 parcels and for ROWS, in turns; what counts is how many times as long the
many take. FOLDER holds an SQLite database that is there already (``b.db``, key file ``k``, API key
in ``apikey``), as filling a million takes minutes; it is brought up to date and otherwise only
read.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from bench.seed import CHUNK, story
from parcelwire.accounts.keys import CreateKey
from parcelwire.accounts.service import CreateAccount
from parcelwire.api.asgi import ASGIApp
from parcelwire.bootstrap import Installation, open_installation
from parcelwire.config import Config, SecretsSection, StoreSection
from parcelwire.domain.clock import DAY, SECOND
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Details, Tracking, make_page_token
from parcelwire.pages.dashboard.cookies import SESSION
from parcelwire.tracking.ports import NewTracking, TrackingFilter
from tests.contract.store.postgres_fixture import Cluster
from tests.support.house import call

FEW = 1_000
ROWS = 100_000
ROUNDS = 60
COURIERS = ("usps", "swiss-post", "dhl", "poste-italiane")
STATUSES = (
    *(Status.TRANSIT, Status.DELIVERED) * 10,
    Status.PICKUP,
    Status.EXCEPTION,
    Status.UNDELIVERED,
    Status.EXPIRED,
)
ALLOWED = 1.3
"""A page of many may take so many times as long as one of few."""


class Desk(msgspec.Struct):
    """A dashboard, and somebody who has logged in."""

    app: ASGIApp
    headers: dict[str, str]
    paths: dict[str, str]

    async def seconds(self, name: str) -> float:
        """Ask for a page once; return how long it took."""
        path, _, query = self.paths[name].partition("?")
        began = time.perf_counter()
        answer = await call(self.app, "GET", f"/dashboard{path}", query=query, headers=self.headers)
        took = time.perf_counter() - began
        assert answer.status == 200, answer.status
        assert b'class="number"' in answer.body, name
        return took


def run(rows: int = ROWS, engine: str = "") -> dict[str, float]:
    """Measure both engines, or one; return milliseconds and ratios by name."""
    figures: dict[str, float] = {"rows": rows}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        key_file = folder / "k"
        if engine != "postgres":
            urls = f"sqlite:{folder / 'few.db'}", f"sqlite:{folder / 'many.db'}"
            figures.update(asyncio.run(_measure("sqlite", urls, key_file, rows)))
        if engine != "sqlite":
            cluster = Cluster(is_in_memory=False)
            try:
                dsns = cluster.create_database(), cluster.create_database()
                figures.update(asyncio.run(_measure("postgres", dsns, key_file, rows)))
            finally:
                cluster.remove()
    return figures


async def _measure(
    engine: str, urls: tuple[str, str], key_file: Path, rows: int
) -> dict[str, float]:
    async with (
        _desk(urls[0], key_file, FEW) as small,
        _desk(urls[1], key_file, rows) as large,
    ):
        return await _compare(engine, small, large)


async def _fill(house: Installation, rows: int) -> str:
    """Create an account with a key and parcels of all kinds, one a second; return the key."""
    now = house.clock.now()
    owner = await house.use_cases.accounts.create(CreateAccount(email="bench@example.com"))
    key = (await house.use_cases.keys.create(CreateKey(account_number=owner.number))).text
    checkpoints = story()[:2]
    for start in range(0, rows, CHUNK):
        new = []
        for index in range(start, min(rows, start + CHUNK)):
            created_at = now - (rows - index) * SECOND
            tracking_id = house.identifiers.new_id(created_at)
            tracking = Tracking(
                id=tracking_id,
                world_id=owner.number * 2,
                number=f"93{index:018d}",
                typed_number=f"93{index:018d}",
                courier_code=COURIERS[index % len(COURIERS)],
                created_at=created_at,
                updated_at=created_at,
                page_token=make_page_token(tracking_id, "0" * 27),
                status=STATUSES[index % len(STATUSES)],
                details=Details(order_number=f"#{index}", title="A title"),
                checkpoints=checkpoints,
            )
            new.append(NewTracking(tracking=tracking, due_at=now + DAY, due_reason="seeded"))
        await house.store.create_trackings(new)
    return key


@asynccontextmanager
async def _desk(store_url: str, key_file: Path, rows: int) -> AsyncIterator[Desk]:
    config = Config(
        store=StoreSection(url=store_url), secrets=SecretsSection(key_file=str(key_file))
    )
    house = await open_installation(config)
    try:
        key = await _fill(house, rows)
        app = house.asgi(is_served=False)
        answer = await call(
            app,
            "POST",
            "/dashboard/login",
            body=f"key={key}".encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        assert answer.status == 303, answer.body
        cookie = answer.headers["set-cookie"].partition(";")[0]
        assert cookie.startswith(SESSION)
        world_id = (await house.store.list_accounts())[0].number * 2
        where = TrackingFilter(is_archived=False)
        found = await house.store.list_trackings(world_id, where, offset=FEW // 2, limit=1)
        middle = found[0].tracking
        paths = {
            "first page": "/trackings",
            "page far behind": f"/trackings?after={middle.created_at:x}-{middle.id}",
            "one status": f"/trackings?status={middle.status}",
            "one courier": f"/trackings?courier={middle.courier_code}",
            "number's beginning": f"/trackings?q={middle.number[:-2]}",
        }
        yield Desk(app, {"cookie": cookie}, paths)
    finally:
        await house.close()


async def _compare(engine: str, small: Desk, large: Desk) -> dict[str, float]:
    figures = {}
    for name in small.paths:
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            # In turns, so that whatever else the machine does falls on both.
            for desk, took in zip((small, large), times, strict=True):
                took.append(await desk.seconds(name))
        few, many = (statistics.median(one[5:]) for one in times)
        figures[f"{engine}: {name}, of 1,000: ms"] = few * 1_000
        figures[f"{engine}: {name}, of many: ms"] = many * 1_000
        figures[f"{engine}: {name}: times as long"] = many / few
    return figures


def main() -> None:
    """Measure what the command line says, and tell which pages are too slow."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    figures = run(rows, sys.argv[2] if len(sys.argv) > 2 else "")
    print(json.dumps(figures, indent=2))
    slow = [name for name, value in figures.items() if "times" in name and value > ALLOWED]
    print(f"over {ALLOWED} times: {', '.join(slow) or 'none'}")


if __name__ == "__main__":
    main()
