"""How the processes of a world come and go: started, killed, without power, moved, strange."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
from typing import Final

from parcelwire.connectors.key_file import create_key_file
from parcelwire.domain.clock import SECOND
from prove.worlds.process import Ground, Process, UnknownOutcomeError

_BUSY: Final = frozenset({"carrier asked", "message sent", "request"})
"""Points at which something is going on."""

BUSY_FOR: Final = 5 * SECOND
"""For so long after such a point others count, too."""

MOST_DEATHS: Final = 12
"""More of them teach nothing new, and starting anew takes a world's time."""


class Running:
    """The processes of one world."""

    def __init__(self, ground: Ground, chance: random.Random, *, strange_keys: Path) -> None:
        """Start none yet. ``strange_keys``: a key file that is not the installation's."""
        self.plan = ground.plan
        self.ledger = ground.ledger
        self._ground = ground
        self._clock = ground.clock
        self._disk = ground.disk
        self._loop = ground.loop
        self._outside = copy_context()
        self._chance = chance
        self._strange_keys = strange_keys
        self._processes: list[Process] = []
        self._strangers: list[Process] = []
        self._has_disk = asyncio.Event()
        self._has_disk.set()
        self._started = 0
        self._busy_at = 0
        self._steps_to_death = self._draw_death()
        self._restarts: list[asyncio.Task[None]] = []

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

    async def _stop_all(self) -> None:
        for one in self._processes:
            if one.is_alive:
                await one.stop()

    def _kill_all(self) -> None:
        for one in (*self._processes, *self._strangers):
            one.kill()

    async def _until(self, at: int) -> None:
        await asyncio.sleep(max(0, at - self._clock.true_ms()) / SECOND)


def key_file(folder: Path, name: str) -> Path:
    """Return the key file of that name; the same key in every world."""
    path = folder / f"{name}.key"
    if not path.exists():
        create_key_file(path, random.Random(f"key {name}").randbytes)
    return path
