# Generated from ../aio by tools/generate_sync.py: change that, and generate again.
"""Messages: what was told to whom, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from parcelwire.client import native_calls
from parcelwire.client.details import instant_text, is_none_of
from parcelwire.client.native_models import Attempt, Message, MessageDetail
from parcelwire.client.sync.engine import Engine

Found = list[Attempt]


class MessagePager:
    """Messages, newest first. Each iteration asks the server anew."""

    def __init__(self, engine: Engine, query: Mapping[str, Any], *, is_empty: bool = False) -> None:
        """``is_empty``: nothing can fulfil ``query``, so that the server is not asked."""
        self._engine = engine
        self._query = query
        self._is_empty = is_empty

    def __iter__(self) -> Iterator[Message]:
        cursor: str | None = None
        while not self._is_empty:
            query = {**self._query, "cursor": cursor}
            page = self._engine.send(native_calls.list_messages(query))
            yield from page.items
            cursor = page.next_cursor
            if not page.has_more or not cursor:
                return

    def all(self) -> list[Message]:
        """Return all of them at once.

        Raises:
            ParcelwireError: a page could not be fetched.
        """
        return list(self)


class Messages:
    """The log of what was sent."""

    def __init__(self, engine: Engine) -> None:
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
    ) -> MessagePager:
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
        return MessagePager(self._engine, query, is_empty=is_empty)

    def get(self, message_id: str) -> MessageDetail:
        """Return one message, with what it says and its attempts.

        Raises:
            NotFoundError: there is no such message.
            ParcelwireError: it came to nothing.
        """
        return self._engine.send(native_calls.read_message(message_id))

    def attempts(self, message: Message | str) -> Found:
        """Return all attempts at delivering one message, oldest first.

        Raises:
            NotFoundError: there is no such message.
            ParcelwireError: the call failed.
        """
        return self._engine.send(native_calls.list_attempts(_id(message)))

    def resend(self, message: Message | str) -> Message:
        """Send one message once more, whatever became of it.

        Raises:
            NotFoundError: there is no such message.
            ParcelwireError: it came to nothing.
        """
        return self._engine.send(native_calls.resend(_id(message)))


def _id(message: Message | str) -> str:
    return message if isinstance(message, str) else message.id
