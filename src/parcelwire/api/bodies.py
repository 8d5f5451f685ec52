"""Reading request bodies: after the key was checked, and not too many at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from parcelwire.api.shares import TooManyCallsError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

ReadBody = Callable[[bytes], Awaitable[bytes | None]]
"""Reads the body of a call for the key with this digest. None: it is larger than allowed.

Raises:
    TooManyCallsError: the key has as many bodies in progress as it may have.
    ClientGoneError: the body did not arrive whole.
"""

_LONGEST_LENGTH: Final = 18


class ClientGoneError(Exception):
    """The client went away before its request was complete: nobody waits for an answer."""


class BodyReader:
    """Reads bodies within limits."""

    def __init__(self, max_bytes: int, max_per_key: int) -> None:
        """``max_per_key`` bodies of one key are received at once at most.

        Those that arrive together with their head, as small ones do, are not counted.
        """
        self._max_bytes = max_bytes
        self._max_per_key = max_per_key
        self._by_key: Counter[bytes] = Counter()

    async def read(
        self, receive: Receive, headers: Mapping[bytes, bytes], key: bytes
    ) -> bytes | None:
        """Return a body; see ``ReadBody``. One that is declared too large is not read at all."""
        declared = headers.get(b"content-length", b"0")
        if len(declared) > _LONGEST_LENGTH or int(declared) > self._max_bytes:
            return None
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        body: bytes = message.get("body", b"")
        if not message.get("more_body"):
            return body if len(body) <= self._max_bytes else None
        if self._by_key[key] >= self._max_per_key:
            msg = "too many request bodies of this key are being received at once"
            raise TooManyCallsError(msg)
        self._by_key[key] += 1
        try:
            return await self._rest(receive, body)
        finally:
            self._by_key[key] -= 1
            if not self._by_key[key]:
                del self._by_key[key]

    async def _rest(self, receive: Receive, first: bytes) -> bytes | None:
        chunks = [first]
        size = len(first)
        while size <= self._max_bytes:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunk = message.get("body", b"")
            size += len(chunk)
            chunks.append(chunk)
            if not message.get("more_body"):
                break
        return b"".join(chunks) if size <= self._max_bytes else None
