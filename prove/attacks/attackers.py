"""The attacks, each a coroutine that goes on until it is cancelled.

Each counts what it was answered, so that an attack that never happened is noticed. Their pace
leaves the server its processor: what is measured is what the server does to itself.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from prove.attacks.wire import (
    ATTACKER,
    Target,
    ask,
    connection,
    head,
    pour,
    status_of,
)

Attack = Callable[[Target, Counter[str]], Coroutine[Any, Any, None]]

HELD: Final = 1_000
"""Half-open connections from one address."""

CHURN_A_SECOND: Final = 400
BODIES: Final = 200
BODY_BYTES: Final = 1_900_000
SLOW_READERS: Final = 60


async def paced(mean_seconds: float, once: Callable[[], Awaitable[object]]) -> None:
    """Do something again and again, at random instants, at most four of it at a time.

    On a beat it would meet the innocent client's requests always or never, by chance.
    """
    chance = random.Random(f"{once.__qualname__} {mean_seconds}")  # repeatable
    loop = asyncio.get_running_loop()
    under_way: set[asyncio.Future[object]] = set()
    due = loop.time()
    try:
        while True:
            if len(under_way) < 4:
                task: asyncio.Future[object] = asyncio.ensure_future(once())
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            due = max(due + chance.expovariate(1 / mean_seconds), loop.time())
            await asyncio.sleep(due - loop.time())
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def quoted_cookies(target: Target, tally: Counter[str]) -> None:
    """Send cookies of quoted backslashes: small enough for a proxy, and large ones between them."""
    sizes = itertools.cycle([8_000] * 6 + [60_000])

    async def once() -> None:
        cookie = f'cookie: parcelwire_session="{chr(92) * next(sizes)}"'
        await ask(target, head("GET", "/dashboard/trackings", cookie), tally)

    await paced(0.125, once)


async def endless_heads(target: Target, tally: Counter[str]) -> None:
    """Send heads of 60 MiB: many headers, one long one, a long path, trailers, chunk extensions."""
    many = "".join(f"x-{number}: {'a' * 50}\r\n" for number in range(1_000)).encode()
    beginnings = [
        (b"GET /v4/couriers/all HTTP/1.1\r\nhost: x\r\n", many),
        (b"GET /v4/couriers/all HTTP/1.1\r\nhost: x\r\nx-long: ", b"a" * 65_536),
        (b"GET /v4/", b"a" * 65_536),
        (
            head("POST", "/v4/trackings/create", "transfer-encoding: chunked")
            + b"2\r\n{}\r\n0\r\n",
            many,
        ),
        (
            head("POST", "/v4/trackings/create", "transfer-encoding: chunked") + b"2;",
            b"a" * 65_536,
        ),
    ]
    turns = itertools.cycle(beginnings)

    async def once() -> None:
        begin, chunk = next(turns)
        tally[await pour(target, begin, chunk, 960)] += 1

    await paced(0.5, once)


async def half_open(target: Target, tally: Counter[str]) -> None:
    """Hold a thousand connections with half a head each; take a new one for each that is closed."""

    async def hold(number: int) -> None:
        while True:
            try:
                async with connection(target) as (reader, writer):
                    writer.write(b"GET /v4/trackings/get HTTP/1.1\r\nhost: x\r\nx: ")
                    tally["opened"] += 1
                    while not reader.at_eof():
                        await asyncio.wait_for(reader.read(1_000), 60)
            except (OSError, TimeoutError):
                tally["closed"] += 1
            await asyncio.sleep(1.0 + number % 10 / 10)

    async with asyncio.TaskGroup() as group:
        for number in range(HELD):
            group.create_task(hold(number))
            if number % 50 == 0:
                await asyncio.sleep(0.02)


async def churn(target: Target, tally: Counter[str]) -> None:
    """Open and close connections, ten thousand of them in 25 seconds."""

    async def once() -> None:
        try:
            async with connection(target):
                tally["opened"] += 1
        except OSError:
            tally["refused"] += 1

    await paced(1 / CHURN_A_SECOND, once)


async def keyless_bodies(target: Target, tally: Counter[str]) -> None:
    """Announce two megabytes without a key, send all but the last byte, and wait."""
    request = head("POST", "/v4/trackings/create", length=BODY_BYTES)
    turns = itertools.cycle(
        [
            request,
            head("POST", "/api/trackings", length=BODY_BYTES),
            head("POST", "/dashboard/login", "content-type: x", length=BODY_BYTES),
            head("POST", "/v2/trackings/post", length=BODY_BYTES),
        ]
    )
    places = asyncio.Semaphore(BODIES)

    async def hold(begin: bytes) -> None:
        async with places:
            try:
                async with connection(target) as (reader, writer):
                    writer.write(begin)
                    for _ in range(18):
                        writer.write(b"a" * 100_000)
                        await asyncio.wait_for(writer.drain(), 30)
                        if writer.is_closing():
                            break
                        await asyncio.sleep(0.05)
                    tally[await status_of(reader)] += 1
            except (OSError, TimeoutError):
                tally["closed"] += 1

    async with asyncio.TaskGroup() as group:
        while True:
            if not places.locked():
                group.create_task(hold(next(turns)))
            await asyncio.sleep(0.05)


async def slow_readers(target: Target, tally: Counter[str]) -> None:
    """Ask for a large page over and over on one connection, and read nothing of it."""

    async def hold() -> None:
        while True:
            try:
                async with connection(target) as (_, writer):
                    for _ in range(40):
                        writer.write(head("GET", "/api/openapi.json"))
                        tally["asked"] += 1
                    await asyncio.sleep(20)
            except OSError:
                tally["closed"] += 1
                await asyncio.sleep(1)

    async with asyncio.TaskGroup() as group:
        for _ in range(SLOW_READERS):
            group.create_task(hold())
            await asyncio.sleep(0.02)


async def deep_json(target: Target, tally: Counter[str]) -> None:
    """Nest JSON a hundred thousand deep, with a key that is right."""
    body = b"[" * 100_000
    lines = (f"tracking-api-key: {target.key}", f"authorization: Bearer {target.key}")
    turns = itertools.cycle(["/v4/trackings/create", "/v2/trackings/post", "/api/trackings"])

    async def once() -> None:
        await ask(target, head("POST", next(turns), *lines, length=len(body)) + body, tally)

    await paced(0.3, once)


async def long_numbers(target: Target, tally: Counter[str]) -> None:
    """Name an account by more digits than Python makes an integer of."""
    paths = itertools.cycle([f"/track/{'9' * 4_301}", f"/t/x?page={'9' * 4_301}"])

    async def once() -> None:
        await ask(target, head("GET", next(paths)), tally)

    await paced(0.2, once)


async def guesses(target: Target, tally: Counter[str]) -> None:
    """Guess: numbers at the lookup, passwords, keys at the login and at the API."""
    form = "content-type: application/x-www-form-urlencoded"
    count = itertools.count()

    def requests() -> list[bytes]:
        number = next(count)
        lookup = f"number=SIM-GUESS-{number}&word={number:05d}".encode()
        password = f"email=shop%40example.com&password=wrong-{number:08d}".encode()
        key = f"key=pw_live_{number:038d}".encode()
        origin = f"origin: http://127.0.0.1:{target.port}"
        return [
            head("POST", "/track/1", form, length=len(lookup)) + lookup,
            head("POST", "/dashboard/login", form, origin, length=len(password)) + password,
            head("POST", "/dashboard/login", form, origin, length=len(key)) + key,
            head("GET", "/v4/trackings/get", f"tracking-api-key: pw_live_{number:038d}"),
        ]

    async def once() -> None:
        for request in requests():
            await ask(target, request, tally)

    await paced(0.05, once)


async def hostile_files(target: Target, tally: Counter[str]) -> None:
    """Upload, as a tenant: 300,000 headings over 200 rows, and a cell of 60,000 accents."""
    headings = ",".join(["tracking_number", *(f"h{number}" for number in range(300_000))])
    wide = headings + "\n" + ",\n" * 200
    accents = "tracking_number,title\nRR123456785CH," + "a" + "\u0301\u0327" * 30_000 + "\n"
    heading = "tracking_number," + "e" + "\u0301\u0327" * 30_000 + "\nRR123456785CH,x\n"
    files = itertools.cycle([one.encode() for one in (wide, accents, heading)])
    border = "border"
    lines = (
        f"cookie: {target.cookie}",
        f"origin: http://127.0.0.1:{target.port}",
        f"content-type: multipart/form-data; boundary={border}",
    )

    async def once() -> None:
        body = (
            f'--{border}\r\ncontent-disposition: form-data; name="csrf"\r\n\r\n{target.csrf}\r\n'
            f'--{border}\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n'
            "content-type: text/csv\r\n\r\n"
        ).encode() + next(files)
        body += f"\r\n--{border}--\r\n".encode()
        await ask(
            target, head("POST", "/dashboard/add/file", *lines, length=len(body)) + body, tally
        )

    await paced(1.5, once)


async def long_texts(target: Target, tally: Counter[str]) -> None:
    """Send accents and hostile numbers to where text is folded: detection, search, creates."""
    accents = "a" + "\u0301\u0327" * 30_000
    lines = (f"tracking-api-key: {target.key}", "content-type: application/json")
    bodies = itertools.cycle(
        [
            ("/v4/couriers/detect", json.dumps({"tracking_number": accents})),
            ("/v4/trackings/create", json.dumps({"tracking_number": accents, "title": accents})),
            ("/v4/trackings/create", json.dumps({"tracking_number": "1" * 60_000})),
        ]
    )

    async def once() -> None:
        path, text = next(bodies)
        body = text.encode()
        await ask(target, head("POST", path, *lines, length=len(body)) + body, tally)

    await paced(0.3, once)


ATTACKS: Final[dict[str, Attack]] = {
    attack.__name__: attack
    for attack in (
        quoted_cookies,
        endless_heads,
        half_open,
        churn,
        keyless_bodies,
        slow_readers,
        deep_json,
        long_numbers,
        guesses,
        hostile_files,
        long_texts,
    )
}

CONNECTIONS_ONLY: Final = ("half_open", "churn")
"""What a single address can do with connections alone: must hardly be noticed."""

__all__ = ["ATTACKER", "ATTACKS", "CONNECTIONS_ONLY", "Attack"]
