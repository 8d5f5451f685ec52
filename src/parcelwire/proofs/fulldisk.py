"""A disk that is full at random moments, under the whole program, and is given room again.

    HTTP calls -> the application (in process) -> store -> SQLite -> a disk that refuses

What must hold: an answer of success means stored; everything else is 503; what is read is answered
all the while; and when there is room again, the very next call works, without a restart. The
program
runs its workers beside, on the machine's own clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import resource
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import apsw
import msgspec

from parcelwire.api.asgi import ASGIApp
from parcelwire.api.gate import digest_of, make_key, prefix_of
from parcelwire.bootstrap import Installation, open_installation
from parcelwire.config import (
    ApiSection,
    CarriersSection,
    Config,
    PollingSection,
    SecretsSection,
    StoreSection,
)
from parcelwire.domain.account import ApiKey
from parcelwire.proofs.filelayer import Call, watched_by_default
from parcelwire.proofs.inspection import Consistency, damage_of

Manner = Literal["no growth", "no write", "half a write", "no flush", "file size limit", "real"]

MANNERS: Final[tuple[Manner, ...]] = (
    "no growth",
    "no write",
    "half a write",
    "no flush",
    "file size limit",
)
"""What any process may do to itself. ``real`` wants the right to mount."""

DATABASE: Final = "parcelwire.db"
REAL_BYTES: Final = 96 << 20
"""More than database and WAL ever take here."""
LONGEST_SIEGE: Final = 80
"""Rounds of calls after which a full disk must have refused something."""


class FullDisk(Protocol):
    """Something that can be full."""

    def fill(self, after: int) -> None:
        """Be full, after so many more writes."""
        ...

    def free(self) -> None:
        """Have room again."""
        ...


class RefusingLayer:
    """SQLite's file layer, refusing."""

    flushes = False

    def __init__(self, manner: Manner) -> None:
        self.refused = 0
        self._manner = manner
        self._left: int | None = None

    def fill(self, after: int) -> None:
        """See ``FullDisk``."""
        self._left = after

    def free(self) -> None:
        """See ``FullDisk``."""
        self._left = None

    def before(self, call: Call) -> None:
        """See ``Watcher``."""
        if self._left is None or call.kind not in {"write", "sync"}:
            return
        self._left -= call.kind == "write"
        if self._left >= 0:
            return
        if self._manner == "no flush":
            if call.kind == "sync":
                self.refused += 1
                msg = "no room, said when flushing"
                raise apsw.IOError(msg)
            return
        if call.kind == "sync" or call.file is None:
            return
        grows = call.offset + len(call.data) > call.file.xFileSize()
        if self._manner == "no growth" and not grows:
            return
        if self._manner == "half a write":
            call.file.write_through(call.data[: len(call.data) // 2], call.offset)
        self.refused += 1
        msg = "no room"
        raise apsw.FullError(msg)


class SizeLimit:
    """The system's limit on the size of a file: no file of the database may grow."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self, after: int) -> None:
        """See ``FullDisk``."""
        sizes = [file.stat().st_size for file in self._folder.iterdir() if "-shm" not in file.name]
        # The smallest file that still grows by itself is the WAL; the first to be refused.
        limit = min(size for size in sizes if size > 30_000) + after * 4_096
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, self._before[1]))

    def free(self) -> None:
        """See ``FullDisk``."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


class RealDisk:
    """A small file system of its own, filled by another file."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self, after: int) -> None:
        """See ``FullDisk``."""
        with self._ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 4_096):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))
            file.truncate(max(0, file.tell() - after * 4_096))

    def free(self) -> None:
        """See ``FullDisk``."""
        self._ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def small_file_system(folder: Path) -> Iterator[bool]:
    """Have a small file system in ``folder`` for a while; False where that is not permitted."""
    done = subprocess.run(  # noqa: S603  # our own arguments
        ["mount", "-t", "tmpfs", "-o", f"size={REAL_BYTES},mode=0700", "tmpfs", str(folder)],  # noqa: S607  # the system's
        capture_output=True,
        check=False,
    )
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607  # as above


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

    async def run(self, times: int) -> None:
        """Do it so many times, then look at everything once more."""
        house = await open_installation(self._config())
        try:
            self._key = await _furnish(house)
            self._app = house.asgi()
            house.start_workers()
            for number in range(times):
                before = len(self._siege.violations)
                await self._once()
                for place in range(before, len(self._siege.violations)):
                    self._siege.violations[place] = (
                        f"siege {number}: {self._siege.violations[place]}"
                    )
            await self._look_at_everything(house)
        finally:
            self._disk.free()
            await house.close()

    def _config(self) -> Config:
        return Config(
            store=StoreSection(url=f"sqlite:{self._folder / DATABASE}"),
            secrets=SecretsSection(key_file=str(self._folder / "parcelwire.key")),
            api=ApiSection(ask_at_create=False),
            # What could not be written down is asked again when its lease ends.
            polling=PollingSection(idle_seconds=0.05, lease_seconds=2.0, ask_timeout_seconds=1.0),
            carriers=CarriersSection(registry_file=str(self._folder / "couriers.json")),
        )

    async def _once(self) -> None:
        siege = self._siege
        siege.tried += 1
        for _ in range(self._dice.randrange(1, 4)):
            await self._call_something()
        # Anywhere: at once, in the middle of a transaction, while the WAL is worked into the file.
        self._disk.fill(self._dice.choice((0, 1, 5, 20, 60, 120, 250)))
        self._is_full = True
        refused = siege.counts["503"]
        for _ in range(LONGEST_SIEGE):
            calls = (self._call_something() for _ in range(self._dice.randrange(1, 8)))
            await asyncio.gather(*calls)
            await self._read()
            if siege.counts["503"] > refused and self._dice.random() < 0.4:
                break
        siege.fired += siege.counts["503"] > refused
        self._disk.free()
        self._is_full = False
        # The very next ones.
        await self._create()
        for key, number in list(self._unanswered.items()):
            await self._create_once(number, key)
        await self._read()

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
    now = house.clock.now()
    owner = await house.store.add_account("proof@shop.example", now=now)
    key = make_key(os.urandom(24), is_test=True)
    await house.store.add_key(
        ApiKey(
            digest=digest_of(key),
            prefix=prefix_of(key),
            account_number=owner.number,
            is_test=True,
            created_at=now,
        )
    )
    return key


async def call(
    app: ASGIApp,
    method: str,
    path: str,
    *,
    key: str,
    body: Any = None,
    query: str = "",
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes]:
    """Make one HTTP call of an application in this process; return status and body."""
    content = b"" if body is None else msgspec.json.encode(body)
    fields = {
        "content-type": "application/json",
        "content-length": str(len(content)),
        "tracking-api-key": key,
        "authorization": f"Bearer {key}",
        **(headers or {}),
    }
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:])
