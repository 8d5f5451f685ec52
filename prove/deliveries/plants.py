"""Planted bugs: stores and senders that are wrong in one way each. The judge must find them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from msgspec.structs import replace

from parcelwire.domain.clock import Instant
from parcelwire.webhooks.ports import (
    AttemptResult,
    ClaimedMessage,
    MessageFilter,
    MessageState,
)


class Planted:
    """A store that does what the real one does, until a subclass says otherwise."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Forgetful(Planted):
    """Counts every fortieth failed attempt as delivered."""

    _failures = 0

    async def finish_attempts(self, results: Sequence[AttemptResult]) -> None:
        """See ``MessageStore``."""
        bent = []
        for result in results:
            is_failure = result.state is MessageState.PENDING and not result.disable_endpoint_reason
            self._failures += is_failure
            is_lost = is_failure and self._failures % 40 == 1
            bent.append(replace(result, state=MessageState.DELIVERED) if is_lost else result)
        await self._store.finish_attempts(bent)


class Impatient(Planted):
    """Gives a message up after a few attempts instead of all of them."""

    async def finish_attempts(self, results: Sequence[AttemptResult]) -> None:
        """See ``MessageStore``."""
        bent = []
        for result in results:
            tried = await self._store.list_attempts(result.attempt.message_id)
            is_over = result.state is MessageState.PENDING and len(tried) >= 4
            bent.append(replace(result, state=MessageState.DEAD) if is_over else result)
        await self._store.finish_attempts(bent)


class Overtaking(Planted):
    """Hands out, of every third line, the last waiting message instead of the first."""

    async def claim_messages(self, now: Instant, **named: Any) -> list[ClaimedMessage]:
        """See ``MessageStore``."""
        claimed = await self._store.claim_messages(now, **named)
        return [await self._overtake(one) for one in claimed]

    async def _overtake(self, claimed: ClaimedMessage) -> ClaimedMessage:
        message = claimed.message
        if int(message.tracking_id, 16) % 3:
            return claimed
        where = MessageFilter(
            endpoint_id=message.endpoint_id,
            tracking_id=message.tracking_id,
            states=(MessageState.PENDING,),
        )
        newest = (await self._store.list_messages(message.world_id, where, limit=1)).messages
        return replace(claimed, message=newest[0]) if newest else claimed


class OneLine(Planted):
    """Lets no message of an endpoint go while another one of it waits for a retry."""

    _blocked: frozenset[str] = frozenset()

    async def finish_attempts(self, results: Sequence[AttemptResult]) -> None:
        """See ``MessageStore``."""
        failed = {one.attempt.message_id for one in results if one.state is MessageState.PENDING}
        self._blocked |= failed
        await self._store.finish_attempts(results)

    async def claim_messages(
        self, now: Instant, *, skip_endpoints: Collection[str] = (), **named: Any
    ) -> list[ClaimedMessage]:
        """See ``MessageStore``."""
        claimed: list[ClaimedMessage] = await self._store.claim_messages(
            now, skip_endpoints=skip_endpoints, **named
        )
        return [one for one in claimed if not self._blocked or one.message.id in self._blocked]


class HalfReplay(Planted):
    """Replays all but the newest matching messages."""

    async def replay(self, world_id: int, where: MessageFilter, now: Instant, **named: Any) -> int:
        """See ``MessageStore``."""
        limit = named.pop("limit", 10_000)
        newest = (await self._store.list_messages(world_id, where, limit=limit)).messages
        taken: int = await self._store.replay(
            world_id, where, now, limit=max(1, len(newest) // 2), **named
        )
        return taken


class NeverRecalling(Planted):
    """Believes every due time, also one that a clock wrote which was ahead."""

    async def recall_messages(
        self, now: Instant, *, beyond: Instant, far_only: bool = False
    ) -> int:
        """See ``MessageStore``."""
        return 0
