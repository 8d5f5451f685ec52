"""Two checkouts in one alternating run: ``python -m bench.against OTHER_CHECKOUT [ROUNDS]``.

Each checkout seeds a SQLite file of its own and serves it with its own ``bench.server``; bursts of
the same calls go to both in turn, the first of a pair changing from round to round. Printed is what
this checkout costs, in times of what the other one costs: the median over the pairs, and its
quartiles. Both run with the environment of this checkout, so their dependencies must be the same.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from bench.http import CONNECTIONS, Operation, operations
from bench.load import Client, request

HERE = Path(__file__).resolve().parents[1]
ROWS = int(os.environ.get("BENCH_ROWS", "20000"))
ROUNDS = 40
COMPARED = ("get", "create", "batch of 40")

_SEED = """
import asyncio, json, sys
from pathlib import Path
from bench.seed import seed
key, numbers = asyncio.run(seed(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
print(json.dumps([key, numbers]))
"""


class Side(msgspec.Struct):
    """One checkout's server, and what it is asked."""

    client: Client
    cpu: bytes
    todo: dict[str, Operation]

    async def cost(self, name: str) -> float:
        """Return nanoseconds of the server's CPU for one burst."""
        operation = self.todo[name]
        # Half of what is sent where one checkout is measured: the two have their turns more often.
        burst = [operation.make(number) for number in range(operation.burst // 2)]
        before = int(await self.client.ask(self.cpu))
        await self.client.send_all(burst)
        return float(int(await self.client.ask(self.cpu)) - before)


@asynccontextmanager
async def _side(checkout: Path, folder: Path) -> AsyncIterator[Side]:
    folder.mkdir()  # noqa: ASYNC240  # nothing else runs yet
    where = [f"sqlite:{folder / 'bench.db'}", str(folder / "bench.key")]
    environment = {**os.environ, "PYTHONPATH": f"{checkout / 'src'}{os.pathsep}{checkout}"}
    seeding = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _SEED, *where, str(ROWS)),
        cwd=checkout,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await seeding.communicate()
    key, numbers = json.loads(told)
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.server", *where),
        cwd=checkout,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if server.stdin is None or server.stdout is None:
        raise RuntimeError
    try:
        client = Client(int(await server.stdout.readline()), CONNECTIONS)
        await client.open()
        todo = {one.name: one for one in operations(key, numbers, random.Random(4))}
        yield Side(client, request("GET", "/cpu", key), todo)
        await client.close()
    finally:
        server.stdin.close()
        await server.wait()


async def compare(other: Path, rounds: int) -> dict[str, list[float]]:
    """Return this checkout's cost over the other's, pair by pair, for each call."""
    ratios: dict[str, list[float]] = {}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parcelwire-bench-")))
        mine = await stack.enter_async_context(_side(HERE, folder / "mine"))
        theirs = await stack.enter_async_context(_side(other, folder / "theirs"))
        for number in range(rounds + 1):
            for name in COMPARED:
                costs: dict[int, float] = {}
                for side in (mine, theirs) if number % 2 else (theirs, mine):
                    costs[id(side)] = await side.cost(name)
                if number:  # the first round warms up
                    ratios.setdefault(name, []).append(costs[id(mine)] / costs[id(theirs)])
    return ratios


def main() -> None:
    """Compare with the checkout that the command line names."""
    other = Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    for name, ratios in asyncio.run(compare(other, rounds)).items():
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(f"{name}: {middle:.3f} times the other ({low:.3f} to {high:.3f}), {rounds} pairs")


if __name__ == "__main__":
    main()
