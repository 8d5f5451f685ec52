"""Create trackings: what arrives while one commit is on its way goes into the next together.

create_trackings -> rows -> queue -> one statement for all that wait -> results
                              ^                                   |
                              +----- collects meanwhile ----------+

When more waits than one statement takes, worlds have their turns one after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from parcelwire.domain.tracking import Tracking
from parcelwire.store.codec import encode_tracking, pack_rendition
from parcelwire.store.fair_queue import FairQueue
from parcelwire.store.port import StoreUnavailableError
from parcelwire.store.postgres.database import Database
from parcelwire.store.postgres.pool import Link
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import clean, key_of, some_id, tracking_columns
from parcelwire.tracking.ports import Creation, NewTracking

_SQL: Final = load_queries("trackings.sql")

ROWS_PER_COMMIT: Final = 500
_ROUNDS: Final = 3

Key = tuple[int, str, str]
"""World, number and courier, as their columns hold them."""


class NewRow(msgspec.Struct, frozen=True):
    """One tracking to create, ready for the database."""

    id: str
    key: Key
    columns: tuple[Any, ...]


class Order(msgspec.Struct, frozen=True):
    """One call of ``create_trackings``."""

    rows: tuple[NewRow, ...]
    quota: int | None


def make_row(new: NewTracking, render: Callable[[Tracking], bytes]) -> NewRow:
    """Return the columns of a new tracking, in the order of the query ``create``."""
    tracking = new.tracking
    changing = tracking_columns(tracking)
    key = (tracking.world_id, key_of(tracking.number), key_of(tracking.courier_code))
    columns = (
        some_id(tracking.id),
        tracking.world_id,
        tracking.created_at,
        key[1],
        key_of(tracking.page_token),
        *changing,
        encode_tracking(tracking),
        pack_rendition(tracking, render(tracking)),
        new.due_at,
        clean(new.due_reason),
        new.leased_until,
    )
    return NewRow(tracking.id, key, columns)


class CreationQueue:
    """Group commit within one process: a commit carries all that arrived during the one before."""

    def __init__(self, database: Database, note_created: Callable[[int], None]) -> None:
        self._database = database
        self._note_created = note_created
        self._orders: FairQueue[tuple[Order, asyncio.Future[list[Creation]]]] = FairQueue()
        self._worker: asyncio.Task[None] | None = None

    async def put(self, order: Order) -> list[Creation]:
        """Store one order; returns when it is durable."""
        future: asyncio.Future[list[Creation]] = asyncio.get_running_loop().create_future()
        world_id = order.rows[0].key[0] if order.rows else None
        self._orders.put(world_id, (order, future), len(order.rows))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await future

    async def finish(self) -> None:
        """Wait until the queue is empty."""
        while self._worker is not None:
            await asyncio.wait([self._worker])

    async def _work(self) -> None:
        try:
            while self._orders:
                await self._gather()
                batch = self._orders.take(ROWS_PER_COMMIT)
                orders = [order for order, _ in batch]
                try:
                    answers = await self._write(orders)
                except Exception as error:  # noqa: BLE001  # goes to those who wait for it
                    await self._fail(batch, error)
                else:
                    for (_, future), answer in zip(batch, answers, strict=True):
                        if not future.done():
                            future.set_result(answer)
        finally:
            self._worker = None

    async def _gather(self) -> None:
        """Wait one more round of the event loop while every round brings more.

        Otherwise the first order of many that come at once would be committed alone.
        """
        before = 0
        while before < len(self._orders) < ROWS_PER_COMMIT:
            before = len(self._orders)
            await asyncio.sleep(0)

    async def _fail(
        self, batch: list[tuple[Order, asyncio.Future[list[Creation]]]], error: Exception
    ) -> None:
        # What PostgreSQL cannot store must not take its neighbours with it: each alone, then.
        is_shared = len(batch) > 1 and not isinstance(error, StoreUnavailableError)
        for order, future in batch:
            outcome: list[Creation] | Exception = error
            if is_shared:
                try:
                    (outcome,) = await self._write([order])
                except Exception as own_error:  # noqa: BLE001  # goes to the one who waits for it
                    outcome = own_error
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

    async def _write(self, orders: Sequence[Order]) -> list[list[Creation]]:
        tries = 0

        async def work(link: Link) -> list[list[Creation]]:
            nonlocal tries
            tries += 1
            refused = await self._over_quota(link, orders)
            wanted = [row for order in orders for row in order.rows if row.id not in refused]
            wanted.sort(key=lambda row: row.key)
            standing, created = await self._insert(link, wanted)
            if tries > 1:
                # A try before this one may have come through although its answer was lost: what
                # stands under the id that we gave it is ours.
                created |= {row.id for row in wanted if standing[row.key] == row.id}
            return [
                [_creation(row, refused, created, standing) for row in order.rows]
                for order in orders
            ]

        if any(order.quota is not None for order in orders):
            return await self._database.transact(work)
        return await self._database.run(work, is_repeatable=True)

    async def create(self, order: Order, link: Link) -> list[Creation]:
        """Store one order in a transaction that somebody else has opened, and will end."""
        refused = await self._over_quota(link, [order])
        wanted = [row for row in order.rows if row.id not in refused]
        wanted.sort(key=lambda row: row.key)
        standing, created = await self._insert(link, wanted)
        return [_creation(row, refused, created, standing) for row in order.rows]

    async def _insert(self, link: Link, rows: list[NewRow]) -> tuple[dict[Key, str], set[str]]:
        """Insert what is not there.

        Return the id that now stands under each key, and the ids that were inserted.
        """
        standing: dict[Key, str] = {}
        created: set[str] = set()
        for _ in range(_ROUNDS):
            missing = [row for row in rows if row.key not in standing]
            if not missing:
                break
            columns = zip(*(row.columns for row in missing), strict=True)
            records = await link.fetch(_SQL["create"], *map(list, columns))
            inserted = {record[0].hex for record in records}
            created |= inserted
            standing.update((row.key, row.id) for row in missing if row.id in inserted)
            if any(row.key not in standing for row in missing):
                # A statement of its own, so that it sees what others have just committed.
                standing.update(await _existing(link, missing))
        if any(row.key not in standing for row in rows):
            # Deleted by somebody else each time between the two statements.
            raise StoreUnavailableError("trackings come and go too fast to create them")
        self._note_created(len(created))
        return standing, created

    async def _over_quota(self, link: Link, orders: Sequence[Order]) -> set[str]:
        """Return the ids of those rows that a quota forbids, counted in the orders' order."""
        limited = [order for order in orders if order.quota is not None and order.rows]
        if not limited:
            return set()
        worlds = sorted({row.key[0] for order in limited for row in order.rows})
        await link.fetch(_SQL["lock_worlds"], sorted({world % 2**31 for world in worlds}))
        created = dict.fromkeys(worlds, 0)
        created.update(await link.fetch(_SQL["created_totals"], worlds))
        known = set(await _existing(link, [row for order in limited for row in order.rows]))
        refused: set[str] = set()
        for order in limited:
            for row in order.rows:
                if row.key in known:
                    continue
                if order.quota is not None and created[row.key[0]] >= order.quota:
                    refused.add(row.id)
                    continue
                created[row.key[0]] += 1
                known.add(row.key)
        return refused


async def _existing(link: Link, rows: Sequence[NewRow]) -> dict[Key, str]:
    records = await link.fetch(
        _SQL["existing"],
        [row.key[0] for row in rows],
        [row.key[1] for row in rows],
        [row.key[2] for row in rows],
    )
    return {(record[1], record[2], record[3]): record[0].hex for record in records}


def _creation(
    row: NewRow, refused: set[str], created: set[str], standing: dict[Key, str]
) -> Creation:
    if row.id in refused:
        return Creation(result="over_quota")
    if row.id in created:
        return Creation(result="created")
    return Creation(result="exists", existing_id=standing[row.key])
