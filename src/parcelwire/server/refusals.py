"""What the protocol layer refuses: the kinds, their answers, and what the log says of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from parcelwire.domain.clock import SECOND
from parcelwire.domain.refusal_log import RefusalLog

log = logging.getLogger(__name__)


class Refusal(StrEnum):
    """Why a request or a connection is refused."""

    BAD_REQUEST = "bad-request"
    HEAD_TIMEOUT = "head-timeout"
    BODY_TIMEOUT = "body-timeout"
    BODY_TOO_LARGE = "body-too-large"
    URL_TOO_LONG = "url-too-long"
    HEAD_TOO_LARGE = "head-too-large"
    CHUNKS_TOO_LARGE = "chunks-too-large"
    TOO_MANY_PIPELINED = "too-many-pipelined"
    BODY_MEMORY_FULL = "body-memory-full"
    SOURCE_FULL = "source-full"
    SERVER_FULL = "server-full"
    STOPPING = "stopping"
    # The next ones get no answer: there is nobody to read it, or no request to answer.
    EVICTED = "evicted"
    WRITE_TIMEOUT = "write-timeout"


class Answer(msgspec.Struct, frozen=True):
    """How a refusal is answered: HTTP status, title, and what the client should know."""

    status: int
    title: str
    detail: str
    retry_after: int = 0


ANSWERS: Final = {
    Refusal.BAD_REQUEST: Answer(400, "Bad Request", "This is not a valid HTTP/1.1 request."),
    Refusal.HEAD_TIMEOUT: Answer(
        408, "Request Timeout", "The request head did not arrive in time."
    ),
    Refusal.BODY_TIMEOUT: Answer(
        408, "Request Timeout", "The request body did not arrive in time."
    ),
    Refusal.BODY_TOO_LARGE: Answer(413, "Content Too Large", "The request body is too large."),
    Refusal.URL_TOO_LONG: Answer(414, "URI Too Long", "The URL is too long."),
    Refusal.HEAD_TOO_LARGE: Answer(
        431, "Request Header Fields Too Large", "The request head is too large."
    ),
    Refusal.CHUNKS_TOO_LARGE: Answer(
        431,
        "Request Header Fields Too Large",
        "The chunk extensions or trailers are too large.",
    ),
    Refusal.TOO_MANY_PIPELINED: Answer(
        503, "Service Unavailable", "Too many pipelined requests.", retry_after=1
    ),
    Refusal.BODY_MEMORY_FULL: Answer(
        503, "Service Unavailable", "Too many request bodies at once.", retry_after=5
    ),
    Refusal.SOURCE_FULL: Answer(
        503, "Service Unavailable", "Too many connections from your address.", retry_after=5
    ),
    Refusal.SERVER_FULL: Answer(503, "Service Unavailable", "Too many connections.", retry_after=5),
    Refusal.STOPPING: Answer(
        503, "Service Unavailable", "The server is restarting.", retry_after=5
    ),
}

_LOGGED: Final[Mapping[str, str]] = {
    Refusal.BAD_REQUEST: "not a valid HTTP request",
    Refusal.HEAD_TIMEOUT: "request head not complete in time (server.head_timeout_seconds)",
    Refusal.BODY_TIMEOUT: "request body not complete in time (server.body_timeout_seconds)",
    Refusal.BODY_TOO_LARGE: "request body too large",
    Refusal.URL_TOO_LONG: "URL too long (server.max_head_bytes)",
    Refusal.HEAD_TOO_LARGE: "request head too large (server.max_head_bytes)",
    Refusal.CHUNKS_TOO_LARGE: "chunk extensions or trailers too large",
    Refusal.TOO_MANY_PIPELINED: "too many pipelined requests",
    Refusal.BODY_MEMORY_FULL: "too many request bodies at once (server.max_body_memory_bytes)",
    Refusal.SOURCE_FULL: (
        "too many connections from one address (server.max_connections_per_source;"
        " if this is your proxy, add it to server.trusted_proxies)"
    ),
    Refusal.SERVER_FULL: "too many connections (server.max_connections)",
    Refusal.STOPPING: "request not complete when the server stopped",
    Refusal.EVICTED: (
        "half-sent request closed to make room"
        " (server.max_connections, server.max_connections_per_source)"
    ),
    Refusal.WRITE_TIMEOUT: "client does not read its answer (server.write_timeout_seconds)",
}


def response_of(refusal: Refusal, headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return the whole HTTP response for a refusal, as RFC 9457 problem details.

    ``headers`` are further ones, such as the date.
    """
    answer = ANSWERS[refusal]
    body = msgspec.json.encode(
        {
            "type": f"urn:parcelwire:problem:{refusal}",
            "title": answer.title,
            "status": answer.status,
            "detail": answer.detail,
            "code": refusal,
        }
    )
    lines = [
        b"HTTP/1.1 %d %s" % (answer.status, answer.title.encode()),
        *(b"%s: %s" % one for one in headers),
        b"content-type: application/problem+json",
        b"content-length: %d" % len(body),
        b"cache-control: no-store",
        b"x-content-type-options: nosniff",
        b"connection: close",
    ]
    if answer.retry_after:
        lines.append(b"retry-after: %d" % answer.retry_after)
    return b"\r\n".join([*lines, b"", body])


def refusal_log(time: Callable[[], float]) -> RefusalLog:
    """Return a log for refusals of the protocol layer. ``time``: seconds, monotonic."""
    return RefusalLog(log.warning, lambda: round(time() * SECOND), _LOGGED)
