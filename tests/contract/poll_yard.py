"""A yard where parcels are asked about: a real store, real workers, carriers on a script."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from parcelwire.couriers.detection import default_detector
from parcelwire.couriers.registry import default_registry
from parcelwire.domain.account import Endpoint
from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.clock import DAY, Clock, FrozenClock, Instant, to_datetime
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Tracking
from parcelwire.polling.carrier_throttle import CarrierThrottle
from parcelwire.polling.plan import PollPlanner
from parcelwire.polling.worker import PollSettings, PollWorker
from parcelwire.store.port import Store
from parcelwire.tracking.courier_correction import CourierCorrector
from parcelwire.tracking.courier_detection_retry import CandidateFinder
from parcelwire.tracking.drafts import Draft, Drafting
from parcelwire.tracking.history import CourierHistory
from parcelwire.tracking.ports import PollState, Stored
from parcelwire.tracking.refresh import Refresher
from parcelwire.tracking.service import ServiceSettings, TrackingService
from parcelwire.webhooks.message import MessageComposer
from tests.contract.store.samples import WORLD, make_endpoint
from tests.support.house import ScriptedCarriers, SeededIdentifiers, report
from tests.unit.webhooks.builders import plain_renderer


class WatchedCarriers(ScriptedCarriers):
    """Carriers on a script that can be held up, and that notice being asked twice at a time."""

    def __init__(self, clock: FrozenClock) -> None:
        super().__init__()
        self._clock = clock
        self.calls: list[tuple[int, str, list[str]]] = []
        """(world, courier, numbers) of every conversation."""
        self.gates: dict[str, asyncio.Event] = {}
        """A courier with a gate answers when it is opened."""
        self.under_way: Counter[tuple[str, str]] = Counter()
        self.overlaps: list[tuple[str, str]] = []
        self.outages: dict[str, CarrierReport] = {}
        """What a courier answers to everything, instead of its script."""

    def hold(self, courier_code: str) -> asyncio.Event:
        gate = self.gates[courier_code] = asyncio.Event()
        return gate

    async def fetch(
        self, world_id: int, courier_code: str, trackings: Sequence[Tracking]
    ) -> list[CarrierReport]:
        numbers = [tracking.number for tracking in trackings]
        self.calls.append((world_id, courier_code, numbers))
        keys = [(courier_code, number) for number in numbers]
        self.overlaps += [key for key in keys if self.under_way[key]]
        self.under_way.update(keys)
        try:
            if courier_code in self.gates:
                await self.gates[courier_code].wait()
            else:
                await asyncio.sleep(0)
            reports = await super().fetch(world_id, courier_code, trackings)
        finally:
            self.under_way.subtract(keys)
        outage = self.outages.get(courier_code)
        return [
            replace(outage or one, number=one.number, fetched_at=self._clock.now())
            for one in reports
        ]

    def numbers_asked(self, courier_code: str) -> list[str]:
        return [number for _, courier, number in self.asked if courier == courier_code]


class PatientClock:
    """Stands as still as the yard's, but whoever sleeps on it lets the others work."""

    def __init__(self, clock: FrozenClock) -> None:
        self._clock = clock

    def now(self) -> Instant:
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.001)


class AwayError(Exception):
    """The store cannot be reached."""


class Unreliable:
    """A real store that can go away and come back; ``fired`` counts what it refused."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_away = False
        self.fired = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)

        async def call(*arguments: Any, **named: Any) -> Any:
            if self.is_away:
                self.fired += 1
                raise AwayError(name)
            return await found(*arguments, **named)

        return call


class Yard:
    """One store, its clock and its carriers; makes workers and services for them."""

    def __init__(self, store: Store, clock: FrozenClock, *, speed: float = 1.0) -> None:
        self.store = store
        self.clock = clock
        self.carriers = WatchedCarriers(clock)
        self.identifiers = SeededIdentifiers()
        self.planner = PollPlanner(speed)
        self.registry = default_registry()
        self.history = CourierHistory(store, clock)
        self.finder = CandidateFinder(
            default_detector(), self.registry, self.carriers, history=self.history, speed=speed
        )
        self.composer = MessageComposer(
            dict.fromkeys(("v2", "v4", "native"), plain_renderer), self.identifiers
        )
        self.notified = 0

    def refresher(self, store: Any = None) -> Refresher:
        return Refresher(
            store or self.store,
            composer=self.composer,
            planner=self.planner,
            registry=self.registry,
            identifiers=self.identifiers,
            clock=self.clock,
            notify=self._note_notified,
            finder=self.finder,
        )

    def worker(
        self, store: Any = None, *, clock: Clock | None = None, **settings: Any
    ) -> PollWorker:
        """Make a worker as another process would be: it shares nothing but the store."""
        given: Any = store or self.store
        throttle = CarrierThrottle(given, self.clock)
        refresher = self.refresher(given)
        corrector = CourierCorrector(
            given,
            finder=self.finder,
            carriers=self.carriers,
            planner=self.planner,
            refresher=refresher,
            clock=self.clock,
        )
        return PollWorker(
            given,
            carriers=self.carriers,
            throttle=throttle,
            refresher=refresher,
            finder=self.finder,
            corrector=corrector,
            clock=clock or self.clock,
            settings=PollSettings(**settings),
        )

    def service(
        self, store: Any = None, *, clock: Clock | None = None, **settings: Any
    ) -> TrackingService:
        given: Any = store or self.store
        return TrackingService(
            given,
            carriers=self.carriers,
            throttle=CarrierThrottle(given, self.clock),
            planner=self.planner,
            refresher=self.refresher(given),
            drafting=Drafting(
                self.registry,
                default_detector(),
                self.identifiers,
                self.history,
            ),
            registry=self.registry,
            clock=clock or self.clock,
            settings=ServiceSettings(**{"fetch_wait_seconds": 5.0, **settings}),
        )

    def _note_notified(self) -> None:
        self.notified += 1

    async def add_endpoint(self, world_id: int, **fields: Any) -> Endpoint:
        endpoint = make_endpoint(world_id, **fields)
        await self.store.add_endpoint(endpoint)
        return endpoint

    async def stored(self, tracking: Tracking | str) -> Stored:
        tracking_id = tracking if isinstance(tracking, str) else tracking.id
        (found,) = await self.store.load_many([tracking_id])
        return found

    async def poll(self, tracking: Tracking | str) -> PollState:
        return (await self.stored(tracking)).poll

    async def check_history(self, tracking: Tracking | str) -> Tracking:
        """Assert that a tracking's events are without a gap and end where it stands."""
        now = (await self.stored(tracking)).tracking
        events = [
            event
            for _, event in await self.store.events_after(now.world_id, 0, 10_000)
            if event.tracking_id == now.id
        ]
        assert [event.sequence for event in events] == list(range(1, now.sequence + 1))
        if events:
            assert events[-1].status is now.status
        return now

    def scan(self, ago: float = 0, **fields: Any) -> Checkpoint:
        """Make a checkpoint of ``ago`` seconds ago."""
        moment = to_datetime(self.clock.now() - round(ago * 1000))
        return Checkpoint(
            **{
                "local_time": moment.strftime("%Y-%m-%dT%H:%M:%S"),
                "offset_minutes": 0,
                "time_source": TimeSource.CARRIER,
                "text": "Sorted",
                "status": Status.TRANSIT,
                "substatus": Substatus.TRANSIT_AT_HUB,
                "raw_code": "S1",
                **fields,
            }
        )

    def delivered(self, ago: float = 0) -> Checkpoint:
        return self.scan(
            ago,
            status=Status.DELIVERED,
            substatus=Substatus.DELIVERED,
            text="Delivered",
            raw_code="D1",
        )


async def drive(worker: PollWorker, rounds: int = 50) -> int:
    """Do rounds until nothing is due; return how many claims there were."""
    claims = 0
    for _ in range(rounds):
        claimed = await worker.step()
        await worker.drain()
        if not claimed:
            return claims
        claims += claimed
    msg = f"still {claimed} due after {rounds} rounds in one instant"
    raise AssertionError(msg)


def outage(outcome: Outcome = Outcome.UNAVAILABLE, **fields: Any) -> CarrierReport:
    return report("", outcome=outcome, **{"detail": "503", **fields})


YEARS = 3650 * DAY


async def until(is_so: Callable[[], Any], seconds: float = 10.0) -> None:
    """Let the loop run until something is so."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not is_so():
        assert loop.time() < deadline, "it never came to pass"
        await asyncio.sleep(0.002)


async def kill(worker: Any) -> None:
    """End a worker's work in the middle, as the death of its process would."""
    tasks = list(worker._under_way)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def draft(number: str | None = "A1B2C3D4", courier: str | None = "dhl", **fields: Any) -> Draft:
    """Return what a shop says of a parcel."""
    return Draft(number=number, courier_code=courier, **fields)


async def followed(yard: Yard, service: TrackingService, *, days: int = 0) -> Stored:
    """Follow a parcel that was scanned an hour ago, and let ``days`` pass."""
    yard.carriers.script("dhl", "A1B2C3D4", report("", yard.scan(3600)))
    stored = await service.create(WORLD, draft())
    yard.clock.advance(days * 86_400)
    return stored
