"""Where endpoints are looked after by hand: is a URL allowed, does a test event arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from aiohttp.abc import AbstractResolver

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import SECOND, Clock
from parcelwire.tracking.ports import NewMessage
from parcelwire.webhooks.address import AddressGuard
from parcelwire.webhooks.guarded_dns import SystemResolver, check_destination
from parcelwire.webhooks.message import MessageComposer
from parcelwire.webhooks.ports import Attempt, MessageStore
from parcelwire.webhooks.settings import WebhookSettings
from parcelwire.webhooks.worker import DeliveryWorker

_RESOLVE_SECONDS: Final = 5.0
"""How long a dead name server may hold up whoever creates an endpoint."""
_SLACK_SECONDS: Final = 10.0
"""What waiting for a test's attempt lasts longer than the attempt itself may."""
_LOOK_SECONDS: Final = 0.05


class WebhookDesk:
    """Implements ``api.house.EndpointDesk``; the commands use it too."""

    def __init__(
        self,
        store: MessageStore,
        *,
        composer: MessageComposer,
        delivery: DeliveryWorker,
        guard: AddressGuard,
        clock: Clock,
        settings: WebhookSettings,
        resolver: AbstractResolver | None = None,
        is_served: Callable[[], bool] = lambda: False,
        is_closing: Callable[[], bool] = lambda: False,
    ) -> None:
        """``guard`` is the sender's, so that what passes here is judged alike later.

        ``is_served`` tells whether workers, here or in other processes, deliver by themselves;
        where they do not (a command, a test), waiting for an attempt makes it. While
        ``is_closing`` nobody waits any longer. ``resolver`` defaults to the system's.
        """
        self._store = store
        self._composer = composer
        self._delivery = delivery
        self._guard = guard
        self._clock = clock
        self._settings = settings
        self._resolver = resolver
        self._is_served = is_served
        self._is_closing = is_closing
        self._stepping = asyncio.Lock()

    async def check_url(self, url: str) -> None:
        """Check that messages may be sent to ``url``, its name resolved where it can be now.

        Raises:
            AddressRefusedError: it is no usable URL, or leads to an address nobody allowed.
        """
        self._guard.check_url(url)
        if self._resolver is None:
            self._resolver = SystemResolver(self._settings.dns_threads)
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                await check_destination(self._guard, self._resolver, url)
        except TimeoutError:
            return  # as a name that has no address yet: every attempt judges again

    def compose_test(self, endpoint: Endpoint) -> NewMessage:
        """Return a message about a made-up parcel; store it, then wait for ``first_attempt``."""
        return self._composer.compose_test(endpoint, self._clock.now())

    async def first_attempt(self, message_id: str) -> Attempt | None:
        """Return the first attempt at a message, once there is one; None when none is in time."""
        patience_seconds = self._settings.total_seconds + _SLACK_SECONDS
        deadline = self._clock.now() + round(patience_seconds * SECOND)
        while True:
            attempts = await self._store.list_attempts(message_id)
            if attempts:
                return attempts[0]
            if self._clock.now() >= deadline or self._is_closing():
                return None
            if self._is_served():
                self._delivery.notify()
            else:
                async with self._stepping:
                    await self._delivery.step()
            await self._clock.sleep(_LOOK_SECONDS)

    def wake(self) -> None:
        """Say that messages have become due."""
        self._delivery.notify()

    async def close(self) -> None:
        """Let go of the resolver."""
        if self._resolver is not None:
            await self._resolver.close()
