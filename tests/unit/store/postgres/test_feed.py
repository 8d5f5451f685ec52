"""The events feed beside transactions that are still open, of this database and of others."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import takewhile
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from parcelwire.domain.changes import Event
from parcelwire.domain.clock import DAY, FrozenClock
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.store.codec import encode_event
from parcelwire.store.port import StoreUnavailableError
from parcelwire.store.postgres import PostgresStore, feed, open_store, trackings
from parcelwire.store.postgres.migrating import load_migrations, record_of
from parcelwire.tracking.following import Follower
from tests.contract.store.postgres_fixture import Cluster
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    WORLD,
    advance,
    create,
    make_change,
    make_event,
    make_tracking,
    new_id,
    render,
)
from tests.unit.store.postgres.holding import holding

Connect = Callable[..., Awaitable[Any]]


@pytest.fixture
async def connect(dsn: str) -> AsyncIterator[Connect]:
    """Open connections beside the store's, each in a transaction."""
    links: list[Any] = []

    async def connect_one(to: str = dsn) -> Any:
        link: Any = await asyncpg.connect(to)
        links.append(link)
        await link.execute("begin")
        return link

    yield connect_one
    for link in links:
        link.terminate()


async def read(store: PostgresStore, cursor: int = 0) -> tuple[int, list[tuple[str, int]]]:
    """Return where the feed ends, and whose events stand in it after a cursor."""
    page = await store.events_after(WORLD, cursor, 1_000)
    told = [(event.tracking_id, event.sequence) for _, event in page]
    return (page[-1][0] if page else cursor), told


async def test_a_save_that_is_still_open_holds_nobody_up_and_is_not_passed_over(
    store: PostgresStore, connect: Connect
) -> None:
    slow, quick = await create(store, "NR0000001"), await create(store, "NR0000002")
    link = await connect()
    change = make_change(slow, status=Status.TRANSIT)
    assert await holding(link).save(change)
    quick = await advance(store, quick, status=Status.TRANSIT)
    cursor, told = await read(store)
    assert told == [(quick.id, 1)]
    await link.execute("commit")
    cursor, told = await read(store, cursor)
    assert told == [(slow.id, 1)]

    # One that is rolled back leaves nothing behind.
    await link.execute("begin")
    assert await holding(link).save(make_change(change.tracking, status=Status.PICKUP))
    await advance(store, quick, status=Status.PICKUP)
    cursor, told = await read(store, cursor)
    assert told == [(quick.id, 2)]
    await link.execute("rollback")
    assert await read(store, cursor) == (cursor, [])


async def test_whoever_began_first_and_saved_last_passes_nobody_over(
    store: PostgresStore, connect: Connect
) -> None:
    early, late = await create(store, "NR0000001"), await create(store, "NR0000002")
    first, second = await connect(), await connect()
    # It has its number, as a save under an idempotency key has before it saves.
    await first.fetchval("select pg_current_xact_id()")
    assert await holding(second).save(make_change(late, status=Status.TRANSIT))
    assert await holding(first).save(make_change(early, status=Status.TRANSIT))
    await first.execute("commit")
    cursor, told = await read(store)
    assert told == [(early.id, 1)]
    await second.execute("commit")
    assert (await read(store, cursor))[1] == [(late.id, 1)]


async def test_a_transaction_of_another_database_holds_nobody_up(
    store: PostgresStore, connect: Connect, cluster: Cluster, empty_dsn: str
) -> None:
    tracking = await create(store)
    tracking = await advance(store, tracking, status=Status.TRANSIT)
    link = await connect(empty_dsn)
    await link.fetchval("select pg_current_xact_id()")
    for status in (Status.PICKUP, Status.DELIVERED):
        tracking = await advance(store, tracking, status=status)
    assert (await read(store))[1] == [(tracking.id, sequence) for sequence in (1, 2, 3)]
    await link.execute("rollback")


async def test_a_transaction_of_this_database_holds_nobody_up(
    store: PostgresStore, connect: Connect
) -> None:
    tracking = await create(store)
    link = await connect()
    await link.fetch("select * from event")
    await link.fetchval("select pg_current_xact_id()")
    tracking = await advance(store, tracking, status=Status.TRANSIT)
    assert (await read(store))[1] == [(tracking.id, 1)]
    await link.execute("rollback")


async def test_readers_that_come_at_once_give_each_event_one_cursor(
    store: PostgresStore, dsn: str, cluster: Cluster
) -> None:
    others = [
        await open_store(dsn, render=render, clock=FrozenClock(), pool_size=3) for _ in range(3)
    ]
    parcels = [await create(store, f"NR{index:07d}") for index in range(30)]
    for turn in range(4):
        status = Status.TRANSIT if turn % 2 else Status.PICKUP
        parcels = await asyncio.gather(*(advance(store, one, status=status) for one in parcels))
        pages = await asyncio.gather(
            *(one.events_after(WORLD, 0, 1_000) for one in others for _ in range(3))
        )
        assert len(pages[0]) == 30 * (turn + 1)
        assert all(page == pages[0] for page in pages)
        last = cluster.sql("select last_cursor from feed_head", dsn)
        assert int(last) == pages[0][-1][0]
    for one in others:
        await one.close()


async def test_more_events_than_get_cursors_at_once_are_read_in_order(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "NUMBERED_AT_ONCE", 3)
    tracking = await create(store)
    for turn in range(11):
        status = Status.TRANSIT if turn % 2 else Status.PICKUP
        tracking = await advance(store, tracking, status=status)
    assert len(await store.events_after(WORLD, 0, 2)) == 2
    assert len(await store.events_of(WORLD, tracking.id)) == 11
    assert (await read(store))[1] == [(tracking.id, turn) for turn in range(1, 12)]
    assert await store.prune_events(NOW + DAY) == 11


async def test_events_of_a_world_that_nobody_reads_are_forgotten_too(
    store: PostgresStore, dsn: str, cluster: Cluster
) -> None:
    for world_id in (WORLD, OTHER_WORLD):
        await advance(store, await create(store, world_id=world_id), status=Status.TRANSIT)
    assert await store.prune_events(NOW + DAY) == 2
    assert cluster.sql("select count(*) from pending_event", dsn).strip() == "0"


async def test_while_nothing_can_be_written_the_feed_shows_what_has_a_cursor(
    store: PostgresStore, dsn: str, cluster: Cluster
) -> None:
    tracking = await advance(store, await create(store), status=Status.TRANSIT)
    cursor, told = await read(store)
    tracking = await advance(store, tracking, status=Status.PICKUP)
    name = cluster.sql("select current_database()", dsn).strip()
    cluster.sql(f"alter database {name} set default_transaction_read_only = on")
    try:
        reading = await open_store(dsn, render=render, clock=FrozenClock())
        with pytest.raises(StoreUnavailableError):
            await reading.save(make_change(tracking, status=Status.DELIVERED))
        assert (await read(reading))[1] == told == [(tracking.id, 1)]
        assert len(await reading.events_of(WORLD, tracking.id)) == 1
        assert await reading.first_cursor(WORLD) == cursor
        await reading.close()
    finally:
        cluster.sql(f"alter database {name} reset default_transaction_read_only")
    assert (await read(store, cursor))[1] == [(tracking.id, 2)]


# -- many at once --------------------------------------------------------------------------------

WRITERS, ROUNDS, PARCELS = 8, 12, 4


class Crowd:
    """Writers whose transactions touch several worlds each, and a reader for every world."""

    def __init__(self, store: PostgresStore, connect: Connect, seed: int) -> None:
        self.store, self.connect = store, connect
        self.chance = random.Random(seed)
        self.worlds = list(range(WORLD, WORLD + 5))
        self.committed: dict[int, set[str]] = defaultdict(set)
        self.seen: dict[int, list[str]] = {world_id: [] for world_id in self.worlds}
        self.is_over = False

    async def run(self) -> None:
        readers = [asyncio.create_task(self._read(world_id)) for world_id in self.worlds]
        await asyncio.wait_for(asyncio.gather(*map(self._write, range(WRITERS))), 120)
        self.is_over = True
        await asyncio.wait_for(asyncio.gather(*readers), 60)

    def missed(self) -> int:
        """Count the events that were stored and not read, or read more than once."""
        return sum(
            len(self.committed[world_id] ^ set(seen)) + len(seen) - len(set(seen))
            for world_id, seen in self.seen.items()
        )

    async def _write(self, writer: int) -> None:
        link = await self.connect()
        held = holding(link)
        parcels = [
            await create(self.store, f"NR{writer:03d}{part:04d}", world_id=self._world())
            for part in range(PARCELS)
        ]
        await link.execute("rollback")
        for _ in range(ROUNDS):
            await link.execute("begin")
            after, ids = list(parcels), []
            for part in self.chance.sample(range(PARCELS), self.chance.randint(1, PARCELS)):
                change = make_change(
                    parcels[part],
                    status=self.chance.choice((Status.TRANSIT, Status.PICKUP, Status.DELIVERED)),
                )
                assert await held.save(change)
                assert change.event is not None
                ids.append((change.tracking.world_id, change.event.id))
                after[part] = change.tracking
                for _ in range(self.chance.randint(0, 5)):
                    await asyncio.sleep(0)
            if self.chance.random() < 0.2:
                await link.execute("rollback")
                continue
            await link.execute("commit")
            parcels = after
            for world_id, event_id in ids:
                self.committed[world_id].add(event_id)

    def _world(self) -> int:
        return self.chance.choice(self.worlds)

    async def _read(self, world_id: int) -> None:
        cursor = 0
        while True:
            was_over = self.is_over
            page = await self.store.events_after(world_id, cursor, 7)
            if not page and was_over:
                return
            for number, event in page:
                assert number > cursor
                cursor = number
                self.seen[world_id].append(event.id)
            await asyncio.sleep(0)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_reader_misses_nothing_that_many_write_in_several_worlds_at_once(
    store: PostgresStore, connect: Connect, seed: int
) -> None:
    crowd = Crowd(store, connect, seed)
    await crowd.run()
    assert sum(map(len, crowd.seen.values())) > 100
    assert crowd.missed() == 0


async def test_a_cursor_taken_by_the_saving_transaction_is_found(
    store: PostgresStore, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    taking = trackings._SQL["save"].replace(
        "insert into pending_event (world_id, tracking_id, body)\n    select",
        "insert into event (cursor, world_id, tracking_id, body)\n"
        "    select nextval('event_cursor'),",
    )
    assert taking != trackings._SQL["save"]
    monkeypatch.setitem(trackings._SQL, "save", taking)
    crowd = Crowd(store, connect, 1)
    await crowd.run()
    assert crowd.missed() > 0


# -- from the version before ---------------------------------------------------------------------

OLD_EVENT = """
insert into event (world_id, tracking_id, body) values ({world}, '{tracking}', '\\x{body}');
"""
OLD_MARK = """
insert into record (at, kind, scope, id, document)
values (1, 'cursor', '{world}', 'journeys', '\\x{document}');
"""


@pytest.fixture
def old_dsn(cluster: Cluster, empty_dsn: str) -> str:
    """A database of the last version whose saving transactions took the cursors."""
    steps = takewhile(lambda one: one.name != "feed_cursors", load_migrations())
    cluster.sql("".join(one.script + record_of(one) for one in steps), empty_dsn)
    return empty_dsn


def old_events(count: int) -> tuple[list[Event], list[str]]:
    """Return events of one tracking, and the statements by which that version stored them."""
    parcel = make_tracking(id=new_id(), sequence=0)
    events = [make_event(replace(parcel, sequence=one)) for one in range(1, count + 1)]
    return events, [
        OLD_EVENT.format(world=WORLD, tracking=parcel.id, body=encode_event(one).hex())
        for one in events
    ]


async def test_cursors_from_before_the_upgrade_go_on_where_they_were(
    cluster: Cluster, old_dsn: str
) -> None:
    events, statements = old_events(6)
    cluster.sql("".join(statements), old_dsn)
    # Cursors that were taken and rolled back, or whose events were pruned.
    cluster.sql("select nextval('event_cursor') from generate_series(1, 3)", old_dsn)
    store = await open_store(old_dsn, render=render, clock=FrozenClock())
    page = await store.events_after(WORLD, 4, 10)
    assert page == [(5, events[4]), (6, events[5])]
    await advance(store, await create(store), status=Status.TRANSIT)
    ((cursor, event),) = await store.events_after(WORLD, 6, 10)
    assert (cursor, event.sequence) == (10, 1)
    assert await store.first_cursor(WORLD) == 1
    await store.close()


async def test_the_next_cursor_is_above_all_that_followers_have_noted(
    cluster: Cluster, old_dsn: str
) -> None:
    # As in a database whose rows were copied without its sequences.
    mark = b'\x00{"cursor":500,"since":1,"is_filled":true,"place":null}'
    cluster.sql(
        OLD_MARK.format(world=WORLD, document=mark.hex()),
        old_dsn,
    )
    store = await open_store(old_dsn, render=render, clock=FrozenClock())
    follower = Follower("journeys", store, FrozenClock())
    assert (await follower.mark(WORLD)).cursor == 500
    tracking: Tracking = await advance(store, await create(store), status=Status.TRANSIT)
    ((cursor, event),) = await follower.read(WORLD)
    assert cursor > 500
    assert event.tracking_id == tracking.id
    await store.close()


async def test_a_save_that_is_under_way_during_the_upgrade_is_waited_for(
    connect: Connect, old_dsn: str
) -> None:
    events, (first, second) = old_events(2)
    link = await connect(old_dsn)
    await link.execute(first)
    opening = asyncio.create_task(open_store(old_dsn, render=render, clock=FrozenClock()))
    waits = "select count(*) from pg_locks where relation = 'event'::regclass and not granted"
    for _ in range(1_000):
        if await link.fetchval(waits):
            break
        await asyncio.sleep(0.01)
    assert not opening.done()
    await link.execute("commit")
    store = await opening
    assert await store.events_after(WORLD, 0, 10) == [(1, events[0])]
    # Of the version before: it stores nothing that a reader could pass over.
    with pytest.raises(asyncpg.NotNullViolationError):
        await link.execute(second)
    await store.close()
