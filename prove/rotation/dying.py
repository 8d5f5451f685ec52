"""A process that ends itself at one step of a rotation, by SIGKILL or as if the power had failed.

A step is every call that changes the key file or its folder, every value sealed inside a
transaction, and every transaction before and after its commit. When the power fails, the key file
is again what was last flushed, its name included; the database's commits are flushed by SQLite.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import msgspec

from parcelwire.bootstrap import open_installation, rotation
from parcelwire.bootstrap.errors import InstallationError
from parcelwire.bootstrap.rotation import Rotation
from parcelwire.store.port import StoreUnavailableError
from parcelwire.store.sealing import Sealing
from parcelwire.store.sqlite.writer import Writer
from prove.rotation.place import config_of

BATCH: Final = 6
"""Values in one transaction here, so that a small place has several."""

PATIENCE_SECONDS: Final = 60.0
HUNG: Final = 124


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One rotation by one process."""

    folder: str
    dies_at: int = 0
    """The step before which it ends itself, from 1; 0: never."""
    loses_power: bool = False
    plant: str = ""


class Stage:
    """Counts steps, and what of the key file has reached the disk."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._file = Path(task.folder) / "parcelwire.key"
        self._flushed = self._file.read_bytes()
        self._synced: set[int] = set()
        self.steps = 0
        self._fsync, self._replace, self._open = os.fsync, os.replace, os.open
        watched: dict[str, Any] = {
            "fsync": self.fsync,
            "replace": self.replace,
            "open": self.open,
            "chmod": self._stepping(os.chmod),
        }
        for name, call in watched.items():
            setattr(os, name, call)

    def step(self) -> None:
        """Die here, if it is the place."""
        self.steps += 1
        if self.steps != self._task.dies_at:
            return
        if self._task.loses_power:
            descriptor = self._open(self._file, os.O_WRONLY | os.O_TRUNC)
            os.write(descriptor, self._flushed)
        os.kill(os.getpid(), signal.SIGKILL)

    def _stepping(self, call: Any) -> Any:
        def stepped(*arguments: Any, **options: Any) -> Any:
            self.step()
            return call(*arguments, **options)

        return stepped

    def open(self, path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        """Open a file; making one is a step."""
        if flags & os.O_CREAT:
            self.step()
        return self._open(path, flags, *arguments, **options)

    def fsync(self, descriptor: int) -> None:
        """Flush a file or a folder."""
        self.step()
        self._fsync(descriptor)
        self._synced.add(os.fstat(descriptor).st_ino)
        if os.fstat(descriptor).st_ino == self._file.parent.stat().st_ino:
            if self._file.stat().st_ino in self._synced:
                self._flushed = self._file.read_bytes()
            self.step()

    def replace(self, source: Any, target: Any) -> None:
        """Put a file in another one's place."""
        self.step()
        self._replace(source, target)
        self.step()


def rotate_in_child(task: Task) -> tuple[int, int]:
    """Rotate in a process of its own; return its exit code (-9: it died) and its steps."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["prove.rotation.dying"])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_rotate, args=(task, sender))
    process.start()
    sender.close()
    process.join(PATIENCE_SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
        return HUNG, 0
    try:
        steps = receiver.recv() if receiver.poll() else 0
    except EOFError:
        steps = 0
    assert process.exitcode is not None  # it was joined
    return process.exitcode, steps


def _rotate(task: Task, sender: Any) -> None:
    stage = Stage(task)
    _watch(stage)
    if task.plant:
        import_module(f"prove.planted.{task.plant}")
    try:
        asyncio.run(_run(task))
    except (InstallationError, StoreUnavailableError) as error:
        print(f"rotation refused: {error}", file=sys.stderr)
        sys.exit(3)
    sender.send(stage.steps)


async def _run(task: Task) -> None:
    house = await open_installation(config_of(Path(task.folder)), may_make_key=False)
    try:
        await house.check_key()
        made = Rotation(house.store, house.ring, clock=house.clock, random_bytes=os.urandom)
        await made.run()
    finally:
        await house.close()


def _watch(stage: Stage) -> None:
    """Make steps of what happens in the database, too."""
    setattr(rotation, "RESEALED_AT_ONCE", BATCH)  # noqa: B010  # a constant, elsewhere
    seal = Sealing.seal
    commit = Writer._commit_group

    def stepping_seal(self: Sealing, *arguments: Any) -> bytes:
        stage.step()
        return seal(self, *arguments)

    def stepping_commit(self: Writer, group: Any) -> Any:
        stage.step()
        answers = commit(self, group)
        stage.step()
        return answers

    setattr(Sealing, "seal", stepping_seal)  # noqa: B010  # a method, in this process
    setattr(Writer, "_commit_group", stepping_commit)  # noqa: B010
