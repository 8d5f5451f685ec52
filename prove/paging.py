"""D7: paging through the trackings of the native API while rows come and go.

While page after page is read, trackings are created, deleted (seen ones, unseen ones, the very one
the cursor stands at) and changed, at the same time as the next page is asked for. Many have the
same time of creation. Every tracking that was there from the first page to the last must be seen
exactly once, and none twice.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from parcelwire.api.house import House
from parcelwire.api.native.operations import Asked, Operation
from parcelwire.api.native.paging import Page, make_cursor, page_of, read_cursor
from parcelwire.api.native.table import ALL
from parcelwire.api.native.tracking_filter import filter_of
from parcelwire.api.native.tracking_shapes import tracking_object
from parcelwire.domain.clock import FrozenClock
from parcelwire.store.port import Store
from parcelwire.store.sealing import ValueSealer
from parcelwire.tracking.ports import TrackingPlace
from prove.outcome import Outcome
from tests.contract.store.postgres_fixture import Cluster
from tests.contract.store.samples import make_new, render
from tests.support.house import open_house
from tests.support.native_shop import Shop, ok

ROWS: Final = 100_000
AT_ONCE: Final = 500
ENGINES: Final = ("sqlite", "postgres")

OpenStore = Callable[[], Awaitable[Store]]


class Walk(msgspec.Struct):
    """What was seen on the way through a list."""

    pages: int = 0
    came: int = 0
    went: int = 0
    changed: int = 0
    seen: Counter[str] = msgspec.field(default_factory=Counter)
    stayed: set[str] = msgspec.field(default_factory=set)
    """What was there all the time."""

    def violations(self) -> list[str]:
        """Return what was broken, at most a few of each kind."""
        twice = [one for one, count in self.seen.items() if count > 1]
        missed = self.stayed - self.seen.keys()
        found = []
        if twice:
            found.append(f"{len(twice)} trackings were seen twice, {sorted(twice)[:3]}")
        if missed:
            found.append(f"{len(missed)} trackings were not seen, {sorted(missed)[:3]}")
        return found


class Walker:
    """Pages through the list of one world while it changes it."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop = shop
        self.random = random.Random(seed)
        self.walk = Walk()
        self.there: list[str] = []
        self._made = 0

    async def fill(self, rows: int) -> None:
        """Create the trackings to page through; dozens of them in the same millisecond."""
        while len(self.there) < rows:
            self.shop.house.clock.advance(self.random.choice((0, 0, 0.001, 1)))
            await self._create(min(AT_ONCE, rows - len(self.there)))
        self.walk.stayed = set(self.there)

    async def go(self, limit: int, query: str = "") -> Walk:
        """Read all pages of ``limit``, changing things at the same time."""
        cursor: str | None = ""
        last = ""
        while cursor is not None:
            asked = f"limit={limit}&cursor={cursor}{query}"
            page, _ = await asyncio.gather(
                self.shop.ask("GET", "/api/trackings", query=asked), self._churn(last)
            )
            said = ok(page)
            ids = [one["id"] for one in said["items"]]
            self.walk.seen.update(ids)
            self.walk.pages += 1
            cursor, last = said["next_cursor"], ids[-1] if ids else ""
            if self.walk.pages > 3 * ROWS:
                break
        return self.walk

    async def _churn(self, at_cursor: str) -> None:
        """Let some come and go; now and then the very one that the cursor stands at."""
        store, world_id = self.shop.house.store, self.shop.house.world_id
        going = self.random.sample(self.there, min(3, len(self.there) // 4))
        if at_cursor and self.random.random() < 0.5:
            going.append(at_cursor)
        gone = await store.delete_trackings(world_id, going)
        self.walk.went += len(gone)
        self.walk.stayed -= set(gone)
        self.there = [one for one in self.there if one not in set(gone)] if gone else self.there
        self.walk.came += await self._create(self.random.randrange(4))
        stored = await store.load(world_id, self.random.choice(self.there))
        if stored is not None:
            await self.shop.house.service.update(stored, details={"note": "changed"})
            self.walk.changed += 1

    async def _create(self, count: int) -> int:
        now = self.shop.house.clock.now()
        new = []
        for _ in range(count):
            self._made += 1
            number = f"RA{self._made:09d}CH"
            one = make_new(number, world_id=self.shop.house.world_id, created_at=now)
            # Random ids: in one millisecond the order of ids is not the order of creation.
            identity = f"{now:012x}{self.random.getrandbits(80):020x}"
            new.append(replace(one, tracking=replace(one.tracking, id=identity)))
        if new:
            await self.shop.house.store.create_trackings(new)
        self.there += [one.tracking.id for one in new]
        return len(new)


async def walk_through(
    rows: int, engine: str, *, seed: int, operations: tuple[Operation, ...] = ALL
) -> Walk:
    """Page through ``rows`` trackings on an engine of ``ENGINES``."""
    clock = FrozenClock()
    with tempfile.TemporaryDirectory() as folder:
        async with (
            _opener(engine, clock) as open_one,
            open_house(Path(folder), lambda _: [], clock=clock, open_one=open_one) as house,
        ):
            walker = Walker(Shop(house, operations), seed)
            await walker.fill(rows)
            return await walker.go(limit=max(7, min(200, rows // 250)))


@asynccontextmanager
async def _opener(engine: str, clock: FrozenClock) -> AsyncIterator[OpenStore | None]:
    if engine == "sqlite":
        yield None
        return
    cluster = Cluster()
    try:
        from parcelwire.store.postgres import open_store

        dsn = cluster.create_database()

        async def open_one(sealer: ValueSealer | None = None) -> Store:
            return await open_store(dsn, render=render, clock=clock, pool_size=4, sealer=sealer)

        yield open_one
    finally:
        cluster.remove()


# --- planted bugs -----------------------------------------------------------------------------


async def _page_by_offset(house: House, asked: Asked) -> Page[Any]:
    """Count rows from the top: what comes or goes above moves everything."""
    query = asked.query
    offset = read_cursor(query.cursor, "offset", tuple[int])[0] if query.cursor else 0
    rows = await house.store.list_trackings(
        asked.world_id, filter_of(house, query), offset=offset, limit=query.limit + 1
    )
    return page_of(
        rows,
        query.limit,
        lambda row: tracking_object(house, row),
        lambda _: make_cursor("offset", offset + query.limit),
    )


async def _page_by_time(house: House, asked: Asked) -> Page[Any]:
    """Go on behind a time of creation: others that have the same are passed over."""
    query = asked.query
    after = None
    if query.cursor:
        after = TrackingPlace(read_cursor(query.cursor, "time", tuple[int])[0], "0" * 32)
    rows = await house.store.page_trackings(
        asked.world_id, filter_of(house, query), after=after, limit=query.limit + 1
    )
    return page_of(
        rows,
        query.limit,
        lambda row: tracking_object(house, row),
        lambda row: make_cursor("time", row.tracking.created_at),
    )


PLANTED: Final = {"offset": _page_by_offset, "time": _page_by_time}


def planted(name: str) -> tuple[Operation, ...]:
    """Return the table of calls with one of ``PLANTED`` in it."""
    handler = PLANTED[name]
    return tuple(
        replace(one, handler=handler) if one.name == "list_trackings" else one for one in ALL
    )


def run(*, scale: float, seed: int) -> Outcome:
    """Page through 100,000 trackings (times ``scale``) on both engines."""
    rows = max(1_000, round(ROWS * scale))
    violations: list[str] = []
    notes: list[str] = []
    tried = 0
    for engine in ENGINES:
        walk = asyncio.run(walk_through(rows, engine, seed=seed))
        tried += walk.pages
        violations += [f"{engine}: {one}" for one in walk.violations()]
        if not (walk.came and walk.went and walk.changed):
            violations.append(f"{engine}: nothing came and went")
        notes.append(
            f"{engine}: {len(walk.seen):,} seen on {walk.pages} pages, {walk.came} came,"
            f" {walk.went} went"
        )
    found = sum(
        bool(asyncio.run(walk_through(1_000, "sqlite", seed=seed, operations=planted(one)))
             .violations())
        for one in PLANTED
    )  # fmt: skip
    return Outcome(
        id="D7",
        name=f"paging through {rows:,} trackings while others come and go, two engines",
        tried=tried,
        fired=tried,
        violations=violations,
        notes="; ".join(notes),
        planted_found=found,
        planted_of=len(PLANTED),
    )


PROOFS = {"D7": run}
