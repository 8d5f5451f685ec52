"""Forks processes that kill themselves at a given call to storage.

    python -m parcelwire.proofs.callforge

imports everything, then carries out one ``Order`` after the other, a line of JSON each, in a forked
process of its own, and answers with an ``Ended`` when that process has ended. One that is to look
on
keeps a connection open, so that the shared memory of the WAL outlives whoever is killed; it is
answered as soon as it looks, and ended with the next order to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Literal, NoReturn

import apsw
import msgspec

from parcelwire.couriers.detection import default_detector
from parcelwire.couriers.registry import default_registry
from parcelwire.proofs import callscenario
from parcelwire.proofs.filelayer import Call, watched_by_default, watched_locks
from parcelwire.proofs.planted import answering_early, telling_later, without_transactions

PATIENCE_SECONDS: Final = 60.0
"""A process that takes longer hangs."""

FINDINGS_FILE: Final = "findings"
CALLS_FILE: Final = "calls"

PLANTED: Final[dict[str, Callable[[], AbstractContextManager[None]]]] = {
    "answered before the commit": answering_early,
    "statements without a transaction": without_transactions,
    "messages in a transaction of their own": telling_later,
}
"""Faults of the program that a kill must bring to light."""


Task = Literal["make", "work", "restart", "restart made", "look on", "look away"]


class Order(msgspec.Struct, kw_only=True):
    """What a forked process is to do."""

    task: Task
    folder: str
    kill_at: int = 0
    """The number of the call, from 1, before which it kills itself; 0: it lives."""
    is_half: bool = False
    """It writes half of what that call was to write first."""
    planted: str = ""


class Ended(msgspec.Struct, kw_only=True):
    """How it ended: exit code, negative for a signal; None: it did not end in time."""

    code: int | None = None


class _Killer:
    """Counts calls, and kills the process at one of them."""

    flushes = False
    """A kill does not harm what the system has; flushing it would only take long."""

    def __init__(self, kill_at: int, *, is_half: bool) -> None:
        self.sizes: list[int] = []
        """Of every call: how many bytes it writes; 0 for other calls."""
        self._kill_at = kill_at
        self._is_half = is_half

    def before(self, call: Call) -> None:
        """See ``Watcher``."""
        self.sizes.append(len(call.data))
        if len(self.sizes) == self._kill_at:
            if self._is_half and call.file is not None:
                call.file.write_through(call.data[: len(call.data) // 2], call.offset)
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Carry out orders until standard input closes."""
    # Every kill is a broken connection or worse; none is worth a line.
    logging.disable(logging.CRITICAL)
    # What every child would otherwise read for itself.
    default_registry()
    default_detector()
    # The children share these pages as long as the collector writes no marks into them.
    gc.freeze()
    onlooker = 0
    try:
        for line in sys.stdin.buffer:
            order = msgspec.json.decode(line, type=Order)
            if order.task == "look on":
                onlooker = _fork_onlooker(order)
                _answer(Ended(code=0))
            elif order.task == "look away":
                _end(onlooker)
                onlooker = 0
                _answer(Ended(code=0))
            else:
                _answer(Ended(code=_wait(_fork(order))))
    finally:
        _end(onlooker)


def _answer(ended: Ended) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(ended) + b"\n")
    sys.stdout.buffer.flush()


def _fork(order: Order) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        _carry_out(order)
    except BaseException:  # noqa: BLE001  # the child must not go on as a second forge
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _carry_out(order: Order) -> None:
    gc.unfreeze()
    folder = Path(order.folder)
    if order.task.startswith("restart"):
        recreates = order.task == "restart"
        found = asyncio.run(callscenario.restart(folder, recreates=recreates))
        (folder / FINDINGS_FILE).write_bytes(msgspec.json.encode(found))
        return
    killer = _Killer(order.kill_at, is_half=order.is_half)
    with contextlib.ExitStack() as stack:
        stack.enter_context(watched_by_default(killer))
        stack.enter_context(watched_locks(killer))
        if order.planted:
            stack.enter_context(PLANTED[order.planted]())
        asyncio.run((callscenario.make if order.task == "make" else callscenario.work)(folder))
    (folder / CALLS_FILE).write_bytes(msgspec.json.encode(killer.sizes))


def _fork_onlooker(order: Order) -> int:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _look_on(Path(order.folder), writing)
        finally:
            os._exit(1)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    return pid


def _look_on(folder: Path, ready: int) -> NoReturn:
    connection = apsw.Connection(str(folder / callscenario.DATABASE))
    connection.execute("SELECT count(*) FROM tracking").fetchall()
    os.write(ready, b"!")
    while True:
        time.sleep(PATIENCE_SECONDS)


def _wait(pid: int) -> int | None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = 0.001
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            _end(pid)
            return None
        time.sleep(pause)
        pause = min(pause * 1.5, 0.01)


def _end(pid: int) -> None:
    if pid:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
