"""Use cases on messages: the log, one message sent again, many sent again in their order.

``once`` is explained in ``webhooks.endpoints``.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from parcelwire.domain.clock import Clock
from parcelwire.domain.field_problems import refuse_if_any
from parcelwire.tracking.creating import told_as
from parcelwire.tracking.ports import Once
from parcelwire.webhooks.commands import MOST_REPLAYED, ReplayMessages, replay_problem
from parcelwire.webhooks.endpoints import find_endpoint
from parcelwire.webhooks.errors import (
    EndpointNotFoundError,
    MessageNotFoundError,
    WebhookError,
)
from parcelwire.webhooks.ports import (
    Attempt,
    Message,
    MessageFilter,
    MessagePage,
    MessageState,
    MessageStore,
)


class Replayed(msgspec.Struct, frozen=True):
    """What a replay did."""

    count: int
    """How many messages are due again."""
    is_complete: bool
    """False: the limit was reached, there may be more."""


class MessageService:
    """What can be done with the messages of a world."""

    def __init__(self, store: MessageStore, *, clock: Clock, wake: Callable[[], None]) -> None:
        """``wake`` says that messages have become due."""
        self._store = store
        self._clock = clock
        self._wake = wake

    async def list_messages(
        self, world_id: int, where: MessageFilter, *, before: str | None = None, limit: int = 50
    ) -> MessagePage:
        """Return one page of messages, newest first; see ``MessageStore.list_messages``."""
        where = replace(
            where,
            states=tuple(dict.fromkeys(where.states)),
            event_types=tuple(dict.fromkeys(where.event_types)),
        )
        return await self._store.list_messages(world_id, where, before=before, limit=limit)

    async def get(self, world_id: int, message_id: str) -> Message:
        """Return one message.

        Raises:
            MessageNotFoundError: the world has none of this id.
        """
        message = await self._store.load_message(world_id, message_id)
        if message is None:
            raise MessageNotFoundError
        return message

    async def attempts_at(self, message: Message) -> list[Attempt]:
        """Return all attempts at a message, oldest first."""
        return await self._store.list_attempts(message.id)

    async def resend(self, world_id: int, message_id: str, *, once: Once | None = None) -> Message:
        """Make one message due now, whatever became of it; return it as it is then.

        Raises:
            MessageNotFoundError: the world has none of this id.
            EndpointNotFoundError: its endpoint was deleted.
        """
        message = await self.get(world_id, message_id)
        if await self._store.load_endpoint(world_id, message.endpoint_id) is None:
            msg = "the message's endpoint was deleted"
            raise EndpointNotFoundError(msg)
        now = self._clock.now()
        due = replace(message, state=MessageState.PENDING, attempts=0, due_at=now)

        def result_of(is_there: bool) -> Message | WebhookError:
            return due if is_there else MessageNotFoundError()

        if not await self._store.resend(world_id, message.id, now, once=told_as(once, result_of)):
            raise MessageNotFoundError
        self._wake()
        return due

    async def replay(
        self,
        world_id: int,
        endpoint_id: str,
        command: ReplayMessages,
        *,
        once: Once | None = None,
    ) -> Replayed:
        """Make messages of an endpoint due again that were delivered or given up, in their order.

        Raises:
            InvalidInputError: no condition is named.
            EndpointNotFoundError: the world has no such endpoint.
        """
        refuse_if_any([replay_problem(command)])
        endpoint = await find_endpoint(self._store, world_id, endpoint_id)
        where = MessageFilter(
            endpoint_id=endpoint.id,
            tracking_id=command.tracking_id,
            states=command.states,
            event_types=command.event_types,
            created_min=command.created_min,
            created_max=command.created_max,
        )
        limit = max(1, min(command.limit, MOST_REPLAYED))

        def result_of(count: int) -> Replayed:
            return Replayed(count, is_complete=count < limit)

        count = await self._store.replay(
            world_id, where, self._clock.now(), limit=limit, once=told_as(once, result_of)
        )
        self._wake()
        return result_of(count)
