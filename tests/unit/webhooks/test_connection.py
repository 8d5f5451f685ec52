"""One connection's reading, chunk by chunk, without a network."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parcelwire.webhooks.connection import (
    LONGEST_HEAD,
    ClosedError,
    HttpConnection,
    NoAnswerInTimeError,
    NotHttpError,
    RawAnswer,
)
from parcelwire.webhooks.envelope import WebhookRequest
from parcelwire.webhooks.pool import Origin
from parcelwire.webhooks.sender import Target, write_request


class Wire:
    """What a transport is to a connection."""

    def __init__(self) -> None:
        self.written = b""
        self.is_cut = False

    def write(self, data: bytes) -> None:
        self.written += data

    def abort(self) -> None:
        self.is_cut = True

    def close(self) -> None:
        self.is_cut = True


def connect(answer_bytes: int = 100, body_seconds: float = 60) -> tuple[HttpConnection, Any]:
    connection = HttpConnection(answer_bytes=answer_bytes, body_seconds=body_seconds)
    wire: Any = Wire()
    connection.connection_made(wire)
    return connection, wire


async def ask(connection: HttpConnection, *chunks: bytes, seconds: float = 60) -> RawAnswer:
    deadline = asyncio.get_running_loop().time() + seconds
    asking = asyncio.create_task(connection.post(b"request", deadline))
    await asyncio.sleep(0)
    for chunk in chunks:
        connection.data_received(chunk)
    return await asking


async def test_an_answer_in_any_pieces_is_the_same() -> None:
    whole = (
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nhello"
    )
    for size in (1, 2, 3, 7, 50, 1_000):
        connection, wire = connect()
        chunks = [whole[at : at + size] for at in range(0, len(whole), size)]
        for _ in range(2):
            answer = await ask(connection, *chunks)
            assert (answer.status, answer.body, answer.retry_after) == (200, b"hello", "7")
            assert connection.is_open
        assert wire.written == b"requestrequest"
        assert not wire.is_cut


async def test_a_chunked_body_is_put_together() -> None:
    connection, _ = connect()
    chunked = (
        b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    answer = await ask(connection, chunked)
    assert (answer.status, answer.body, connection.is_open) == (500, b"abcde", True)


@pytest.mark.parametrize("status", [204, 304])
async def test_these_have_no_body_and_keep_the_connection(status: int) -> None:
    connection, _ = connect()
    answer = await ask(connection, b"HTTP/1.1 %d X\r\n\r\n" % status)
    assert (answer.status, answer.body, connection.is_open) == (status, b"", True)


async def test_a_body_above_the_cap_is_cut_and_the_connection_with_it() -> None:
    connection, wire = connect(answer_bytes=4)
    answer = await ask(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", b"defghi")
    assert (answer.status, answer.body) == (200, b"abcd")
    assert wire.is_cut
    assert not connection.is_open


async def test_a_body_of_just_the_cap_is_whole() -> None:
    connection, wire = connect(answer_bytes=4)
    answer = await ask(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab", b"cd")
    assert (answer.body, connection.is_open, wire.is_cut) == (b"abcd", True, False)


async def test_connection_close_is_obeyed() -> None:
    connection, wire = connect()
    await ask(connection, b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    assert wire.is_cut
    with pytest.raises(ClosedError):
        await ask(connection)


async def test_what_comes_behind_an_answer_ends_the_connection() -> None:
    """It cannot be told from the next message's answer."""
    connection, _ = connect()
    one = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert (await ask(connection, one + one)).status == 200
    assert not connection.is_open


async def test_what_comes_unasked_ends_the_connection() -> None:
    connection, wire = connect()
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert wire.is_cut
    with pytest.raises(ClosedError):
        await ask(connection)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * (LONGEST_HEAD + 1),
        b"HTTP/1.1 103 Early\r\nX: y\r\n\r\n" * 3_000,
    ],
)
async def test_what_is_no_answer_is_an_error_and_cuts_the_connection(nonsense: bytes) -> None:
    connection, wire = connect()
    with pytest.raises(NotHttpError):
        await ask(connection, nonsense)
    assert wire.is_cut


async def test_silence_ends_in_time_and_so_does_a_body() -> None:
    connection, wire = connect(body_seconds=0.02)
    with pytest.raises(NoAnswerInTimeError):
        await ask(connection, b"HTTP/1.1 200 OK\r\n", seconds=0.02)
    assert wire.is_cut
    connection, wire = connect(body_seconds=0.02)
    answer = await ask(connection, b"HTTP/1.1 202 OK\r\nContent-Length: 9\r\n\r\nabc")
    assert (answer.status, answer.body, wire.is_cut) == (202, b"abc", True)


async def test_a_head_without_its_body_ends_in_time_too() -> None:
    connection, wire = connect(body_seconds=0.02)
    async with asyncio.timeout(10):
        answer = await ask(connection, b"HTTP/1.1 202 OK\r\nContent-Length: 9\r\n\r\n")
    assert (answer.status, answer.body, wire.is_cut) == (202, b"", True)


async def test_a_loss_says_whether_anything_was_heard() -> None:
    connection, _ = connect()
    asking = asyncio.create_task(connection.post(b"request", 1e12))
    await asyncio.sleep(0)
    connection.connection_lost(None)
    with pytest.raises(ClosedError):
        await asking
    assert connection.heard_nothing
    connection, _ = connect()
    asking = asyncio.create_task(connection.post(b"request", 1e12))
    await asyncio.sleep(0)
    connection.data_received(b"HTTP/1.1 2")
    connection.connection_lost(ConnectionResetError())
    with pytest.raises(ConnectionResetError):
        await asking
    assert not connection.heard_nothing


async def test_who_stops_waiting_cuts_the_connection() -> None:
    connection, wire = connect()
    asking = asyncio.create_task(connection.post(b"request", 1e12))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert wire.is_cut
    assert not connection.is_open


@pytest.mark.parametrize(
    ("value", "is_packed"), [("identity", False), ("Identity", False), ("gzip", True), ("br", True)]
)
async def test_a_packed_body_is_known_by_its_header(value: str, is_packed: bool) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {value}\r\nContent-Length: 0\r\n\r\n"
    assert (await ask(connect()[0], head.encode())).is_packed is is_packed


HEAD = "POST / HTTP/1.1\r\nhost: x\r\naccept: */*\r\n"
TARGET = Target(Origin("shop.example", 80, is_tls=False), HEAD)


def test_a_request_is_written_with_its_length() -> None:
    request = WebhookRequest(url="", headers={"webhook-id": "m"}, body=b"abc")
    rest = b"webhook-id: m\r\ncontent-length: 3\r\n\r\nabc"
    assert write_request(TARGET, request) == HEAD.encode() + rest


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb", "\r\n\r\nPOST /", "ā"])
def test_nothing_breaks_out_of_a_header(value: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - two kinds, both refuse
        write_request(TARGET, WebhookRequest(url="", headers={"x": value}, body=b""))


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("begins", "piece"),
    [(CHUNKED + b"0\r\n", b"X: y\r\n"), (CHUNKED + b"1;x=", b"y"), (CHUNKED, b"0")],
    ids=["trailers", "extension", "size"],
)
async def test_what_follows_the_head_without_end_is_cut(begins: bytes, piece: bytes) -> None:
    connection, wire = connect()
    deadline = asyncio.get_running_loop().time() + 60
    asking = asyncio.create_task(connection.post(b"request", deadline))
    await asyncio.sleep(0)
    fed = 0
    connection.data_received(begins)
    while not wire.is_cut and fed < 10 * LONGEST_HEAD:
        connection.data_received(piece * 1_000)
        fed += 1_000 * len(piece)
    assert (await asking).status == 200
    assert fed < 2 * LONGEST_HEAD


async def test_a_body_of_the_cap_in_chunks_of_one_byte_is_read() -> None:
    connection, wire = connect()
    chunks = [b"1\r\nx\r\n"] * 100
    answer = await ask(connection, CHUNKED, *chunks, b"0\r\nRetry-After: 9\r\n\r\n")
    assert (answer.body, answer.retry_after, wire.is_cut) == (b"x" * 100, None, False)
