"""The head of an answer is written as uvicorn writes it, byte for byte."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from parcelwire.server.cycle import Cycle
from parcelwire.server.response_head import MOST_KEPT, ResponseHead, _lines

DATE = (b"date", b"Sun, 29 Nov 2026 20:00:00 GMT")
JSON = (b"content-type", b"application/json")
HEADERS: tuple[list[tuple[bytes, bytes]], ...] = (
    [],
    [JSON],
    [JSON, (b"content-length", b"2")],
    [(b"Content-Length", b"2"), (b"X-Mixed", b"Case")],
    [(b"content-length", b"2"), (b"content-length", b"3")],
    [(b"transfer-encoding", b"chunked")],
    [(b"transfer-encoding", b"Chunked"), (b"content-length", b"2")],
    [(b"content-length", b"2"), (b"transfer-encoding", b"chunked")],
    [(b"connection", b"close"), (b"content-length", b"2")],
    [(b"connection", b"Keep-Alive, Close"), (b"content-length", b"2")],
    [(b"connection", b"keep-alive"), (b"content-length", b"2")],
    [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"content-length", b"2")],
    [(b"location", b"/" + b"x" * 500), (b"content-length", b"2")],
    [(b"x-tab", b"a\tb"), (b"x-latin", "é".encode("latin-1")), (b"content-length", b"2")],
)


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False


async def started(
    kind: type[RequestResponseCycle], message: Any, method: str, *, keep_alive: bool
) -> tuple[bytes, dict[str, Any]]:
    wire: Any = Wire()
    cycle = kind(
        scope={"type": "http", "method": method, "headers": []},  # type: ignore[typeddict-item]
        transport=wire,
        flow=FlowControl(wire),
        logger=logging.getLogger("test"),
        access_logger=logging.getLogger("test"),
        access_log=False,
        default_headers=[DATE],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: None,
    )
    cycle.more_body = False
    await cycle.send(message)
    names = ("chunked_encoding", "expected_content_length", "keep_alive", "response_started")
    return wire.written, {name: getattr(cycle, name) for name in names}


@pytest.mark.parametrize("headers", HEADERS)
async def test_it_is_what_uvicorn_writes(headers: list[tuple[bytes, bytes]]) -> None:
    for method, status, keep_alive in itertools.product(
        ("GET", "HEAD", "POST"), (200, 204, 303, 304, 503), (True, False)
    ):
        message = {"type": "http.response.start", "status": status, "headers": headers}
        theirs = await started(RequestResponseCycle, message, method, keep_alive=keep_alive)
        for _ in range(2):  # written, and then remembered
            ours = await started(Cycle, message, method, keep_alive=keep_alive)
            # Where uvicorn says what of the connection is no matter of the head's order.
            assert sorted(ours[0].split(b"\r\n")) == sorted(theirs[0].split(b"\r\n"))
            assert ours[0].startswith(theirs[0].split(b"\r\n")[0])
            assert ours[0].endswith(b"\r\n\r\n")
            assert ours[1] == theirs[1]


@pytest.mark.parametrize(
    "header",
    [(b"x", b"a\r\nb: c"), (b"x", b"a\x00"), (b"x y", b"a"), (b"x:", b"a"), (b"x\r\ny", b"a")],
)
def test_no_header_begins_another_line(header: tuple[bytes, bytes]) -> None:
    for _ in range(2):
        with pytest.raises(RuntimeError, match="Invalid HTTP header"):
            ResponseHead(200, [JSON, header])


def test_what_is_remembered_is_bounded() -> None:
    for number in range(2 * MOST_KEPT):
        ResponseHead(200, [(b"x-number", b"%d" % number)])
    assert len(_lines) <= MOST_KEPT
    ResponseHead(200, [(b"x-long", b"a" * 100)])
    assert (b"x-long", b"a" * 100) not in _lines
