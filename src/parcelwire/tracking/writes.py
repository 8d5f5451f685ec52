"""What is handed to a store to be written: each of these is one transaction, or a part of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from parcelwire.domain.changes import Event
from parcelwire.domain.clock import Instant
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.kept import IdempotencyRecord, PastPoll, PollState, RawResponse


class Once(msgspec.Struct, frozen=True, kw_only=True):
    """Makes a write happen once for one idempotency key, however often it is asked for.

    Given to a store's write, the same transaction looks for the record of (world, key) first: when
    there is one, nothing is written and ``AlreadyDoneError`` carries it. Otherwise ``answer`` turns
    the write's result into the bytes to be answered (it runs inside the transaction: quick, pure,
    no I/O), and these are stored with the effect. A write that was refused has none: ``answer``
    gives None, nothing is recorded, and the key may be used again.
    """

    world_id: int
    key: str
    """The caller's own word, at most 255 characters."""
    fingerprint: bytes
    """SHA-256 of what was asked (method, path, body): the same key for another call is refused."""
    at: Instant
    answer: Callable[[Any], tuple[int, bytes] | None]
    """Gives HTTP status and body from what the write returns; None: it had no effect."""
    secret: str = ""
    """What the answer tells once and its body leaves out: stored beside it, sealed."""


class AlreadyDoneError(Exception):
    """A write was asked for under an idempotency key that is taken. Nothing was written."""

    def __init__(self, record: IdempotencyRecord) -> None:
        """``record``: what was answered the first time."""
        super().__init__("done before under this idempotency key")
        self.record = record


class NewTracking(msgspec.Struct, frozen=True, kw_only=True):
    """One tracking to create.

    ``leased_until`` in the future keeps the workers away while the creator asks at once.
    """

    tracking: Tracking
    due_at: Instant | None
    due_reason: str
    leased_until: Instant = 0


class Creation(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one ``NewTracking``.

    Created, or already there (then ``existing_id`` and its state), or over quota.
    """

    result: Literal["created", "exists", "over_quota"]
    existing_id: str | None = None


class NewMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One fact to tell one endpoint.

    ``payload`` is the tracking as of the event, in the endpoint's dialect (JSON).
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


class Save(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one tracking and all that follows from it, for one transaction.

    ``tracking.version`` must be ``expected_version + 1``. ``poll`` None leaves the poll row alone;
    otherwise it replaces it (and so ends a lease), and ``past`` is remembered beside it.
    """

    tracking: Tracking
    expected_version: int
    event: Event | None = None
    messages: tuple[NewMessage, ...] = ()
    poll: PollState | None = None
    past: PastPoll | None = None
    raw: RawResponse | None = None


class PollResult(msgspec.Struct, frozen=True, kw_only=True):
    """A poll that changed nothing: only the narrow poll row is written.

    ``raw`` and ``past`` are kept when given. ``lease``, when given, is the ``leased_until`` under
    which the
    carrier was asked: if the row has another one by now (stopped, taken up again, given another
    courier, claimed by somebody else), this result is out of date and nothing of it is written.
    """

    tracking_id: str
    poll: PollState
    past: PastPoll | None = None
    raw: RawResponse | None = None
    lease: Instant | None = None
