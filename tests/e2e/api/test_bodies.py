"""Bodies are read when the key was checked, within limits, and whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parcelwire.api.house import ApiSettings
from tests.support.clients import whole_door
from tests.support.house import HouseUnderTest, call, open_house, serve
from tests.support.v4 import USPS_NUMBER, count

PATIENCE = 30.0
LARGE = 1_900_000
TOO_MANY = {429}

CREATES = {
    "/v2/trackings/post": b"trackingmore-api-key",
    "/v4/trackings/create": b"tracking-api-key",
    "/api/trackings": b"parcelwire-api-key",
}
"""Path and header of the key, by dialect."""


def code_of(status: int, body: bytes) -> int:
    """Return the code of an answer: v2 and v4 have one in the body, too."""
    meta = msgspec.json.decode(body).get("meta")
    return status if meta is None else int(meta["code"])


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for what the server is about to do."""
    async with asyncio.timeout(PATIENCE):
        while not is_so():  # noqa: ASYNC110  # the server has no event for it
            await asyncio.sleep(0.005)


class Wire:
    """One connection, spoken by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[bytes, bytes], bytes]:
        async with asyncio.timeout(PATIENCE):
            head = await self.reader.readuntil(b"\r\n\r\n")
            lines = head.split(b"\r\n")
            headers = {
                line.partition(b":")[0].lower(): line.partition(b":")[2].strip()
                for line in lines[1:-2]
            }
            body = await self.reader.readexactly(int(headers[b"content-length"]))
            return int(lines[0].split(b" ")[1]), headers, body


@asynccontextmanager
async def wires(house: HouseUnderTest) -> AsyncIterator[Any]:
    """Yield what opens connections to ``house``."""
    opened: list[Wire] = []
    async with serve(whole_door(house)) as address:
        host, _, port = address.partition(":")

        async def connect(data: bytes) -> Wire:
            wire = Wire(*await asyncio.open_connection(host, int(port)))
            opened.append(wire)
            await wire.send(data)
            return wire

        try:
            yield connect
        finally:
            for wire in opened:
                wire.writer.close()


def head(path: str, length: int | None, key: str | None) -> bytes:
    """Return the head of a POST; ``length`` None: in chunks."""
    lines = [f"POST {path} HTTP/1.1".encode(), b"Host: localhost"]
    if key is not None:
        lines.append(CREATES[path] + b": " + key.encode())
    lines.append(
        b"Transfer-Encoding: chunked" if length is None else b"Content-Length: %d" % length
    )
    return b"\r\n".join([*lines, b"", b""])


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[HouseUnderTest]:
    settings = ApiSettings(max_bodies_per_key=2)
    async with open_house(tmp_path, lambda _: [], settings=settings) as opened:
        yield opened


@pytest.mark.parametrize("path", sorted(CREATES))
@pytest.mark.parametrize("length", [LARGE, None])
async def test_who_has_no_good_key_is_answered_before_the_body(
    house: HouseUnderTest, path: str, length: int | None
) -> None:
    revoked = await house.add_key(seed=21, revoked_at=house.clock.now())
    unknown = house.key[:-8] + "x" * 8
    async with wires(house) as connect:
        for key in (None, unknown, revoked):
            wire = await connect(head(path, length, key))
            status, headers, body = await wire.answer()
            assert code_of(status, body) in {401, 4001, 4002}
            # The rest of the body would have to be read to find the next request.
            assert headers[b"connection"] == b"close"


@pytest.mark.parametrize("path", sorted(CREATES))
async def test_a_body_that_is_declared_too_large_is_not_read(
    house: HouseUnderTest, path: str
) -> None:
    async with wires(house) as connect:
        wire = await connect(head(path, house.house.settings.max_body_bytes + 1, house.key))
        status, _, body = await wire.answer()
        said = msgspec.json.decode(body)
        if path.startswith("/api"):
            assert (status, said["code"]) == (413, "body-too-large")
        else:
            assert said["meta"]["code"] in {4012, 4130}


@pytest.mark.parametrize("path", sorted(CREATES))
async def test_a_key_has_so_many_bodies_under_way(house: HouseUnderTest, path: str) -> None:
    async with wires(house) as connect:
        first = [await connect(head(path, 100, house.key) + b"{") for _ in range(2)]
        slots = house.house.bodies
        await until(lambda: sum(slots._by_key.values()) == 2)
        wire = await connect(head(path, 100, house.key) + b"{")
        status, headers, body = await wire.answer()
        assert code_of(status, body) in TOO_MANY
        assert int(headers[b"retry-after"]) > 0
        # One that comes with its head is not counted.
        status, _, body = await (await connect(head(path, 1, house.key) + b"{")).answer()
        assert code_of(status, body) not in TOO_MANY
        for wire in first:
            await wire.send(b" " * 98 + b"}")
            status, _, body = await wire.answer()
            assert code_of(status, body) not in TOO_MANY
        assert slots._by_key == {}


async def test_a_body_that_is_cut_off_is_not_carried_out(house: HouseUnderTest) -> None:
    """JSON may be complete before the body is: what follows the cut is not known."""
    said = msgspec.json.encode({"tracking_number": USPS_NUMBER, "courier_code": "usps"})
    async with wires(house) as connect:
        path = "/v4/trackings/create"
        wire = await connect(head(path, None, house.key) + b"%x\r\n%b\r\n" % (len(said), said))
        slots = house.house.bodies
        await until(lambda: bool(slots._by_key))
        wire.writer.close()
        await until(lambda: not slots._by_key)
        assert (await (await connect(head(path, 2, None) + b"{}")).answer())[0] == 401
    assert await count(house) == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/carriers"),
        ("PUT", "/v2/carriers"),
        ("GET", "/v2/no/such/path"),
        ("GET", "/v4/couriers/all"),
        ("GET", "/v4/trackings/get"),
        ("GET", "/v4/no/such/path"),
        ("GET", "/api/couriers"),
        ("PUT", "/api/couriers"),
        ("GET", "/api/no/such/path"),
        ("GET", "/api/openapi.json"),
        ("GET", "/api/docs"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
    ],
)
async def test_no_cache_keeps_an_answer_and_no_browser_guesses_what_it_is(
    house: HouseUnderTest, method: str, path: str
) -> None:
    door = whole_door(house)
    for key in (house.key, "wrong"):
        names = {name.decode(): key for name in CREATES.values()}
        answer = await call(door, method, path, headers=names)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_picture_may_be_kept(house: HouseUnderTest) -> None:
    answer = await call(whole_door(house), "GET", "/v2/carriers/usps.svg")
    assert answer.status == 200
    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert answer.headers["x-content-type-options"] == "nosniff"
