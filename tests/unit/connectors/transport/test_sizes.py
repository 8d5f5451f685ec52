"""How large answers may be, plain and packed."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from parcelwire.connectors.transport import Limits
from tests.unit.connectors.transport.servers import AMPLE, Make, get, run_raw, says


async def test_a_large_answer_is_refused_by_its_announced_size(make_transport: Make) -> None:
    async with run_raw(says(b"HTTP/1.1 200 OK\r\nContent-Length: 10001\r\n\r\n")) as raw:
        response = await make_transport().send(get(raw.base_url), AMPLE)
    assert (response.fault, response.body, len(raw.heads)) == ("too_large", b"", 1)


async def test_a_large_answer_without_a_size_is_cut_off_soon(make_transport: Make) -> None:
    sent = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 200_000_000:
            writer.write(b"x" * 100_000)
            await writer.drain()
            sent += 100_000

    async with run_raw(flood) as raw:
        response = await make_transport().send(get(raw.base_url), AMPLE)
    assert response.fault == "too_large"
    assert sent < 50_000_000


async def test_exactly_the_allowed_size_is_allowed(make_transport: Make) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"
    async with run_raw(says(head, b"x" * 10_000)) as raw:
        response = await make_transport().send(get(raw.base_url), AMPLE)
    assert len(response.body) == 10_000


def packed(body: bytes, encoding: str) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s" % (
        encoding.encode(),
        len(body),
        body,
    )


def raw_deflate(plain: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(plain) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
    ],
)
async def test_packed_answers_are_unpacked(
    make_transport: Make, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    async with run_raw(says(packed(pack(b"parcel" * 500), encoding))) as raw:
        response = await make_transport().send(get(raw.base_url), AMPLE)
    assert response.body == b"parcel" * 500
    assert b"Accept-Encoding: gzip, deflate" in raw.heads[0]


async def test_an_empty_packed_answer_is_empty(make_transport: Make) -> None:
    async with run_raw(says(packed(b"", "gzip"))) as raw:
        response = await make_transport().send(get(raw.base_url), AMPLE)
    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
async def test_a_bomb_does_not_go_off(make_transport: Make, pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(bytes(200_000_000))
    encoding = "gzip" if pack is gzip.compress else "deflate"
    limits = Limits(timeout_seconds=10, max_answer_bytes=2_000_000)
    assert len(bomb) < limits.max_answer_bytes
    async with run_raw(says(packed(bomb, encoding))) as raw:
        tracemalloc.start()
        try:
            response = await make_transport().send(get(raw.base_url), limits)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert response.fault == "too_large"
    assert peak < 5 * limits.max_answer_bytes


async def test_exactly_the_allowed_size_unpacked_is_allowed(make_transport: Make) -> None:
    async with run_raw(says(packed(gzip.compress(bytes(10_000)), "gzip"))) as raw:
        response = await make_transport().send(get(raw.base_url), AMPLE)
    assert len(response.body) == 10_000


@pytest.mark.parametrize(
    "body", [gzip.compress(b"parcel" * 100)[:-9], gzip.compress(b"x" * 9)[:5], b"\x1f"]
)
async def test_a_broken_packed_answer_counts_as_cut(make_transport: Make, body: bytes) -> None:
    async with run_raw(says(packed(body, "gzip"))) as raw:
        response = await make_transport().send(get(raw.base_url), AMPLE)
    assert response.fault == "cut"
