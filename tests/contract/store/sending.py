"""Helpers of the tests that send messages."""

from __future__ import annotations

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import DAY, SECOND, Instant
from parcelwire.store.port import Store
from parcelwire.tracking.ports import NewMessage
from parcelwire.webhooks.ports import (
    Attempt,
    AttemptResult,
    ClaimedMessage,
    Failure,
    Message,
    MessageFilter,
    MessageState,
)
from tests.contract.store.samples import (
    NOW,
    WORLD,
    make_endpoint,
    make_message,
    new_id,
)

LEASE = NOW + 30 * SECOND
DELIVERED, DEAD, PENDING = MessageState.DELIVERED, MessageState.DEAD, MessageState.PENDING


async def add_endpoint(store: Store, world_id: int = WORLD) -> Endpoint:
    endpoint = make_endpoint(world_id)
    await store.add_endpoint(endpoint)
    return endpoint


async def add(
    store: Store, endpoint: Endpoint, tracking_id: str, *sequences: int, at: Instant = NOW
) -> list[NewMessage]:
    messages = [make_message(endpoint, tracking_id, sequence, at) for sequence in sequences]
    await store.add_messages(messages)
    return messages


async def claim(
    store: Store, now: Instant = NOW, *, limit: int = 100, per_endpoint: int = 100
) -> list[ClaimedMessage]:
    return await store.claim_messages(
        now, lease_until=now + 30 * SECOND, limit=limit, per_endpoint=per_endpoint
    )


async def claimed(store: Store, now: Instant = NOW) -> list[int]:
    """Claim all and return their sequence numbers."""
    return sorted(one.message.sequence for one in await claim(store, now))


async def walk(
    store: Store, where: MessageFilter, *, world_id: int = WORLD, limit: int = 5
) -> list[Message]:
    """Read a whole list of messages page by page."""
    walked: list[Message] = []
    page = await store.list_messages(world_id, where, limit=limit)
    walked += page.messages
    while page.following is not None:
        page = await store.list_messages(world_id, where, before=page.following, limit=limit)
        assert len(page.messages) <= limit
        walked += page.messages
    return walked


def failure_at(at: Instant) -> Failure:
    """Return a failure of a message that was sent when it was due."""
    return Failure(at=at, due_at=at, longest_wait_ms=DAY)


def result_of(
    message_id: str,
    state: MessageState,
    *,
    at: Instant = NOW,
    next_at: Instant | None = None,
    disable_reason: str = "",
) -> AttemptResult:
    attempt = Attempt(
        id=new_id(at),
        message_id=message_id,
        at=at,
        duration_ms=42,
        status=204 if state is DELIVERED else 0,
        error="" if state is DELIVERED else "connection refused",
        response_body="« ça va »",
    )
    return AttemptResult(
        attempt=attempt, state=state, next_at=next_at, disable_endpoint_reason=disable_reason
    )


async def finish(
    store: Store, message: NewMessage, state: MessageState, next_at: Instant | None = None
) -> None:
    await store.finish_attempts([result_of(message.id, state, next_at=next_at)])


async def state_of(store: Store, message: NewMessage) -> MessageState:
    loaded = await store.load_message(message.world_id, message.id)
    assert loaded is not None
    return loaded.state
