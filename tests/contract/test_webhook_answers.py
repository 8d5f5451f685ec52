"""What becomes of an answer and of its connection, byte by byte, over real sockets on loopback."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from parcelwire.webhooks.connection import LONGEST_HEAD
from parcelwire.webhooks.request_builder import WebhookRequest
from parcelwire.webhooks.sender import HttpSender
from parcelwire.webhooks.settings import WebhookSettings
from tests.contract import webhook_receivers as receivers
from tests.contract.webhook_office import eventually
from tests.contract.webhook_receivers import Received, receiver, request_to

SETTINGS = WebhookSettings(
    allowed_networks=("127.0.0.0/8", "::1/128"),
    request_timeout_seconds=30,
    body_seconds=20,
    answer_bytes=100,
)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BROKEN_BODY = b"3\r\nabc\r\nnonsense\r\n"


def pieces(*parts: bytes) -> receivers.Behaviour:
    """Write these bytes one after another, and keep the connection."""

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)  # the other side runs in this loop, too

    return behave


class Watched:
    """A receiver that says how its connections ended."""

    def __init__(self, behaviour: receivers.Behaviour) -> None:
        self.behaviour = behaviour
        self.writers: list[asyncio.StreamWriter] = []

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        await self.behaviour(request, writer)

    async def cut(self) -> None:
        """Return when the sender has cut the newest connection."""
        async with asyncio.timeout(10):
            await self.writers[-1].wait_closed()


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    async with HttpSender(SETTINGS) as one:
        yield one


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1_000])
async def test_an_answer_in_any_pieces_is_the_same(sender: HttpSender, size: int) -> None:
    whole = (
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nhello"
    )
    parts = [whole[at : at + size] for at in range(0, len(whole), size)]
    async with receiver(pieces(*parts)) as shop:
        for _ in range(2):
            answer = await sender.send(request_to(shop))
            assert (answer.status, answer.body, answer.retry_after) == (200, "hello", "7")
        assert shop.connections == 1


async def test_a_chunked_body_is_put_together(sender: HttpSender) -> None:
    head = b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with receiver(pieces(head + b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n")) as shop:
        for _ in range(2):
            answer = await sender.send(request_to(shop))
            assert (answer.status, answer.body) == (500, "abcde")
        assert shop.connections == 1


async def test_a_body_that_ends_with_its_connection_is_read(sender: HttpSender) -> None:
    async with receiver(receivers.raw(b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo")) as shop:
        answer = await sender.send(request_to(shop))
    assert (answer.status, answer.body) == (200, "hello")


@pytest.mark.parametrize("status", [204, 304])
async def test_these_have_no_body_and_keep_the_connection(sender: HttpSender, status: int) -> None:
    async with receiver(pieces(b"HTTP/1.1 %d X\r\n\r\n" % status)) as shop:
        for _ in range(2):
            answer = await sender.send(request_to(shop))
            assert (answer.status, answer.body) == (status, "")
        assert shop.connections == 1


async def test_a_body_above_the_cap_is_cut_and_the_connection_with_it(sender: HttpSender) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 150\r\n\r\n"
    shop_floor = Watched(pieces(head + b"a" * 99, b"b" * 50))
    async with receiver(shop_floor) as shop:
        answer = await sender.send(request_to(shop))
        assert (answer.status, answer.body) == (200, "a" * 99 + "b")
        await shop_floor.cut()
        await sender.send(request_to(shop))
        assert shop.connections == 2


async def test_a_body_of_just_the_cap_is_whole(sender: HttpSender) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    async with receiver(pieces(head + b"a" * 99, b"b")) as shop:
        for _ in range(2):
            assert (await sender.send(request_to(shop))).body == "a" * 99 + "b"
        assert shop.connections == 1


async def test_a_body_of_the_cap_in_chunks_of_one_byte_is_read(sender: HttpSender) -> None:
    end = b"0\r\nRetry-After: 9\r\n\r\n"
    async with receiver(pieces(CHUNKED, b"1\r\nx\r\n" * 100, end)) as shop:
        for _ in range(2):
            answer = await sender.send(request_to(shop))
            assert (answer.body, answer.retry_after) == ("x" * 100, None)
        assert shop.connections == 1


async def test_connection_close_is_obeyed(sender: HttpSender) -> None:
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    shop_floor = Watched(pieces(closing))
    async with receiver(shop_floor) as shop:
        assert (await sender.send(request_to(shop))).status == 200
        await shop_floor.cut()
        assert (await sender.send(request_to(shop))).status == 200
        assert shop.connections == 2


@pytest.mark.parametrize("between", [b"", b"HTTP/1.1 103 X\r\n\r\n"])
async def test_what_comes_behind_an_answer_ends_the_connection(
    sender: HttpSender, between: bytes
) -> None:
    """It cannot be told from the next message's answer."""
    shop_floor = Watched(pieces(OK + between + OK.replace(b"200", b"410")))
    async with receiver(shop_floor) as shop:
        assert (await sender.send(request_to(shop))).status == 200
        await shop_floor.cut()
        assert (await sender.send(request_to(shop))).status == 200
        assert shop.connections == 2


async def test_what_comes_unasked_ends_the_connection(sender: HttpSender) -> None:
    shop_floor = Watched(pieces(OK))
    async with receiver(shop_floor) as shop:
        assert (await sender.send(request_to(shop))).status == 200
        shop_floor.writers[-1].write(OK.replace(b"200", b"410"))
        await shop_floor.cut()
        assert (await sender.send(request_to(shop))).status == 200
        assert shop.connections == 2


@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * (LONGEST_HEAD + 1),
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * (LONGEST_HEAD // 6 + 1),
        b"HTTP/1.1 103 Early\r\nX: y\r\n\r\n" * 3_000,
    ],
    ids=["word", "status", "tls", "negative", "two lengths", "long", "many", "interim"],
)
async def test_what_is_no_answer_is_an_error_and_cuts_the_connection(
    sender: HttpSender, nonsense: bytes
) -> None:
    shop_floor = Watched(pieces(nonsense))
    async with receiver(shop_floor) as shop:
        answer = await sender.send(request_to(shop))
        await shop_floor.cut()
    assert (answer.status, answer.error) == (0, "the answer is not HTTP")


async def test_a_head_of_nearly_the_longest_is_read(sender: HttpSender) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * (LONGEST_HEAD - 100) + b"\r\nContent-Length: 0\r\n\r\n"
    )
    async with receiver(pieces(head[:40_000], head[40_000:])) as shop:
        assert (await sender.send(request_to(shop))).status == 200


@pytest.mark.parametrize(
    "parts",
    [[CHUNKED + BROKEN_BODY], [CHUNKED, BROKEN_BODY]],
    ids=["together", "apart"],
)
async def test_what_is_wrong_with_a_body_does_not_change_the_status(
    sender: HttpSender, parts: list[bytes]
) -> None:
    shop_floor = Watched(pieces(*parts))
    async with receiver(shop_floor) as shop:
        answer = await sender.send(request_to(shop))
        await shop_floor.cut()
    assert answer.status == 200
    assert answer.duration_ms < 10_000


async def test_a_chunk_that_ends_just_before_the_connection_is_cut(sender: HttpSender) -> None:
    # Whoever waits for more of the body is woken at the chunk's end, and nothing more can come.
    turns = [b""] * 20
    async with receiver(pieces(CHUNKED + b"5\r\nab\r\n0", *turns, b"\r\nno size\r\n")) as shop:
        answer = await sender.send(request_to(shop))
    assert (answer.status, answer.error, answer.body) == (200, "", "ab\r\n0")


async def test_silence_ends_in_time_and_cuts_the_connection() -> None:
    settings = replace(SETTINGS, request_timeout_seconds=0.1)
    shop_floor = Watched(pieces(b"HTTP/1.1 200 OK\r\n"))
    async with HttpSender(settings) as sender, receiver(shop_floor) as shop:
        answer = await sender.send(request_to(shop))
        await shop_floor.cut()
    assert (answer.status, answer.error) == (0, "no answer within 0.1 s")


@pytest.mark.parametrize("body", [b"", b"abc"])
async def test_a_body_ends_in_time_and_the_status_counts(body: bytes) -> None:
    settings = replace(SETTINGS, body_seconds=0.05)
    shop_floor = Watched(pieces(b"HTTP/1.1 202 OK\r\nContent-Length: 9\r\n\r\n" + body))
    async with HttpSender(settings) as sender, receiver(shop_floor) as shop:
        answer = await sender.send(request_to(shop))
        await shop_floor.cut()
    assert (answer.status, answer.body) == (202, body.decode())
    assert answer.duration_ms < 10_000


class TestKeptConnections:
    """A kept connection that breaks says nothing of the receiver, while nothing was heard."""

    async def test_one_that_broke_in_the_middle_of_an_answer_is_a_failure(
        self, sender: HttpSender
    ) -> None:
        async with receiver(receivers.answer(200)) as shop:
            await sender.send(request_to(shop))
            shop.behaviour = receivers.raw(b"HTTP/1.1 2")
            answer = await sender.send(request_to(shop))
            assert answer.error == "the connection was closed before an answer came"
            assert (len(shop.received), shop.connections) == (2, 1)

    async def test_a_request_is_repeated_once_however_many_connections_are_kept(
        self, sender: HttpSender
    ) -> None:
        all_are_here = asyncio.Barrier(5)

        async def answer_together(request: Received, writer: asyncio.StreamWriter) -> None:
            await all_are_here.wait()
            await receivers.answer(200)(request, writer)

        async with receiver(answer_together) as shop:
            await asyncio.gather(*(sender.send(request_to(shop)) for _ in range(5)))
            assert shop.connections == 5
            shop.behaviour = receivers.close_at_once
            answer = await sender.send(request_to(shop))
            assert answer.error == "the connection was closed before an answer came"
            assert (len(shop.received), shop.connections) == (7, 6)

    async def test_the_repetition_is_within_the_time_of_the_attempt(self) -> None:
        settings = replace(SETTINGS, request_timeout_seconds=0.4)
        async with HttpSender(settings) as sender, receiver(receivers.answer(200)) as shop:
            await sender.send(request_to(shop))

            async def late(request: Received, writer: asyncio.StreamWriter) -> None:
                shop.behaviour = receivers.hang
                await asyncio.sleep(0.2)
                writer.close()

            shop.behaviour = late
            answer = await sender.send(request_to(shop))
        assert answer.error == "no answer within 0.4 s"
        assert 350 < answer.duration_ms < 5_000


async def test_who_stops_waiting_cuts_the_connection(sender: HttpSender) -> None:
    shop_floor = Watched(pieces())
    async with receiver(shop_floor) as shop:
        sending = asyncio.create_task(sender.send(request_to(shop)))
        await eventually(lambda: bool(shop_floor.writers))
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await shop_floor.cut()


async def test_what_a_receiver_does_not_read_is_not_kept_for_it() -> None:
    """More than the kernel's buffers take: the rest must not wait for a reader for ever."""
    settings = replace(SETTINGS, request_timeout_seconds=0.2)
    ended = asyncio.Event()

    async def never_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await ended.wait()
        writer.transport.abort()

    server = await asyncio.start_server(never_read, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    request = WebhookRequest(
        url=f"http://127.0.0.1:{port}/", headers={"x": "y"}, body=b"x" * 900_000
    )
    before = _open_files()
    async with HttpSender(settings) as sender:
        answers = await asyncio.gather(*(sender.send(request) for _ in range(10)))
        await asyncio.sleep(0)
        open_files = _open_files() - before
    ended.set()
    server.close()
    assert {answer.error for answer in answers} == {"no answer within 0.2 s"}
    assert open_files <= 10 + 2  # the receiver's ends of them


@pytest.mark.parametrize(
    ("value", "is_packed"), [("identity", False), ("Identity", False), ("gzip", True), ("br", True)]
)
async def test_a_packed_body_is_known_by_its_header(
    sender: HttpSender, value: str, is_packed: bool
) -> None:
    async with receiver(receivers.answer(200, b"abc", f"Content-Encoding: {value}")) as shop:
        answer = await sender.send(request_to(shop))
    assert answer.body == ("(packed; not read)" if is_packed else "abc")


@pytest.mark.parametrize(
    ("begins", "piece"),
    [(CHUNKED + b"0\r\n", b"X: y\r\n"), (CHUNKED + b"1;x=", b"y"), (CHUNKED, b"0")],
    ids=["trailers", "extension", "size"],
)
async def test_what_follows_the_head_without_end_is_cut(
    sender: HttpSender, begins: bytes, piece: bytes
) -> None:
    sent = 0

    async def endless(request: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(begins)
        while not writer.is_closing():
            writer.write(piece * 1_000)
            await writer.drain()
            sent += 1_000 * len(piece)

    async with receiver(endless) as shop:
        answer = await sender.send(request_to(shop))
    assert (answer.status, answer.body) == (200, "")
    assert answer.duration_ms < 10_000
    assert sent < 20_000_000  # what the kernel's buffers took


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - their number is all
