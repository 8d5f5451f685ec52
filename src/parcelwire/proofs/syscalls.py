"""SIGKILL at every call to storage of one scenario, and one restart after each.

    dry run: count the calls -> for each: copy the folder, run, die there, restart, judge

Two scenarios: an installation that is being made, and one that works (``callscenario``). Every call
that touches storage is a point: before it, and for a longer write also in its middle. At every
other
point of the second scenario another process has the database open, too, so that the shared memory
of
the WAL outlives the killed one.
"""

from __future__ import annotations

import http.server
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from parcelwire.proofs.callforge import CALLS_FILE, FINDINGS_FILE, PLANTED, Ended, Order, Task
from parcelwire.proofs.calljudge import faults_of_file, judge_made, judge_worked, ledger_of
from parcelwire.proofs.callscenario import (
    DATABASE,
    NUMBERS,
    RECEIVER_FILE,
    Findings,
    read_promises,
)
from parcelwire.proofs.ledger import Receipt
from parcelwire.proofs.outcome import Outcome
from parcelwire.proofs.recording import memory_folder
from parcelwire.proofs.servers import clean_environment

LARGE: Final = 512
"""Bytes from which a write is also stopped in its middle."""

KILLED: Final = -9

TRIES: Final = 12

COUNTED: Final = 3
"""Runs whose calls are counted; the shortest one says how many points there are, since the last
calls of a long run are made by few others.
"""

EARLY: Final = 200
"""Calls of the second scenario in which most of its promises are given."""

POINTS_PER_PLANTED: Final = 100
"""A planted fault must be found within so many points."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """Where a process dies."""

    task: Task
    """``make`` or ``work``."""
    call: int
    """The number of the call, from 1."""
    is_half: bool
    has_onlooker: bool

    def __str__(self) -> str:
        half = " in its middle" if self.is_half else ""
        looked = ", looked on" if self.has_onlooker else ""
        return f"{self.task}, call {self.call}{half}{looked}"


def prove_every_call(
    *,
    points: int | None,
    seed: int,
    folder: Path | None = None,
    with_planted: bool = True,
    tell: Callable[[str], object] = lambda line: None,
) -> Outcome:
    """Kill at ``points`` of all points (a seeded choice), or with None at every one.

    ``folder`` is where scratch files go: on the operator's own disk, or None for memory. About 0.2
    s
    of CPU for each point. Nothing but loopback is spoken to.
    """
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="parcelwire-proof-", dir=folder)
        if (folder is not None)
        else memory_folder() as scratch
    ):
        range_ = Range(Path(scratch))
        with range_.opened():
            everywhere = range_.points()
            chosen = _choose(everywhere, points, seed)
            fired, violations, duplicates = 0, [], 0
            for number, point in enumerate(chosen, 1):
                result = range_.kill(point)
                fired += result.fired
                duplicates += result.duplicates
                violations += [f"{point}: {fault}" for fault in result.violations]
                if number % 100 == 0:
                    tell(f"{number:,} of {len(chosen):,} points, {len(violations)} violations")
            planted = list(PLANTED) if with_planted else []
            missed = [one for one in planted if not find_planted(range_, one, seed)]
    notes = (
        f"{len(everywhere):,} points in all, {sum(one.is_half for one in chosen):,} of those taken"
        f" in the middle of a write, {sum(one.has_onlooker for one in chosen):,} with another"
        f" process looking on; {duplicates:,} messages came twice, under the same id"
    )
    if missed:
        notes += f"; planted and not found: {', '.join(missed)}"
    return Outcome(
        id="A3",
        name=f"killed at {len(chosen):,} calls to storage, one restart each",
        tried=len(chosen),
        fired=fired,
        violations=violations,
        seconds=time.monotonic() - started,
        notes=notes,
        planted_found=len(planted) - len(missed),
        planted_of=len(planted),
    )


def find_planted(range_: Range, planted: str, seed: int) -> str | None:
    """Kill a spoilt program until that shows; return the violation, or None."""
    points = [one for one in range_.points() if one.task == "work" and one.call <= EARLY]
    for point in _choose(points, POINTS_PER_PLANTED, seed, in_order=False):
        result = range_.kill(point, planted)
        if result.violations:
            return f"{point}: {result.violations[0]}"
    return None


def _choose(
    points: list[Point], count: int | None, seed: int, *, in_order: bool = True
) -> list[Point]:
    if count is None or count >= len(points):
        return points
    dice = random.Random(f"points {seed}")  # noqa: S311  # a seed must give the same choice again
    chosen = dice.sample(range(len(points)), count)
    return [points[place] for place in (sorted(chosen) if in_order else chosen)]


def _points_of(task: Task, call: int, size: int, looked: tuple[bool, bool]) -> list[Point]:
    """Return the one or two points of a call that writes ``size`` bytes."""
    before = Point(task=task, call=call, is_half=False, has_onlooker=looked[0])
    middle = Point(task=task, call=call, is_half=True, has_onlooker=looked[1])
    return [before, middle] if size >= LARGE else [before]


class _Result(msgspec.Struct):
    """What came of one kill."""

    fired: bool
    violations: list[str]
    duplicates: int = 0


class _Receiver:
    """An endpoint that refuses a third of the messages at first, and notes down the others."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.refused: set[str] = set()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the standard library's name
                self.rfile.read(int(self.headers["content-length"]))
                status = receiver.take(self.headers)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # as above
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def take(self, headers: Any) -> int:
        """Take one message; return the status to answer."""
        message_id, sequence = headers["webhook-id"], int(headers["parcelwire-sequence"])
        if sequence % 3 == 1 and message_id not in self.refused:
            self.refused.add(message_id)
            return 503
        self.receipts.append(Receipt(headers["parcelwire-tracking-id"], sequence, message_id))
        return 204

    def forget(self) -> None:
        """Begin anew."""
        self.receipts, self.refused = [], set()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve while the block runs; yields the address."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class Range:
    """Where processes are killed: a forge, a receiver, and a furnished folder to copy."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._receiver = _Receiver()
        self._points: list[Point] = []

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Have everything ready while the block runs."""
        self._forge = subprocess.Popen(
            [sys.executable, "-m", "parcelwire.proofs.callforge"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Nobody speaks TLS here, and reading the system's certificates takes half of all time.
            env={**clean_environment(), "SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull},
        )
        try:
            with self._receiver.serving() as address:
                self._address = address
                self._count_calls()
                yield
        finally:
            assert self._forge.stdin is not None  # noqa: S101  # opened with a pipe
            assert self._forge.stdout is not None  # noqa: S101  # as above
            self._forge.stdin.close()
            self._forge.wait(60)
            self._forge.stdout.close()

    def points(self) -> list[Point]:
        """Return every point there is, in the order of the scenarios."""
        return self._points

    def kill(self, point: Point, planted: str = "") -> _Result:
        """Run to a point, die there, restart once, and judge.

        Not every run makes exactly as many calls as another. Where one ends before the point, it is
        tried again.
        """
        for _ in range(TRIES):
            result = self._kill(point, planted)
            if result.fired or result.violations:
                break
        return result

    def _kill(self, point: Point, planted: str) -> _Result:
        folder = self._new_folder(point.task)
        self._receiver.forget()
        if point.has_onlooker:
            self._order(Order(task="look on", folder=str(folder)))
        ended = self._order(
            Order(
                task=point.task,
                folder=str(folder),
                kill_at=point.call,
                is_half=point.is_half,
                planted=planted,
            )
        )
        promises = read_promises(folder)
        task: Task = "restart made" if point.task == "make" else "restart"
        restarted = self._order(Order(task=task, folder=str(folder)))
        if point.has_onlooker:
            self._order(Order(task="look away", folder=str(folder)))
        violations = [] if ended.code in (KILLED, 0) else [f"it ended with code {ended.code}"]
        result = _Result(ended.code == KILLED, violations)
        if restarted.code != 0:
            violations.append(f"the restart ended with code {restarted.code}")
            return result
        found = msgspec.json.decode((folder / FINDINGS_FILE).read_bytes(), type=Findings)
        violations += faults_of_file(folder / DATABASE)
        if point.task == "make":
            violations += judge_made(promises, found)
        else:
            ledger = ledger_of(promises, found, self._receiver.receipts)
            result.duplicates = ledger.duplicates
            violations += [*ledger.violations(), *judge_worked(found, ledger)]
        return result

    def _count_calls(self) -> None:
        """Run both scenarios to their ends, counting."""
        folder, sizes = self._count("make", has_onlooker=False)
        for call, size in enumerate(sizes, 1):
            self._points += _points_of("make", call, size, (False, False))
        folder.rename(self._scratch / "furnished")
        # Who is looked on does not close the database for good, and so makes fewer calls.
        alone, looked_on = (
            min((self._count("work", has_onlooker=one)[1] for _ in range(COUNTED)), key=len)
            for one in (False, True)
        )
        for call, size in enumerate(alone, 1):
            looked = (call % 2 == 0, call % 2 == 1) if call <= len(looked_on) else (False, False)
            self._points += _points_of("work", call, size, looked)
        if not self._receiver.refused or len(self._receiver.receipts) < len(NUMBERS):
            msg = "the scenario delivered nothing, or nothing at the second try"
            raise RuntimeError(msg)

    def _count(self, task: Task, *, has_onlooker: bool) -> tuple[Path, list[int]]:
        folder = self._new_folder(task)
        self._receiver.forget()
        if has_onlooker:
            self._order(Order(task="look on", folder=str(folder)))
        ended = self._order(Order(task=task, folder=str(folder)))
        if has_onlooker:
            self._order(Order(task="look away", folder=str(folder)))
        if ended.code != 0:
            msg = f"the scenario {task!r} ended with code {ended.code} although nobody killed it"
            raise RuntimeError(msg)
        return folder, msgspec.json.decode((folder / CALLS_FILE).read_bytes(), type=list[int])

    def _new_folder(self, task: str) -> Path:
        folder = self._scratch / "here"
        shutil.rmtree(folder, ignore_errors=True)
        if task == "make":
            folder.mkdir()
            (folder / RECEIVER_FILE).write_text(self._address)
        else:
            shutil.copytree(self._scratch / "furnished", folder)
            for name in ("promises", CALLS_FILE):
                (folder / name).unlink(missing_ok=True)
        return folder

    def _order(self, order: Order) -> Ended:
        forge = self._forge
        assert forge.stdin is not None  # noqa: S101  # opened with pipes
        assert forge.stdout is not None  # noqa: S101  # as above
        forge.stdin.write(msgspec.json.encode(order) + b"\n")
        forge.stdin.flush()
        line = forge.stdout.readline()
        if not line:
            msg = f"the forge has died, code {forge.wait(10)}"
            raise RuntimeError(msg)
        return msgspec.json.decode(line, type=Ended)
