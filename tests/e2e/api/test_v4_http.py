"""v4 behind a real HTTP server: what clients do to HTTP itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from tests.support.house import HouseUnderTest, serve
from tests.support.v4 import USPS_NUMBER, count, create

BODY = msgspec.json.encode({"tracking_number": USPS_NUMBER, "courier_code": "usps"})


@pytest.fixture
async def address(v4: HouseUnderTest) -> AsyncIterator[tuple[str, int]]:
    async with serve(v4.door) as served:
        host, _, port = served.partition(":")
        yield host, int(port)


async def send(address: tuple[str, int], raw: bytes) -> tuple[int, bytes]:
    """Send ``raw`` as it is and return status and body of the answer."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(raw)
        await writer.drain()
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        return int(head.split(b" ")[1]), await reader.readexactly(length)
    finally:
        writer.close()


def request(house: HouseUnderTest, line: str, *headers: str) -> bytes:
    lines = [f"{line} HTTP/1.1", "Host: localhost", f"tracking-api-KEY: {house.key}", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


async def test_post_without_a_length_is_an_empty_body(
    v4: HouseUnderTest, address: tuple[str, int]
) -> None:
    tracking = await create(v4)
    line = f"POST /v4/trackings/retrack/{tracking['id']}"
    status, body = await send(address, request(v4, line))
    assert (status, msgspec.json.decode(body)["meta"]["code"]) == (400, 4113)


async def test_an_empty_chunked_body(v4: HouseUnderTest, address: tuple[str, int]) -> None:
    tracking = await create(v4)
    line = f"POST /v4/trackings/retrack/{tracking['id']}"
    raw = request(v4, line, "Transfer-Encoding: chunked") + b"0\r\n\r\n"
    status, body = await send(address, raw)
    assert (status, msgspec.json.decode(body)["meta"]["code"]) == (400, 4113)


async def test_a_body_in_chunks(v4: HouseUnderTest, address: tuple[str, int]) -> None:
    parts = (BODY[:20], BODY[20:21], BODY[21:])
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    raw = request(v4, "POST /v4//trackings/create/", "Transfer-Encoding: chunked") + chunks
    status, _ = await send(address, raw)
    assert status == 200
    assert await count(v4) == 1


async def test_a_huge_body_hears_its_answer(v4: HouseUnderTest, address: tuple[str, int]) -> None:
    size = v4.house.settings.max_body_bytes + 1_000_000
    raw = request(v4, "POST /v4/trackings/create", f"Content-Length: {size}") + b" " * size
    status, body = await send(address, raw)
    assert (status, msgspec.json.decode(body)["meta"]["code"]) == (400, 4130)


async def test_a_raw_query(v4: HouseUnderTest, address: tuple[str, int]) -> None:
    await create(v4)
    for query in (
        "?",
        "?created_date_min=2026-03-01T18:00:00+08:00",
        "?created_date_min=2026-03-01T18:00:00%2B08:00&created_date_max=",
    ):
        status, body = await send(address, request(v4, f"GET /v4///trackings//get{query}"))
        assert status == 200
        assert len(msgspec.json.decode(body)["data"]) == 1


async def test_delete_with_a_body_of_no_length(
    v4: HouseUnderTest, address: tuple[str, int]
) -> None:
    tracking = await create(v4)
    line = f"DELETE /v4/trackings/delete/{tracking['id']}"
    status, _ = await send(address, request(v4, line, "Content-Length: 0"))
    assert status == 200
    assert await count(v4) == 0
