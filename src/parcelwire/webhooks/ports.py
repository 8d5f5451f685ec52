"""What the delivery worker and the webhook commands need from the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import Instant
from parcelwire.tracking.ports import NewMessage, Once


class MessageState(StrEnum):
    """Where a message stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up: after the last attempt, after a long wait for an endpoint that is off, or because
    its endpoint was deleted.
    """


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


class Skipped(msgspec.Struct, frozen=True):
    """A message that was given up: the next one of its line names it."""

    message_id: str
    sequence: int


class ClaimedMessage(msgspec.Struct, frozen=True):
    """A message leased for one attempt, with the endpoint as it is now."""

    message: Message
    endpoint: Endpoint
    skipped: tuple[Skipped, ...] = ()
    """Messages of the same line given up since the last delivered one, by sequence; the newest 20.
    """


class MessageFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages of a world; None or empty = no condition. Bounds inclusive."""

    endpoint_id: str | None = None
    tracking_id: str | None = None
    states: tuple[MessageState, ...] = ()
    event_types: tuple[str, ...] = ()
    created_min: Instant | None = None
    created_max: Instant | None = None


class MessagePage(msgspec.Struct, frozen=True):
    """One page of a list of messages."""

    messages: list[Message] = []
    following: str | None = None
    """The id of the message to go on ``before``; None: this was the last page."""


def is_success(status: int) -> bool:
    """Tell whether an HTTP status says that a message was taken: any 2xx (Standard Webhooks)."""
    return 200 <= status <= 299


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
    response_body: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the receiver took the message."""
        return is_success(self.status)


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A failed attempt, as far as it says something about its endpoint."""

    at: Instant
    due_at: Instant
    """When the message was to be sent. From then on it waited for the server, not the receiver."""
    rests_until: Instant = 0
    """Until when the receiver wants no request; 0: it did not say."""
    longest_wait_ms: int
    """The longest wait between two attempts; failures further apart say nothing of the time
    between them.
    """


class AttemptResult(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt and what follows: delivered, dead, or pending again at ``next_at``.

    What it says about the endpoint is noted in the transaction that stores the attempt, in the row
    as it is then (``webhooks.failing.note_result``).
    """

    attempt: Attempt
    state: MessageState
    next_at: Instant | None = None
    disable_endpoint_reason: str = ""
    """Non-empty: disable the endpoint. It is paused no longer: its owner has to enable it."""
    disable_after_ms: int = 0
    """Disable it only if by its row, with ``failure`` noted, it failed for this long. 0: in any
    case (410 Gone).
    """
    failure: Failure | None = None
    """Given: the endpoint notes it."""
    failing_reported_at: Instant | None = None
    """Given: noted in the endpoint as the time others were told."""
    has_recovered: bool = False
    """Clear what the endpoint has noted of failures, and that others were told."""
    notices: tuple[NewMessage, ...] = ()
    """Messages to other endpoints about this one (failing, disabled, recovered)."""


class MessageStore(Protocol):
    """Endpoints, messages in order, attempts."""

    async def add_endpoint(self, endpoint: Endpoint, *, once: Once | None = None) -> None:
        """Store a new endpoint."""
        ...

    async def list_endpoints(self, world_id: int) -> list[Endpoint]:
        """Return the world's endpoints, oldest first."""
        ...

    async def load_endpoint(self, world_id: int, endpoint_id: str) -> Endpoint | None:
        """Return one endpoint."""
        ...

    async def save_endpoint(
        self, endpoint: Endpoint, *, expected: Endpoint | None = None, once: Once | None = None
    ) -> bool:
        """Replace an endpoint; False when it is gone.

        ``expected`` is the copy that the caller read and changed. Given, only the fields in which
        ``endpoint`` differs from it are written: what others have changed meanwhile (a worker that
        noted a failure, or disabled the endpoint) stays. Without it, all fields are replaced.
        """
        ...

    async def delete_endpoint(self, world_id: int, endpoint_id: str) -> bool:
        """Delete an endpoint; its pending messages become dead."""
        ...

    async def add_messages(
        self, messages: Sequence[NewMessage], *, once: Once | None = None
    ) -> None:
        """Store messages about no tracking's change: the test event's parcel is made up.

        Those about a change are stored with it, by ``save``, and only while the tracking is there.
        """
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
        nobody else gets the message. Trackings are independent of each other. A process that lacks
        a key with which endpoints' secrets are sealed gets nothing.
        """
        ...

    async def finish_attempts(self, results: Sequence[AttemptResult]) -> None:
        """Store attempts and the messages' new states, ending their leases, in one transaction.

        What they say about endpoints is noted in the order given. An attempt that was told before
        changes nothing; a late failure of a message that was delivered meanwhile does not bring it
        back.
        """
        ...

    async def next_message_due(self) -> Instant | None:
        """Return when the next message becomes claimable, or None."""
        ...

    async def recall_messages(
        self, now: Instant, *, beyond: Instant, far_only: bool = False
    ) -> int:
        """Bring due times near again that a clock wrote which has jumped back since.

        Of the pending messages that are due after ``now``: one that was never tried is due now. One
        whose last attempt lies further ahead of ``now`` than it was to wait from there is due as
        long after ``now`` as it was after that attempt. Any other one that is due later than
        ``beyond``, or still would be, is due now. Returns how many were brought back.

        All pending messages are looked at, in portions; with ``far_only`` only lines (endpoint and
        tracking) whose turn comes later than ``beyond``, which costs next to nothing while there is
        none, however many messages wait.
        """
        ...

    async def load_message(self, world_id: int, message_id: str) -> Message | None:
        """Return one message."""
        ...

    async def list_messages(
        self,
        world_id: int,
        where: MessageFilter,
        *,
        before: str | None = None,
        limit: int = 50,
    ) -> MessagePage:
        """Return messages, newest first; ``before`` is a message id to page on from.

        A page can hold fewer than ``limit``, and even none, although more follow: a few thousand
        messages are looked at for one page, whatever share of them fulfils the conditions. A
        ``before`` that is not there (pruned) gives an empty last page.
        """
        ...

    async def count_waiting(self, endpoint_id: str, *, most: int = 10_000) -> int:
        """Return how many messages of an endpoint are pending; ``most`` when they are more."""
        ...

    async def list_attempts(self, message_id: str) -> list[Attempt]:
        """Return a message's attempts, oldest first."""
        ...

    async def resend(
        self, world_id: int, message_id: str, now: Instant, *, once: Once | None = None
    ) -> bool:
        """Make a message pending again, due now, with no attempts counted.

        False when it is not there.
        """
        ...

    async def replay(
        self,
        world_id: int,
        where: MessageFilter,
        now: Instant,
        *,
        limit: int = 10_000,
        once: Once | None = None,
    ) -> int:
        """Make the oldest ``limit`` matching messages that are not pending so again, as ``resend``.

        They go out in order per (endpoint, tracking), before younger ones that wait. Those whose
        endpoint was deleted are passed over. Return how many were taken. With ``once`` it is one
        transaction; without, portions, each durable by itself.
        """
        ...

    async def give_up_waiting(self, now: Instant, *, before: Instant, limit: int = 1_000) -> int:
        """Give up at most ``limit`` pending messages that were created ``before`` that time.

        Only those of endpoints that are not enabled. The next message of their line names them, as
        after the last attempt. A few thousand lines are looked through, the next ones at the next
        call. Return how many; 0 means that nothing is to be done there.
        """
        ...

    async def prune_messages(self, before: Instant, *, limit: int = 1_000) -> int:
        """Delete up to ``limit`` messages that are not pending and were created before that time.

        Their attempts and payloads go too. Return how many; less than ``limit`` means done.
        """
        ...
