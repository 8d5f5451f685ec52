"""How much of its answers a client has not taken yet."""

from __future__ import annotations

import asyncio
import sys


def unread_bytes(transport: asyncio.WriteTransport) -> int:
    """Return how many bytes wait for the client: here, and in the system where that can be told.

    The system may hold megabytes for one connection, and asks for more only when a good part of
    them is gone. Without these, somebody who reads steadily looks for a long time as if nothing
    were read at all.
    """
    return transport.get_write_buffer_size() + _held_by_system(transport)


def _held_by_system(transport: asyncio.WriteTransport) -> int:
    if sys.platform != "linux":
        return 0
    import fcntl
    import termios

    sock = transport.get_extra_info("socket")
    try:
        # SIOCOUTQ has the number of TIOCOUTQ: what is not acknowledged, sent or not (tcp(7)).
        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
    except (AttributeError, OSError, ValueError):
        # Closed already.
        return 0
    return int.from_bytes(answer, sys.byteorder)
