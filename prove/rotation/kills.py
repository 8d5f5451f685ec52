"""The real command, killed at random moments while a running process reads and writes."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from parcelwire.bootstrap import Installation, open_installation
from parcelwire.proofs.scratch import write_config
from parcelwire.proofs.servers import clean_environment
from prove.rotation.place import Expected, add_endpoint, config_of, furnish, judge, unread

EACH: Final = 150
"""Connections, endpoints and answers: a rotation has some ten transactions."""

PATIENCE_SECONDS: Final = 120.0


class Killed(msgspec.Struct, kw_only=True):
    """What came of it."""

    tried: int = 0
    fired: int = 0
    finished: int = 0
    """Rotations that came to their end, killed on the way or not."""
    written: int = 0
    """What the running process stored meanwhile."""
    violations: list[str] = []


async def kill_rotations(folder: Path, kills: int, seed: int) -> Killed:
    """Kill ``parcelwire secrets rotate`` ``kills`` times, then let it finish."""
    chosen = random.Random(seed)  # not for keys
    expected = await furnish(folder, seed, each=EACH)
    config = write_config(config_of(folder), folder / "parcelwire.toml")
    done = Killed()
    house = await open_installation(config_of(folder))
    try:
        seconds = await _measure(config, folder)
        while done.fired < kills and done.tried < 4 * kills and not done.violations:
            done.tried += 1
            is_killed = await _kill_one(config, folder, chosen.uniform(0.0, seconds))
            done.fired += is_killed
            done.finished += not is_killed
            await _go_on(house, expected, chosen, done)
            done.violations += await judge(folder, expected, is_done=not is_killed)
        process = _start(config, folder)
        code = await asyncio.to_thread(process.wait, PATIENCE_SECONDS)
        if code:
            done.violations.append(f"unfinished: the last rotation ended with {code}")
        await _go_on(house, expected, chosen, done)
        done.violations += await judge(folder, expected, is_done=True)
    finally:
        await house.close()
    # Those that came through before they could be killed were no trial.
    done.tried = kills
    return done


async def _go_on(
    house: Installation, expected: Expected, chosen: random.Random, done: Killed
) -> None:
    """Read everything in the process that has run all the time, and store something new."""
    done.violations += [f"running {line}" for line in await unread(house, expected)]
    await add_endpoint(house, expected, chosen)
    done.written += 1


async def _measure(config: Path, folder: Path) -> float:
    """Return how long a rotation takes from its first mark on the disk to its end."""
    process = _start(config, folder)
    began = await _first_mark(process, folder)
    await asyncio.to_thread(process.wait, PATIENCE_SECONDS)
    return time.monotonic() - began


async def _kill_one(config: Path, folder: Path, seconds: float) -> bool:
    """Start a rotation, kill it ``seconds`` after its first mark; tell whether it was killed."""
    process = _start(config, folder)
    try:
        await _first_mark(process, folder)
        await asyncio.sleep(seconds)
    finally:
        process.kill()
    return await asyncio.to_thread(process.wait) == -9


async def _first_mark(process: subprocess.Popen[bytes], folder: Path) -> float:
    """Wait until the rotation has changed the database or the key file."""
    before = _marks(folder)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _marks(folder) == before and process.poll() is None:  # nobody tells us
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(0.002)
    return time.monotonic()


def _marks(folder: Path) -> list[tuple[int, int]]:
    files = [folder / name for name in ("parcelwire.key", "parcelwire.db-wal")]
    return [(one.stat().st_mtime_ns, one.stat().st_size) for one in files if one.exists()]


def _start(config: Path, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "parcelwire", "--config", str(config), "secrets", "rotate"],
        cwd=folder,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
