"""What a server can send to keep us busy: an end to it, and whom it concerns."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable
from time import process_time

import pytest

from parcelwire.connectors.answer_limits import MOST_INTERIM
from parcelwire.connectors.base import ANSWER_FAULTS, Response, TrackingQuery, common_failure
from parcelwire.connectors.bodies import MOST_MEMBERS
from parcelwire.connectors.transport import Limits
from parcelwire.domain.report import Outcome
from tests.support.hostile_inputs import cookie_of_backslashes, gzip_of_members, interim_answers
from tests.unit.connectors.transport.servers import AMPLE, OK, Make, Talk, get, run_raw, says
from tests.unit.connectors.transport.test_sizes import packed, raw_deflate

QUESTION = TrackingQuery(number="RS000000001CH", courier_code="swiss-post")
MOST_SENT = 30_000_000
"""Bytes that a server may get rid of before we hang up; it would send ten times as many."""


class Flood:
    """Sends one thing again and again until we hang up, and counts."""

    def __init__(self, piece: bytes, begins: bytes = b"") -> None:
        self.sent = 0
        self._begins = begins
        self._piece = piece * (65_536 // len(piece) + 1)

    async def __call__(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self._begins)
        while self.sent < 10 * MOST_SENT:
            writer.write(self._piece)
            await writer.drain()
            self.sent += len(self._piece)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("flood", "fault"),
    [
        (Flood(interim_answers(1)), "malformed"),
        (Flood(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"), "malformed"),
        (Flood(b"x", b"HTTP/1.1 "), "malformed"),
        (Flood(b"x", b"HTTP/1.1 200 OK\r\nX: "), "malformed"),
        (Flood(b"X: y\r\n", b"HTTP/1.1 200 OK\r\n"), "malformed"),
        (Flood(b" y\r\n", b"HTTP/1.1 200 OK\r\nX: y\r\n"), "malformed"),
        (Flood(b"5\r\nhello\r\n", CHUNKED), "too_large"),
        (Flood(b"1\r\nx\r\n", CHUNKED), "too_large"),
        (Flood(b"X: y\r\n", CHUNKED + b"0\r\n"), "malformed"),
        (Flood(b"x", CHUNKED + b"5;x="), "malformed"),
        (Flood(b"0", CHUNKED), "malformed"),
    ],
    ids=[
        *("continue", "hints", "reason", "header", "headers", "folded"),
        *("chunks", "bytes", "trailers", "extension", "size"),
    ],
)
async def test_a_flood_is_broken_off_long_before_the_time_is_over(
    make_transport: Make, flood: Flood, fault: str
) -> None:
    flood.sent = 0
    limits = Limits(timeout_seconds=60, max_answer_bytes=2_000_000)
    async with run_raw(flood) as raw:
        response = await make_transport(repeats=0).send(get(raw.base_url), limits)
    assert response.fault == fault
    assert flood.sent < MOST_SENT


async def test_a_few_interim_answers_are_passed_over(make_transport: Make) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    async with run_raw(says(interim * MOST_INTERIM, OK)) as raw:
        transport = make_transport(connections_per_host=1)
        for _ in range(2):
            response = await transport.send(get(raw.base_url), AMPLE)
            assert (response.status, response.body) == (200, b"{}")
    async with run_raw(says(interim * (MOST_INTERIM + 1), OK)) as raw:
        response = await make_transport().send(get(raw.base_url), AMPLE)
    assert (response.fault, len(raw.heads)) == ("malformed", 1)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100_000])
@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("gzip", lambda plain: gzip.compress(plain[:9]) + gzip.compress(plain[9:])),
        ("gzip", lambda plain: b"".join(gzip.compress(bytes([one])) for one in plain)),
        ("gzip", lambda plain: gzip.compress(plain) + b"\x00\x00\r\n"),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
    ],
    ids=["one member", "two members", "many members", "padding", "zlib", "bare"],
)
async def test_packed_answers_in_pieces_come_out_whole(
    make_transport: Make, encoding: str, pack: Callable[[bytes], bytes], size: int
) -> None:
    plain = b'{"parcel": "RS000000001CH", "state": "there"}'
    assert len(plain) < MOST_MEMBERS
    head, _, body = packed(pack(plain), encoding).partition(b"\r\n\r\n")

    async def in_pieces(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"\r\n\r\n")
        for start in range(0, len(body), size):
            writer.write(body[start : start + size])
            await writer.drain()
            # The reader is in the same loop: it takes each piece as it is.
            await asyncio.sleep(0)

    async with run_raw(in_pieces) as raw:
        response = await make_transport().send(get(raw.base_url), AMPLE)
    assert (response.fault, response.body) == (None, plain)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"no gzip", "gzip"),
        (b"\xff\xff\xff\xff no deflate", "deflate"),
        (gzip_of_members(MOST_MEMBERS + 1), "gzip"),
        (gzip.compress(b"x") + b"\x1f\x8b no gzip", "gzip"),
    ],
)
async def test_what_cannot_be_unpacked(make_transport: Make, body: bytes, encoding: str) -> None:
    async with run_raw(says(packed(body, encoding))) as raw:
        response = await make_transport().send(get(raw.base_url), AMPLE)
    # Asking again would bring the same.
    assert (response.status, response.fault, len(raw.heads)) == (200, "undecodable", 1)


async def test_bombs_in_many_members_do_not_go_off(make_transport: Make) -> None:
    bomb = gzip_of_members(50, bytes(1_000_000))
    limits = Limits(timeout_seconds=30, max_answer_bytes=2_000_000)
    async with run_raw(says(packed(bomb, "gzip"))) as raw:
        response = await make_transport().send(get(raw.base_url), limits)
    assert response.fault == "too_large"


def huge(status: int, *more: bytes) -> Talk:
    head = b"\r\n".join([b"HTTP/1.1 %d X" % status, *more, b"Content-Length: 99999", b"", b""])
    return says(head)


@pytest.mark.parametrize(
    ("talk", "outcome"),
    [
        (huge(200), Outcome.NOT_UNDERSTOOD),
        (huge(404), Outcome.NOT_UNDERSTOOD),
        (says(packed(b"no gzip", "gzip")), Outcome.NOT_UNDERSTOOD),
        (says(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"), Outcome.NOT_UNDERSTOOD),
        (says(b"this is no HTTP at all\r\n\r\n"), Outcome.NOT_UNDERSTOOD),
        # What the status says of the carrier counts, however long its page is.
        (huge(500), Outcome.UNAVAILABLE),
        (huge(503, b"Retry-After: 60"), Outcome.UNAVAILABLE),
        (huge(429), Outcome.RATE_LIMITED),
        (huge(401), Outcome.AUTH_FAILED),
        (says(b""), Outcome.UNAVAILABLE),
    ],
)
async def test_whom_a_fault_concerns(make_transport: Make, talk: Talk, outcome: Outcome) -> None:
    async with run_raw(talk) as raw:
        response = await make_transport(repeats=0).send(get(raw.base_url), AMPLE)
    report = common_failure(QUESTION, response)
    assert report is not None
    assert report.outcome is outcome
    if outcome is Outcome.NOT_UNDERSTOOD:
        assert report.unmapped


def test_every_fault_of_an_answer_has_words() -> None:
    for fault, words in ANSWER_FAULTS.items():
        report = common_failure(QUESTION, Response(status=0, fault=fault))  # type: ignore[arg-type]  # a key is a fault
        assert report is not None
        assert report.unmapped[0].value == report.detail == words


async def test_cookies_of_backslashes_cost_what_their_length_costs(make_transport: Make) -> None:
    cookies = [cookie_of_backslashes(7_900, f"c{number}") for number in range(100)]
    lines = "".join(f"Set-Cookie: {cookie}\r\n" for cookie in cookies).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + lines + b"\r\n{}"
    started = process_time()
    async with run_raw(says(head)) as raw:
        response = await make_transport().send(get(raw.base_url), AMPLE)
    assert (response.status, response.body) == (200, b"{}")
    # Unquoted as the standard library of Python 3.11.7 does, they take ten seconds.
    assert process_time() - started < 3


@pytest.mark.parametrize(
    "value",
    ["1" * 8_000, "Mon, " * 1_600, "a " * 4_000, "(" * 8_000, "\u00e9" * 8_000],
)
def test_a_wait_that_is_none_is_the_usual_one(value: str) -> None:
    started = process_time()
    response = Response(status=429, headers={"retry-after": value}, received_at=0)
    report = common_failure(QUESTION, response)
    assert report is not None
    assert report.outcome is Outcome.RATE_LIMITED
    assert process_time() - started < 1
