"""Messages: what was told to whom, and what became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from parcelwire.client import native_calls
from parcelwire.client.aio.engine import AsyncEngine
from parcelwire.client.details import instant_text, is_none_of
from parcelwire.client.native_models import Attempt, Message, MessageDetail

Found = list[Attempt]


class AsyncMessagePager:
    """Messages, newest first. Each iteration asks the server anew."""

    def __init__(
        self, engine: AsyncEngine, query: Mapping[str, Any], *, is_empty: bool = False
    ) -> None:
        """``is_empty``: nothing can fulfil ``query``, so that the server is not asked."""
        self._engine = engine
        self._query = query
        self._is_empty = is_empty

    async def __aiter__(self) -> AsyncIterator[Message]:
        cursor: str | None = None
        while not self._is_empty:
            query = {**self._query, "cursor": cursor}
            page = await self._engine.send(native_calls.list_messages(query))
            for message in page.items:
                yield message
            cursor = page.next_cursor
            if not page.has_more or not cursor:
                return

    async def all(self) -> list[Message]:
        """Return all of them at once.

        Raises:
            ParcelwireError: a page could not be fetched.
        """
        return [message async for message in self]


class AsyncMessages:
    """The log of what was sent."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    def list(
        self,
        *,
        endpoint_id: str | None = None,
        tracking_id: str | None = None,
        states: Sequence[str] | None = None,
        event_types: Sequence[str] | None = None,
        created_min: datetime | None = None,
        created_max: datetime | None = None,
        page_size: int = 100,
    ) -> AsyncMessagePager:
        """Return the messages that fulfil all conditions, newest first.

        Nothing is fetched before the result is iterated. None means no condition; an empty sequence
        matches nothing.

        Raises:
            ValueError: a time without offset.
        """
        query = {
            "endpoint_id": endpoint_id,
            "tracking_id": tracking_id,
            "state": list(states or ()),
            "event_type": list(event_types or ()),
            "created_min": instant_text("created_min", created_min),
            "created_max": instant_text("created_max", created_max),
            "limit": page_size,
        }
        is_empty = is_none_of(states, event_types)
        return AsyncMessagePager(self._engine, query, is_empty=is_empty)

    async def get(self, message_id: str) -> MessageDetail:
        """Return one message, with what it says and its attempts.

        Raises:
            NotFoundError: there is no such message.
            ParcelwireError: it came to nothing.
        """
        return await self._engine.send(native_calls.read_message(message_id))

    async def attempts(self, message: Message | str) -> Found:
        """Return all attempts at delivering one message, oldest first.

        Raises:
            NotFoundError: there is no such message.
            ParcelwireError: the call failed.
        """
        return await self._engine.send(native_calls.list_attempts(_id(message)))

    async def resend(self, message: Message | str) -> Message:
        """Send one message once more, whatever became of it.

        Raises:
            NotFoundError: there is no such message.
            ParcelwireError: it came to nothing.
        """
        return await self._engine.send(native_calls.resend(_id(message)))


def _id(message: Message | str) -> str:
    return message if isinstance(message, str) else message.id
