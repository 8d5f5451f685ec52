"""Due polls, shared budgets, and carriers' pauses."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import apsw
import msgspec

from parcelwire.domain.clock import Instant
from parcelwire.polling.budget import burst
from parcelwire.polling.ports import Claim, Pause
from parcelwire.store.codec import decode_pause, encode_json
from parcelwire.store.past_polls import encode_deferred
from parcelwire.store.rules import (
    HOLD_ROUNDS,
    HOLD_WINDOW,
    LONGEST_LEASE,
    LOOKED_AT_ONCE,
    RECALLED_AT_ONCE,
    Budget,
    portions,
    take_from_budget,
)
from parcelwire.store.sqlite import poll_queries
from parcelwire.store.sqlite.base import Part
from parcelwire.store.sqlite.connection import Row, fetch
from parcelwire.store.sqlite.ids import id_value, public_id
from parcelwire.store.turns import first_come
from parcelwire.tracking.suspension import HELD_REASON, LONGEST_HOLD


class _Claiming:
    """One claim: finds due rows and leases them, so that the next look passes them over."""

    def __init__(self, bindings: dict[str, Any], lease_until: Instant) -> None:
        self.bindings = bindings
        self._lease_until = lease_until

    def take(self, connection: apsw.Connection, sql: str, **more: int) -> list[Row]:
        rows = fetch(connection, sql, {**self.bindings, **more})
        leases = [(self._lease_until, row[0]) for row in rows]
        connection.executemany(poll_queries.LEASE_POLL, leases)
        return rows

    def take_of_world(self, connection: apsw.Connection, world_id: int, limit: int) -> list[Row]:
        sql = poll_queries.DUE_POLLS_OF_WORLD
        rows = self.take(connection, sql, world=world_id, asked=0, limit=limit)
        if len(rows) < limit:
            rest = limit - len(rows)
            rows += self.take(connection, sql, world=world_id, asked=1, limit=rest)
        return rows


def _by_due_time(row: Row) -> tuple[Instant, int]:
    return row[4], row[0]


class Polls(Part):
    """``PollStore`` (``save_polls`` stands with the trackings)."""

    async def claim_polls(
        self,
        now: Instant,
        *,
        lease_until: Instant,
        limit: int,
        skip: Collection[tuple[int, str]] = (),
    ) -> list[Claim]:
        """See ``PollStore``."""
        bindings: dict[str, Any] = {"now": now, "beyond": now + LONGEST_LEASE}
        claiming = _Claiming(bindings, lease_until)
        if skip:
            pairs = [f"{world_id} {courier_code}" for world_id, courier_code in skip]
            bindings["skip"] = msgspec.json.encode(pairs).decode()

        def work(connection: apsw.Connection) -> list[Claim]:
            if not _hold_suspended(connection, now, limit):
                return []
            if skip:
                rows = claiming.take(connection, poll_queries.DUE_POLLS_BUT, limit=limit)
            else:
                rows = self._claim_in_turn(connection, claiming, limit)
            return [
                Claim(
                    tracking_id=public_id(row[1]),
                    world_id=row[2],
                    courier_code=row[3],
                    due_reason=row[5],
                    probe_courier=row[6],
                )
                for row in rows
            ]

        return await self._write(work)

    def _claim_in_turn(
        self, connection: apsw.Connection, claiming: _Claiming, limit: int
    ) -> list[Row]:
        """Claim as ``store.turns`` says. Only the writer's thread comes here."""
        first = first_come(limit)
        rows = claiming.take(connection, poll_queries.DUE_POLLS, limit=first)
        if len(rows) < first:
            return rows
        turns, now = self._turns, claiming.bindings["now"]
        is_new = turns.are_stale(now)
        while True:
            if is_new:
                turns.renew(fetch(connection, poll_queries.DUE_WORLDS, {"now": now}), now)
            for share in turns.shares(limit - len(rows)):
                for world_id in share.worlds:
                    got = claiming.take_of_world(connection, world_id, share.each)
                    share.note(world_id, len(got))
                    rows += got
            if is_new or len(rows) >= limit:
                break
            is_new = True
        turns.count(len(rows))
        return sorted(rows, key=_by_due_time)

    async def postpone_polls(
        self,
        tracking_ids: Sequence[str],
        *,
        due_at: Instant,
        due_reason: str,
        at: Instant | None = None,
    ) -> None:
        """See ``PollStore``."""
        told = encode_deferred(at, due_reason)
        items = [(due_at, due_reason, told, id_value(tracking_id)) for tracking_id in tracking_ids]

        def work(connection: apsw.Connection) -> None:
            connection.executemany(poll_queries.POSTPONE_POLL, items)

        if items:
            await self._write(work, rows=len(items))

    async def lease_poll(self, tracking_id: str, *, lease: Instant, until: Instant) -> bool:
        """See ``TrackingStore``."""
        bindings = (until, id_value(tracking_id), lease)

        def work(connection: apsw.Connection) -> bool:
            connection.execute(poll_queries.LEASE_IF_FREE, bindings)
            return connection.changes() == 1

        return await self._write(work)

    async def next_poll_due(self) -> Instant | None:
        """See ``PollStore``."""
        ((due_at,),) = await self._reader.rows(poll_queries.NEXT_POLL)
        return due_at  # type: ignore[no-any-return]  # the column's type

    async def recall_polls(self, now: Instant, *, beyond: Instant, far_only: bool = False) -> int:
        """See ``PollStore``. Sought by readers: the writer has only to write, and seldom that."""
        when = {"now": now, "beyond": beyond}
        if far_only:
            return await self._recall_far(when)
        recalled, after = 0, 0
        ((last,),) = await self._reader.rows(poll_queries.LAST_POLL)
        while after < last:
            stretch = {"after": after, "last": after + LOOKED_AT_ONCE}
            rows = await self._reader.scan(poll_queries.AHEAD_POLLS, when | stretch)
            for portion in portions(rows, RECALLED_AT_ONCE):
                recalled += await self._recall(portion, when)
            after += LOOKED_AT_ONCE
        return recalled

    async def _recall_far(self, when: dict[str, Any]) -> int:
        recalled = 0
        while True:
            bindings = {"beyond": when["beyond"], "limit": RECALLED_AT_ONCE}
            rows = await self._reader.rows(poll_queries.FAR_POLLS, bindings)
            if rows:
                recalled += await self._recall(rows, when)
            if len(rows) < RECALLED_AT_ONCE:
                return recalled

    async def _recall(self, rows: Sequence[Row], when: dict[str, Any]) -> int:
        bindings = {**when, "keys": msgspec.json.encode([key for (key,) in rows]).decode()}

        def work(connection: apsw.Connection) -> int:
            connection.execute(poll_queries.RECALL_POLLS, bindings)
            return connection.changes()

        return await self._write(work, rows=len(rows))

    async def take_budget(
        self, key: str, *, now: Instant, wanted: int, per_minute: int, per_day: int | None
    ) -> int:
        """See ``PollStore``."""

        def work(connection: apsw.Connection) -> int:
            rows = fetch(connection, poll_queries.LOAD_BUDGET, (key,))
            budget = Budget(*rows[0]) if rows else None
            granted, left = take_from_budget(budget, now, wanted, per_minute, per_day)
            connection.execute(
                poll_queries.SAVE_BUDGET, (key, left.tokens, left.at, left.day, left.used_today)
            )
            return granted

        return await self._write(work)

    async def return_budget(self, key: str, *, count: int, per_minute: int) -> None:
        """See ``PollStore``."""
        bindings = {"key": key, "count": count, "most": burst(per_minute)}

        def work(connection: apsw.Connection) -> None:
            connection.execute(poll_queries.RETURN_BUDGET, bindings)

        await self._write(work)

    async def pauses(self) -> dict[str, Pause]:
        """See ``PollStore``."""
        rows = await self._reader.rows(poll_queries.PAUSES)
        return dict(
            self._unreadable.each(
                lambda row: (row[0], decode_pause(row[1])), rows, lambda row: f"the pause {row[0]}"
            )
        )

    async def set_pause(self, key: str, pause: Pause | None) -> None:
        """See ``PollStore``."""
        document = None if pause is None else encode_json(pause)

        def work(connection: apsw.Connection) -> None:
            if document is None:
                connection.execute(poll_queries.DELETE_PAUSE, (key,))
            else:
                connection.execute(poll_queries.SAVE_PAUSE, (key, document))

        await self._write(work)


def _hold_suspended(connection: apsw.Connection, now: Instant, limit: int) -> bool:
    """Put off what is due first and belongs to suspended accounts; tell whether the front is free.

    Left where they are, a hundred thousand of them would be walked over by every claim.
    """
    if not fetch(connection, poll_queries.HAS_SUSPENDED, ())[0][0]:
        return True
    bindings = {"now": now, "beyond": now + LONGEST_LEASE, "window": HOLD_WINDOW}
    hold = {"now": now, "span": LONGEST_HOLD // 2, "reason": HELD_REASON}
    for _ in range(HOLD_ROUNDS):
        rows = fetch(connection, poll_queries.FRONT_POLLS, bindings)
        held = [{**hold, "key": key} for key, is_held in rows if is_held]
        connection.executemany(poll_queries.HOLD_POLL, held)
        if len(rows) < HOLD_WINDOW or len(rows) - len(held) >= min(limit, HOLD_WINDOW):
            return True
    return False
