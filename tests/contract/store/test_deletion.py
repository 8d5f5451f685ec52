"""What belongs to a tracking goes with it, whoever writes at that moment or later."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import pytest
from msgspec.structs import replace

from parcelwire.domain.clock import DAY, SECOND
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.store.port import Store
from parcelwire.store.rules import DELETED_AT_ONCE
from parcelwire.tracking.ports import Once, PollResult, PollState, RawResponse, TrackingFilter
from tests.contract.store.holdings import columns_of, known_tables, rows_of
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    WORLD,
    create,
    make_change,
    make_message,
    make_new,
    make_past,
    new_id,
)
from tests.contract.store.sending import DEAD, DELIVERED, add_endpoint, claim, finish, result_of
from tests.contract.store.test_journeys import journey

OpenAnother = Callable[[], Awaitable[Store]]
RAW: Final = RawResponse(at=NOW, connector="swiss-post", outcome="found", body=b"Jo Doe, Bern" * 50)
ASKED: Final = PollState(due_at=NOW + DAY, checked_at=NOW, checks=1, last_outcome="found")


def put(document: bytes) -> Callable[[bytes | None], bytes]:
    return lambda _: document


def poll_of(tracking: Tracking) -> PollResult:
    return PollResult(tracking_id=tracking.id, poll=ASKED, raw=RAW, past=make_past())


def save_of(tracking: Tracking, **fields: Any) -> Any:
    return make_change(tracking, status=Status.TRANSIT, poll=ASKED, raw=RAW, **fields)


async def note(store: Store, kind: str, scope: str, tracking: Tracking) -> bytes | None:
    """Store a record that belongs to a tracking."""
    record_id = f"{NOW}.{tracking.id}"
    return await store.change_record(
        kind, scope, record_id, put(b"jo@customer.example"), at=NOW, tracking_id=tracking.id
    )


async def test_every_table_says_what_becomes_of_a_deleted_tracking(store: Store) -> None:
    columns, known = await columns_of(store), known_tables(store)
    assert set(columns) == set(known), "a table has no line in holdings.py"
    of_trackings = {
        table for table, names in columns.items() if names & {"tracking_id", "tracking_key"}
    }
    assert of_trackings <= {table for table, held in known.items() if held is not None}


async def fill(store: Store) -> Tracking:
    """Make a tracking that has rows in every table that can hold some."""
    endpoint = await add_endpoint(store)
    tracking = await create(store)
    given_up = make_message(endpoint, tracking.id, 1)
    change = save_of(tracking, messages=(given_up,))
    assert await store.save(change)
    # On PostgreSQL an event that was read stands elsewhere than one that was not.
    assert len(await store.events_after(WORLD, 0, 10)) == 1
    assert [one.message.id for one in await claim(store)] == [given_up.id]
    await finish(store, given_up, DEAD)
    second = make_change(
        change.tracking, status=Status.PICKUP, messages=(make_message(endpoint, tracking.id, 2),)
    )
    assert await store.save(second)
    await store.save_polls([poll_of(tracking)])
    await store.save_journeys([journey(tracking)])
    await note(store, "subscription", tracking.id, tracking)
    await note(store, "notice-due", str(WORLD), tracking)
    # As it was stored before records had a tracking, and as others store it still.
    await store.change_record("feedback", tracking.id, "0", put(b"thanks"), at=NOW)
    return second.tracking


async def test_what_belongs_to_a_tracking_goes_and_what_was_told_ends_in_its_time(
    store: Store,
) -> None:
    tracking, other = await fill(store), await create(store, "N00000002")
    await note(store, "notice-due", str(WORLD), other)
    assert 0 not in (await rows_of(store, tracking.id)).values()
    told = await rows_of(store, tracking.id, kept=True)

    assert await store.delete_trackings(OTHER_WORLD, [tracking.id]) == []
    assert 0 not in (await rows_of(store, tracking.id)).values()
    assert await store.delete_trackings(WORLD, [tracking.id]) == [tracking.id]
    assert set((await rows_of(store, tracking.id, kept=False)).values()) == {0}
    assert await rows_of(store, tracking.id, kept=True) == told
    assert len(await store.list_records("notice-due", str(WORLD))) == 1

    (promised,) = await claim(store, NOW + SECOND)
    await store.finish_attempts([result_of(promised.message.id, DELIVERED)])
    assert await store.prune_messages(NOW + DAY) == 2
    assert await store.prune_events(NOW + DAY) == 2
    assert set((await rows_of(store, tracking.id)).values()) == {0}
    assert (await rows_of(store, other.id, kept=False))["tracking"] == 1


async def test_what_comes_after_the_deletion_is_dropped_or_refused(store: Store) -> None:
    tracking = await fill(store)
    assert await store.delete_trackings(WORLD, [tracking.id]) == [tracking.id]
    before = await rows_of(store, tracking.id)
    endpoint = (await store.list_endpoints(WORLD))[0]
    late = save_of(tracking, messages=(make_message(endpoint, tracking.id, 3),))
    once = Once(
        world_id=WORLD, key="k", fingerprint=b"f", at=NOW, answer=lambda _: (200, b"Jo Doe")
    )
    called: list[bytes | None] = []

    def change(document: bytes | None) -> bytes:
        called.append(document)
        return b"jo@customer.example"

    assert await store.save(late) is False
    assert await store.save(late, once=once) is False
    assert await store.find_idempotency_record(WORLD, "k") is None
    assert await store.change_courier(replace(late)) == "conflict"
    await store.save_polls([poll_of(tracking), replace(poll_of(tracking), lease=0)])
    await store.postpone_polls([tracking.id], due_at=NOW, due_reason="a budget", at=NOW)
    assert await store.save_journeys([journey(tracking)]) == 0
    for kind, scope in (("subscription", tracking.id), ("notice-due", str(WORLD))):
        for tracking_id in (tracking.id, "not an id"):
            assert (
                await store.change_record(kind, scope, "1", change, at=NOW, tracking_id=tracking_id)
                is None
            )
    assert called == []
    # The next one may get what the deleted one's row was called inside.
    newer = await create(store, "N00000002")
    await store.save_polls([poll_of(tracking)])
    assert await rows_of(store, tracking.id) == before
    assert await store.raw_responses(newer.id) == []


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_is_left_when_savers_and_deleters_meet(
    store: Store, open_another: OpenAnother, seed: int
) -> None:
    chance = random.Random(seed)
    sides = [store, await open_another(), await open_another()]
    endpoint = await add_endpoint(store)
    deleted: list[str] = []
    for round_number in range(4):
        trackings = [await create(store, f"N{round_number}{number:07}") for number in range(6)]
        deleted += [tracking.id for tracking in trackings]
        jobs: list[Coroutine[Any, Any, Any]] = []
        for tracking in trackings:
            for side in sides:
                message = make_message(endpoint, tracking.id, 1)
                jobs += [
                    side.save(save_of(tracking, messages=(message,))),
                    side.save_polls([poll_of(one) for one in chance.sample(trackings, 3)]),
                    side.save_journeys([journey(tracking)]),
                    note(side, "subscription", tracking.id, tracking),
                    note(side, "notice-due", str(WORLD), tracking),
                ]
        jobs += [
            chance.choice(sides).delete_trackings(WORLD, chance.sample(deleted[-6:], 4))
            for _ in range(3)
        ]
        jobs.append(chance.choice(sides).delete_trackings(WORLD, deleted[-6:]))
        chance.shuffle(jobs)
        await asyncio.gather(*jobs)
    for tracking_id in deleted:
        left = await rows_of(store, tracking_id, kept=False)
        assert set(left.values()) == {0}, left
    assert await store.list_records("notice-due", str(WORLD)) == []
    # Nobody is counted twice, whoever was first.
    assert await store.count_trackings(WORLD, TrackingFilter()) == 0
    counts = await store.count_by_status(WORLD, TrackingFilter())
    assert set(counts.values()) == {0}


async def test_many_are_deleted_in_portions_and_others_write_between(store: Store) -> None:
    count = 10 * DELETED_AT_ONCE
    new = [make_new(f"N{number:08}") for number in range(count)]
    for start in range(0, count, 500):
        await store.create_trackings(new[start : start + 500])
    ids = [one.tracking.id for one in new]
    deleting = asyncio.ensure_future(store.delete_trackings(WORLD, [*ids, new_id()]))
    seen: list[int] = []
    while not deleting.done():
        # Somebody else's write is not kept waiting for all of them.
        await store.change_record("view", "1", "a", put(b"x"), at=NOW)
        seen.append(await store.count_trackings(WORLD, TrackingFilter()))
    assert sorted(await deleting) == sorted(ids)
    between = {one for one in seen if 0 < one < count}
    assert len(between) > 1
    assert all(one % DELETED_AT_ONCE == 0 for one in between)
