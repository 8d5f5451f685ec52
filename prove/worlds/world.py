"""One world: drawn from a seed, lived to its end on simulated time, and judged."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from parcelwire.connectors.key_file import create_key_file
from parcelwire.domain.clock import SECOND
from parcelwire.store.port import StoreUnavailableError
from parcelwire.webhooks.settings import WebhookSettings
from prove.worlds.carriers import Carriers
from prove.worlds.clocks import wrong_spans
from prove.worlds.crowds import Crowd
from prove.worlds.customers import Customer
from prove.worlds.damage import Victim
from prove.worlds.insisting import InsistentShop
from prove.worlds.judge import Judge
from prove.worlds.keepers import Keeper
from prove.worlds.leaving import LeavingShop
from prove.worlds.ledger import TAIL, Ledger
from prove.worlds.loop import SimulatedLoop, StalledError, live
from prove.worlds.process import Ground, Parts, Process, UnknownOutcomeError, task_factory
from prove.worlds.readers import FeedReader, RareReader
from prove.worlds.receivers import Receivers
from prove.worlds.sky import Plan, WorldClock, WorldIdentifiers, plan_of
from prove.worlds.users import Shop
from prove.worlds.waiting import PatientShop

AnyShop = TypeVar("AnyShop", bound=Shop)

WELL: Final = Parts()


_BUSY: Final = frozenset({"carrier asked", "message sent", "request"})
"""Points at which something is going on."""

BUSY_FOR: Final = 5 * SECOND
"""For so long after such a point others count, too."""

MOST_DEATHS: Final = 12
"""More of them teach nothing new, and starting anew takes a world's time."""


class Verdict(msgspec.Struct):
    """How a world went."""

    seed: int
    violations: list[str]
    faults: Counter[str]
    digest: str
    counts: Counter[str]
    """Of what happened, by kind."""
    tail: list[str]
    """The end of the trace, for people."""


def run_world(seed: int, folder: Path, parts: Parts = WELL, *, is_whole: bool = False) -> Verdict:
    """Live through the world of a seed; ``folder`` holds its disk.

    ``is_whole``: keep the whole trace, however it went.
    """
    plan = plan_of(seed)
    with _listening() as complaints:
        world: list[_World] = []

        async def main(loop: SimulatedLoop) -> None:
            world.append(_World(plan, loop, folder, parts))
            try:
                await world[0].run()
            except Exception as error:  # noqa: BLE001  # whatever it is, the world did not go well
                world[0].ledger.wrong(f"the world ended early: {type(error).__name__}: {error}")
            finally:
                world[0].end()

        try:
            live(main)
        except StalledError as error:
            world[0].ledger.wrong(f"the service hangs: {error}")
            world[0].end()
    ledger = world[0].ledger
    violations = [*ledger.wrongs, *world[0].violations, *complaints]
    return Verdict(
        seed=seed,
        violations=violations,
        faults=ledger.faults,
        digest=ledger.digest(),
        counts=Counter(
            asks=len(ledger.asks),
            requests=len(ledger.receipts),
            events=world[0].events,
            lines=len(ledger.lines),
        ),
        tail=ledger.tail(count=len(ledger.lines) if is_whole else TAIL)
        if violations or is_whole
        else [],
    )


class _World:
    def __init__(self, plan: Plan, loop: SimulatedLoop, folder: Path, parts: Parts) -> None:
        self.plan = plan
        self.violations: list[str] = []
        self.events = 0
        loop.set_task_factory(task_factory)
        self._clock = WorldClock(loop)
        self.ledger = Ledger(self._clock.true_ms)
        self.ledger.wrong_clocks += wrong_spans(plan)
        self._loop = loop
        self._outside = copy_context()
        self._chance = random.Random(f"world {plan.seed}")
        self._disk = parts.disk(folder, self._is_full, self._chance)
        webhooks = WebhookSettings(attempts=plan.attempts, poll_seconds=plan.poll_seconds)
        self._carriers = Carriers(plan, self._clock, self.ledger)
        self._ground = Ground(
            plan=plan,
            loop=loop,
            clock=self._clock,
            ledger=self.ledger,
            disk=self._disk,
            keys=_key_file(folder, "world"),
            carriers=self._carriers,
            receivers=Receivers(plan, self._clock, self.ledger, webhooks),
            identifiers=WorldIdentifiers(plan.seed, self.ledger.made_at, self._clock),
            webhooks=webhooks,
            parts=parts,
        )
        self._strange_keys = _key_file(folder, "stranger")
        self._processes: list[Process] = []
        self._strangers: list[Process] = []
        self._has_disk = asyncio.Event()
        self._has_disk.set()
        self._started = 0
        self._busy_at = 0
        self._steps_to_death = self._draw_death()
        self._restarts: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        plan = self.plan
        for _ in range(plan.processes):
            self._start()
        accounts = [await self._open_account(number) for number in range(plan.accounts)]
        keepers = [
            Keeper(
                plan,
                self._clock,
                self.ledger,
                alive=self._alive,
                identifiers=self._ground.identifiers,
                account=account,
                chance=random.Random(f"keeper {account} {plan.seed}"),
            )
            for account in accounts
        ]
        shops = [
            self._person(kind, account)
            for account in accounts
            for kind in (Shop, InsistentShop, PatientShop, LeavingShop)
        ]
        readers = [
            FeedReader(
                self._clock,
                self.ledger,
                alive=self._alive,
                world_id=account * 2,
                chance=random.Random(f"reader {account} {plan.seed}"),
            )
            for account in accounts
        ]
        crowds = [self._person(Crowd, account) for account in accounts]
        victims = [self._person(Victim, account) for account in accounts]
        customers = [
            Customer(
                plan,
                self.ledger,
                carriers=self._carriers,
                alive=self._alive,
                identifiers=self._ground.identifiers,
                account=account,
            )
            for account in accounts
        ]
        rare = [
            RareReader(
                self._clock,
                self.ledger,
                alive=self._alive,
                world_id=account * 2 + is_test,
                chance=random.Random(f"rare reader {account} {is_test} {plan.seed}"),
            )
            for account in accounts
            for is_test in (0, 1)
        ]
        end = plan.active + plan.calm
        reading = [asyncio.ensure_future(reader.run(end)) for reader in readers]
        reading += [asyncio.ensure_future(reader.run(plan.active)) for reader in rare]
        reading += [asyncio.ensure_future(customer.run(end)) for customer in customers]
        others = [self._jump(), self._move(), self._employ_stranger()]
        if plan.damaged_at is not None:
            others += [victim.suffer(self._disk, plan.damaged_at) for victim in victims]
        weather = asyncio.gather(*others)
        endpoints = max(1, plan.endpoints // plan.accounts)
        parcels = max(2, plan.parcels // plan.accounts)
        await asyncio.gather(
            *(keeper.run(endpoints) for keeper in keepers),
            *(shop.run(parcels) for shop in shops),
            *(crowd.run(plan.crowd.parcels) for crowd in crowds if plan.crowd is not None),
        )
        await weather
        await self._until(plan.active)
        self.ledger.note("calm")
        for keeper in keepers:
            await keeper.open_all()
        await self._until(end)
        await asyncio.gather(*reading)
        await asyncio.gather(*self._restarts)
        process = await self._alive()
        judge = Judge(self._ground, keepers)
        self.violations = await process.call(lambda one: judge.judge(one.store))
        self.events = judge.events
        for one in self._processes:
            if one.is_alive:
                await one.stop()

    def _person(self, kind: type[AnyShop], account: int) -> AnyShop:
        name = kind.__name__.lower()
        return kind(
            self.plan,
            self._clock,
            self.ledger,
            carriers=self._carriers,
            alive=self._alive,
            account=account,
            chance=random.Random(f"{name} {account} {self.plan.seed}"),
        )

    def end(self) -> None:
        """Let go of everything, however it went."""
        for one in (*self._processes, *self._strangers):
            one.kill()
        self._disk.close()

    # -- processes ------------------------------------------------------------------------------

    def _start(self) -> Process:
        self._started += 1
        process = Process(self._started, self._ground, self._at_point)
        self.ledger.note("start", process.name)
        self._processes.append(process)
        return process

    async def _alive(self) -> Process:
        for _ in range(100):
            living = [process for process in self._processes if process.is_alive]
            if living:
                return self._chance.choice(living)
            await asyncio.sleep(30)
        msg = "no process came up again"
        raise RuntimeError(msg)

    def _draw_death(self) -> float:
        between = self.plan.steps_between_deaths
        if not between or len(self.ledger.deaths) >= MOST_DEATHS:
            return float("inf")
        # The first one comes soon: something must go wrong in every world.
        return 1 + self._chance.expovariate(1 / between if self.ledger.deaths else 0.2)

    def _at_point(self, process: Process, what: str) -> None:
        """Let a process die here if its time has come."""
        now = self._clock.true_ms()
        if what == "without power":
            self._lose_power(process, "in the middle of a commit")
            return
        if what in _BUSY:
            self._busy_at = now
        # A process that only looks around loses nothing when it dies.
        is_quiet = now >= self.plan.active or self.plan.is_quiet_at(now)
        if is_quiet or now - self._busy_at > BUSY_FOR:
            return
        self._steps_to_death -= 1
        if self._steps_to_death > 0:
            return
        self._steps_to_death = self._draw_death()
        if self._chance.random() >= self.plan.power_share:
            if self._chance.random() < 0.2:
                self._retire(process)
                return
            self.ledger.fault("kill", process.name, what)
            self._bury([process])
        elif what == "before commit":
            self._disk.fail_soon()
        else:
            self._disk.cut()
            self._lose_power(process, what)

    def _retire(self, process: Process) -> None:
        """Let a process end as SIGTERM asks it to, and start another one."""
        self.ledger.fault("restart", process.name)
        self.ledger.deaths.append(self._clock.true_ms())

        async def retiring() -> None:
            try:
                await process.stop()
            except UnknownOutcomeError:
                return  # it died before; then somebody else starts the next one
            await self._start_after(self._chance.random())

        self._restarts.append(self._outside.run(self._loop.create_task, retiring()))

    def _lose_power(self, process: Process, what: str) -> None:
        self._bury(self._processes)
        for one in self._strangers:
            one.kill()
        self.ledger.fault("power loss", process.name, what, self._disk.restore())

    def _bury(self, dying: list[Process]) -> None:
        self.ledger.deaths.append(self._clock.true_ms())
        for one in dying:
            if one.is_alive:
                one.kill()
                self._restarts.append(self._come_back())

    def _come_back(self) -> asyncio.Task[None]:
        seconds = self._chance.choice((0.1, 5.0, 60.0, 900.0)) * self._chance.random()

        # Not a task of the process that dies.
        return self._outside.run(self._loop.create_task, self._start_after(seconds))

    async def _start_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._has_disk.wait()
        self._processes = [one for one in self._processes if one.is_alive]
        self._start()

    async def _move(self) -> None:
        """Stop all processes, and go on from a backup on another disk."""
        for at in self.plan.moves:
            await self._until(at)
            self._has_disk.clear()
            living = [one for one in (*self._processes, *self._strangers) if one.is_alive]
            # The last one works until it is killed: what it has committed may be in the log only.
            await asyncio.gather(*(self._end_well(one) for one in living[:-1]))
            copy = self._disk.back_up()
            for one in living:
                one.kill()
            self._disk.move_to(copy)
            self.ledger.deaths.append(self._clock.true_ms())
            self.ledger.fault("moved", len(living))
            self._has_disk.set()
            self._processes = []
            for _ in range(self.plan.processes):
                self._start()

    async def _end_well(self, process: Process) -> None:
        with suppress(UnknownOutcomeError):
            await process.stop()

    async def _employ_stranger(self) -> None:
        """Let somebody start a process with a key file that is not the installation's."""
        if self.plan.stranger is None:
            return
        start, end = self.plan.stranger
        await self._until(start)
        await self._has_disk.wait()
        self._started += 1
        process = Process(
            self._started, self._ground, self._at_strange_point, keys=self._strange_keys
        )
        self.ledger.fault("strange key file", process.name)
        self._strangers.append(process)
        await self._until(end)
        process.kill()

    def _at_strange_point(self, process: Process, what: str) -> None:
        if what == "without power":
            self._lose_power(process, "in the middle of a stranger's commit")

    # -- weather --------------------------------------------------------------------------------

    def _is_full(self) -> bool:
        now = self._clock.true_ms()
        for start, end in self.plan.full_disks:
            if start <= now < end:
                self.ledger.fault("disk full")
                return True
        return False

    async def _jump(self) -> None:
        for at, by in self.plan.jumps:
            await self._until(at)
            self._clock.jump(by)
            if not self.plan.machines:
                self.ledger.jumps.append((self._clock.true_ms(), by))
            self.ledger.fault("clock jump", by)

    async def _until(self, at: int) -> None:
        await asyncio.sleep(max(0, at - self._clock.true_ms()) / SECOND)

    async def _open_account(self, number: int) -> int:
        for _ in range(100):
            try:
                account = await (await self._alive()).call(
                    lambda one: one.store.add_account(
                        f"shop{number}@example.com", now=self._clock.now()
                    )
                )
            except (UnknownOutcomeError, StoreUnavailableError):
                await asyncio.sleep(10)
            except ValueError:
                return number + 1
            else:
                return account.number
        msg = "no account could be opened"
        raise RuntimeError(msg)


def _key_file(folder: Path, name: str) -> Path:
    """Return the key file of that name; the same key in every world."""
    path = folder / f"{name}.key"
    if not path.exists():
        create_key_file(path, random.Random(f"key {name}").randbytes)
    return path


class _Complaints(logging.Handler):
    """Hears of faults inside the service: errors that nobody planned for, with their place."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is None or isinstance(error, StoreUnavailableError):
            return
        self.heard.append(f"inside: {record.getMessage()}: {type(error).__name__}: {error}")


@contextmanager
def _listening() -> Iterator[list[str]]:
    log = logging.getLogger("parcelwire")
    handler = _Complaints()
    level, propagates = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.ERROR)
    log.propagate = False
    try:
        yield handler.heard
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagates
