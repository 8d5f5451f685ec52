"""The events feed of several worlds, with several processes that write and read at once."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable

from parcelwire.domain.clock import DAY
from parcelwire.domain.status import Status
from parcelwire.store.port import Store
from parcelwire.tracking.ports import Once
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    WORLD,
    advance,
    create,
    make_change,
)

OpenAnother = Callable[[], Awaitable[Store]]

WORLDS = range(WORLD, WORLD + 4)


async def test_two_readers_of_each_world_see_the_same_and_miss_nothing(
    store: Store, open_another: OpenAnother
) -> None:
    chance = random.Random(3)
    stores = (store, await open_another())
    told: dict[int, set[str]] = defaultdict(set)
    seen: dict[tuple[int, int], list[tuple[int, str]]] = {
        (reader, world_id): [] for reader in (0, 1) for world_id in WORLDS
    }
    is_over = False

    async def write(writer: int) -> None:
        tracking = await create(store, f"NR{writer:07d}", world_id=chance.choice(WORLDS))
        for turn in range(12):
            status = Status.TRANSIT if turn % 2 else Status.PICKUP
            change = make_change(tracking, status=status)
            assert change.event is not None
            assert await stores[writer % 2].save(change)
            told[tracking.world_id].add(change.event.id)
            tracking = change.tracking

    async def read(reader: int, world_id: int) -> None:
        mine = seen[reader, world_id]
        while True:
            was_over = is_over
            after = mine[-1][0] if mine else 0
            page = await stores[reader].events_after(world_id, after, 5)
            if not page and was_over:
                return
            mine += [(cursor, event.id) for cursor, event in page]
            await asyncio.sleep(0)

    readers = [asyncio.create_task(read(*one)) for one in seen]
    await asyncio.gather(*map(write, range(12)))
    is_over = True
    await asyncio.wait_for(asyncio.gather(*readers), 60)

    assert sum(map(len, told.values())) == 12 * 12
    for world_id in WORLDS:
        mine, others = seen[0, world_id], seen[1, world_id]
        assert mine == others == sorted(mine)
        assert {event_id for _, event_id in mine} == told[world_id]
        assert len(mine) == len(told[world_id])


async def test_what_is_asked_first_may_be_the_oldest_or_one_trackings_own(store: Store) -> None:
    tracking = await advance(store, await create(store), status=Status.TRANSIT)
    first = await store.first_cursor(WORLD)
    assert first is not None
    assert await store.first_cursor(OTHER_WORLD) is None
    tracking = await advance(store, tracking, status=Status.PICKUP)
    own = await store.events_of(WORLD, tracking.id)
    assert [event.sequence for _, event in own] == [2, 1]
    assert own == (await store.events_after(WORLD, 0, 10))[::-1]
    assert own[-1][0] == first


async def test_a_save_under_an_idempotency_key_is_told_like_any_other(store: Store) -> None:
    tracking = await create(store)
    once = Once(
        world_id=WORLD, key="key", fingerprint=b"f" * 32, at=NOW, answer=lambda _: (200, b"{}")
    )
    change = make_change(tracking, status=Status.TRANSIT)
    assert await store.save(change, once=once)
    assert [event for _, event in await store.events_after(WORLD, 0, 10)] == [change.event]


async def test_the_ends_of_all_feeds_are_known_at_one_look(store: Store) -> None:
    assert await store.feed_ends() == {}
    mine, theirs = await create(store), await create(store, world_id=OTHER_WORLD)
    mine = await advance(store, mine, status=Status.TRANSIT)
    await advance(store, theirs, status=Status.TRANSIT)
    assert {WORLD, OTHER_WORLD} == set(await store.feed_ends())
    last = (await store.events_after(WORLD, 0, 10))[-1][0]
    assert (await store.feed_ends())[WORLD] == last
    await advance(store, mine, status=Status.PICKUP)
    end = (await store.feed_ends())[WORLD]
    assert end is None or end > last
    # Whatever is forgotten, nobody who has read it all is sent to look again.
    last = (await store.events_after(WORLD, 0, 10))[-1][0]
    assert await store.prune_events(NOW + DAY) == 3
    end = (await store.feed_ends()).get(WORLD, 0)
    assert end is not None
    assert end <= last
