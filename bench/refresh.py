"""What a refresh costs: the CPU of one answer worked in and stored, and how fast polls turn over.

    python -m bench.refresh [ROWS]

CPU is that of the whole process, the store's writer thread included. Machines differ; the ratios
are against a constant of the same run, the decoding and encoding of the parcel that is refreshed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import uvloop
from msgspec.structs import replace

from bench.seed import story
from parcelwire.api.v4.render import render_tracking
from parcelwire.couriers.detection import default_detector
from parcelwire.couriers.registry import default_registry
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import DAY, HOUR, SECOND, FrozenClock
from parcelwire.domain.merge import merge
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.tracking import Tracking
from parcelwire.polling.carrier_throttle import CarrierThrottle
from parcelwire.polling.plan import PollPlanner
from parcelwire.polling.worker import PollSettings, PollWorker
from parcelwire.store.port import Store
from parcelwire.store.sqlite import open_store
from parcelwire.tracking.courier_correction import CourierCorrector
from parcelwire.tracking.courier_detection_retry import CandidateFinder
from parcelwire.tracking.history import CourierHistory
from parcelwire.tracking.ports import CarrierPolicy, NewTracking, PollResult, PollState
from parcelwire.tracking.refresh import Refresher
from parcelwire.webhooks.message import MessageComposer
from tests.contract.store.samples import make_past

ROWS = 100_000
PARCELS = 2_000
BURSTS = 5
CLAIMED = 200
WORLD = 2
NOW = FrozenClock().now() + DAY
TARGET_NOTHING_NEW_US = 110.0
TARGET_ONE_NEW_US = 250.0

POLICY = CarrierPolicy(
    connector="swiss-post",
    budget_key="swiss-post:bench",
    batch_size=10,
    requests_per_minute=6_000_000,
    requests_per_day=None,
    home_zone="Europe/Zurich",
    quiet_from_hour=22,
    quiet_to_hour=6,
)


class Instantly:
    """A carrier that answers without a network: ten known events, and one more when told so."""

    def __init__(self) -> None:
        self.known = story()
        self.news: tuple[Checkpoint, ...] = ()

    async def policy(self, world_id: int, courier_code: str) -> CarrierPolicy | None:
        """Allow more than anybody can ask."""
        return POLICY

    async def fetch(
        self, world_id: int, courier_code: str, trackings: Sequence[Tracking]
    ) -> list[CarrierReport]:
        """Answer at once."""
        return [self.report(tracking) for tracking in trackings]

    def report(self, tracking: Tracking) -> CarrierReport:
        """Return one answer."""
        # A carrier's answer is parsed anew every time, so its events are no objects we know.
        events = tuple(replace(one) for one in (*self.known, *self.news))
        return CarrierReport(
            number=tracking.number,
            outcome=Outcome.FOUND,
            checkpoints=events,
            fetched_at=NOW,
            connector="swiss-post",
        )

    def phrase(self, courier_code: str, raw_code: str, language: str) -> str | None:
        """Know no other wording."""
        return None

    def next_event(self) -> None:
        """Let one more thing have happened."""
        count = len(self.news)
        self.news += (
            replace(
                self.known[-1],
                local_time=f"2026-03-05T{count // 60:02d}:{count % 60:02d}:00",
                raw_code=f"PARCEL.*.88.{count}",
            ),
        )


class Counting:
    """Ids that only go up."""

    def __init__(self) -> None:
        self._count = 0

    def new_id(self, now: int) -> str:
        """Return the next id."""
        self._count += 1
        return f"{now:012x}{self._count:020x}"

    def new_token(self) -> str:
        """Return the next token; nobody is kept out here."""
        self._count += 1
        return f"{self._count:040x}"


def run(rows: int = ROWS) -> dict[str, float]:
    """Measure, print and return the figures by name and unit."""
    figures = {"unit_us": _measure_unit()}
    with tempfile.TemporaryDirectory(prefix="parcelwire-bench-") as folder:
        uvloop.run(_measure_refresh(Path(folder) / "refresh.db", figures))
        uvloop.run(_measure_turnover_on_sqlite(Path(folder) / "polls.db", rows, figures))
    uvloop.run(_measure_turnover_on_postgres(rows, figures))
    for name in ("nothing_new", "one_new"):
        figures[f"apply_{name}_ratio"] = figures[f"apply_{name}_us"] / figures["unit_us"]
    _print(figures)
    return figures


def shortfalls(figures: dict[str, float]) -> list[str]:
    """Return a line for each target that the figures miss."""
    return [
        f"refresh: {name} takes {figures[f'apply_{name}_us']:.0f} us of CPU, the target is {most}"
        for name, most in (
            ("nothing_new", TARGET_NOTHING_NEW_US),
            ("one_new", TARGET_ONE_NEW_US),
        )
        if figures[f"apply_{name}_us"] > most
    ]


def _parcel(index: int, identifiers: Counting) -> Tracking:
    plain = Tracking(
        id=identifiers.new_id(NOW - DAY),
        world_id=WORLD,
        number=f"99{index:016d}",
        typed_number=f"99{index:016d}",
        courier_code="swiss-post",
        created_at=NOW - DAY,
        updated_at=NOW - DAY,
        page_token=identifiers.new_token(),
    )
    return merge(plain, replace(Instantly().report(plain), fetched_at=NOW - HOUR)).tracking


def _measure_unit() -> float:
    """Return the microseconds to encode and decode the parcel, the best of some bursts."""
    parcel = _parcel(1, Counting())
    encode = msgspec.json.Encoder().encode
    decode = msgspec.json.Decoder(Tracking).decode
    best = float("inf")
    for _ in range(BURSTS):
        began = time.process_time()
        for _ in range(PARCELS):
            decode(encode(parcel))
        best = min(best, time.process_time() - began)
    return best / PARCELS * 1e6


async def _measure_refresh(path: Path, figures: dict[str, float]) -> None:
    clock = FrozenClock(NOW)
    store: Store = await open_store(path, render=render_tracking, clock=clock)
    identifiers, registry, carrier = Counting(), default_registry(), Instantly()
    parcels = [_parcel(index, identifiers) for index in range(PARCELS)]
    planner = PollPlanner()
    finder = CandidateFinder(
        default_detector(), registry, carrier, history=CourierHistory(store, clock)
    )
    refresher = Refresher(
        store,
        composer=MessageComposer({}, identifiers),
        planner=planner,
        registry=registry,
        identifiers=identifiers,
        clock=clock,
        finder=finder,
    )
    for first in range(0, PARCELS, 500):
        await store.create_trackings(
            [
                NewTracking(tracking=one, due_at=None, due_reason="bench")
                for one in parcels[first : first + 500]
            ]
        )
    ids = [one.id for one in parcels]

    async def apply_all() -> float:
        """Work one answer into every parcel; return CPU seconds."""
        stored = await store.load_many(ids)
        reports = [carrier.report(one.tracking) for one in stored]
        began = time.process_time()
        for first in range(0, PARCELS, 50):
            results = await asyncio.gather(
                *(
                    refresher.apply_report(one, report, POLICY)
                    for one, report in zip(
                        stored[first : first + 50], reports[first : first + 50], strict=True
                    )
                )
            )
            unchanged = [one for one in results if isinstance(one, PollResult)]
            if unchanged:
                await store.save_polls(unchanged)
        return time.process_time() - began

    worker = PollWorker(
        store,
        carriers=carrier,
        throttle=CarrierThrottle(store, clock),
        refresher=refresher,
        finder=finder,
        corrector=CourierCorrector(
            store,
            finder=finder,
            carriers=carrier,
            planner=planner,
            refresher=refresher,
            clock=clock,
        ),
        clock=clock,
        settings=PollSettings(),
    )

    async def poll_all() -> float:
        """Let the worker claim, ask about and store every parcel; return CPU seconds."""
        # All of them become due at once.
        await store.save_polls(
            [PollResult(tracking_id=one, poll=PollState(due_at=clock.now())) for one in ids]
        )
        began = time.process_time()
        while await worker.step():
            pass
        await worker.drain()
        return time.process_time() - began

    for name, work in (("apply", apply_all), ("poll", poll_all)):
        best = {"nothing_new": float("inf"), "one_new": float("inf")}
        for _ in range(BURSTS):
            best["nothing_new"] = min(best["nothing_new"], await work())
            carrier.next_event()
            best["one_new"] = min(best["one_new"], await work())
        for case, seconds in best.items():
            figures[f"{name}_{case}_us"] = seconds / PARCELS * 1e6
    assert all(
        len(one.tracking.checkpoints) == 10 + 2 * BURSTS for one in await store.load_many(ids)
    )
    await store.close()


async def _measure_turnover_on_sqlite(path: Path, rows: int, figures: dict[str, float]) -> None:
    store: Store = await open_store(path, render=lambda _: b"{}", clock=FrozenClock(NOW))
    figures["sqlite_polls_per_second"] = await _turn_over(store, rows)
    await store.close()


async def _measure_turnover_on_postgres(rows: int, figures: dict[str, float]) -> None:
    try:
        from parcelwire.store.postgres import open_store as open_postgres
        from tests.contract.store.postgres_fixture import Cluster
    except ImportError as error:
        print(f"PostgreSQL is not measured: {error}", file=sys.stderr)
        return
    cluster = await asyncio.to_thread(Cluster, is_in_memory=False)
    try:
        store: Store = await open_postgres(
            cluster.create_database(), render=lambda _: b"{}", clock=FrozenClock(NOW)
        )
        figures["postgres_polls_per_second"] = await _turn_over(store, rows)
        await store.close()
    finally:
        await asyncio.to_thread(cluster.remove)


async def _turn_over(store: Store, rows: int) -> float:
    """Return how many polls a second are claimed and given back with their next due time."""
    identifiers = Counting()
    pattern = replace(_parcel(0, identifiers), checkpoints=())
    for first in range(0, rows, 1_000):
        await store.create_trackings(
            [
                NewTracking(
                    tracking=replace(
                        pattern,
                        id=identifiers.new_id(NOW),
                        number=f"99{index:016d}",
                        page_token=identifiers.new_token(),
                    ),
                    due_at=NOW - rows + index,
                    due_reason="bench",
                )
                for index in range(first, min(rows, first + 1_000))
            ]
        )
    turned, began = 0, time.perf_counter()
    while time.perf_counter() - began < 4.0 and turned < rows:
        claims = await store.claim_polls(NOW, lease_until=NOW + 30 * SECOND, limit=CLAIMED)
        if not claims:
            break
        poll = PollState(due_at=NOW + HOUR, due_reason="bench", checked_at=NOW, checks=1)
        await store.save_polls(
            [
                PollResult(
                    tracking_id=one.tracking_id,
                    poll=poll,
                    past=make_past(NOW),
                    lease=NOW + 30 * SECOND,
                )
                for one in claims
            ]
        )
        turned += len(claims)
    return turned / (time.perf_counter() - began)


def _print(figures: dict[str, float]) -> None:
    print("refresh (10 to 20 checkpoints, SQLite, v4 renditions), CPU of the process:")
    for name in ("apply_nothing_new", "apply_one_new", "poll_nothing_new", "poll_one_new"):
        times = figures[f"{name}_us"] / figures["unit_us"]
        print(f"  {name:20} {figures[f'{name}_us']:7.0f} us   {times:5.1f} x decode + encode")
    for engine in ("sqlite", "postgres"):
        if f"{engine}_polls_per_second" in figures:
            rate = figures[f"{engine}_polls_per_second"]
            print(f"  {engine:8} {rate:9,.0f} polls a second claimed and finished, one worker")


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]) if sys.argv[1:] else ROWS), indent=2))
