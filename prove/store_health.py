"""G6: a file that is damaged under a running server, and a second server on one file.

    creates over v2, v4, native -> serve -> a SQLite file <- bytes of a page are changed
                                   serve <- another name of the same file: refused

Once readiness has told of damage, nothing more is acknowledged and no byte of the file is changed;
no server starts on it again. A second server ends before it touches anything, and starts as soon as
the first was killed. A full disk is B1's, which asks readiness too.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import random
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from parcelwire.config import Config, StoreSection
from parcelwire.domain.clock import FrozenClock
from parcelwire.proofs.scratch import furnish, scratch_config, write_config
from parcelwire.proofs.servers import Forge, Server, free_port
from parcelwire.store.damage import Damage
from parcelwire.store.sqlite import SqliteSettings
from parcelwire.store.sqlite.checking import check_file
from prove.kills_sqlite import ROOT
from prove.outcome import Outcome
from tests.unit.store.sqlite.damaging import DAMAGES, checkpoint, make_file

ROUNDS: Final = 3
"""Of every kind of damage, and so many times as many second servers."""

PLANTS: Final = ("damage_ignored", "no_lock")
PERIOD_HOURS: Final = 1 / 3_600
TELLS_SECONDS: Final = 15.0
"""Within which readiness must tell: a period of one second, and a machine that is busy."""

PLANTED_TELLS_SECONDS: Final = 4.0

STARTS_SECONDS: Final = 30.0
FIRST_PAGE: Final = frozenset({"first bytes", "page of the schema"})
"""Nearly every write renews the first page, and with it what was damaged there."""

AFTER: Final = 12
"""Creations that are tried after readiness has told."""


class Report(msgspec.Struct):
    """What came of it."""

    tried: int = 0
    fired: int = 0
    acknowledged: int = 0
    refused: int = 0
    slowest_seconds: float = 0.0
    violations: list[str] = []


def run(*, scale: float, seed: int) -> Outcome:
    """Damage a file three times in each way, times ``scale``; find every planted bug."""
    rounds = max(round(ROUNDS * scale), 1)
    return prove_store_health(tuple(DAMAGES) * rounds, 3 * rounds, seed, PLANTS)


def prove_store_health(
    kinds: Sequence[str], servers: int, seed: int, plants: Sequence[str] = ()
) -> Outcome:
    """Do each kind of damage, and start so many second servers."""
    report = _round(kinds, servers, seed)
    found = 0
    for plant in plants:
        is_about_damage = plant == "damage_ignored"
        kinds_of_it = ("leaf of an index",) if is_about_damage else ()
        found += bool(_round(kinds_of_it, int(not is_about_damage), seed, plant).violations)
    return Outcome(
        id="G6",
        name=f"{len(kinds)} files damaged under a server, {servers} second servers on one file",
        tried=report.tried,
        fired=report.fired,
        violations=report.violations,
        notes=(
            f"{report.acknowledged} creations acknowledged before readiness told of damage,"
            f" {report.refused} refused afterwards; it told after {report.slowest_seconds:.1f} s at"
            f" most, with a check every {PERIOD_HOURS * 3_600:g} s"
        ),
        planted_found=found,
        planted_of=len(plants),
    )


def _round(kinds: Sequence[str], servers: int, seed: int, plant: str = "") -> Report:
    report = Report()
    dice = random.Random(seed)
    forge = Forge([f"prove.planted.{plant}"] if plant else [], ROOT)
    try:
        with tempfile.TemporaryDirectory(prefix="parcelwire-health-") as name:
            sound = Path(name) / "sound.db"
            asyncio.run(make_file(sound))
            for kind in kinds:
                report.tried += 1
                with tempfile.TemporaryDirectory(prefix="parcelwire-health-") as folder:
                    trial = _Damaged(Path(folder), sound, forge, report)
                    trial.run(kind, dice, PLANTED_TELLS_SECONDS if plant else TELLS_SECONDS)
            for _ in range(servers):
                report.tried += 1
                with tempfile.TemporaryDirectory(prefix="parcelwire-health-") as folder:
                    _second_server(Path(folder), forge, report)
    finally:
        forge.close()
    return report


class _Damaged:
    """One server, and the damage to its file."""

    def __init__(self, folder: Path, sound: Path, forge: Forge, report: Report) -> None:
        self._file = folder / "scratch.db"
        self._file.write_bytes(sound.read_bytes())
        self._report = report
        self._count = 0
        base = Config(store=StoreSection(integrity_check_hours=PERIOD_HOURS))
        config = scratch_config(base, folder, f"sqlite:{self._file}", free_port())
        path = write_config(config, folder / "scratch.toml")
        self._server = Server(path, config.server.port, folder / "log", forge=forge)
        self._key = asyncio.run(furnish(config, "http://127.0.0.1:1", ())).key

    def run(self, kind: str, dice: random.Random, tells_seconds: float) -> None:
        """Damage the file while the server runs; judge."""
        self._server.start()
        try:
            for _ in range(6):
                if not self._create():
                    self._complain(kind, "a creation was refused before the damage")
            for _ in range(20):
                if self._damage(kind, dice) and self._is_told(kind, tells_seconds):
                    break
            else:
                return
            self._report.fired += 1
            before = self._content()
            for _ in range(AFTER):
                if self._create():
                    self._complain(kind, "a creation was acknowledged after readiness had told")
                else:
                    self._report.refused += 1
            if self._server.is_alive():
                self._server.stop()
            if self._content() != before:
                self._complain(kind, "the damaged file was changed")
        finally:
            if self._server.is_alive():
                self._server.kill()
        self._start_again(kind)

    def _damage(self, kind: str, dice: random.Random) -> bool:
        """Damage it until it is seen: what lies in the WAL hides what is below."""
        for _ in range(10):
            checkpoint(self._file)
            DAMAGES[kind](self._file, dice)
            if self._is_damaged():
                return True
        return False

    def _is_damaged(self) -> bool:
        """Look at the file by a check of our own."""
        seen = Damage("", is_logged=False)
        settings, clock = SqliteSettings(), FrozenClock()
        check_file(self._file, settings, seen, clock=clock, stopping=threading.Event())
        return bool(seen.found)

    def _is_told(self, kind: str, tells_seconds: float) -> bool:
        """Wait until readiness tells of the damage; False: it was healed before it was seen.

        The server has the first page at hand, and may write it anew, good as it was.
        """
        started = time.monotonic()
        looked_at = started
        said: Any = None
        while time.monotonic() - started < tells_seconds:
            status, said = self._ask("GET", "/readyz")
            if status == 503 and said == {"status": "not ready", "reason": "database damaged"}:
                break
            if status == 0 and not self._server.is_alive():
                # A file that is cut short under a memory map ends the process.
                if kind != "file cut short":
                    self._complain(kind, "the server died")
                break
            if kind not in FIRST_PAGE:
                self._report.acknowledged += self._create()
            if time.monotonic() - looked_at > 1:
                looked_at = time.monotonic()
                if not self._is_damaged():
                    return False
            time.sleep(0.05)
        else:
            self._complain(kind, f"readiness did not tell, but {said}")
        self._report.slowest_seconds = max(self._report.slowest_seconds, time.monotonic() - started)
        if self._server.is_alive() and self._server.status("/healthz") != 200:
            self._complain(kind, "liveness went with it")
        return True

    def _start_again(self, kind: str) -> None:
        before = self._content()
        if not _run_to_its_end(self._server):
            self._complain(kind, "a server started on the damaged file again")
        elif "the file is damaged" not in self._server.tail():
            self._complain(kind, "the refusal to start does not say that the file is damaged")
        if self._content() != before:
            self._complain(kind, "a start changed the damaged file")

    def _create(self) -> bool:
        """Create a parcel over one API after the other; tell whether that was acknowledged."""
        self._count += 1
        number = f"SIMNORMAL{self._count:06d}"
        version = ("v2", "v4", "native")[self._count % 3]
        if version == "native":
            body = {"number": number, "courier_code": "dhl"}
            return self._ask("POST", "/api/trackings", body)[0] in {200, 201}
        pair = {"tracking_number": number}
        pair["carrier_code" if version == "v2" else "courier_code"] = "dhl"
        path = "/v2/trackings/post" if version == "v2" else "/v4/trackings/create"
        _, said = self._ask("POST", path, pair)
        return isinstance(said, dict) and said["meta"]["code"] in {200, 201}

    def _ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        link = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=20)
        headers = {"tracking-api-key": self._key, "content-type": "application/json"}
        headers["trackingmore-api-key"] = self._key
        headers["authorization"] = f"Bearer {self._key}"
        try:
            link.request(method, path, None if body is None else json.dumps(body), headers)
            answer = link.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        except (OSError, http.client.HTTPException):
            return 0, None
        finally:
            link.close()

    def _content(self) -> list[bytes]:
        files = (self._file, self._file.with_name("scratch.db-wal"))
        return [
            hashlib.sha256(file.read_bytes()).digest() if file.exists() else b"" for file in files
        ]

    def _complain(self, kind: str, text: str) -> None:
        self._report.violations.append(f"{kind}: {text}")


def _second_server(folder: Path, forge: Forge, report: Report) -> None:
    """Start a server, a second one by another name of the file, kill the first, start again."""
    link = folder / "link.db"
    link.symlink_to("scratch.db")
    servers = []
    for name, file in (("one", folder / "scratch.db"), ("two", link)):
        home = folder / name
        home.mkdir()
        config = scratch_config(Config(), home, f"sqlite:{file}", free_port())
        # One database, one key: with another one the second would not start anyway.
        secrets = replace(config.secrets, key_file=str(folder / "shared.key"))
        config = replace(config, secrets=secrets)
        path = write_config(config, home / "scratch.toml")
        servers.append(Server(path, config.server.port, home / "log", forge=forge))
    first, second = servers
    first.start()
    try:
        report.fired += 1
        if not _run_to_its_end(second):
            report.violations.append("a second server started")
        elif f"another server (process {first.pid}, since" not in second.tail():
            report.violations.append(f"the refusal does not name the first: {second.tail()[-200:]}")
        if first.status("/readyz") != 200:
            report.violations.append("the first server was disturbed")
    finally:
        first.kill()
    try:
        second.start()
        second.stop()
    except Exception as error:  # noqa: BLE001  # whatever it is, it did not start
        report.violations.append(f"after a SIGKILL no server started: {error}")


def _run_to_its_end(server: Server) -> bool:
    """Start a server that is to end by itself; False: it serves, and is killed."""
    server.launch()
    deadline = time.monotonic() + STARTS_SECONDS
    while server.is_alive():
        if server.status("/healthz") == 200 or time.monotonic() > deadline:
            server.kill()
            return False
        time.sleep(0.05)
    return True


PROOFS = {"G6": run}
