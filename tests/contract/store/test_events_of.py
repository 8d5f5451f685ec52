"""One tracking's own events, on both engines."""

from __future__ import annotations

from parcelwire.domain.changes import Event
from parcelwire.domain.clock import DAY, SECOND
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.store.port import Store
from tests.contract.store.samples import NOW, OTHER_WORLD, WORLD, create, make_change, new_id


async def tell(store: Store, tracking: Tracking, count: int) -> tuple[Tracking, list[Event]]:
    """Save ``count`` changes, and return the tracking and its events as they were told."""
    told = []
    for index in range(count):
        change = make_change(tracking, status=Status.TRANSIT if index % 2 else Status.PICKUP)
        assert await store.save(change)
        assert change.event is not None
        told.append(change.event)
        tracking = change.tracking
    return tracking, told


async def test_they_come_newest_first_and_are_its_own(store: Store) -> None:
    mine, other = await create(store, "A1"), await create(store, "A2")
    mine, first = await tell(store, mine, 3)
    _, theirs = await tell(store, other, 2)
    mine, then = await tell(store, mine, 2)
    told = first + then
    found = await store.events_of(WORLD, mine.id)
    assert [event for _, event in found] == told[::-1]
    assert [event.sequence for _, event in found] == [5, 4, 3, 2, 1]
    assert [event for _, event in await store.events_of(WORLD, other.id)] == theirs[::-1]
    # The cursors are the feed's.
    feed = dict(await store.events_after(WORLD, 0, 100))
    assert all(feed[cursor] == event for cursor, event in found)


async def test_pages_meet_without_gap_or_double(store: Store) -> None:
    tracking, told = await tell(store, await create(store), 7)
    seen: list[Event] = []
    before = None
    for size in (3, 3, 1, 3):
        page = await store.events_of(WORLD, tracking.id, before=before, limit=3)
        assert len(page) == size if len(seen) < 6 else len(page) <= 1
        if not page:
            break
        seen += [event for _, event in page]
        before = page[-1][0]
        if len(seen) == 3:
            # What comes meanwhile stands in front and moves nothing.
            tracking, _ = await tell(store, tracking, 1)
    assert seen == told[::-1]
    assert await store.events_of(WORLD, tracking.id, before=0) == []
    assert await store.events_of(WORLD, tracking.id, before=-(2**70)) == []
    assert len(await store.events_of(WORLD, tracking.id, before=2**70)) == 8


async def test_another_world_sees_none_and_strange_ids_have_none(store: Store) -> None:
    tracking, _ = await tell(store, await create(store), 1)
    assert await store.events_of(OTHER_WORLD, tracking.id) == []
    assert await store.events_of(WORLD, new_id()) == []
    assert await store.events_of(WORLD, "no id") == []
    assert await store.events_of(WORLD, "") == []


async def test_they_outlive_the_tracking_and_are_pruned_with_the_feed(store: Store) -> None:
    tracking, told = await tell(store, await create(store), 4)
    await store.delete_trackings(WORLD, [tracking.id])
    assert [event for _, event in await store.events_of(WORLD, tracking.id)] == told[::-1]
    await store.prune_events(NOW + 3 * SECOND)
    left = [event for _, event in await store.events_of(WORLD, tracking.id)]
    assert left == [event for event in told[::-1] if event.at >= NOW + 3 * SECOND]
    assert 0 < len(left) < 4
    await store.prune_events(NOW + DAY)
    assert await store.events_of(WORLD, tracking.id) == []
