"""What may come over one connection. Real sockets, a clock that stands."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from parcelwire.server.refusals import ANSWERS, Refusal, response_of
from tests.support.limited import CHUNKED, GET, POST, serve_limited, status_of

# --- what works as it always did ----------------------------------------------------------------


async def test_requests_follow_one_another_on_one_connection() -> None:
    async with serve_limited() as served:
        client = await served.open()
        for _ in range(3):
            await client.send(GET)
            assert status_of(await client.answer()) == 200
        assert len(served.table) == 1
        client.close()
        await served.until(lambda: len(served.table) == 0)


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with serve_limited() as served:
        paths = [b"/%d" % n for n in range(10)]
        client = await served.open(b"".join(GET.replace(b"/x", path) for path in paths))
        for _ in paths:
            assert status_of(await client.answer()) == 200
        assert [seen.path.encode() for seen in served.app.seen] == paths


async def test_a_large_read_of_many_pipelined_heads_is_no_large_head() -> None:
    """The limit is for one head, however many come in one packet."""
    async with serve_limited(max_head_bytes=1_000) as served:
        one = GET[:-2] + b"X-Filler: " + b"x" * 500 + b"\r\n\r\n"
        client = await served.open(one * 8 + one[:300])
        for _ in range(8):
            assert status_of(await client.answer()) == 200
        await client.send(one[300:])
        assert status_of(await client.answer()) == 200


@pytest.mark.parametrize("step", [1, 7, 100, 5_000])
async def test_a_body_arrives_whole_however_it_is_cut(step: int) -> None:
    body = bytes(range(256)) * 20
    data = POST % len(body) + body
    if step == 1:
        data = POST % 64 + body[:64]
    async with serve_limited() as served:
        client = await served.open()
        for at in range(0, len(data), step):
            await client.send(data[at : at + step])
            await asyncio.sleep(0)
        assert status_of(await client.answer()) == 200
        assert served.app.seen[0].body == (body[:64] if step == 1 else body)
        await client.send(GET)
        assert status_of(await client.answer()) == 200
        await served.until(lambda: served.table.body_bytes == 0)


async def test_chunks_and_small_trailers_are_taken_and_trailers_are_no_headers() -> None:
    async with serve_limited() as served:
        client = await served.open(CHUNKED)
        await served.until(lambda: served.app.seen)
        await client.send(b"5;name=value\r\nhello\r\n0\r\nTracking-Api-Key: stolen\r\n\r\n")
        assert status_of(await client.answer()) == 200
        assert served.app.seen[0].body == b"hello"
        assert b"tracking-api-key" not in dict(served.app.seen[0].headers)


async def test_an_old_client_is_sent_no_chunks() -> None:
    """RFC 9112, 6.1: the end of the connection is the end of the answer."""
    async with serve_limited() as served:
        answer = await served.ask(b"GET /parts HTTP/1.0\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert status_of(answer) == 200
        assert b"transfer-encoding" not in head.lower()
        assert body == b"one,two"
        answer = await served.ask(b"HEAD /parts HTTP/1.0\r\n\r\n")
        assert answer.endswith(b"\r\n\r\n")
        answer = await served.ask(b"GET /x HTTP/1.0\r\n\r\n")
        assert b"\r\ncontent-length: 2\r\n" in answer
        assert answer.endswith(b"ok")
        newer = GET.replace(b"/x", b"/parts").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        assert b"\r\n4\r\none,\r\n3\r\ntwo\r\n0\r\n\r\n" in await served.ask(newer)


async def test_a_wish_for_another_protocol_is_passed_over() -> None:
    async with serve_limited() as served:
        answer = await served.ask(
            GET[:-2] + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2"
        )
        assert status_of(answer) == 200
        assert len(served.app.seen) == 1


# --- heads --------------------------------------------------------------------------------------


async def test_a_large_head_is_refused_before_it_is_gathered() -> None:
    async with serve_limited(max_head_bytes=2_000) as served:
        client = await served.open(GET[:-2])
        for _ in range(40):
            await client.send(b"X-Filler: " + b"x" * 90 + b"\r\n")
        answer = await client.rest()
        assert status_of(answer) == 431
        assert b"\r\nconnection: close\r\n" in answer
        assert b'"code":"head-too-large"' in answer
        assert served.app.seen == []
        assert served.table.refusals.counts["head-too-large"] == 1


@pytest.mark.parametrize("header", [b"X-Long: " + b"x" * 5_000, b"X: y\r\n" * 101 + b"Z: z"])
async def test_one_long_header_and_many_short_ones_are_too_much(header: bytes) -> None:
    async with serve_limited(max_head_bytes=4_000) as served:
        assert status_of(await served.ask(GET[:-2] + header + b"\r\n\r\n")) == 431


@pytest.mark.parametrize("size", [600, 50_000])
async def test_a_long_url_is_refused(size: int) -> None:
    async with serve_limited(max_head_bytes=1_000) as served:
        answer = await served.ask(GET.replace(b"/x", b"/" + b"x" * size))
        assert status_of(answer) == 414


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
        b"GET\r\n\r\n",
        b"GET /x HTTP/1.1\r\nno header\r\n\r\n",
        b"GET * HTTP/1.1\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_answered_so_and_not_logged_each_time(data: bytes) -> None:
    async with serve_limited() as served:
        for _ in range(3):
            assert status_of(await served.ask(data)) == 400
        assert served.table.refusals.counts["bad-request"] == 3


async def test_pipelining_without_end_is_cut() -> None:
    async with serve_limited() as served:
        wait = GET.replace(b"/x", b"/wait")
        client = await served.open(wait + GET * 1_000)
        await served.until(lambda: served.table.refusals.counts["too-many-pipelined"])
        served.app.go.set()
        answers = await client.rest()
        assert 10 <= answers.count(b"HTTP/1.1 200") <= 20
        assert len(served.app.seen) <= 20


async def test_no_header_of_an_answer_can_begin_another_line() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        value = b"/x\r\nset-cookie: a=b"
        await send(
            {"type": "http.response.start", "status": 303, "headers": [(b"location", value)]}
        )

    async with serve_limited(app=app) as served:  # type: ignore[arg-type]  # it does nothing else
        assert await served.ask(GET) == b""


# --- bodies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"1;" + b"x" * 100_000 + b"\r\n", "chunks-too-large"),
        (b"0\r\n" + b"X-Trailer: " + b"y" * 100_000, "chunks-too-large"),
        (b"0\r\n" + b"X: y\r\n" * 20_000, "chunks-too-large"),
        (b"1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\na\r\n" * 20_000, "chunks-too-large"),
    ],
)
async def test_chunk_extensions_and_trailers_have_limits(data: bytes, kind: str) -> None:
    async with serve_limited() as served:
        assert status_of(await served.ask(CHUNKED + data)) == 431
        assert served.table.refusals.counts[kind] == 1
        assert served.app.seen[0].body is None


@pytest.mark.parametrize("head", [CHUNKED, POST % 50_000])
async def test_a_body_beyond_the_largest_allowed_is_refused(head: bytes) -> None:
    body = b"c350\r\n" + b"x" * 50_000 + b"\r\n0\r\n\r\n" if head == CHUNKED else b"x" * 50_000
    async with serve_limited(max_body_bytes=20_000) as served:
        assert status_of(await served.ask(head + body)) == 413
        assert served.app.seen[0].body is None
        await served.until(lambda: served.table.body_bytes == 0)


async def test_bodies_of_all_connections_together_have_a_budget() -> None:
    async with serve_limited(max_body_memory_bytes=100_000) as served:
        first = await served.open(POST % 99_000 + b"x" * 90_000)
        await served.until(lambda: served.table.body_bytes == 90_000)
        answer = await served.ask(POST % 90_000 + b"x" * 60_000)
        assert status_of(answer) == 503
        assert b"\r\nretry-after: 5\r\n" in answer
        # What everybody sends is small, and is always taken.
        small = await served.open(POST % 16_000 + b"x" * 16_000)
        assert status_of(await small.answer()) == 200
        await first.send(b"x" * 9_000)
        assert status_of(await first.answer()) == 200
        await served.until(lambda: served.table.body_bytes == 0)


async def test_who_sends_a_body_that_nobody_wants_hears_the_answer() -> None:
    async with serve_limited() as served:
        size = 4_000_000
        head = (POST % size).replace(b"/read", b"/ignore")
        answer = await served.ask(head + b"x" * size)
        assert status_of(answer) == 200
        assert b"connection: close" in answer.lower()
        assert served.table.body_bytes == 0


async def test_a_small_body_that_nobody_wants_costs_no_connection() -> None:
    async with serve_limited() as served:
        head = (POST % 10).replace(b"/read", b"/ignore")
        client = await served.open(head)
        assert status_of(await client.answer()) == 200
        await client.send(b"x" * 10 + GET)
        assert status_of(await client.answer()) == 200
        assert len(served.app.seen) == 2


async def test_who_waits_to_be_asked_for_a_body_and_is_not_begins_anew() -> None:
    """Some send the body all the same, and some the next request: nobody knows which comes."""
    async with serve_limited() as served:
        head = (POST % 20).replace(b"/read", b"/ignore")
        answer = await served.ask(head[:-2] + b"Expect: 100-continue\r\n\r\n")
        assert status_of(answer) == 200
        assert b"\r\nconnection: close\r\n" in answer


async def test_who_never_ends_a_body_that_nobody_wants_is_closed() -> None:
    async with serve_limited(body_idle_timeout_seconds=5) as served:
        client = await served.open((POST % 10).replace(b"/read", b"/ignore"))
        assert status_of(await client.answer()) == 200
        served.pass_time(6)
        assert await client.rest() == b""
        await served.until(lambda: len(served.table) == 0)


async def test_whatever_comes_nothing_is_left_behind() -> None:
    """Whole, cut, doubled and mangled requests, in any pieces, from a seeded source."""
    choose = random.Random(20)
    parts = [
        GET,
        GET[:-2],
        b"GET /wait HTTP/1.1\r\n\r\n",
        POST % 20 + b"x" * 20,
        POST % 90_000 + b"x" * 90_000,
        POST % 20,
        (POST % 70_000).replace(b"/read", b"/ignore") + b"x" * 70_000,
        (POST % 30).replace(b"/read", b"/ignore") + b"x" * 30,
        CHUNKED + b"3\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3;x=y\r\nabc\r\n0\r\nX-Y: z\r\n\r\n",
        CHUNKED + b"zz\r\n",
        b"\x00\xff" * 50,
        GET[:-2] + b"X-Forwarded-For: 192.0.2.7\r\n\r\n",
        GET[:-2] + b"Connection: close\r\n\r\n",
        GET[:-2] + b"Expect: 100-continue\r\n\r\n",
    ]
    limits: dict[str, Any] = {"max_body_memory_bytes": 150_000, "max_connections": 20}
    async with serve_limited(proxies=("127.0.0.1",), max_head_bytes=1_000, **limits) as served:

        async def misuse() -> None:
            data = b"".join(choose.choices(parts, k=choose.randrange(1, 6)))
            if choose.random() < 0.3:
                at = choose.randrange(len(data))
                data = data[:at] + choose.randbytes(3) + data[at + 3 :]
            client = await served.open()
            while data and choose.random() < 0.9:
                size = choose.choice((1, 7, 300, 5_000, 200_000))
                await client.send(data[:size])
                data = data[size:]
                await asyncio.sleep(0)
            if choose.random() < 0.2:
                served.pass_time(choose.choice((1, 4, 20)))
            await client.gone()

        for _ in range(40):
            await asyncio.gather(*(misuse() for _ in range(10)))
        served.app.go.set()
        await served.until(lambda: len(served.table) == 0)
        await served.until(lambda: not served.server.server_state.tasks)
        assert served.table.body_bytes == 0
        assert served.table._by_source == {}
        assert served.table._forwarded == {}
        assert not served.table._turned_away
        assert status_of(await (await served.open(GET)).answer()) == 200


def test_every_answered_refusal_says_what_it_is() -> None:
    for refusal in ANSWERS:
        answer = response_of(refusal, [(b"date", b"now")])
        head, _, body = answer.partition(b"\r\n\r\n")
        assert f'"code":"{refusal.value}"'.encode() in body
        assert b"content-length: %d" % len(body) in head
    silent = {Refusal.EVICTED, Refusal.WRITE_TIMEOUT}
    assert set(Refusal) - silent == set(ANSWERS)
