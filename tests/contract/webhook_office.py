"""A real store with messages in it, a real sender, and workers: what delivery tests are made of."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.domain.account import Account, Endpoint, world_of
from parcelwire.domain.clock import SECOND, Clock, FrozenClock, Instant
from parcelwire.store.port import Store
from parcelwire.tracking.ports import NewMessage
from parcelwire.webhooks.message import MessageComposer
from parcelwire.webhooks.notices import Notifier
from parcelwire.webhooks.ports import Message, MessageFilter, MessageState
from parcelwire.webhooks.schedule import RandomShare
from parcelwire.webhooks.sender import HttpSender
from parcelwire.webhooks.settings import WebhookSettings
from parcelwire.webhooks.worker import DeliveryWorker
from tests.contract.store.places import PLACES
from tests.unit.webhooks.builders import (
    Identifiers,
    make_endpoint,
    make_event,
    make_tracking,
    plain_renderer,
)

SETTINGS = WebhookSettings(
    allowed_networks=("127.0.0.0/8",), request_timeout_seconds=5, poll_seconds=0.05, grace_seconds=2
)


class PassingClock:
    """Time passes as on the wall, and can be made to jump."""

    def __init__(self, now: Instant) -> None:
        self._loop = asyncio.get_running_loop()
        self._start = now - round(self._loop.time() * SECOND)

    def now(self) -> Instant:
        return self._start + round(self._loop.time() * SECOND)

    def jump(self, seconds: float) -> None:
        self._start += round(seconds * SECOND)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Office:
    """Endpoints and messages of one account, and the workers that deliver them."""

    def __init__(
        self,
        store: Store,
        account: Account,
        clock: FrozenClock,
        open_another: Callable[[], Awaitable[Store]],
    ) -> None:
        self.store = store
        self.account = account
        self.clock = clock
        self.open_another = open_another
        self.world_id = world_of(account.number, is_test=False)
        self.identifiers = Identifiers()
        self.composer = MessageComposer(
            {"v2": plain_renderer, "v4": plain_renderer}, self.identifiers
        )
        self.sender = HttpSender(SETTINGS)

    def worker(
        self,
        *,
        store: Any = None,
        sender: Any = None,
        clock: Clock | None = None,
        settings: WebhookSettings = SETTINGS,
        jitter: RandomShare = lambda: 0.0,
        notifiers: Sequence[Notifier] = (),
    ) -> DeliveryWorker:
        return DeliveryWorker(
            store or self.store,
            sender or self.sender,
            clock=clock or self.clock,
            accounts=lambda world_id: self.store.load_account(world_id // 2),
            identifiers=self.identifiers,
            random=jitter,
            settings=settings,
            notifiers=notifiers,
        )

    async def add_endpoint(self, url: str, **fields: Any) -> Endpoint:
        endpoint = make_endpoint(
            **{
                "id": self.identifiers.new_id(self.clock.now()),
                "url": url,
                "world_id": self.world_id,
                **fields,
            }
        )
        await self.store.add_endpoint(endpoint)
        return endpoint

    async def switch(self, endpoint: Endpoint, *, is_enabled: bool) -> None:
        assert await self.store.save_endpoint(
            replace(endpoint, is_enabled=is_enabled, disabled_reason="" if is_enabled else "paused")
        )

    def words(self, endpoint: Endpoint, parcel: int, sequence: int) -> NewMessage:
        """Word the ``sequence``-th event of a parcel."""
        tracking = make_tracking(
            id=f"{parcel:032x}", world_id=self.world_id, number=f"N{parcel}", sequence=sequence
        )
        event = make_event(tracking, at=self.clock.now(), id=f"{parcel * 1_000 + sequence:032x}")
        (message,) = self.composer.compose(event, tracking, [endpoint])
        return message

    async def post(
        self, endpoint: Endpoint, *, parcels: int = 1, events: int = 1, first: int = 1
    ) -> None:
        """Store messages: ``events`` of each of ``parcels``, as they would come about."""
        await self.store.add_messages(
            [
                self.words(endpoint, parcel, sequence)
                for sequence in range(first, first + events)
                for parcel in range(1, parcels + 1)
            ]
        )

    async def messages(self, state: MessageState | None = None) -> list[Message]:
        where = MessageFilter(states=() if state is None else (state,))
        return (await self.store.list_messages(self.world_id, where, limit=100_000)).messages

    async def only_message(self) -> Message:
        (message,) = await self.messages()
        return message

    async def pending(self) -> int:
        return len(await self.messages(MessageState.PENDING))

    async def settle(self, worker: DeliveryWorker, *, steps: int, seconds: float = 60) -> None:
        """Step, moving time along, until nothing is pending; fail after ``steps``."""
        for _ in range(steps):
            if not await worker.step():
                if not await self.pending():
                    return
                self.clock.advance(seconds)
        pytest.fail(f"{await self.pending()} messages still pending after {steps} steps")

    async def deliver_for(self, worker: DeliveryWorker, ms: int) -> None:
        """Let some time pass, and send each message when it is due."""
        end = self.clock.now() + ms
        while True:
            while await worker.step():
                pass
            due_at = await self.store.next_message_due()
            if due_at is None or due_at > end:
                break
            self.clock.advance(max(1, due_at - self.clock.now()) / SECOND)
        self.clock.advance(max(0, end - self.clock.now()) / SECOND)

    async def run_until_settled(self, worker: DeliveryWorker, *, seconds: float = 20) -> None:
        """Run the worker in real time until nothing is pending, then stop it."""
        running = asyncio.create_task(worker.run())
        try:
            await self.none_pending(seconds=seconds)
        finally:
            worker.stop()
            await running

    async def none_pending(self, *, seconds: float = 15) -> None:
        """Wait in real time until a running worker has brought everything to an end."""
        for _ in range(round(seconds * 100)):
            if not await self.pending():
                return
            await asyncio.sleep(0.01)
        pytest.fail(f"{await self.pending()} messages still pending after {seconds} s")


@asynccontextmanager
async def open_office(engine: str, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    clock = FrozenClock()
    opened: list[Store] = []
    async with PLACES[engine](request, clock) as open_one:

        async def open_another() -> Store:
            opened.append(await open_one())
            return opened[-1]

        store = await open_another()
        account = await store.add_account("shop@example.com", now=clock.now())
        office = Office(store, account, clock, open_another)
        try:
            yield office
        finally:
            await office.sender.close()
            for one in opened:
                await one.close()


async def eventually(condition: Callable[[], bool], *, seconds: float = 15) -> None:
    """Wait in real time, while sockets do their work, until something has come about."""
    for _ in range(round(seconds * 200)):
        if condition():
            return
        await asyncio.sleep(0.005)
    pytest.fail(f"did not come about within {seconds} s")


def seeded(seed: int) -> random.Random:
    return random.Random(seed)
