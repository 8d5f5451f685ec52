"""What the use cases need from the rooms above: a place to keep trackings, a way to ask carriers,
and words for others.

The records that travel through these ports stand in ``kept`` (what comes back) and ``writes`` (what
is handed in); they are the vocabulary of both stores and can be imported from here, too. "One
transaction" in a method's text is a promise that the contract suite checks: everything named is
durable together or not at all, before the call returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from parcelwire.domain.account import Endpoint
from parcelwire.domain.changes import Event
from parcelwire.domain.clock import Instant
from parcelwire.domain.report import CarrierReport, UnmappedCode
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.kept import (
    DEFERRED,
    IdempotencyRecord,
    LaneHistory,
    PastPoll,
    PollState,
    RawResponse,
    StatusCounts,
    Stored,
    TrackingFilter,
    TrackingPlace,
)
from parcelwire.tracking.writes import (
    AlreadyDoneError,
    Creation,
    NewMessage,
    NewTracking,
    Once,
    PollResult,
    Save,
)

__all__ = [
    "DEFERRED",
    "AlreadyDoneError",
    "CarrierPolicy",
    "Carriers",
    "Composer",
    "Creation",
    "IdempotencyRecord",
    "Identifiers",
    "LaneHistory",
    "NewMessage",
    "NewTracking",
    "Once",
    "PastPoll",
    "Planner",
    "PollResult",
    "PollState",
    "RawResponse",
    "Save",
    "StatusCounts",
    "Stored",
    "Throttle",
    "TrackingFilter",
    "TrackingPlace",
    "TrackingStore",
]


class TrackingStore(Protocol):
    """Trackings, their history and their events. All calls are one transaction; writes return when
    durable.

    The store keeps, beside the whole ``Tracking``, a *rendition*: the bytes that its
    ``render(tracking)`` argument makes at
    every create and save (the v4 wire object in service), so that the hot reads copy bytes instead
    of building objects.
    """

    async def create_trackings(
        self, new: Sequence[NewTracking], *, quota: int | None = None, once: Once | None = None
    ) -> list[Creation]:
        """Create each that is not there yet (same world, number and courier), in order; results in
        the same order.

        All of ``new`` belong to one world. ``quota`` is how many trackings the world may ever have
        created in all.
        """
        ...

    async def load(self, world_id: int, tracking_id: str) -> Stored | None:
        """Return one tracking by id."""
        ...

    async def load_many(self, tracking_ids: Sequence[str]) -> list[Stored]:
        """Return those of ``tracking_ids`` that exist, of any world (for the workers), in no given
        order.
        """
        ...

    async def find(
        self, world_id: int, number: str, courier_code: str | None = None
    ) -> list[Stored]:
        """Return the trackings of one number (newest first), of one courier when given."""
        ...

    async def find_by_page_token(self, page_token: str) -> Stored | None:
        """Return the tracking behind a tracking page's address."""
        ...

    async def list_trackings(
        self, world_id: int, where: TrackingFilter, *, offset: int, limit: int
    ) -> list[Stored]:
        """Return one page, newest created first."""
        ...

    async def page_trackings(
        self,
        world_id: int,
        where: TrackingFilter,
        *,
        after: TrackingPlace | None = None,
        limit: int = 50,
    ) -> list[Stored]:
        """Return what follows ``after`` in the order newest created first, at any depth at one
        cost.

        Paged through to the end, every tracking that stays meanwhile is seen exactly once.
        """
        ...

    async def list_renditions(
        self, world_id: int, where: TrackingFilter, *, offset: int, limit: int
    ) -> list[bytes]:
        """Return one page as renditions, newest created first."""
        ...

    async def count_trackings(self, world_id: int, where: TrackingFilter) -> int:
        """Return how many there are, as ``count_by_status`` counts or estimates."""
        ...

    async def count_by_status(self, world_id: int, where: TrackingFilter) -> StatusCounts:
        """Return how many there are of each status.

        Exact when ``where.is_plain`` (from counters), and up to 10,000 in all. Beyond, it may be
        estimated from the newest of each status; the cost is bounded whatever the world holds.
        """
        ...

    async def save(self, change: Save, *, once: Once | None = None) -> bool:
        """Store one change with its event, messages, poll state, poll history and raw answer.

        False when the version has moved on or the tracking is gone; then nothing is recorded under
        ``once`` either.
        """
        ...

    async def save_polls(self, results: Sequence[PollResult]) -> None:
        """Store polls that changed nothing; missing trackings and ended leases are passed over."""
        ...

    async def lease_poll(self, tracking_id: str, *, lease: Instant, until: Instant) -> bool:
        """Lease a tracking until ``until`` (0: end the lease); tell whether it was done.

        It is not when its lease is no longer ``lease``: somebody else was first. Nothing but the
        lease is written.
        """
        ...

    async def change_courier(
        self, change: Save, *, once: Once | None = None
    ) -> Literal["saved", "conflict", "taken"]:
        """Like ``save`` for a tracking whose courier_code changed.

        ``taken`` when that number and courier exist already.
        """
        ...

    async def delete_trackings(self, world_id: int, tracking_ids: Sequence[str]) -> list[str]:
        """Delete trackings for good; return the ids that were there.

        With them goes all that belongs to them, also what others are writing at that moment; what
        they write later is dropped or refused. Events that were told stay in the feed, and messages
        already promised are still sent. Up to 200 go in one transaction; of more, some may be gone
        already when the database fails before the rest.
        """
        ...

    async def raw_responses(self, tracking_id: str, limit: int = 10) -> list[RawResponse]:
        """Return the newest raw answers, newest first."""
        ...

    async def past_polls(self, tracking_id: str, limit: int = 20) -> list[PastPoll]:
        """Return the last times it was asked about, newest first, and between them the last few
        times it was deferred.

        Stored in the transaction of the poll they tell of, and gone with the tracking. Some 20 and
        some five are kept, a few less where they have much to say; long words are cut.
        """
        ...

    async def events_after(self, world_id: int, cursor: int, limit: int) -> list[tuple[int, Event]]:
        """Return events after ``cursor`` with their own cursors, ascending.

        No event committed later appears before one read.
        """
        ...

    async def feed_ends(self) -> dict[int, int | None]:
        """Return for each world a cursor behind which it has no event; None: it may have some.

        A world that is not among them has no events. The cost grows with the number of worlds, not
        with that of events.
        """
        ...

    async def events_of(
        self, world_id: int, tracking_id: str, *, before: int | None = None, limit: int = 50
    ) -> list[tuple[int, Event]]:
        """Return one tracking's events with their cursors, newest first: those before the cursor
        ``before``, or the newest of all.

        They stay when the tracking is deleted, and go with ``prune_events``. The cost does not
        depend on how many events others have.
        """
        ...

    async def prune_events(self, before: Instant, *, limit: int = 1_000) -> int:
        """Delete up to ``limit`` of the oldest events (by cursor) that happened before that time.

        Return how many; less than ``limit`` means done. Those that a clock far ahead has dated stay
        until their time has come, and keep no others.
        """
        ...

    async def first_cursor(self, world_id: int) -> int | None:
        """Return the cursor of the oldest event that is kept; None when there is none."""
        ...

    async def pruned_cursor(self, world_id: int) -> int:
        """Return the cursor of the newest event that ``prune_events`` took; 0 when it took none."""
        ...

    async def find_idempotency_record(self, world_id: int, key: str) -> IdempotencyRecord | None:
        """Return what was answered under an idempotency key."""
        ...

    async def prune_idempotency_records(self, before: Instant, *, limit: int = 1_000) -> int:
        """Delete up to ``limit`` idempotency records written before that time; return how many."""
        ...

    async def lane_history(
        self, courier_code: str, origin: str, destination: str, *, is_test: bool
    ) -> LaneHistory:
        """Return what was seen on a lane (ISO 3166 alpha-2 countries) over all accounts' worlds of
        one kind: of its newest 10,000 parcels.
        """
        ...

    async def courier_counts(self, world_id: int, *, recent: int = 20_000) -> dict[str, int]:
        """Return how many of a world's newest ``recent`` confirmed trackings each courier has.

        Confirmed: its carrier knows the number (``CONFIRMED_STATUSES``). The cost is bounded by
        ``recent``, whatever the world holds.
        """
        ...

    async def add_unmapped_codes(
        self, connector: str, gaps: Sequence[UnmappedCode], at: Instant
    ) -> None:
        """Count gaps, keeping the newest sample of each."""
        ...

    async def list_endpoints(self, world_id: int) -> list[Endpoint]:
        """Return the world's endpoints, enabled or not, oldest first."""
        ...

    async def remote_area(self, country: str, postcode_or_town: str) -> list[str]:
        """Return the companies for which the place counts as remote, from the operator's table."""
        ...

    async def has_remote_areas(self) -> bool:
        """Tell whether the operator loaded a table of remote areas."""
        ...


class CarrierPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How a carrier wants to be asked, as the poll plan needs it."""

    connector: str
    budget_key: str
    """Trackings with one key share one budget and one pause (a connection, or the installation for
    a public endpoint).
    """
    batch_size: int
    requests_per_minute: int
    requests_per_day: int | None
    home_zone: str
    quiet_from_hour: int
    quiet_to_hour: int
    min_interval_seconds: int = 0
    """Never ask about one number more often than this by schedule."""
    time_scale: float = 1.0
    """Simulated carriers live faster: intervals are divided by this."""


class Carriers(Protocol):
    """A way to ask carriers. Never raises for what a carrier does; the outcome says it."""

    async def policy(self, world_id: int, courier_code: str) -> CarrierPolicy | None:
        """Return how to ask this courier for this world, or None when nobody configured a way."""
        ...

    async def fetch(
        self, world_id: int, courier_code: str, trackings: Sequence[Tracking]
    ) -> Sequence[CarrierReport | None]:
        """Ask about ``trackings`` (any number; batches are made inside).

        One report each, in the same order; None: too many other conversations with this carrier
        were under way, and nothing was sent about it.
        """
        ...

    def phrase(self, courier_code: str, raw_code: str, language: str) -> str | None:
        """Return the carrier's wording of an event code in a language, where known."""
        ...


class Composer(Protocol):
    """Words an event for the endpoints that want it (the webhooks room does so)."""

    def compose(
        self, event: Event, tracking: Tracking, endpoints: Sequence[Endpoint]
    ) -> tuple[NewMessage, ...]:
        """Return one message per endpoint that is subscribed to the event."""
        ...


class Identifiers(Protocol):
    """Where new ids and secrets come from."""

    def new_id(self, now: Instant) -> str:
        """Return a public id: 32 hex digits, time-ordered."""
        ...

    def new_token(self) -> str:
        """Return an unguessable token for an address: at least 128 random bits, URL-safe."""
        ...


class Planner(Protocol):
    """Says when to ask again (the polling room does so, purely)."""

    def first(self, tracking: Tracking, policy: CarrierPolicy | None, now: Instant) -> PollState:
        """Return the poll state of a tracking that was just created or taken up again."""
        ...

    def after(
        self,
        tracking: Tracking,
        before: PollState,
        policy: CarrierPolicy | None,
        report: CarrierReport,
        now: Instant,
    ) -> PollState:
        """Return the poll state after a carrier's answer; ``tracking`` is as it stands after it."""
        ...


class Throttle(Protocol):
    """Admits questions to a carrier within its budget and outside its pauses."""

    async def admit(self, policy: CarrierPolicy, wanted: int, now: Instant) -> int:
        """Return how many numbers of ``wanted`` may be asked about now; they count as asked."""
        ...

    async def give_back(self, policy: CarrierPolicy, numbers: int) -> None:
        """Take back what ``admit`` granted for numbers that were not asked about after all."""
        ...

    async def record_results(
        self, policy: CarrierPolicy, reports: Sequence[CarrierReport], now: Instant
    ) -> None:
        """Learn from answers.

        An outage or a rate limit pauses the carrier, a good answer ends the pause.
        """
        ...
