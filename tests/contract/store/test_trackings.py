from __future__ import annotations

import asyncio

import msgspec

from parcelwire.domain.clock import SECOND
from parcelwire.domain.status import Status
from parcelwire.store.port import Store
from parcelwire.tracking.ports import PollState, RawAnswer, Save, TrackingFilter
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    TEST_WORLD,
    WORLD,
    advance,
    create,
    make_change,
    make_checkpoints,
    make_new,
    new_id,
)


async def test_a_created_tracking_is_read_back_whole(store: Store) -> None:
    new = make_new("RA123456785CH", checkpoints=make_checkpoints(12))
    (creation,) = await store.create_trackings([new])
    assert creation.result == "created"

    stored = await store.load(WORLD, new.tracking.id)

    assert stored is not None
    assert stored.tracking == new.tracking
    assert stored.poll == PollState(due_at=NOW, due_reason="new")


async def test_another_world_does_not_see_it(store: Store) -> None:
    tracking = await create(store)
    for world_id in (OTHER_WORLD, TEST_WORLD):
        assert await store.load(world_id, tracking.id) is None
        assert await store.find(world_id, tracking.number) == []
        assert await store.count_trackings(world_id, TrackingFilter()) == 0


async def test_the_same_number_of_another_courier_or_world_is_another_tracking(
    store: Store,
) -> None:
    await create(store, "RA123456785CH")
    await create(store, "RA123456785CH", courier_code="poste-italiane")
    await create(store, "RA123456785CH", world_id=OTHER_WORLD)

    assert len(await store.find(WORLD, "RA123456785CH")) == 2
    assert len(await store.find(WORLD, "RA123456785CH", "swiss-post")) == 1
    assert len(await store.find(OTHER_WORLD, "RA123456785CH")) == 1


async def test_a_tracking_that_is_there_is_named_and_left_alone(store: Store) -> None:
    first = await create(store, "RA123456785CH")

    (creation,) = await store.create_trackings([make_new("RA123456785CH", source="web")])

    assert (creation.result, creation.existing_id) == ("exists", first.id)
    stored = await store.load(WORLD, first.id)
    assert stored is not None
    assert stored.tracking == first


async def test_of_a_number_given_twice_in_one_batch_the_first_is_created(store: Store) -> None:
    items = [make_new("A1234567"), make_new("B1234567"), make_new("A1234567")]

    creations = await store.create_trackings(items)

    assert [creation.result for creation in creations] == ["created", "created", "exists"]
    assert creations[2].existing_id == items[0].tracking.id
    assert await store.count_trackings(WORLD, TrackingFilter()) == 2


async def test_of_concurrent_creates_of_one_number_exactly_one_wins(store: Store) -> None:
    items = [make_new("RA123456785CH") for _ in range(20)]

    answers = await asyncio.gather(*(store.create_trackings([item]) for item in items))

    results = [creation for (creation,) in answers]
    assert sorted(creation.result for creation in results) == ["created"] + ["exists"] * 19
    winner = results.index(next(item for item in results if item.result == "created"))
    assert {item.existing_id for item in results if item.result == "exists"} == {
        items[winner].tracking.id
    }


async def test_a_save_stores_all_that_follows_from_it(store: Store) -> None:
    tracking = await create(store)
    poll = PollState(due_at=NOW + SECOND, due_reason="moving", checked_at=NOW, checks=1)
    raw = RawAnswer(at=NOW, connector="swiss-post", outcome="found", body=b'{"a":1}')
    change = make_change(tracking, status=Status.TRANSIT, poll=poll, raw=raw)

    assert await store.save(change)

    stored = await store.load(WORLD, tracking.id)
    assert stored is not None
    assert stored.tracking == change.tracking
    assert stored.poll == poll
    assert [event for _, event in await store.events_after(WORLD, 0, 10)] == [change.event]
    assert await store.raw_answers(tracking.id) == [raw]
    (rendition,) = await store.list_renditions(
        WORLD, TrackingFilter(numbers=(tracking.number,)), offset=0, limit=1
    )
    assert msgspec.json.decode(rendition)["version"] == 2


async def test_a_save_on_an_old_version_stores_nothing(store: Store) -> None:
    tracking = await create(store)
    current = await advance(store, tracking, status=Status.TRANSIT)
    late = make_change(
        tracking,
        status=Status.DELIVERED,
        poll=PollState(due_at=None),
        raw=RawAnswer(at=NOW, connector="c", outcome="found", body=b"late"),
    )

    assert await store.save(late) is False

    stored = await store.load(WORLD, tracking.id)
    assert stored is not None
    assert stored.tracking == current
    assert stored.poll.due_at == NOW
    assert len(await store.events_after(WORLD, 0, 10)) == 1
    assert await store.raw_answers(tracking.id) == []
    assert await store.count_by_status(WORLD, TrackingFilter()) == {
        **dict.fromkeys(Status, 0),
        Status.TRANSIT: 1,
    }


async def test_a_save_of_what_is_gone_is_refused(store: Store) -> None:
    tracking = await create(store)
    assert await store.delete_trackings(WORLD, [tracking.id, new_id()]) == [tracking.id]
    change: Save = make_change(tracking, status=Status.TRANSIT)
    assert await store.save(change) is False
    assert await store.events_after(WORLD, 0, 10) == []
