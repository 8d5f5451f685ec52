"""A disk that is full at random moments, under the whole program, and is given room again.

    HTTP calls -> the application (in process) -> store -> SQLite -> a disk that refuses

What must hold: an answer of success means stored; everything else is 503; what is read is answered
all the while; readiness tells; and when there is room again, the very next call works and readiness
says so, without a restart. The program runs its workers beside, on the machine's own clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from parcelwire.accounts.keys import CreateKey
from parcelwire.accounts.service import CreateAccount
from parcelwire.api.readiness import KEPT_SECONDS
from parcelwire.bootstrap import Installation, SystemClock, open_installation
from parcelwire.config import (
    ApiSection,
    CarriersSection,
    Config,
    PollingSection,
    SecretsSection,
    StoreSection,
)
from parcelwire.domain.clock import SECOND, Instant
from parcelwire.proofs.asgicall import call
from parcelwire.proofs.filelayer import watched_by_default
from parcelwire.proofs.fulldisks import FullDisk, Manner, RealDisk, RefusingLayer, SizeLimit
from parcelwire.proofs.inspection import Consistency, damage_of

DATABASE: Final = "parcelwire.db"
LONGEST_SIEGE: Final = 80
"""Rounds of calls after which a full disk must have refused something."""


class Siege(msgspec.Struct):
    """What came of a number of times at which the disk was full."""

    tried: int = 0
    fired: int = 0
    """How often something was refused."""
    counts: Counter[str] = msgspec.field(default_factory=Counter)
    violations: list[str] = []


def besiege(
    folder: Path,
    manner: Manner,
    times: int,
    *,
    seed: int,
    planting: AbstractContextManager[object] | None = None,
) -> Siege:
    """Let the disk under a new installation in ``folder`` be full so many times.

    Not to be called in a running event loop.
    """
    siege = Siege()
    refuses = manner not in {"file size limit", "real"}
    layer = RefusingLayer(manner)
    disk: FullDisk = layer
    with contextlib.ExitStack() as stack:
        if refuses:
            stack.enter_context(watched_by_default(layer))
        else:
            disk = SizeLimit(folder) if manner == "file size limit" else RealDisk(folder)
        stack.callback(disk.free)
        if planting is not None:
            stack.enter_context(planting)
        # Every refusal is logged; there are thousands.
        logging.disable(logging.CRITICAL)
        stack.callback(logging.disable, logging.NOTSET)
        asyncio.run(_Besieger(folder, disk, siege, seed).run(times))
    siege.violations += _faults_of_file(folder / DATABASE)
    siege.counts["refusals"] = layer.refused
    return siege


def _faults_of_file(path: Path) -> list[str]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        return damage_of(connection) + Consistency(None).faults(connection)
    finally:
        connection.close()


class _ForwardClock(SystemClock):
    """The machine's clock, put forward."""

    ahead = 0

    def now(self) -> Instant:
        """See ``Clock``."""
        return super().now() + self.ahead


class _Besieger:
    """Calls the program while its disk is full, and while it is not."""

    def __init__(self, folder: Path, disk: FullDisk, siege: Siege, seed: int) -> None:
        self._folder = folder
        self._disk = disk
        self._siege = siege
        self._dice = random.Random(seed)  # noqa: S311  # a seed must give the same calls again
        self._count = 0
        self._there: dict[str, str] = {}
        """Numbers whose creation was acknowledged, with their ids."""
        self._gone: set[str] = set()
        """Numbers whose deletion was acknowledged."""
        self._doubtful: set[str] = set()
        """Numbers of which a deletion was refused."""
        self._unanswered: dict[str, str] = {}
        """Idempotency keys of refused creations, with their numbers."""
        self._is_full = False
        self._clock = _ForwardClock()

    async def run(self, times: int) -> None:
        """Do it so many times, then look at everything once more."""
        house = await open_installation(self._config(), clock=self._clock, is_server=True)
        try:
            self._key = await _furnish(house)
            self._app = house.asgi()
            house.start_workers()
            number = 0
            # A WAL that was grown before has room of its own: such a disk is full, and nobody
            # notices. That is no trial.
            while self._siege.fired < times and number < 3 * times:
                before = len(self._siege.violations)
                await self._once()
                for place in range(before, len(self._siege.violations)):
                    self._siege.violations[place] = (
                        f"siege {number}: {self._siege.violations[place]}"
                    )
                number += 1
            self._siege.tried = times
            if self._siege.fired and not self._siege.counts["not ready"]:
                self._complain("readiness never told that the disk was full")
            await self._look_at_everything(house)
        finally:
            self._disk.free()
            await house.close()

    def _config(self) -> Config:
        return Config(
            store=StoreSection(url=f"sqlite:{self._folder / DATABASE}"),
            secrets=SecretsSection(key_file=str(self._folder / "parcelwire.key")),
            api=ApiSection(fetch_on_create=False, create_per_second=0.0, other_per_second=0.0),
            # What could not be written down is asked again when its lease ends.
            polling=PollingSection(idle_seconds=0.05, lease_seconds=2.0, fetch_timeout_seconds=1.0),
            carriers=CarriersSection(registry_file=str(self._folder / "couriers.json")),
        )

    async def _once(self) -> None:
        siege = self._siege
        for _ in range(self._dice.randrange(1, 4)):
            await self._call_something()
        if isinstance(self._disk, RealDisk):
            self._empty_wal()
        # Anywhere: at once, in the middle of a transaction, while the WAL is worked into the file.
        self._disk.fill(self._dice.choice((0, 1, 5, 20, 60, 120, 250)))
        self._is_full = True
        refused = siege.counts["503"]
        for _ in range(LONGEST_SIEGE):
            calls = (self._call_something() for _ in range(self._dice.randrange(1, 8)))
            await asyncio.gather(*calls)
            await self._read()
            if siege.counts["503"] > refused and self._dice.random() < 0.4:
                await self._ask_readiness()
                break
        siege.fired += siege.counts["503"] > refused
        siege.counts["unnoticed"] += siege.counts["503"] == refused
        self._disk.free()
        self._is_full = False
        # The very next ones.
        await self._ask_readiness()
        await self._create()
        for key, number in list(self._unanswered.items()):
            await self._create_once(number, key)
        await self._read()

    def _empty_wal(self) -> None:
        """Take away the room that the WAL has, so that it is needed again."""
        with contextlib.closing(apsw.Connection(str(self._folder / DATABASE))) as connection:
            connection.set_busy_timeout(2_000)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    async def _call_something(self) -> None:
        calls = (self._create, self._create, self._create_many, self._create_new, self._delete)
        await self._dice.choice(calls)()

    # -- calls ----------------------------------------------------------------------------------

    async def _create(self) -> None:
        number = self._new_number()
        body = {"tracking_number": number, "courier_code": "dhl"}
        status, answer = await self._ask("POST", "/v4/trackings/create", body)
        if status == 200:
            self._acknowledged(number, msgspec.json.decode(answer)["data"]["id"])

    async def _create_many(self) -> None:
        numbers = [self._new_number() for _ in range(self._dice.randrange(2, 12))]
        body = [{"tracking_number": one, "courier_code": "dhl"} for one in numbers]
        status, answer = await self._ask("POST", "/v4/trackings/batch", body)
        if status == 200:
            for one in msgspec.json.decode(answer)["data"]["success"]:
                self._acknowledged(one["tracking_number"], one["id"])

    async def _create_new(self) -> None:
        await self._create_once(self._new_number(), f"key-{self._count}")

    async def _create_once(self, number: str, key: str) -> None:
        status, answer = await self._ask(
            "POST",
            "/api/trackings",
            {"number": number, "courier_code": "dhl"},
            {"idempotency-key": key},
        )
        if status == 503:
            self._unanswered[key] = number
        else:
            self._unanswered.pop(key, None)
            self._acknowledged(number, msgspec.json.decode(answer)["id"])

    async def _delete(self) -> None:
        if not self._there:
            return
        number = self._dice.choice(list(self._there))
        identity = self._there.pop(number)
        status, _ = await self._ask("DELETE", f"/v4/trackings/delete/{identity}")
        if status == 200:
            self._gone.add(number)
            if self._is_stored(number):
                self._complain(f"{number} was deleted with success and is there")
        else:
            self._doubtful.add(number)

    async def _read(self) -> None:
        if not self._there:
            return
        number = self._dice.choice(list(self._there))
        for path, query in (
            ("/v4/trackings/get", f"tracking_numbers={number}"),
            (f"/api/trackings/{self._there[number]}", ""),
            ("/healthz", ""),
        ):
            status, answer = await call(self._app, "GET", path, query=query, key=self._key)
            self._siege.counts["reads"] += 1
            if status != 200 or (path != "/healthz" and number.encode() not in answer):
                self._complain(f"GET {path} was answered {status}: {answer[:100]!r}")

    async def _ask_readiness(self) -> None:
        # It looks anew: what it saw before is too old.
        self._clock.ahead += round(KEPT_SECONDS * SECOND)
        status, answer = await call(self._app, "GET", "/readyz", key=self._key)
        if status == 503 and self._is_full:
            self._siege.counts["not ready"] += 1
            if msgspec.json.decode(answer)["reason"] not in {"disk full", "disk error"}:
                self._complain(f"readiness tells another reason: {answer!r}")
        elif status == 503:
            self._complain(f"readiness was answered {answer!r} while the disk had room")
        else:
            # Room that the WAL had of its own let as much be written as readiness wants to see.
            self._siege.counts["ready while full"] += self._is_full

    async def _ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        status, answer = await call(
            self._app, method, path, body=body, key=self._key, headers=headers
        )
        if status == 503 and self._is_full:
            self._siege.counts["503"] += 1
        elif status in {200, 201}:
            self._siege.counts["success while full" if self._is_full else "success"] += 1
            return 200, answer
        else:
            self._complain(
                f"{method} {path} was answered {status} while the disk"
                f" {'was full' if self._is_full else 'had room'}: {answer[:120]!r}"
            )
        return 503, answer

    # -- judging --------------------------------------------------------------------------------

    def _acknowledged(self, number: str, identity: str) -> None:
        self._there[number] = identity
        if not self._is_stored(number):
            self._complain(f"{number} was acknowledged and is not stored")

    def _is_stored(self, number: str) -> bool:
        # By a connection of its own, with no watched layer in between.
        path = str(self._folder / DATABASE)
        connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE, vfs="unix")
        try:
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            sql = "SELECT count(*) FROM tracking WHERE number = ?"
            count = int(str(connection.execute(sql, (number,)).fetchall()[0][0]))
        finally:
            connection.close(force=True)
        if count > 1:
            self._complain(f"{number} is stored {count} times")
        return bool(count)

    async def _look_at_everything(self, house: Installation) -> None:
        for number in self._there:
            if not self._is_stored(number):
                self._complain(f"{number} was acknowledged and is lost")
        for number in self._gone:
            if self._is_stored(number):
                self._complain(f"{number} was deleted with success and is back")
        # The workers live on, too: what is due is asked about.
        deadline = time.monotonic() + (0 if self._siege.violations else 20)
        while time.monotonic() < deadline:
            stored = await house.store.load_many(list(self._there.values()))
            if all(one.poll.checks for one in stored):
                return
            await asyncio.sleep(0.1)
        self._complain("the workers stopped polling")

    def _complain(self, text: str) -> None:
        self._siege.violations.append(text)

    def _new_number(self) -> str:
        self._count += 1
        return f"SIMNORMAL{self._count:06d}"


async def _furnish(house: Installation) -> str:
    use_cases = house.use_cases
    owner = await use_cases.accounts.create(CreateAccount(email="proof@shop.example"))
    made = await use_cases.keys.create(CreateKey(account_number=owner.number, is_test=True))
    return made.text
