"""One process of the service: the real rooms, wired by ``bootstrap``, on a world's ground.

A process can die at any of its points. Then none of its tasks goes on: what it had in memory is
gone, what it asked of the disk after that moment is not done, and nobody hears its answers.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from parcelwire.api.v4.render import Renderer
from parcelwire.bootstrap import Kinds, Outside, WiringSettings, wire
from parcelwire.bootstrap.key_identity import KeyIdentity
from parcelwire.bootstrap.workers import Worker
from parcelwire.connectors.connections import StoredConnections
from parcelwire.connectors.gateway import Gateway
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.connectors.routing import GatewaySettings
from parcelwire.couriers.registry import default_registry
from parcelwire.polling.plan import PollPlanner
from parcelwire.polling.worker import PollSettings
from parcelwire.store.port import StoreUnavailableError
from parcelwire.tracking.journeys import JourneyKeeper
from parcelwire.tracking.refresh import Refresher
from parcelwire.webhooks.housekeeping import Housekeeper, KeepingSettings
from parcelwire.webhooks.message import MessageComposer
from parcelwire.webhooks.settings import WebhookSettings
from prove.worlds.carriers import FIRST, SECOND, Carriers, HeardCarriers, Line
from prove.worlds.clocks import MachineClock, WorldWatch
from prove.worlds.disk import Disk, Life, StepWriter
from prove.worlds.ledger import Ledger
from prove.worlds.loop import SimulatedLoop
from prove.worlds.receivers import Receivers
from prove.worlds.sky import Plan, WorldClock, WorldIdentifiers
from prove.worlds.stores import WorldStore

T = TypeVar("T")

WEB: Final = frozenset((FIRST, SECOND))
"""Carriers that have a public way to ask."""

KEPT_DAYS: Final = 30.0
"""How far back the events feed reaches in a world."""
_FOR_EVER_DAYS: Final = 36_500.0

LONGEST_CALL_SECONDS = 3_600.0
"""A request that takes longer is a hang."""

_CURRENT: ContextVar[Process | None] = ContextVar("process", default=None)


class Parts(msgspec.Struct, frozen=True):
    """Of which classes a process is made; planted bugs put their own in."""

    writer: type[StepWriter] = StepWriter
    store: type[WorldStore] = WorldStore
    watch: type[WorldWatch] = WorldWatch
    refresher: type[Refresher] = Refresher
    planner: type[PollPlanner] = PollPlanner
    composer: type[MessageComposer] = MessageComposer
    disk: type[Disk] = Disk
    gateway: type[Gateway] = Gateway
    ring: type[KeyRing] = KeyRing
    journeys: type[JourneyKeeper] = JourneyKeeper


class UnknownOutcomeError(Exception):
    """The process died before it could answer."""


class Ground(msgspec.Struct):
    """What all processes of a world stand on."""

    plan: Plan
    loop: SimulatedLoop
    clock: WorldClock
    """The clock of the database's machine, which a world with one machine goes by."""
    ledger: Ledger
    disk: Disk
    keys: Path
    """The installation's key file."""
    carriers: Carriers
    receivers: Receivers
    identifiers: WorldIdentifiers
    webhooks: WebhookSettings
    parts: Parts


def task_factory(
    loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
) -> asyncio.Task[Any]:
    """Make a task that belongs to the process in whose code it is made."""
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
    process = _CURRENT.get()
    if process is not None:
        process.adopt(task)
    return task


def _keeping(plan: Plan) -> KeepingSettings:
    """Return what is pruned: events alone, since all else is compared at the end."""
    return KeepingSettings(
        message_days=_FOR_EVER_DAYS,
        waiting_days=0,
        event_days=KEPT_DAYS,
        idempotency_hours=24 * _FOR_EVER_DAYS,
        # Few rounds in a short world, two a day in a long one.
        idle_seconds=min(12 * 3_600.0, plan.poll_seconds),
    )


class Process:
    """A running (or dead) Parcelwire."""

    def __init__(
        self,
        number: int,
        ground: Ground,
        at_point: Callable[[Process, str], None],
        *,
        keys: Path | None = None,
    ) -> None:
        """Start it: open the store, start the workers. ``number``: from 1, of all processes.

        ``keys``: a key file that is not the installation's.
        """
        self._keys = keys or ground.keys
        self.name = f"p{number}"
        machines = ground.plan.machines
        self.clock: WorldClock | MachineClock = ground.clock
        if machines:
            machine = machines[number % len(machines)]
            self.clock = MachineClock(ground.clock, machine, self._note_corrected)
        self.ledger = ground.ledger
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._living = Life(lambda what: at_point(self, what))
        token = _CURRENT.set(self)
        try:
            self._build(ground)
        finally:
            _CURRENT.reset(token)

    def _build(self, ground: Ground) -> None:
        plan, clock, parts, living = ground.plan, self.clock, ground.parts, self._living
        chance = random.Random(f"{self.name} {plan.seed}")  # it must be repeatable
        registry = default_registry()
        self.ring = parts.ring(self._keys, chance.randbytes)
        renderer = Renderer(registry)
        self._opened = ground.disk.open(
            living,
            ground.loop,
            chance,
            renderer.tracking,
            self.ring,
            writer=parts.writer,
            store=parts.store,
        )
        store = self.store = self._opened.store
        store.begin(ground.clock if plan.machines else None, ground.ledger, chance)
        gateway = parts.gateway(
            ground.carriers.catalogue(),
            Line(ground.carriers, self.name, clock, living),
            source=StoredConnections(store, self.ring, clock),
            settings=GatewaySettings(
                web_connectors=WEB if not plan.has_connections else frozenset(),
                web_min_interval_seconds=0,
            ),
            clock=clock,
        )
        carriers = HeardCarriers(gateway, ground.ledger)
        renderer.speak(carriers.phrase)
        self._identity = KeyIdentity(store, self.ring, clock=clock, is_default_path=False)
        self._random_bytes = chance.randbytes
        wired = wire(
            Outside(
                store=store,
                clock=clock,
                identifiers=ground.identifiers,
                random=chance.random,
                registry=registry,
                carriers=carriers,
                polled_carriers=carriers,
                sender=ground.receivers.at_door(self.name, living),
                renderer=renderer,
            ),
            WiringSettings(
                time_scale=plan.speed,
                polls=PollSettings(idle_seconds=plan.poll_seconds),
                webhooks=ground.webhooks,
            ),
            Kinds(refresher=parts.refresher, planner=parts.planner, composer=parts.composer),
        )
        self.service, self.composer = wired.service, wired.composer
        self.polls, self.delivery = wired.polls, wired.delivery
        self._journeys = parts.journeys(store, clock=clock, idle_seconds=plan.poll_seconds)
        self._housekeeper = Housekeeper(store, clock=clock, settings=_keeping(plan))
        self._begun = asyncio.Event()
        self._working: Sequence[asyncio.Task[None]] = ()
        self._watch: WorldWatch | None = None
        if isinstance(clock, MachineClock):
            self._watch = parts.watch(
                store,
                clock,
                true_ms=ground.clock.true_ms,
                changes=plan.clock_changes,
            )
        self._beginning = asyncio.ensure_future(self._begin())

    async def _begin(self) -> None:
        """Do what comes before all else, as ``bootstrap`` does it; then start the workers."""
        if self._watch is not None:
            await self._watch.step()
        await self._settle_key()
        self._working = [asyncio.ensure_future(one.run()) for one in self._workers()]
        self._begun.set()

    async def _settle_key(self) -> None:
        while True:
            try:
                await self._identity.settle(self._random_bytes, may_make=True)
            except StoreUnavailableError:
                await asyncio.sleep(5)  # whoever starts processes tries again
            else:
                return

    def _workers(self) -> list[Worker]:
        watches = [] if self._watch is None else [self._watch]
        return [self.polls, self.delivery, self._journeys, self._housekeeper, *watches]

    def _note_corrected(self, by: int) -> None:
        if self._begun.is_set():
            self.ledger.jumps.append((self.ledger.now(), by))
            self.ledger.fault("clock corrected", self.name, by)
        else:
            self.ledger.fault("started with a wrong clock", self.name, by)

    @property
    def is_alive(self) -> bool:
        """False after its death or its end."""
        return not self._living.is_over

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Take note of a task that dies with the process."""
        self._tasks[task] = None
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        # Retrieved here, so that nobody complains of what the dead have left.
        if not task.cancelled() and (error := task.exception()) and not self._living.is_over:
            self.ledger.note("task failed", self.name, repr(error))

    async def call(self, work: Callable[[Process], Awaitable[T]]) -> T:
        """Do something in this process, as a request from outside would.

        Raises:
            UnknownOutcomeError: the process died meanwhile.
            Whatever ``work`` raises.
        """
        if not self.is_alive:
            raise UnknownOutcomeError

        async def request() -> T:
            await self._begun.wait()
            if not self._living.point("request"):
                self._living.check()
            return await work(self)

        token = _CURRENT.set(self)
        try:
            task = asyncio.ensure_future(request())
        finally:
            _CURRENT.reset(token)
        await asyncio.wait([task], timeout=LONGEST_CALL_SECONDS)
        if not task.done():
            self.ledger.wrong(f"a request to {self.name} hangs: {task.get_stack()}")
            raise UnknownOutcomeError
        if task.cancelled() or (
            (error := task.exception()) is not None and not isinstance(error, Exception)
        ):
            raise UnknownOutcomeError  # ``Killed``, perhaps in a group of such
        return task.result()

    def kill(self) -> None:
        """End it here and now."""
        if self._living.is_over:
            return
        self._living.is_over = True
        for task in list(self._tasks):
            task.cancel()
        self._opened.drop()

    async def stop(self) -> None:
        """End it as SIGTERM does: finish what is under way."""

        async def ending(process: Process) -> None:
            for worker in process._workers():
                worker.stop()
            await asyncio.wait(process._working)
            await process.service.drain()
            await process.store.close()

        await self.call(ending)
        self.kill()
