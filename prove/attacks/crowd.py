"""The attackers, in a process of their own: ``python -m prove.attacks.crowd TARGET``.

``TARGET`` is JSON. A line on standard input names the attacks to run, as a JSON list; an empty list
ends those that run. Each line is answered by what the attackers counted so far. The process ends
when its standard input does, and by itself after ten minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import subprocess
import sys
from collections import Counter
from typing import Any, Final

import msgspec
import uvloop

from prove.attacks.attackers import ATTACKS
from prove.attacks.wire import Target

LONGEST_SECONDS: Final = 600


class Crowd:
    """The attackers' process, as seen from the proof's."""

    def __init__(self, target: Target) -> None:
        self._process = subprocess.Popen(  # our own module
            [sys.executable, "-m", "prove.attacks.crowd", msgspec.json.encode(target).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    async def attack(self, names: tuple[str, ...]) -> dict[str, dict[str, int]]:
        """Run these attacks instead of what runs; return what was counted so far, by attack."""
        return await asyncio.to_thread(self._ask, json.dumps(names))

    def close(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _ask(self, line: str) -> dict[str, dict[str, int]]:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError
        stdin.write(line + "\n")
        stdin.flush()
        told: dict[str, dict[str, int]] = json.loads(stdout.readline())
        return told


async def main(target: Target) -> None:
    """Attack as told until standard input ends."""
    tallies: dict[str, Counter[str]] = {name: Counter() for name in ATTACKS}
    running: list[asyncio.Task[None]] = []
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            while line := await asyncio.to_thread(sys.stdin.readline):
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
                running = [
                    asyncio.create_task(_go_on(name, target, tallies[name]))
                    for name in json.loads(line)
                ]
                print(json.dumps(tallies), flush=True)
    except TimeoutError:
        pass
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _go_on(name: str, target: Target, tally: Counter[str]) -> None:
    """Attack anew after whatever ended it: a server that defends itself must not end the proof."""
    while True:
        with contextlib.suppress(OSError, ExceptionGroup):
            await ATTACKS[name](target, tally)
        await asyncio.sleep(0.5)


def _more_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8_192, hard), hard))


if __name__ == "__main__":
    _more_files()
    arguments: Any = sys.argv
    uvloop.run(main(msgspec.json.decode(arguments[1], type=Target)))
