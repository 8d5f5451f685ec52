"""The standard library's SMTP client, with an end to what a server may say."""

from __future__ import annotations

import contextlib
import smtplib
import socket
from typing import Any, BinaryIO, Final

MOST_LINES: Final = 100
"""Lines of one answer; each has 8,192 bytes at most."""


class Exchange:
    """One conversation with a mail server: how far it came, and how to break it off."""

    def __init__(self) -> None:
        self.step = "connection"
        self.is_handed_over = False
        """The whole message has gone out: the server may have it."""
        self.is_over = False
        self.client: smtplib.SMTP | None = None

    def abort(self) -> None:
        """Break it off, whatever it waits for; called from another thread."""
        self.is_over = True
        connection = self.client.sock if self.client is not None else None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Reply:
    """A server's side of the connection, which counts lines."""

    def __init__(self, file: BinaryIO) -> None:
        self.lines = 0
        self._file = file

    def readline(self, size: int) -> bytes:
        self.lines += 1
        if self.lines > MOST_LINES:
            msg = "the answer has too many lines"
            raise smtplib.SMTPServerDisconnected(msg)
        return self._file.readline(size)

    def close(self) -> None:
        self._file.close()


class Client(smtplib.SMTP):
    """Speaks in the open, or over TLS from STARTTLS on."""

    def __init__(self, exchange: Exchange, *given: Any, **options: Any) -> None:
        """``given`` and ``options`` are those of ``smtplib``."""
        self._exchange = exchange
        exchange.client = self
        super().__init__(*given, **options)

    def getreply(self) -> tuple[int, bytes]:
        """Return the answer to the last command.

        Raises:
            smtplib.SMTPServerDisconnected: it has too many lines, or the conversation was broken
                off.
        """
        if self._exchange.is_over:
            msg = "timed out"
            raise smtplib.SMTPServerDisconnected(msg)
        connection: Any = self.sock
        if self.file is None and connection is not None:
            self.file = _Reply(connection.makefile("rb"))
        if isinstance(self.file, _Reply):
            self.file.lines = 0
        return super().getreply()


class TlsClient(Client, smtplib.SMTP_SSL):
    """Speaks over TLS from the beginning."""
