"""The figures of the protocol layer."""

from __future__ import annotations

import msgspec


class ServerLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one server process takes from its clients. Sizes in bytes, times in seconds."""

    max_connections: int = 600
    """Open connections in all."""
    max_connections_per_source: int = 100
    """Open connections of one source address (see ``domain.source_address``); behind a trusted
    proxy, requests in progress of one forwarded address."""
    max_head_bytes: int = 32_768
    """Request line and headers; half of it for the URL."""
    max_body_bytes: int = 10_000_000
    """The largest body of any request; single calls allow less."""
    max_body_memory_bytes: int = 67_108_864
    """Bodies of all requests in progress."""
    head_timeout_seconds: float = 10.0
    """From the first byte of a head to its last; also how long a new connection may say nothing."""
    body_idle_timeout_seconds: float = 15.0
    """Between two parts of a body."""
    body_timeout_seconds: float = 60.0
    """For a whole body, plus one second for each ``min_body_rate`` bytes received."""
    min_body_rate: int = 16_384
    """Bytes a second."""
    idle_timeout_seconds: float = 15.0
    """Between two requests of one connection."""
    write_timeout_seconds: float = 30.0
    """In which a client must take at least ``MIN_WRITE_PROGRESS`` bytes of an answer."""


MAX_HEADERS = 100

MAX_PIPELINED = 16
"""Requests of one connection that wait for the one before them."""

SMALL_BODY = 16_384
"""Bytes of a body that are taken although the memory for bodies is full: a single parcel is always
smaller, and a few clients with large bodies shall not keep all others out.
"""

MIN_WRITE_PROGRESS = 16_384
"""Bytes of an answer that count as reading it."""

MAX_CHUNK_OVERHEAD = 8_192
"""Bytes of chunk extensions or trailers in a row: nobody reads either."""

OVERHEAD_PER_BODY_BYTE = 8
"""A chunk of one byte has five bytes around it; more than this is no body but a nuisance."""

STOP_WRITE_SECONDS = 3.0
"""While the server stops: time in which a client must take ``MIN_WRITE_PROGRESS`` bytes."""

LINGER_SECONDS = 3.0
"""After an answer that ends a connection: time for the client to read it while it still sends."""

LINGER_BYTES = 8_388_608
"""What is read and discarded meanwhile at most."""
