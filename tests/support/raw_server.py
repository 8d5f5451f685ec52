"""A server on loopback that answers with whatever bytes a test wants, HTTP or not."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Handle = Callable[[socket.socket], None]
"""What is done with one connection, before it is closed."""

_PATIENCE_SECONDS = 60.0


def read_request(connection: socket.socket) -> bytes:
    """Return one HTTP request, head and body; what came of it where the client left early."""
    said = b""
    while b"\r\n\r\n" not in said:
        more = connection.recv(65_536)
        if not more:
            return said
        said += more
    head, _, body = said.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length and (more := connection.recv(65_536)):
        body += more
    return head + b"\r\n\r\n" + body


def saying(answer: bytes, *, is_reset: bool = False) -> Handle:
    """Return what reads a request, says ``answer`` and hangs up; ``is_reset``: by force."""

    def handle(connection: socket.socket) -> None:
        if read_request(connection):
            connection.sendall(answer)
            if is_reset:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    return handle


@contextmanager
def raw_server(handle: Handle, *, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Do ``handle`` with each connection, in a thread of its own; yields ``host:port``."""

    def serve(connection: socket.socket) -> None:
        connection.settimeout(_PATIENCE_SECONDS)
        with connection, suppress(OSError):
            if tls is None:
                handle(connection)
                return
            with tls.wrap_socket(connection, server_side=True) as wrapped:
                handle(wrapped)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                one = threading.Thread(target=serve, args=(connection,), daemon=True)
                threads.append(one)
                one.start()

    threads: list[threading.Thread] = []
    listening = socket.create_server(("127.0.0.1", 0))
    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        # Closing alone would not wake accept().
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join(_PATIENCE_SECONDS)
        for one in threads:
            one.join(_PATIENCE_SECONDS)
