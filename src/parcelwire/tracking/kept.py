"""Trackings as a store gives them back, and the words for asking it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from parcelwire.domain.clock import Instant
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking


class PollState(msgspec.Struct, frozen=True, kw_only=True):
    """When a tracking was asked about, when it will be, and why then."""

    due_at: Instant | None = None
    """None: never again by itself."""
    due_reason: str = ""
    """A sentence for people, e.g. ``out for delivery: every 30 minutes``."""
    leased_until: Instant = 0
    checked_at: Instant | None = None
    """Last time the carrier gave an answer of any kind."""
    last_outcome: str = ""
    last_detail: str = ""
    checks: int = 0
    probe_courier: str = ""
    """Another courier that is asked then instead of the tracking's own: it may know the number, see
    ``courier_detection_retry``.
    """


class RawResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A carrier's answer as received, for replay.

    The store compresses it and keeps the newest few of a tracking.
    """

    at: Instant
    connector: str
    outcome: str
    body: bytes


class PastPoll(msgspec.Struct, frozen=True, kw_only=True):
    """One time that a carrier was asked about a tracking, or was not although it was due."""

    at: Instant
    """When; kept to the second."""
    outcome: str
    """An ``Outcome``, or ``DEFERRED``."""
    duration_ms: int = 0
    """How long the conversation took, in which other numbers may have been asked about, too."""
    connector: str = ""
    """Whom; empty when nobody was asked."""
    has_changes: bool = False
    """Whether the answer changed anything."""
    reason: str = ""
    """Why then: the ``due_reason`` of the time; of a deferred one, why it was."""
    detail: str = ""


DEFERRED: Final = "deferred"
"""The outcome of a poll that was due and not made: no budget left, or the carrier is paused."""


class Stored(msgspec.Struct, frozen=True):
    """A tracking as it stands in the store, with its poll state."""

    tracking: Tracking
    poll: PollState

    @property
    def is_readable(self) -> bool:
        """Whether this is the stored document, and not what stands in for one that nobody can read.

        Such a stand-in has the version 0, knows what is stored beside the document, and cannot be
        saved.
        """
        return self.tracking.version > 0


class TrackingPlace(msgspec.Struct, frozen=True):
    """A place in the order "newest created first": the tracking that stands there, by its values.

    It stays a place when that tracking is deleted.
    """

    created_at: Instant
    id: str


class TrackingFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which trackings of a world to list; None or empty = no condition. All conditions together.

    Bounds inclusive.
    """

    numbers: tuple[str, ...] = ()
    courier_code: str | None = None
    statuses: tuple[Status, ...] = ()
    order_ids: tuple[str, ...] = ()
    """Matches order_id or order_number of the details."""
    created_min: Instant | None = None
    created_max: Instant | None = None
    updated_min: Instant | None = None
    updated_max: Instant | None = None
    ordered_min: Instant | None = None
    """Compared with ``Tracking.ordered_at``."""
    ordered_max: Instant | None = None
    is_archived: bool | None = None
    number_prefix: str = ""
    """Compact form (upper case), at least 3 characters."""

    @property
    def is_plain(self) -> bool:
        """No condition but status and archived: the counters can answer the total."""
        return self == TrackingFilter(statuses=self.statuses, is_archived=self.is_archived)


class StatusCounts(dict[Status, int]):
    """How many trackings there are of each status (all nine keys)."""

    def __init__(self, counts: Mapping[Status, int] | None = None, *, is_estimate: bool = False):
        """``counts``: of the others there are none."""
        super().__init__(dict.fromkeys(Status, 0) | dict(counts or {}))
        self.is_estimate = is_estimate
        """There are too many to be counted: some of the figures are estimates."""

    @property
    def total(self) -> int:
        """How many there are in all."""
        return sum(self.values())


class LaneHistory(msgspec.Struct, frozen=True, kw_only=True):
    """What the installation saw on one lane.

    How many trackings (of many, the newest), and the transit days of the delivered ones.
    """

    total: int
    transit_days: tuple[int, ...]


class IdempotencyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered under an idempotency key."""

    fingerprint: bytes
    at: Instant
    status: int
    body: bytes
    secret: str = ""
    """What the answer told once and the body leaves out; kept sealed."""
