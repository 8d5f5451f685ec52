"""The use case that shows whether an endpoint works: a made-up event is sent, its attempt awaited.

``once`` is explained in ``webhooks.endpoints``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from parcelwire.domain.clock import SECOND, Clock
from parcelwire.tracking.creating import told_as
from parcelwire.tracking.ports import Once
from parcelwire.webhooks.endpoints import find_endpoint
from parcelwire.webhooks.errors import EndpointDisabledError
from parcelwire.webhooks.message import MessageComposer
from parcelwire.webhooks.ports import Attempt, MessageStore

_SLACK_SECONDS: Final = 10.0
"""What waiting for a test's attempt lasts longer than the attempt itself may."""
_LOOK_SECONDS: Final = 0.05


class Deliveries(Protocol):
    """Who delivers (``webhooks.worker``)."""

    async def step(self) -> int:
        """Deliver what is due now; return how many messages were tried."""
        ...

    def notify(self) -> None:
        """Look for what is due, without waiting for the next round."""
        ...


class TestDelivery:
    """Sends test events."""

    __test__ = False  # pytest takes names like this one for tests

    def __init__(
        self,
        store: MessageStore,
        *,
        composer: MessageComposer,
        deliveries: Deliveries,
        clock: Clock,
        attempt_seconds: float,
        is_served: Callable[[], bool] = lambda: False,
        is_closing: Callable[[], bool] = lambda: False,
    ) -> None:
        """``attempt_seconds``: how long one attempt may take.

        ``is_served`` tells whether workers, here or in other processes, deliver by themselves;
        where they do not (a command, a test), waiting for an attempt makes it. While
        ``is_closing`` nobody waits any longer.
        """
        self._store = store
        self._composer = composer
        self._deliveries = deliveries
        self._clock = clock
        self._attempt_seconds = attempt_seconds
        self._is_served = is_served
        self._is_closing = is_closing
        self._stepping = asyncio.Lock()

    async def send(self, world_id: int, endpoint_id: str, *, once: Once | None = None) -> str:
        """Store a made-up event for an endpoint, due now, and return its message's id.

        Raises:
            EndpointNotFoundError: the world has none of this id.
            EndpointDisabledError: it is paused or disabled; nothing is sent.
        """
        endpoint = await find_endpoint(self._store, world_id, endpoint_id)
        if not endpoint.is_enabled:
            why = "" if endpoint.is_paused else f": {endpoint.disabled_reason}"
            msg = f"it is {endpoint.state}{why}; nothing was sent"
            raise EndpointDisabledError(msg)
        message = self._composer.compose_test(endpoint, self._clock.now())
        told = told_as(once, lambda _: message.id)
        await self._store.add_messages([message], once=told)
        return message.id

    async def first_attempt(self, message_id: str) -> Attempt | None:
        """Return the first attempt at a message, once there is one; None when none is in time."""
        patience_seconds = self._attempt_seconds + _SLACK_SECONDS
        deadline = self._clock.now() + round(patience_seconds * SECOND)
        while True:
            attempts = await self._store.list_attempts(message_id)
            if attempts:
                return attempts[0]
            if self._clock.now() >= deadline or self._is_closing():
                return None
            if self._is_served():
                self._deliveries.notify()
            else:
                async with self._stepping:
                    await self._deliveries.step()
            await self._clock.sleep(_LOOK_SECONDS)
