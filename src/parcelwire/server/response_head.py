"""The head of an answer, as bytes.

Nearly all headers of nearly all answers are the same few; each is checked and written down once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE

MOST_KEPT: Final = 4_096
"""Header lines that are remembered: in all some hundred kilobytes."""
LONGEST_KEPT: Final = 100

Header = tuple[bytes, bytes]

_lines: Final[dict[Header, bytes]] = {}


class ResponseHead:
    """What an application says of its answer, and the lines that say so to the client."""

    __slots__ = ("closes", "is_chunked", "length", "lines")

    def __init__(self, status: int, headers: Iterable[Header]) -> None:
        """Write down the status and the headers.

        Raises:
            RuntimeError: a header's name or value has a letter that would end or forge a line.
        """
        self.length: int | None = None
        """The declared length of the body."""
        self.is_chunked = False
        self.closes = False
        """Whether the application wants the connection to end."""
        self.lines = lines = [STATUS_LINE[status]]
        for header in headers:
            line = _lines.get(header)
            lines.append(line if line is not None else self._write(*header))

    def _write(self, name: bytes, value: bytes) -> bytes:
        if HEADER_RE.search(name):
            msg = "Invalid HTTP header name."
            raise RuntimeError(msg)
        if HEADER_VALUE_RE.search(value):
            msg = "Invalid HTTP header value."
            raise RuntimeError(msg)
        lower = name.lower()
        line = b"%b: %b\r\n" % (lower, value)
        if lower == b"content-length":
            # The first of them counts, unless the body comes in chunks; so it is in uvicorn.
            if self.length is None and not self.is_chunked:
                self.length = int(value)
        elif lower == b"transfer-encoding":
            if value.lower() == b"chunked":
                self.is_chunked = True
                self.length = None
        elif lower == b"connection":
            self.closes |= b"close" in [one.strip() for one in value.lower().split(b",")]
        elif len(line) <= LONGEST_KEPT:
            if len(_lines) >= MOST_KEPT:
                _lines.clear()
            _lines[name, value] = line
        return line
