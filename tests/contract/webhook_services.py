"""The services of webhooks on a real store, with surroundings that are played."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from parcelwire.domain.account import Account, Endpoint, world_of
from parcelwire.domain.clock import HOUR, FrozenClock, Instant
from parcelwire.store.port import Store
from parcelwire.tracking.ports import NewMessage, Once
from parcelwire.webhooks.address import AddressRefusedError
from parcelwire.webhooks.commands import CreateEndpoint
from parcelwire.webhooks.endpoints import EndpointService
from parcelwire.webhooks.message import MessageComposer
from parcelwire.webhooks.messages import MessageService
from parcelwire.webhooks.ports import Attempt, AttemptResult, MessageFilter, MessageState
from parcelwire.webhooks.test_delivery import TestDelivery
from tests.unit.webhooks.builders import Identifiers, plain_renderer

URL = "https://shop.example/hook"
NOBODY = "f" * 32


class Services:
    """The services of one world, and what they told their surroundings."""

    def __init__(self, store: Store, clock: FrozenClock, account: Account) -> None:
        self.store, self.clock = store, clock
        self.world_id = world_of(account.number, is_test=False)
        self.test_world_id = world_of(account.number, is_test=True)
        self.checked: list[str] = []
        self.woken = 0
        self.identifiers = Identifiers()
        self.endpoints = EndpointService(
            store,
            check_url=self._check,
            clock=clock,
            identifiers=self.identifiers,
            random_bytes=random.Random(3).randbytes,
            wake=self.notify,
        )
        self.messages = MessageService(store, clock=clock, wake=self.notify)
        self.tests = TestDelivery(
            store,
            composer=MessageComposer({"v4": plain_renderer}, self.identifiers),
            deliveries=self,
            clock=clock,
            attempt_seconds=15,
        )

    async def _check(self, url: str) -> None:
        self.checked.append(url)
        if "inside" in url:
            msg = "it leads inside"
            raise AddressRefusedError(msg)

    def notify(self) -> None:
        self.woken += 1

    async def step(self) -> int:
        """Deliver what is due: every receiver answers 204."""
        claimed = await self.store.claim_messages(
            self.clock.now(), lease_until=self.clock.now() + HOUR, limit=100, per_endpoint=100
        )
        await self.store.finish_attempts(
            [
                AttemptResult(
                    attempt=Attempt(
                        id=self.identifiers.new_id(self.clock.now()),
                        message_id=one.message.id,
                        at=self.clock.now(),
                        duration_ms=5,
                        status=204,
                    ),
                    state=MessageState.DELIVERED,
                )
                for one in claimed
            ]
        )
        return len(claimed)

    async def deliver(self) -> None:
        """Deliver until nothing is due."""
        while await self.step():
            pass

    async def add(self, **fields: Any) -> Endpoint:
        made = await self.endpoints.create(self.world_id, CreateEndpoint(url=URL, **fields))
        return made.endpoint

    async def stored(self, endpoint: Endpoint) -> Endpoint:
        found = await self.store.load_endpoint(self.world_id, endpoint.id)
        assert found is not None
        return found

    async def post(self, endpoint: Endpoint, *, count: int = 1, at: Instant | None = None) -> None:
        """Store messages about one parcel."""
        at = self.clock.now() if at is None else at
        await self.store.add_messages(
            [
                NewMessage(
                    id=self.identifiers.new_id(at),
                    endpoint_id=endpoint.id,
                    world_id=self.world_id,
                    tracking_id="a" * 32,
                    sequence=number,
                    event_id=self.identifiers.new_id(at),
                    event_type="tracking.updated",
                    payload=b"{}",
                    created_at=at,
                )
                for number in range(1, count + 1)
            ]
        )

    async def log(self, *states: MessageState) -> list[str]:
        where = MessageFilter(states=states)
        page = await self.messages.list_messages(self.world_id, where, limit=1_000)
        return [one.id for one in page.messages]

    def once(self, answer: Callable[[Any], object] = repr, **fields: Any) -> Once:
        """Return what makes a call happen once; results that are errors are not recorded."""

        def encode(result: Any) -> tuple[int, bytes] | None:
            return None if isinstance(result, Exception) else (200, str(answer(result)).encode())

        return Once(
            **{
                "world_id": self.world_id,
                "key": "call-1",
                "fingerprint": bytes(32),
                "at": self.clock.now(),
                "answer": encode,
                **fields,
            }
        )

    async def recorded(self) -> bytes | None:
        record = await self.store.find_idempotency_record(self.world_id, "call-1")
        return None if record is None else record.body
