"""What the delivery worker and the webhook commands need from the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import Instant
from parcelwire.tracking.ports import NewMessage


class MessageState(StrEnum):
    """Where a message stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up after the last attempt, or because its endpoint was deleted."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message with its delivery state.

    ``attempts`` counts tries so far (since the last resend).
    """

    id: str
    endpoint_id: str
    world_id: int
    tracking_id: str
    sequence: int
    event_id: str
    event_type: str
    payload: bytes
    created_at: Instant
    state: MessageState
    attempts: int
    due_at: Instant


class ClaimedMessage(msgspec.Struct, frozen=True):
    """A message leased for one attempt, with the endpoint as it is now."""

    message: Message
    endpoint: Endpoint


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP try. ``status`` 0: no answer, ``error`` says why.

    ``answer`` is the capped start of the body.
    """

    id: str
    message_id: str
    at: Instant
    duration_ms: int
    status: int
    error: str = ""
    answer: str = ""


class AttemptResult(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt and what follows: delivered, dead, or pending again at ``next_at``."""

    attempt: Attempt
    state: MessageState
    next_at: Instant | None = None
    disable_endpoint_why: str = ""
    """Non-empty: disable the endpoint in the same transaction (410 Gone)."""


class MessageStore(Protocol):
    """Endpoints, messages in order, attempts."""

    async def add_endpoint(self, endpoint: Endpoint) -> None:
        """Store a new endpoint."""
        ...

    async def list_endpoints(self, world_id: int) -> list[Endpoint]:
        """Return the world's endpoints, oldest first."""
        ...

    async def load_endpoint(self, world_id: int, endpoint_id: str) -> Endpoint | None:
        """Return one endpoint."""
        ...

    async def save_endpoint(self, endpoint: Endpoint) -> bool:
        """Replace an endpoint; False when it is gone."""
        ...

    async def delete_endpoint(self, world_id: int, endpoint_id: str) -> bool:
        """Delete an endpoint; its pending messages become dead."""
        ...

    async def add_messages(self, messages: Sequence[NewMessage]) -> None:
        """Store messages outside a tracking's change (the test event)."""
        ...

    async def claim_messages(
        self,
        now: Instant,
        *,
        lease_until: Instant,
        limit: int,
        per_endpoint: int,
        skip_endpoints: Collection[str] = (),
    ) -> list[ClaimedMessage]:
        """Lease messages that are due, each the first undelivered one of its (endpoint, tracking).

        Order promise: a message is claimable only when no message of the same endpoint and tracking
        with a smaller sequence
        is pending. At most ``per_endpoint`` per endpoint in one claim; disabled endpoints' messages
        wait. While a lease lives
        nobody else gets the message. Trackings are independent of each other.
        """
        ...

    async def finish_attempts(self, results: Sequence[AttemptResult]) -> None:
        """Store attempts and the messages' new states, ending their leases, in one transaction."""
        ...

    async def next_message_due(self) -> Instant | None:
        """Return when the next message becomes claimable, or None."""
        ...

    async def load_message(self, world_id: int, message_id: str) -> Message | None:
        """Return one message."""
        ...

    async def list_messages(
        self,
        world_id: int,
        *,
        endpoint_id: str | None = None,
        tracking_id: str | None = None,
        state: MessageState | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[Message]:
        """Return messages, newest first; ``before`` is a message id to page on from."""
        ...

    async def list_attempts(self, message_id: str) -> list[Attempt]:
        """Return a message's attempts, oldest first."""
        ...

    async def resend(self, world_id: int, message_id: str, now: Instant) -> bool:
        """Make a message pending again, due now, with no attempts counted.

        False when it is not there.
        """
        ...
