"""One world: drawn from a seed, lived to its end on simulated time, and judged."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from parcelwire.store.port import StoreUnavailableError
from parcelwire.webhooks.settings import WebhookSettings
from prove.worlds.carriers import Carriers
from prove.worlds.clocks import wrong_spans
from prove.worlds.complaints import listening
from prove.worlds.crowds import Crowd
from prove.worlds.customers import Customer
from prove.worlds.damage import Victim
from prove.worlds.insisting import InsistentShop
from prove.worlds.judge import Judge
from prove.worlds.keepers import Keeper
from prove.worlds.leaving import LeavingShop
from prove.worlds.ledger import TAIL, Ledger
from prove.worlds.loop import SimulatedLoop, StalledError, live
from prove.worlds.process import Ground, Parts, UnknownOutcomeError, task_factory
from prove.worlds.readers import FeedReader, RareReader
from prove.worlds.receivers import Receivers
from prove.worlds.running import Running, key_file
from prove.worlds.sky import Plan, WorldClock, WorldIdentifiers, plan_of
from prove.worlds.users import Shop
from prove.worlds.waiting import PatientShop

AnyShop = TypeVar("AnyShop", bound=Shop)

WELL: Final = Parts()


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
    with listening() as complaints:
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


class _World(Running):
    def __init__(self, plan: Plan, loop: SimulatedLoop, folder: Path, parts: Parts) -> None:
        self.plan = plan
        self.violations: list[str] = []
        self.events = 0
        loop.set_task_factory(task_factory)
        self._clock = WorldClock(loop)
        self.ledger = Ledger(self._clock.true_ms)
        self.ledger.wrong_clocks += wrong_spans(plan)
        chance = random.Random(f"world {plan.seed}")
        self._disk = parts.disk(folder, self._is_full, chance)
        webhooks = WebhookSettings(max_attempts=plan.attempts, poll_seconds=plan.poll_seconds)
        self._carriers = Carriers(plan, self._clock, self.ledger)
        self._ground = Ground(
            plan=plan,
            loop=loop,
            clock=self._clock,
            ledger=self.ledger,
            disk=self._disk,
            keys=key_file(folder, "world"),
            carriers=self._carriers,
            receivers=Receivers(plan, self._clock, self.ledger, webhooks),
            identifiers=WorldIdentifiers(plan.seed, self.ledger.made_at, self._clock),
            webhooks=webhooks,
            parts=parts,
        )
        super().__init__(self._ground, chance, strange_keys=key_file(folder, "stranger"))

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
        await self._stop_all()

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
        self._kill_all()
        self._disk.close()

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
