"""Reading an answer's body: never more than allowed, packed or unpacked."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Final

import aiohttp

MOST_MEMBERS: Final = 64
"""Members of one gzip body; servers that write several write few."""


class TooLargeError(Exception):
    """The body is larger than allowed."""


class CutBodyError(Exception):
    """The body ends early."""


class UndecodableError(Exception):
    """The body is not what its Content-Encoding says."""


async def read_body(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """Read and unpack a body, both capped at ``limit`` bytes.

    Raises:
        TooLargeError: there is more.
        CutBodyError: a packed body is not whole.
        UndecodableError: it cannot be unpacked.
    """
    if (answer.content_length or 0) > limit:
        raise TooLargeError
    encoding = answer.headers.get("Content-Encoding", "").strip().lower()
    chunks = _capped(answer.content, limit)
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return b"".join([chunk async for chunk in chunks])
    unpacker = Unpacker(limit, is_gzip=encoding != "deflate")
    async for chunk in chunks:
        unpacker.feed(chunk)
    return unpacker.close()


async def _capped(content: aiohttp.StreamReader, limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in content.iter_any():
        size += len(chunk)
        if size > limit:
            raise TooLargeError
        yield chunk


class Unpacker:
    """Unpacks a body that comes in pieces of any size.

    A gzip body may have several members (RFC 1952, 2.2); what follows the last one and begins no
    other is passed over, as browsers do. "Deflate" may be zlib or bare, as some servers send it.
    """

    def __init__(self, limit: int, *, is_gzip: bool) -> None:
        """``limit``: the most bytes that may come out."""
        self._limit = limit
        self._is_gzip = is_gzip
        self._unpacker: zlib._Decompress | None = None
        self._plain = bytearray()
        self._members = 0
        self._held = b""
        """The first bytes of a member, too few to tell what they are."""
        self._is_over = False

    def feed(self, chunk: bytes) -> None:
        """Take the next piece.

        Raises:
            TooLargeError: more comes out than is allowed.
            UndecodableError: it is not of its form.
        """
        data = self._held + chunk
        self._held = b""
        while data and not self._is_over:
            if self._unpacker is None or self._unpacker.eof:
                if len(data) < 2:
                    self._held = data
                    return
                self._begin(data)
                continue
            data = self._unpack(self._unpacker, data)

    def close(self) -> bytes:
        """Return what came out.

        Raises:
            CutBodyError: the last member is not whole.
        """
        if self._unpacker is None:
            if self._held:
                raise CutBodyError
        elif not self._unpacker.eof:
            raise CutBodyError
        return bytes(self._plain)

    def _begin(self, data: bytes) -> None:
        if self._members and not (self._is_gzip and data.startswith(b"\x1f\x8b")):
            self._is_over = True
            return
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise UndecodableError
        self._unpacker = zlib.decompressobj(_window_bits(data, is_gzip=self._is_gzip))

    def _unpack(self, unpacker: zlib._Decompress, data: bytes) -> bytes:
        """Unpack as far as the member goes; return what is behind it."""
        try:
            # One byte over the limit is enough to know; no more is ever unpacked.
            self._plain += unpacker.decompress(data, self._limit + 1 - len(self._plain))
        except zlib.error as error:
            raise UndecodableError from error
        if len(self._plain) > self._limit or unpacker.unconsumed_tail:
            raise TooLargeError
        return unpacker.unused_data


def _window_bits(first: bytes, *, is_gzip: bool) -> int:
    """Choose the form: gzip, zlib, or bare deflate. ``first`` has two bytes at least."""
    if is_gzip:
        return 16 + zlib.MAX_WBITS
    is_zlib = first[0] & 0x0F == 8 and int.from_bytes(first[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS
