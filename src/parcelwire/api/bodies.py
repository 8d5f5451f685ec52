"""Reading request bodies: after the key was checked, and not too many at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

ReadBody = Callable[[bytes], Awaitable[bytes | None]]
"""Reads the body of a call for the key with this digest. None: it is larger than allowed.

Raises:
    TooManyBodiesError: the key has too many bodies under way.
    ClientGoneError: the body did not arrive whole.
"""

_LONGEST_LENGTH: Final = 18


class TooManyBodiesError(Exception):
    """A key has as many bodies under way as it may have."""


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
        self._by_key: dict[bytes, int] = {}

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
        count = self._by_key.get(key, 0)
        if count >= self._max_per_key:
            raise TooManyBodiesError
        self._by_key[key] = count + 1
        try:
            return await self._rest(receive, body)
        finally:
            left = self._by_key[key] - 1
            if left:
                self._by_key[key] = left
            else:
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
