"""Servers that answer garbage, half an answer, or somewhere else: each ends as an error of the SDK.

Everything is said over real sockets on loopback, by both sides of the client.
"""

from __future__ import annotations

import gzip
import socket
from typing import Any

import pytest

from parcelwire.client import (
    InvalidRequestError,
    NetworkError,
    ParcelwireError,
    RequestTimeoutError,
    ServerError,
    UnexpectedResponseError,
)
from tests.support.clients import SIDES, Side, open_client
from tests.support.raw_server import raw_server, saying

GOOD = b'{"meta":{"code":200,"message":""},"data":[]}'
CONFLICT = b'{"meta":{"code":4101,"message":"said"},"data":{"id":"1"}}'
TOO_FAR = b"Sun, 01 Mar 2026 10:00:00 +99999999999999999999"


def http(
    body: bytes, *headers: bytes, status: bytes = b"200 OK", length: int | None = None
) -> bytes:
    told = len(body) if length is None else length
    # Said, so that no call goes out on a connection that is about to be closed.
    lines = [b"HTTP/1.1 " + status, b"content-length: %d" % told, b"connection: close", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def listed(value: bytes) -> bytes:
    """Return a list of couriers with ``value`` where the code of one belongs."""
    return b'{"meta":{"code":200},"data":[{"courier_code":%b}]}' % value


NO_HTTP: dict[str, bytes] = {
    "nothing": b"",
    "bytes": b"\0\xff" * 50,
    "a page": b"<html>hello</html>",
    "half a line": b"HTTP/1.1",
    "half a head": b"HTTP/1.1 200 OK\r\nx: 1\r\n",
    "half a body": http(GOOD, length=500),
    "a negative length": b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n" + GOOD,
    "two lengths": http(GOOD, b"content-length: 6"),
    "no chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n" + GOOD,
    "half a chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{",
    "a status of letters": http(GOOD, status=b"abc X"),
    "an endless head": http(GOOD, b"x: " + b"a" * 300_000),
    "a name of bytes": http(GOOD, b"x\xff\xfe: 1"),
    "a NUL": http(GOOD, b"x: a\0b"),
    "continue and no more": b"HTTP/1.1 100 Continue\r\n\r\n" * 20,
    "no gzip": http(b"nope", b"content-encoding: gzip"),
}
"""What cannot be taken for an answer of HTTP: nobody knows whether the call was done."""
NO_ANSWER: dict[str, bytes] = {
    "an empty body": http(b""),
    "another version": b"HTTP/9.9 200 OK\r\ncontent-length: 0\r\n\r\n",
    "latin-1": http('{"meta":{"code":200,"message":"ü"},"data":[]}'.encode("latin-1")),
    "utf-16": http(GOOD.decode().encode("utf-16")),
    "half a pair": http(b'{"meta":{"code":200,"message":"\\ud800"},"data":[]}'),
    "half of JSON": http(GOOD[:-5]),
    "too many digits": http(listed(b"9" * 6_000)),
    "too large": http(listed(b"1e400")),
    "no number": http(listed(b"NaN")),
    "too deep": http(listed(b"[" * 100_000 + b"]" * 100_000)),
    "nearly too deep": http(listed(b'"a","x":' + b"[" * 900 + b"]" * 900)),
    "an item that is none": http(b'{"meta":{"code":200},"data":[null]}'),
    "round in circles": http(b"", b"location: /v4/couriers/all", status=b"302 Found"),
    "to a script": http(b"", b"location: javascript:alert(1)", status=b"301 Moved"),
    "to nowhere said": http(b"", status=b"302 Found"),
    "no deflate": http(b"\1\2", b"content-encoding: deflate"),
    "half a gzip": http(gzip.compress(GOOD * 100)[:40], b"content-encoding: gzip"),
    "nowhere": http(b"", b"location: http://[::", status=b"302 Found"),
    "no port": http(b"", b"location: http://x:port/", status=b"302 Found"),
    "not modified": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
}
"""What is HTTP, and nothing that this API says."""
GOOD_ENOUGH: dict[str, bytes] = {
    "an odd charset": http(GOOD, b"content-type: application/json; charset=nonsense"),
    "an unknown encoding": http(GOOD, b"content-encoding: rot13"),
    "bytes in a value": http(GOOD, b"x-request-id: \xe4\xff"),
    "a bad date": http(GOOD, b"date: " + TOO_FAR),
    "a bad cookie": http(GOOD, b"set-cookie: \xff=; expires=Thu, 99-Jan-99999; domain=;;"),
    "more than was asked": http(GOOD) + b"garbage" * 10,
}


async def calls(side: Side, raw: bytes, **options: Any) -> list[Any]:
    """Return how calls of three kinds end when they are answered ``raw``: result or error."""
    ends: list[Any] = []
    with raw_server(saying(raw)) as address:
        options = {"max_retries": 1, "timeout_seconds": 20, **options}
        async with open_client(side, "key", f"http://{address}", **options) as client:
            for call in (
                client.couriers.list,
                lambda: client.trackings.create("9400111899223857925380", "usps"),
                client.account.get,
            ):
                # Whatever else is raised fails the test: that is what it is for.
                try:
                    ends.append(await call())
                except ParcelwireError as error:
                    ends.append(error)
    return ends


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("raw", NO_HTTP.values(), ids=NO_HTTP)
async def test_what_is_no_http(side: Side, raw: bytes) -> None:
    for end in await calls(side, raw):
        assert isinstance(end, NetworkError)
        assert end.__cause__ is not None
        assert end.request_id
        assert "no answer from http://127.0.0.1" in str(end)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("raw", NO_ANSWER.values(), ids=NO_ANSWER)
async def test_what_is_no_answer_of_this_api(side: Side, raw: bytes) -> None:
    listing, creating, account = await calls(side, raw)
    assert isinstance(listing, UnexpectedResponseError)
    assert listing.status_code in (200, 204, 301, 302, 304)
    for end in (creating, account):
        assert isinstance(end, ParcelwireError)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("raw", GOOD_ENOUGH.values(), ids=GOOD_ENOUGH)
async def test_what_does_not_matter(side: Side, raw: bytes) -> None:
    listing, creating, account = await calls(side, raw)
    assert listing == []
    assert isinstance(creating, UnexpectedResponseError)
    assert isinstance(account, UnexpectedResponseError)


@pytest.mark.parametrize("side", SIDES)
async def test_a_connection_that_is_reset(side: Side) -> None:
    with raw_server(saying(b"HTTP/1.1 200 OK\r\ncontent-len", is_reset=True)) as address:
        async with open_client(side, "key", f"http://{address}", max_retries=2) as client:
            with pytest.raises(NetworkError) as caught:
                await client.couriers.list()
            assert not isinstance(caught.value, RequestTimeoutError)
            assert len(client.pauses) == 2


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    "date",
    [
        TOO_FAR,
        b"Mon, 01 Jan 0001 00:00:00 GMT",
        b"Sat, 01 Jan 0001 00:00:00 -0000",
        b"Sun, 01 Mar 2026 10:00:00 +9999",
        b"Sun, 99 Xxx 99999 99:99:99",
        b", , ,",
        b"0",
    ],
)
async def test_a_date_that_is_none(side: Side, date: bytes) -> None:
    raw = http(CONFLICT, b"date: " + date, b"retry-after: " + date, status=b"400 Bad Request")
    _, creating, _ = await calls(side, raw)
    assert isinstance(creating, InvalidRequestError)
    assert creating.code == 4101
    busy = http(b"{}", b"retry-after: " + date, b"date: " + date, status=b"503 Busy")
    for end in await calls(side, busy):
        assert isinstance(end, ServerError)


@pytest.mark.parametrize("side", SIDES)
async def test_a_server_that_says_until_when_to_wait(side: Side) -> None:
    until, now = b"Sun, 01 Mar 2026 10:00:07 GMT", b"Sun, 01 Mar 2026 10:00:00 GMT"
    answers = [
        http(b"{}", b"retry-after: " + until, b"date: " + now, status=b"503 Busy"),
        http(GOOD, b"date: " + until),
    ]

    def answer(connection: socket.socket) -> None:
        saying(answers.pop(0))(connection)

    with raw_server(answer) as address:
        async with open_client(side, "key", f"http://{address}") as client:
            assert await client.couriers.list() == []
            assert client.pauses == [7.0]
    assert answers == []


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    "problem",
    [
        b'{"code":"x"}',
        b'{"code":7,"title":"y"}',
        b'{"code":"events-pruned","title":"","first_cursor":7}',
        b'{"code":"x","title":' + b"[" * 3_000,
        b'{"code":"x","title":"y","more":' + b"9" * 6_000 + b"}",
    ],
)
async def test_a_problem_that_is_none(side: Side, problem: bytes) -> None:
    _, _, account = await calls(side, http(problem, status=b"410 Gone"))
    assert isinstance(account, UnexpectedResponseError)
    assert account.status_code == 410
