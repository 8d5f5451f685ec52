from __future__ import annotations

import asyncio

import pytest

from parcelwire.domain.clock import SECOND
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Details
from parcelwire.store.port import Store
from parcelwire.tracking.ports import (
    PollResult,
    PollState,
    RawResponse,
    TrackingFilter,
)
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    TEST_WORLD,
    WORLD,
    advance,
    create,
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


async def test_no_tracking_in_a_batch_costs_nothing(store: Store) -> None:
    assert await store.create_trackings([]) == []
    assert await store.delete_trackings(WORLD, []) == []
    assert await store.load_many([]) == []
    await store.save_polls([])


async def test_a_batch_of_two_worlds_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="world"):
        await store.create_trackings([make_new("A1234567"), make_new("B1", world_id=OTHER_WORLD)])
    assert await store.count_trackings(WORLD, TrackingFilter()) == 0


async def test_a_batch_of_two_hundred_keeps_its_order(store: Store) -> None:
    items = [make_new(f"N{index:08d}") for index in range(200)]
    existing = items[50]
    await store.create_trackings([existing])

    creations = await store.create_trackings(items)

    assert [creation.result for creation in creations] == [
        "exists" if item is existing else "created" for item in items
    ]
    stored = await store.load_many([item.tracking.id for item in items])
    assert {one.tracking.number for one in stored} == {item.tracking.number for item in items}


async def test_the_quota_counts_what_was_ever_created(store: Store) -> None:
    first = await create(store, "A1234567")
    assert await store.delete_trackings(WORLD, [first.id]) == [first.id]
    assert await store.count_created(WORLD) == 1
    kept = await create(store, "B1234567")

    creations = await store.create_trackings(
        [make_new("B1234567"), make_new("C1234567"), make_new("D1234567"), make_new("B1234567")],
        quota=3,
    )

    assert [creation.result for creation in creations] == [
        "exists",
        "created",
        "over_quota",
        "exists",
    ]
    assert creations[3].existing_id == kept.id
    assert await store.count_created(WORLD) == 3
    assert await store.count_created(OTHER_WORLD) == 0
    assert await store.find(WORLD, "D1234567") == []


async def test_concurrent_creates_do_not_pass_the_quota(store: Store) -> None:
    answers = await asyncio.gather(
        *(store.create_trackings([make_new(f"N{index:08d}")], quota=7) for index in range(20))
    )
    results = [creation.result for (creation,) in answers]
    assert results.count("created") == 7
    assert await store.count_created(WORLD) == 7
    assert await store.count_trackings(WORLD, TrackingFilter()) == 7


@pytest.mark.parametrize(
    "word", ["", "x", "é" * 32, "z" * 32, "0" * 31, "0" * 33, "00 " * 10 + "00", "' OR 1=1 --"]
)
async def test_a_word_that_is_no_id_is_not_found(store: Store, word: str) -> None:
    tracking = await create(store)
    assert await store.load(WORLD, word) is None
    assert await store.load_many([word, tracking.id]) == [await store.load(WORLD, tracking.id)]
    assert await store.delete_trackings(WORLD, [word]) == []
    assert await store.raw_responses(word) == []
    assert await store.find_by_page_token(word) is None
    await store.postpone_polls([word], due_at=NOW, due_reason="none")
    await store.save_polls([PollResult(tracking_id=word, poll=PollState(due_at=NOW))])
    assert await store.load_message(WORLD, word) is None
    assert await store.list_attempts(word) == []
    assert await store.resend(WORLD, word, NOW) is False
    assert await store.load_endpoint(WORLD, word) is None
    assert await store.delete_endpoint(WORLD, word) is False


async def test_a_tracking_is_found_by_its_page_token(store: Store) -> None:
    tracking = await create(store)
    await create(store, "B1234567")
    stored = await store.find_by_page_token(tracking.page_token)
    assert stored is not None
    assert stored.tracking == tracking


async def test_trackings_of_one_number_stand_newest_first(store: Store) -> None:
    for age, courier in ((2, "dhl"), (3, "ups"), (1, "swiss-post")):
        await create(store, courier_code=courier, created_at=NOW - age * SECOND)
    found = await store.find(WORLD, "RA123456785CH")
    assert [one.tracking.courier_code for one in found] == ["swiss-post", "dhl", "ups"]


async def test_many_are_loaded_whatever_their_world(store: Store) -> None:
    here = await create(store, "A1234567")
    there = await create(store, "A1234567", world_id=OTHER_WORLD)
    stored = await store.load_many([here.id, there.id, new_id(), here.id])
    assert sorted(one.tracking.id for one in stored) == sorted([here.id, there.id])


async def test_unicode_and_size_do_not_matter(store: Store) -> None:
    strange = "Zoë\u0000 \U0001f4e6 \u202e\u0301 «Größe» 東京 " + "x" * 100_000
    tracking = await create(
        store,
        checkpoints=make_checkpoints(3_000),
        details=Details(
            customer_name=strange,
            order_number="№ 7\u0000\U0001f4e6",
            order_id=strange,
            note="\r\n\t",
        ),
    )
    stored = await store.load(WORLD, tracking.id)
    assert stored is not None
    assert stored.tracking == tracking
    raw = RawResponse(at=NOW, connector="c", outcome="found", body=bytes(range(256)) * 4_000)
    await advance(store, tracking, raw=raw)
    assert await store.raw_responses(tracking.id) == [raw]


async def test_deleting_takes_everything_of_a_tracking(store: Store) -> None:
    tracking = await create(store, details=Details(order_id="7"))
    raw = RawResponse(at=NOW, connector="c", outcome="found", body=b"{}")
    tracking = await advance(store, tracking, status=Status.TRANSIT, raw=raw)
    other = await create(store, "B1234567")

    assert await store.delete_trackings(OTHER_WORLD, [tracking.id]) == []
    assert await store.delete_trackings(WORLD, [tracking.id, tracking.id]) == [tracking.id]
    assert await store.delete_trackings(WORLD, [tracking.id]) == []

    assert await store.load(WORLD, tracking.id) is None
    assert await store.find(WORLD, tracking.number) == []
    assert await store.find_by_page_token(tracking.page_token) is None
    assert await store.raw_responses(tracking.id) == []
    assert (
        await store.list_trackings(WORLD, TrackingFilter(order_ids=("7",)), offset=0, limit=9) == []
    )
    claims = await store.claim_polls(NOW, lease_until=NOW + SECOND, limit=9)
    assert [claim.tracking_id for claim in claims] == [other.id]
    again = await create(store, tracking.number)
    assert await store.raw_responses(again.id) == []
    assert await store.load(WORLD, again.id) == (await store.find(WORLD, tracking.number))[0]
