"""Due trackings on PostgreSQL: implements ``PollStore``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Final

from parcelwire.domain.clock import CLOCKS_DIFFER, Clock, Instant
from parcelwire.polling.budget import burst, refill
from parcelwire.polling.ports import Claim, Pause
from parcelwire.store.codec import pack
from parcelwire.store.past_polls import (
    LONGEST_DEFERRED,
    LONGEST_TRAIL,
    encode_deferred,
    encode_past,
)
from parcelwire.store.postgres.database import Database
from parcelwire.store.postgres.pool import Link, Row
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import FIRST_ID, clean, is_id, key_of, only_ids
from parcelwire.store.rules import (
    HOLD_ROUNDS,
    HOLD_WINDOW,
    KEPT_RAW_RESPONSES,
    LONGEST_LEASE,
    LOOKED_AT_ONCE,
    RECALLED_AT_ONCE,
    portions,
)
from parcelwire.store.turns import Share, Turns, first_come
from parcelwire.tracking.ports import PollResult
from parcelwire.tracking.suspension import HELD_REASON, LONGEST_HOLD

_SQL: Final = load_queries("polls.sql")
# Naming those that were saved costs as much as saving them: only where somebody wants to know.
_SAVE_AND_NAME: Final = _SQL["save_polls"] + "\nreturning p.tracking_id"
_LARGEST_INTEGER: Final = 2**31 - 1


class Polls:
    """Due trackings by lease, shared budgets, carriers' pauses."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._turns = Turns()

    async def claim_polls(
        self,
        now: Instant,
        *,
        lease_until: Instant,
        limit: int,
        skip: Collection[tuple[int, str]] = (),
    ) -> list[Claim]:
        """See ``PollStore``."""
        if limit <= 0 or not await self._hold_suspended(now, limit):
            return []
        if skip:
            worlds = [world_id for world_id, _ in skip]
            couriers = [key_of(courier_code) for _, courier_code in skip]
            rows = await self._database.fetch(
                _SQL["claim_polls"], now, lease_until, limit, worlds, couriers, LONGEST_LEASE
            )
        else:
            rows = await self._claim_in_turn(now, lease_until, limit)
        return [
            Claim(
                tracking_id=row[0].hex,
                world_id=row[1],
                courier_code=row[2],
                due_reason=row[4],
                probe_courier=row[5],
            )
            for row in rows
        ]

    async def _hold_suspended(self, now: Instant, limit: int) -> bool:
        """Put off what is due first and belongs to suspended accounts; tell whether the front is
        free.
        """
        for _ in range(HOLD_ROUNDS):
            rows = await self._database.fetch(
                _SQL["hold_suspended_polls"],
                now,
                LONGEST_LEASE,
                HOLD_WINDOW,
                LONGEST_HOLD // 2,
                HELD_REASON,
            )
            seen, others = rows[0]
            if seen < HOLD_WINDOW or others >= min(limit, HOLD_WINDOW):
                return True
        return False

    async def _claim_in_turn(self, now: Instant, lease_until: Instant, limit: int) -> list[Row]:
        """Claim as ``store.turns`` says."""
        first = first_come(limit)
        rows = await self._database.fetch(
            _SQL["claim_any_polls"], now, lease_until, first, LONGEST_LEASE
        )
        if len(rows) < first:
            return rows
        turns = self._turns
        is_new = turns.are_stale(now)
        while True:
            if is_new:
                turns.renew(await self._database.fetch(_SQL["due_worlds"], now), now)
            for share in turns.shares(limit - len(rows)):
                rows += await self._claim_share(share, now, lease_until)
            if is_new or len(rows) >= limit:
                break
            is_new = True
        turns.count(len(rows))
        return sorted(rows, key=_by_due_time)

    async def _claim_share(self, share: Share, now: Instant, lease_until: Instant) -> list[Row]:
        rows = await self._database.fetch(
            _SQL["claim_polls_of_worlds"],
            now,
            lease_until,
            share.each,
            LONGEST_LEASE,
            share.worlds,
        )
        for world_id, count in Counter(row[1] for row in rows).items():
            share.note(world_id, count)
        return rows

    async def postpone_polls(
        self,
        tracking_ids: Sequence[str],
        *,
        due_at: Instant,
        due_reason: str,
        at: Instant | None = None,
    ) -> None:
        """See ``PollStore``."""
        await self._database.fetch(
            _SQL["postpone_polls"],
            only_ids(tracking_ids),
            due_at,
            clean(due_reason),
            encode_deferred(at, due_reason),
            LONGEST_DEFERRED,
        )

    async def next_poll_due(self) -> Instant | None:
        """See ``PollStore``."""
        rows = await self._database.fetch(_SQL["next_poll_due"], self._clock.now(), LONGEST_LEASE)
        due_at: Instant | None = rows[0][0]
        return due_at

    async def save_polls(self, results: Sequence[PollResult]) -> None:
        """See ``PollStore``."""
        # The last word about a tracking counts; and rows are locked in one order.
        by_id = {one.tracking_id: one for one in results if is_id(one.tracking_id)}
        if not by_id:
            return
        ids = sorted(by_id)
        polls = [by_id[tracking_id].poll for tracking_id in ids]
        columns = (
            ids,
            [poll.due_at for poll in polls],
            [clean(poll.due_reason) for poll in polls],
            [poll.leased_until for poll in polls],
            [poll.checked_at for poll in polls],
            [clean(poll.last_outcome) for poll in polls],
            [clean(poll.last_detail) for poll in polls],
            [poll.checks for poll in polls],
            [by_id[tracking_id].lease for tracking_id in ids],
            [encode_past(by_id[tracking_id].past) for tracking_id in ids],
            LONGEST_TRAIL,
            [clean(poll.probe_courier) for poll in polls],
        )
        raws = [one for one in results if one.raw is not None]
        if not raws:
            await self._database.fetch(_SQL["save_polls"], *columns)
            return

        async def work(link: Link) -> None:
            rows = await link.fetch(_SAVE_AND_NAME, *columns)
            await _keep_raw_responses(link, raws, {row[0].hex for row in rows})

        await self._database.transact(work, is_repeatable=False)

    async def lease_poll(self, tracking_id: str, *, lease: Instant, until: Instant) -> bool:
        """See ``TrackingStore``."""
        if not is_id(tracking_id):
            return False
        # Not repeatable: after a commit whose answer was lost, the second try would find its own
        # lease and take it for somebody else's.
        rows = await self._database.fetch(
            _SQL["lease_poll"], tracking_id, lease, until, is_repeatable=False
        )
        return bool(rows)

    async def recall_polls(self, now: Instant, *, beyond: Instant, far_only: bool = False) -> int:
        """See ``PollStore``."""
        fetch = self._database.fetch
        recalled = 0
        after: Any = FIRST_ID
        while True:
            if far_only:
                found = await fetch(_SQL["far_polls"], beyond, RECALLED_AT_ONCE)
                is_done = len(found) < RECALLED_AT_ONCE
            else:
                rows = await fetch(_SQL["polls_after"], now, beyond, after, LOOKED_AT_ONCE)
                found = [row for row in rows if row[1]]
                is_done = len(rows) < LOOKED_AT_ONCE
                after = rows[-1][0] if rows else after
            before = recalled
            for portion in portions([row[0] for row in found], RECALLED_AT_ONCE):
                recalled += (await fetch(_SQL["recall_polls"], now, beyond, portion))[0][0]
            # Others hold all that are left at the far end: they are being written.
            if is_done or (far_only and recalled == before):
                return recalled

    async def take_budget(
        self, key: str, *, now: Instant, wanted: int, per_minute: int, per_day: int | None
    ) -> int:
        """See ``PollStore``."""
        if wanted <= 0:
            return 0
        rows = await self._database.fetch(
            _SQL["take_budget"],
            key_of(key),
            now,
            min(wanted, _LARGEST_INTEGER),
            min(burst(per_minute), _LARGEST_INTEGER),
            None if per_day is None else min(per_day, _LARGEST_INTEGER),
            float(refill(per_minute)),
            CLOCKS_DIFFER,
            is_repeatable=False,
        )
        return int(rows[0][0])

    async def return_budget(self, key: str, *, count: int, per_minute: int) -> None:
        """See ``PollStore``."""
        await self._database.fetch(
            _SQL["return_budget"], key_of(key), count, float(burst(per_minute)), is_repeatable=False
        )

    async def pauses(self) -> dict[str, Pause]:
        """See ``PollStore``."""
        return {
            row[0]: Pause(until=row[1], failures=row[2], reason=row[3], since=row[4])
            for row in await self._database.fetch(_SQL["pauses"])
        }

    async def set_pause(self, key: str, pause: Pause | None) -> None:
        """See ``PollStore``."""
        if pause is None:
            await self._database.fetch(_SQL["clear_pause"], key_of(key))
            return
        await self._database.fetch(
            _SQL["set_pause"],
            key_of(key),
            pause.until,
            pause.failures,
            clean(pause.reason),
            pause.since,
        )


def _by_due_time(row: Row) -> tuple[Instant, str]:
    return row[3], row[0].hex


async def _keep_raw_responses(
    link: Link, results: Sequence[PollResult], present: Collection[str]
) -> None:
    kept = [
        (one.tracking_id, one.raw)
        for one in results
        if one.raw is not None and one.tracking_id in present
    ]
    await link.fetch(
        _SQL["add_raw_responses"],
        [tracking_id for tracking_id, _ in kept],
        [raw.at for _, raw in kept],
        [clean(raw.connector) for _, raw in kept],
        [clean(raw.outcome) for _, raw in kept],
        [pack(raw.body) for _, raw in kept],
    )
    await link.fetch(
        _SQL["drop_old_raw_responses"],
        sorted({tracking_id for tracking_id, _ in kept}),
        KEPT_RAW_RESPONSES,
    )
