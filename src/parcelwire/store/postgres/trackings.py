"""Trackings on PostgreSQL: implements ``TrackingStore`` except the polls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Literal

import asyncpg

from parcelwire.domain.status import CONFIRMED_STATUSES, Status
from parcelwire.domain.tracking import Tracking
from parcelwire.store import walks
from parcelwire.store.codec import (
    encode_event,
    encode_tracking,
    pack,
    pack_rendition,
)
from parcelwire.store.past_polls import LONGEST_TRAIL, encode_past
from parcelwire.store.postgres.counting import Counters
from parcelwire.store.postgres.creating import CreationQueue, Order, make_row
from parcelwire.store.postgres.database import Database
from parcelwire.store.postgres.idempotency import IdempotencyMixin
from parcelwire.store.postgres.listing import (
    narrow_counts,
    rendition_page,
    status_counts,
    stored_page,
    walk_counts,
)
from parcelwire.store.postgres.messages import message_columns
from parcelwire.store.postgres.pool import Link
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.reading import Reading
from parcelwire.store.postgres.values import (
    clean,
    is_id,
    key_of,
    only_ids,
    tracking_columns,
)
from parcelwire.store.rules import (
    DELETED_AT_ONCE,
    KEPT_RAW_RESPONSES,
    LANE_SAMPLE,
    check_new,
    check_save,
)
from parcelwire.store.walks import counts_of
from parcelwire.tracking.ports import (
    Creation,
    LaneHistory,
    NewTracking,
    Once,
    PollState,
    RawResponse,
    Save,
    StatusCounts,
    Stored,
    TrackingFilter,
    TrackingPlace,
)

_SQL: Final = load_queries("trackings.sql")

_NO_POLL: Final = PollState()


class Trackings(Reading, IdempotencyMixin):
    """Trackings, their history and their events."""

    def __init__(self, database: Database, render: Callable[[Tracking], bytes]) -> None:
        Reading.__init__(self, database)
        self._render = render
        self._counters = Counters(database)
        self._creations = CreationQueue(database, self._counters.note)

    async def create_trackings(
        self, new: Sequence[NewTracking], *, quota: int | None = None, once: Once | None = None
    ) -> list[Creation]:
        """See ``TrackingStore``."""
        check_new(new)
        if not new and once is None:
            return []
        order = Order(tuple(make_row(item, self._render) for item in new), quota)
        if once is None:
            return await self._creations.put(order)
        # By itself: the neighbours of a shared commit must not depend on its key.
        return await self._write_once(partial(self._creations.create, order), once)

    async def list_trackings(
        self, world_id: int, where: TrackingFilter, *, offset: int, limit: int
    ) -> list[Stored]:
        """See ``TrackingStore``."""
        narrow = await self._narrow(world_id, where)
        query, arguments = stored_page(world_id, where, offset, limit, narrow=narrow)
        return await self._stored(await self._database.fetch(query, *arguments))

    async def page_trackings(
        self,
        world_id: int,
        where: TrackingFilter,
        *,
        after: TrackingPlace | None = None,
        limit: int = 50,
    ) -> list[Stored]:
        """See ``TrackingStore``."""
        if after is not None and not is_id(after.id):
            return []
        narrow = await self._narrow(world_id, where)
        query, arguments = stored_page(world_id, where, after or 0, limit, narrow=narrow)
        return await self._stored(await self._database.fetch(query, *arguments))

    async def list_renditions(
        self, world_id: int, where: TrackingFilter, *, offset: int, limit: int
    ) -> list[bytes]:
        """See ``TrackingStore``."""
        narrow = await self._narrow(world_id, where)
        query, arguments = rendition_page(world_id, where, offset, limit, narrow=narrow)
        rows = await self._database.fetch(query, *arguments)
        return await self._rendered(rows, self._render)

    async def _narrow(self, world_id: int, where: TrackingFilter) -> str:
        """Return the condition that few trackings satisfy, if one of ``NARROW`` is such."""
        for name, (query, arguments) in narrow_counts(world_id, where, walks.FEW + 1).items():
            if (await self._database.fetch(query, *arguments))[0][0] <= walks.FEW:
                return name
        return ""

    async def count_trackings(self, world_id: int, where: TrackingFilter) -> int:
        """See ``TrackingStore``."""
        return (await self.count_by_status(world_id, where)).total

    async def count_by_status(self, world_id: int, where: TrackingFilter) -> StatusCounts:
        """See ``TrackingStore``."""
        if where.is_plain:
            counts: Counter[Status] = Counter()
            for (status, is_archived), total in (await self._counters.totals(world_id)).items():
                is_wanted = not where.statuses or status in where.statuses
                if is_wanted and where.is_archived in (None, is_archived):
                    counts[status] += total
            return StatusCounts(counts)
        narrow = await self._narrow(world_id, where)
        if narrow or where.numbers or where.order_ids:
            query, arguments = status_counts(world_id, where, narrow=narrow)
            rows = await self._database.fetch(query, *arguments)
            return StatusCounts({Status(status): total for status, total in rows})
        query, arguments = walk_counts(world_id, where)
        return counts_of(await self._database.fetch(query, *arguments))

    async def count_created(self, world_id: int) -> int:
        """See ``InstallationStore``."""
        return await self._counters.created(world_id)

    async def save(self, change: Save, *, once: Once | None = None) -> bool:
        """See ``TrackingStore``."""
        check_save(change)
        tracking = change.tracking
        if not is_id(tracking.id):
            return False
        values = (
            tracking.id,
            tracking.world_id,
            change.expected_version,
            *tracking_columns(tracking),
            encode_tracking(tracking),
            pack_rendition(tracking, self._render(tracking)),
            *_poll_columns(change.poll),
            None if change.event is None else encode_event(change.event),
            *message_columns(change.messages),
            *_raw_columns(change.raw),
            KEPT_RAW_RESPONSES - 1,
            encode_past(change.past),
            LONGEST_TRAIL,
            clean((change.poll or _NO_POLL).probe_courier),
        )
        if once is not None:
            rows = await self._write_once(
                lambda link: link.fetch(_SQL["save"], *values), once, counts=bool
            )
        else:
            # Not repeatable: after a commit whose answer was lost, the second try would find a
            # newer version and say that nothing was stored.
            rows = await self._database.fetch(_SQL["save"], *values, is_repeatable=False)
        if not rows:
            return False
        if rows[0][0]:
            self._counters.note(2)
        return True

    async def change_courier(
        self, change: Save, *, once: Once | None = None
    ) -> Literal["saved", "conflict", "taken"]:
        """See ``TrackingStore``."""
        try:
            return "saved" if await self.save(change, once=once) else "conflict"
        except asyncpg.exceptions.UniqueViolationError as error:
            if error.constraint_name != "tracking_number":
                raise
            return "taken"

    async def delete_trackings(self, world_id: int, tracking_ids: Sequence[str]) -> list[str]:
        """See ``TrackingStore``."""
        ids = only_ids(tracking_ids)
        gone: set[str] = set()
        for start in range(0, len(ids), DELETED_AT_ONCE):
            portion = ids[start : start + DELETED_AT_ONCE]
            work = partial(_delete, world_id=world_id, tracking_ids=portion)
            gone |= await self._database.transact(work, is_repeatable=False)
        self._counters.note(len(gone))
        return [tracking_id for tracking_id in dict.fromkeys(tracking_ids) if tracking_id in gone]

    async def lane_history(
        self, courier_code: str, origin: str, destination: str, *, is_test: bool
    ) -> LaneHistory:
        """See ``TrackingStore``."""
        rows = await self._database.fetch(
            _SQL["lane_history"],
            key_of(courier_code),
            key_of(origin.upper()),
            key_of(destination.upper()),
            int(is_test),
            LANE_SAMPLE,
        )
        days = sorted(row[0] for row in rows if row[0] is not None)
        return LaneHistory(total=len(rows), transit_days=tuple(days))

    async def courier_counts(self, world_id: int, *, recent: int = 20_000) -> dict[str, int]:
        """See ``TrackingStore``."""
        statuses = [status.value for status in CONFIRMED_STATUSES]
        return dict(await self._database.fetch(_SQL["courier_counts"], world_id, statuses, recent))


async def _delete(link: Link, *, world_id: int, tracking_ids: list[str]) -> set[str]:
    rows = await link.fetch(_SQL["hold_for_deletion"], world_id, tracking_ids)
    if not rows:
        return set()
    gone = [row[0].hex for row in rows]
    await link.fetch(_SQL["delete_polls"], gone)
    await link.fetch(_SQL["delete"], gone, gone)
    return set(gone)


def _poll_columns(poll: PollState | None) -> tuple[Any, ...]:
    given = poll or _NO_POLL
    return (
        poll is not None,
        given.due_at,
        clean(given.due_reason),
        given.leased_until,
        given.checked_at,
        clean(given.last_outcome),
        clean(given.last_detail),
        given.checks,
    )


def _raw_columns(raw: RawResponse | None) -> tuple[Any, ...]:
    if raw is None:
        return (None, None, None, None)
    return (raw.at, clean(raw.connector), clean(raw.outcome), pack(raw.body))
