from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from parcelwire.domain.clock import DAY, SECOND
from parcelwire.domain.report import ParcelFacts
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Details, Milestones
from parcelwire.store.port import Store
from parcelwire.store.postgres import trackings as of_postgres
from parcelwire.store.rules import KEPT_RAW_RESPONSES
from parcelwire.store.sqlite import trackings as of_sqlite
from parcelwire.tracking.ports import (
    AlreadyDoneError,
    LaneHistory,
    Once,
    PollResult,
    PollState,
    RawResponse,
    Save,
    TrackingFilter,
)
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    TEST_WORLD,
    WORLD,
    advance,
    create,
    make_change,
    new_id,
)


async def test_a_save_stores_all_that_follows_from_it(store: Store) -> None:
    tracking = await create(store)
    poll = PollState(due_at=NOW + SECOND, due_reason="moving", checked_at=NOW, checks=1)
    raw = RawResponse(at=NOW, connector="swiss-post", outcome="found", body=b'{"a":1}')
    change = make_change(tracking, status=Status.TRANSIT, poll=poll, raw=raw)

    assert await store.save(change)

    stored = await store.load(WORLD, tracking.id)
    assert stored is not None
    assert stored.tracking == change.tracking
    assert stored.poll == poll
    assert [event for _, event in await store.events_after(WORLD, 0, 10)] == [change.event]
    assert await store.raw_responses(tracking.id) == [raw]
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
        raw=RawResponse(at=NOW, connector="c", outcome="found", body=b"late"),
    )

    assert await store.save(late) is False

    stored = await store.load(WORLD, tracking.id)
    assert stored is not None
    assert stored.tracking == current
    assert stored.poll.due_at == NOW
    assert len(await store.events_after(WORLD, 0, 10)) == 1
    assert await store.raw_responses(tracking.id) == []
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


async def test_a_version_that_does_not_follow_is_refused(store: Store) -> None:
    tracking = await create(store)
    for version in (1, 3):
        change = Save(tracking=replace(tracking, version=version), expected_version=1)
        with pytest.raises(ValueError, match="version"):
            await store.save(change)
    assert await store.load(WORLD, tracking.id) is not None


async def test_a_save_from_another_world_is_refused(store: Store) -> None:
    tracking = await create(store)
    change = make_change(replace(tracking, world_id=OTHER_WORLD), status=Status.TRANSIT)
    assert await store.save(change) is False
    assert await store.events_after(OTHER_WORLD, 0, 10) == []


async def test_of_concurrent_saves_exactly_one_wins(store: Store) -> None:
    tracking = await create(store)
    changes = [make_change(tracking, status=Status.TRANSIT) for _ in range(10)]
    results = await asyncio.gather(*map(store.save, changes))
    assert sorted(results) == [False] * 9 + [True]
    events = await store.events_after(WORLD, 0, 100)
    assert [event for _, event in events] == [changes[results.index(True)].event]


async def test_a_save_without_poll_leaves_the_poll_alone(store: Store) -> None:
    tracking = await create(store, due_at=NOW + 5, leased_until=NOW + 9)
    await advance(store, tracking, status=Status.TRANSIT)
    stored = await store.load(WORLD, tracking.id)
    assert stored is not None
    assert (stored.poll.due_at, stored.poll.leased_until) == (NOW + 5, NOW + 9)


async def test_a_save_without_event_tells_nothing(store: Store) -> None:
    tracking = await create(store)
    await advance(store, tracking, tells=False, is_archived=True)
    assert await store.events_after(WORLD, 0, 10) == []
    assert await store.count_trackings(WORLD, TrackingFilter(is_archived=True)) == 1
    assert await store.count_trackings(WORLD, TrackingFilter(is_archived=False)) == 0


async def test_polls_that_changed_nothing_write_the_poll_only(store: Store) -> None:
    tracking = await create(store)
    poll = PollState(
        due_at=NOW + 60 * SECOND,
        due_reason="Ruhe: « nichts Neues »",
        checked_at=NOW,
        last_outcome="found",
        last_detail="200",
        checks=7,
        probe_courier="dhl",
    )
    raw = RawResponse(at=NOW, connector="c", outcome="found", body=b"{}")
    await store.save_polls(
        [
            PollResult(tracking_id=new_id(), poll=poll, raw=raw),
            PollResult(tracking_id=tracking.id, poll=poll, raw=raw),
        ]
    )
    stored = await store.load(WORLD, tracking.id)
    assert stored is not None
    assert stored.tracking == tracking
    assert stored.poll == poll
    assert await store.raw_responses(tracking.id) == [raw]


async def test_the_newest_raw_responses_are_kept(store: Store) -> None:
    tracking = await create(store)
    answers = [
        RawResponse(at=NOW + index, connector="c", outcome="found", body=b"%d" % index)
        for index in range(KEPT_RAW_RESPONSES + 4)
    ]
    for raw in answers:
        await store.save_polls([PollResult(tracking_id=tracking.id, poll=PollState(), raw=raw)])
    assert await store.raw_responses(tracking.id) == answers[: -KEPT_RAW_RESPONSES - 1 : -1]
    assert await store.raw_responses(tracking.id, limit=2) == answers[:-3:-1]


async def test_a_courier_is_changed_and_the_old_name_is_free(store: Store) -> None:
    tracking = await create(store)
    change = make_change(tracking, courier_code="dhl")
    assert await store.change_courier(change) == "saved"
    assert await store.find(WORLD, tracking.number, "swiss-post") == []
    (found,) = await store.find(WORLD, tracking.number, "dhl")
    assert found.tracking == change.tracking
    assert len(await store.events_after(WORLD, 0, 10)) == 1
    await create(store)


async def test_a_taken_courier_changes_nothing(store: Store) -> None:
    tracking = await create(store)
    await create(store, courier_code="dhl")
    change = make_change(tracking, courier_code="dhl", poll=PollState(due_at=None))
    assert await store.change_courier(change) == "taken"
    stored = await store.load(WORLD, tracking.id)
    assert stored is not None
    assert stored.tracking == tracking
    assert stored.poll.due_at == NOW
    assert await store.events_after(WORLD, 0, 10) == []


async def test_changing_the_courier_on_an_old_version_is_a_conflict(store: Store) -> None:
    tracking = await create(store)
    await advance(store, tracking, status=Status.TRANSIT)
    assert await store.change_courier(make_change(tracking, courier_code="dhl")) == "conflict"
    assert await store.delete_trackings(WORLD, [tracking.id])
    assert await store.change_courier(make_change(tracking, courier_code="dhl")) == "conflict"


async def test_events_are_read_in_their_order_and_by_world(store: Store) -> None:
    tracking = await create(store)
    other = await create(store, world_id=OTHER_WORLD)
    told = []
    for index in range(5):
        change = make_change(tracking, status=Status.TRANSIT, updated_at=NOW + index)
        assert await store.save(change)
        told.append(change.event)
        tracking = change.tracking
        other = await advance(store, other, status=Status.TRANSIT)

    whole = await store.events_after(WORLD, 0, 100)

    assert [event for _, event in whole] == told
    assert [event.sequence for _, event in whole] == [1, 2, 3, 4, 5]
    cursors = [cursor for cursor, _ in whole]
    assert cursors == sorted(set(cursors))
    assert await store.events_after(WORLD, cursors[1], 2) == whole[2:4]
    assert await store.events_after(WORLD, cursors[-1], 100) == []


async def test_no_event_appears_before_one_that_was_read(store: Store) -> None:
    trackings = [await create(store, f"N{index:08d}") for index in range(40)]
    seen: list[tuple[int, str]] = []

    async def follow() -> None:
        cursor = 0
        while len(seen) < len(trackings):
            page = await store.events_after(WORLD, cursor, 7)
            seen.extend((at, event.id) for at, event in page)
            cursor = page[-1][0] if page else cursor
            await asyncio.sleep(0)

    changes = [make_change(tracking, status=Status.TRANSIT) for tracking in trackings]
    await asyncio.gather(asyncio.wait_for(follow(), 30), *map(store.save, changes))

    whole = [(cursor, event.id) for cursor, event in await store.events_after(WORLD, 0, 100)]
    assert seen == whole


async def test_a_lane_counts_over_accounts_but_not_into_the_test_world(store: Store) -> None:
    way = {"details": Details(origin_country="CH", destination_country="it")}
    delivered = {"status": Status.DELIVERED, "substatus": Substatus.DELIVERED}

    async def deliver(number: str, accepted: str, arrived: str, **fields: Any) -> None:
        tracking = await create(store, number, **way, **fields)
        milestones = Milestones(accepted=accepted, delivered=arrived)
        await advance(store, tracking, milestones=milestones, **delivered)

    await deliver("A1", "2026-02-01T23:50:00+01:00", "2026-02-04T08:00:00+01:00")
    await deliver("A2", "2026-02-01", "2026-02-02T08:00:00", world_id=OTHER_WORLD)
    await deliver("A3", "2026-02-01", "2026-02-09", world_id=TEST_WORLD)
    await deliver("A4", "2026-02-01", "2026-02-09", courier_code="dhl")
    await create(store, "A5", **way)
    facts = ParcelFacts(origin_country="CH", destination_country="DE")
    await create(store, "A6", **way, facts=facts)

    history = await store.lane_history("swiss-post", "ch", "IT", is_test=False)
    assert (history.total, sorted(history.transit_days)) == (3, [1, 3])
    test_history = await store.lane_history("swiss-post", "CH", "IT", is_test=True)
    assert test_history == LaneHistory(total=1, transit_days=(8,))
    carrier_said = await store.lane_history("swiss-post", "CH", "DE", is_test=False)
    assert carrier_said == LaneHistory(total=1, transit_days=())
    nothing = await store.lane_history("swiss-post", "IT", "CH", is_test=False)
    assert nothing == LaneHistory(total=0, transit_days=())


async def test_of_a_lane_the_newest_parcels_are_looked_at(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (of_postgres, of_sqlite):
        monkeypatch.setattr(module, "LANE_SAMPLE", 2)
    way = {"details": Details(origin_country="CH", destination_country="IT")}
    for day in range(3):
        tracking = await create(store, f"A{day}", created_at=NOW - day * DAY, **way)
        milestones = Milestones(accepted="2026-02-01", delivered=f"2026-02-0{day + 2}")
        await advance(store, tracking, milestones=milestones, status=Status.DELIVERED)
    history = await store.lane_history("swiss-post", "CH", "IT", is_test=False)
    assert (history.total, sorted(history.transit_days)) == (2, [1, 2])


def _told(_: object) -> tuple[int, bytes]:
    return 200, b"saved"


def _once(key: str) -> Once:
    return Once(world_id=WORLD, key=key, fingerprint=b"f" * 32, at=NOW, answer=_told)


async def test_a_change_under_a_key_is_made_once(store: Store) -> None:
    tracking = await create(store)
    change = make_change(tracking, status=Status.TRANSIT)
    assert await store.save(change, once=_once("a"))
    with pytest.raises(AlreadyDoneError) as taken:
        await store.save(make_change(change.tracking, status=Status.PICKUP), once=_once("a"))
    assert (taken.value.record.status, taken.value.record.body) == (200, b"saved")
    stored = await store.load(WORLD, tracking.id)
    assert stored is not None
    assert stored.tracking.status is Status.TRANSIT


async def test_a_change_that_came_too_late_leaves_the_key_free(store: Store) -> None:
    tracking = await create(store)
    change = make_change(tracking, status=Status.TRANSIT)
    assert await store.save(change)
    assert not await store.save(make_change(tracking, status=Status.PICKUP), once=_once("b"))
    assert await store.find_idempotency_record(WORLD, "b") is None
    late = make_change(tracking, status=Status.PICKUP)
    assert await store.change_courier(late, once=_once("b")) == "conflict"
    assert await store.save(make_change(change.tracking, status=Status.PICKUP), once=_once("b"))
    assert await store.find_idempotency_record(WORLD, "b") is not None
