"""Messages looked back at: filters, counts, and sending again many at once."""

from __future__ import annotations

import asyncio
import random

import pytest
from msgspec.structs import replace

from parcelwire.domain.clock import DAY, HOUR, SECOND
from parcelwire.store import message_ways
from parcelwire.store.port import Store
from parcelwire.store.postgres import message_log as postgres_log
from parcelwire.store.sqlite import message_log as sqlite_log
from parcelwire.tracking.ports import NewMessage
from parcelwire.webhooks.ports import Message, MessageFilter, MessagePage, MessageState
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    WORLD,
    make_message,
    new_id,
)
from tests.contract.store.sending import (
    DEAD,
    DELIVERED,
    PENDING,
    add,
    add_endpoint,
    claim,
    claimed,
    finish,
    result_of,
    state_of,
    walk,
)

CREATED, UPDATED = "tracking.created", "tracking.updated"


async def bury(store: Store, messages: list[NewMessage], state: MessageState = DEAD) -> None:
    """Bring every one of ``messages`` to its end, in order of its line."""
    while batch := await claim(store, NOW + DAY):
        await store.finish_attempts([result_of(one.message.id, state) for one in batch])
    for message in messages:
        assert await state_of(store, message) is state


def look_at_so_many(monkeypatch: pytest.MonkeyPatch, looked_at: int, few: int = 1_000) -> None:
    """Let a page look at few messages, and so many pending ones be fetched and sorted."""
    monkeypatch.setattr(message_ways, "MESSAGES_LOOKED_AT", looked_at)
    for log in (sqlite_log, postgres_log):
        monkeypatch.setattr(log, "FEW_WAITING", few)


# -- lists -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("looked_at", "few"), [(5_000, 1_000), (3, 0), (6, 10)])
async def test_messages_are_listed_under_any_conditions(
    store: Store, monkeypatch: pytest.MonkeyPatch, looked_at: int, few: int
) -> None:
    look_at_so_many(monkeypatch, looked_at, few)
    dice = random.Random(11)
    endpoints = [await add_endpoint(store) for _ in range(3)]
    parcels = [new_id() for _ in range(4)]
    messages = [
        replace(
            make_message(dice.choice(endpoints), dice.choice(parcels), index, NOW + index // 2),
            event_type=dice.choice([CREATED, UPDATED, "é"]),
        )
        for index in range(80)
    ]
    await store.add_messages(messages)
    theirs = await add_endpoint(store, OTHER_WORLD)
    await add(store, theirs, parcels[0], 1)
    for _ in range(6):
        batch = await claim(store, NOW + HOUR)
        states = [dice.choice([DELIVERED, DEAD]) for _ in batch]
        await store.finish_attempts(
            [result_of(one.message.id, state) for one, state in zip(batch, states, strict=True)]
        )
    whole = (await store.list_messages(WORLD, MessageFilter(), limit=999)).messages
    assert [one.id for one in whole] == [one.id for one in reversed(messages)]
    assert {one.state for one in whole} == set(MessageState)

    def matches(one: Message, where: MessageFilter) -> bool:
        return (
            where.endpoint_id in (None, one.endpoint_id)
            and where.tracking_id in (None, one.tracking_id)
            and (not where.states or one.state in where.states)
            and (not where.event_types or one.event_type in where.event_types)
            and (where.created_min is None or one.created_at >= where.created_min)
            and (where.created_max is None or one.created_at <= where.created_max)
        )

    found = 0
    for _ in range(60):
        where = MessageFilter(
            endpoint_id=dice.choice([None, *(one.id for one in endpoints)]),
            tracking_id=dice.choice([None, None, *parcels]),
            states=dice.choice([(), (DEAD,), (PENDING,), (DELIVERED, PENDING), (DEAD, DEAD)]),
            event_types=dice.choice([(), (), (CREATED,), (UPDATED, "é"), ("none",)]),
            created_min=dice.choice([None, NOW + dice.randrange(50)]),
            created_max=dice.choice([None, NOW + dice.randrange(50)]),
        )
        expected = [one for one in whole if matches(one, where)]
        walked = await walk(store, where, limit=4)
        assert walked == expected
        found += bool(expected)
    assert found > 20


@pytest.mark.parametrize("by", ["world", "endpoint", "tracking"])
async def test_a_page_looks_at_so_many_and_says_where_to_go_on(
    store: Store, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    look_at_so_many(monkeypatch, 20)
    endpoint, parcel = await add_endpoint(store), new_id()
    messages = [make_message(endpoint, parcel, index, NOW + index) for index in range(50)]
    messages[9] = replace(messages[9], event_type="rare")
    await store.add_messages(messages)
    where = MessageFilter(
        endpoint_id=endpoint.id if by == "endpoint" else None,
        tracking_id=parcel if by == "tracking" else None,
        event_types=("rare",),
    )

    pages = [await store.list_messages(WORLD, where, limit=5)]
    while pages[-1].following is not None:
        before = pages[-1].following
        pages.append(await store.list_messages(WORLD, where, before=before, limit=5))

    assert [[one.id for one in page.messages] for page in pages] == [[], [], [messages[9].id]]
    assert [page.following for page in pages] == [messages[30].id, messages[10].id, None]


@pytest.mark.parametrize("of_one", [False, True])
async def test_the_few_that_wait_are_listed_by_type_too(
    store: Store, monkeypatch: pytest.MonkeyPatch, *, of_one: bool
) -> None:
    look_at_so_many(monkeypatch, 5)
    endpoint, parcel = await add_endpoint(store), new_id()
    delivered = [make_message(endpoint, new_id(), 1, NOW + index) for index in range(1, 20)]
    await store.add_messages(delivered)
    await bury(store, delivered, DELIVERED)
    (waiting,) = await add(store, endpoint, parcel, 1)
    where = MessageFilter(
        endpoint_id=endpoint.id if of_one else None,
        states=(PENDING,),
        event_types=(waiting.event_type,),
    )
    page = await store.list_messages(WORLD, where, limit=2)
    assert [one.id for one in page.messages] == [waiting.id]
    assert page.following is None


async def test_somebody_elses_messages_are_no_place_to_go_on_from(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_at_so_many(monkeypatch, 5)
    theirs, parcel = await add_endpoint(store, OTHER_WORLD), new_id()
    await add(store, theirs, parcel, *range(1, 20))
    for where in (
        MessageFilter(endpoint_id=theirs.id, event_types=("rare",)),
        MessageFilter(tracking_id=parcel, event_types=("rare",)),
        MessageFilter(endpoint_id=theirs.id, states=(PENDING,)),
    ):
        page = await store.list_messages(WORLD, where, limit=2)
        assert (page.messages, page.following) == ([], None)


async def test_a_page_before_one_that_is_not_there_is_empty(store: Store) -> None:
    endpoint, parcel = await add_endpoint(store), new_id()
    messages = await add(store, endpoint, parcel, 1, 2, 3)
    theirs = await add_endpoint(store, OTHER_WORLD)
    (foreign,) = await add(store, theirs, parcel, 1)
    for before in (new_id(), foreign.id, "x", ""):
        assert (await store.list_messages(WORLD, MessageFilter(), before=before)).messages == []
    assert await claimed(store) == [1, 1]
    await finish(store, messages[0], DELIVERED)
    assert await store.prune_messages(NOW + 1) == 1
    assert (await store.list_messages(WORLD, MessageFilter(), before=messages[0].id)).messages == []
    for where in (MessageFilter(endpoint_id="x"), MessageFilter(tracking_id="x")):
        assert (await store.list_messages(WORLD, where)).messages == []
        assert await store.replay(WORLD, where, NOW) == 0
    assert await store.list_messages(WORLD, MessageFilter(), limit=0) == MessagePage()
    beyond = MessageFilter(created_min=-(10**17), created_max=10**17)
    assert len((await store.list_messages(WORLD, beyond)).messages) == 2


async def test_what_waits_is_counted_up_to_a_bound(store: Store) -> None:
    endpoint, other = await add_endpoint(store), await add_endpoint(store)
    assert await store.count_waiting(endpoint.id) == 0
    messages = await add(store, endpoint, new_id(), *range(1, 8))
    await add(store, endpoint, new_id(), 1)
    await add(store, other, new_id(), 1)
    assert await store.count_waiting(endpoint.id) == 8
    assert await store.count_waiting(endpoint.id, most=5) == 5
    assert await store.count_waiting(endpoint.id, most=8) == 8
    await claim(store)
    assert await store.count_waiting(endpoint.id) == 8
    await finish(store, messages[0], DELIVERED)
    assert await store.count_waiting(endpoint.id) == 7
    assert await store.count_waiting(new_id()) == 0
    assert await store.count_waiting("x") == 0
    await store.delete_endpoint(WORLD, endpoint.id)
    assert await store.count_waiting(endpoint.id) == 0


# -- replay ------------------------------------------------------------------------------------


async def test_a_replay_goes_out_in_order_before_what_waits(store: Store) -> None:
    endpoint, other = await add_endpoint(store), await add_endpoint(store)
    first, second = new_id(), new_id()
    messages = [
        make_message(endpoint, parcel, sequence, NOW + sequence)
        for sequence in range(1, 5)
        for parcel in (first, second)
    ]
    await store.add_messages(messages)
    untouched = await add(store, other, first, 1)
    await bury(store, messages)
    (waiting,) = await add(store, endpoint, first, 5, at=NOW + 5)

    assert await store.replay(WORLD, MessageFilter(endpoint_id=endpoint.id), NOW + HOUR) == 8

    order: list[tuple[str, int]] = []
    while batch := await claim(store, NOW + HOUR):
        assert all(one.message.attempts == 0 for one in batch)
        order += sorted((one.message.tracking_id, one.message.sequence) for one in batch)
        await store.finish_attempts([result_of(one.message.id, DELIVERED) for one in batch])
    assert [sequence for parcel, sequence in order if parcel == first] == [1, 2, 3, 4, 5]
    assert [sequence for parcel, sequence in order if parcel == second] == [1, 2, 3, 4]
    assert await state_of(store, waiting) is DELIVERED
    assert await state_of(store, untouched[0]) is DEAD
    assert len(await store.list_attempts(messages[0].id)) == 2


@pytest.mark.parametrize(("portion", "looked_at"), [(3, 5_000), (500, 5_000), (3, 4)])
async def test_a_replay_takes_the_oldest_that_match(
    store: Store, monkeypatch: pytest.MonkeyPatch, portion: int, looked_at: int
) -> None:
    look_at_so_many(monkeypatch, looked_at)
    for log in (sqlite_log, postgres_log):
        monkeypatch.setattr(log, "REPLAYED_AT_ONCE", portion)
    endpoint, gone = await add_endpoint(store), await add_endpoint(store)
    # Eight of one moment: a portion may end between them.
    messages = [
        replace(
            make_message(endpoint, new_id(), 1, NOW + max(0, index - 8)),
            event_type=CREATED if index % 2 else UPDATED,
        )
        for index in range(20)
    ]
    orphans = [make_message(gone, new_id(), 1, NOW) for _ in range(5)]
    await store.add_messages([*orphans, *messages])
    await bury(store, [*messages, *orphans])
    await store.delete_endpoint(WORLD, gone.id)

    async def pending() -> list[str]:
        where = MessageFilter(states=(PENDING,))
        return sorted(
            one.id for one in (await store.list_messages(WORLD, where, limit=99)).messages
        )

    assert await store.replay(WORLD, MessageFilter(states=(DELIVERED,)), NOW) == 0
    assert await store.replay(WORLD, MessageFilter(states=(PENDING,)), NOW) == 0
    assert await store.replay(WORLD, MessageFilter(created_min=NOW + DAY), NOW) == 0
    assert await store.replay(OTHER_WORLD, MessageFilter(), NOW) == 0
    assert await store.replay(WORLD, MessageFilter(), NOW, limit=0) == 0
    assert await pending() == []
    assert await store.replay(WORLD, MessageFilter(), NOW, limit=7) == 7
    assert await pending() == sorted(one.id for one in messages[:7])
    where = MessageFilter(states=(DEAD,), event_types=(CREATED,), created_max=NOW + 5)
    assert await store.replay(WORLD, where, NOW) == 4
    assert await pending() == sorted(one.id for one in (*messages[:7], *messages[7:14:2]))
    assert await store.replay(WORLD, MessageFilter(), NOW) == 9
    assert await store.replay(WORLD, MessageFilter(), NOW) == 0
    assert len(await claim(store, NOW)) == 20


async def test_a_replay_leaves_what_is_on_its_way_alone(store: Store) -> None:
    endpoint, parcel = await add_endpoint(store), new_id()
    messages = await add(store, endpoint, parcel, 1, 2, 3)
    assert await claimed(store) == [1]
    await finish(store, messages[0], DELIVERED)
    assert await claimed(store) == [2]
    assert await store.replay(WORLD, MessageFilter(), NOW) == 1
    # Number 2 is under way; nothing of its line goes out beside it.
    assert await claimed(store) == []
    await finish(store, messages[1], DELIVERED)
    assert await claimed(store) == [1]
    await finish(store, messages[0], DELIVERED)
    assert await claimed(store) == [3]


async def test_what_a_paused_endpoint_missed_can_be_replayed(store: Store) -> None:
    endpoint = await add_endpoint(store)
    await store.save_endpoint(replace(endpoint, is_enabled=False, is_paused=True))
    messages = await add(store, endpoint, new_id(), 1, 2)
    assert await claimed(store) == []
    assert await store.replay(WORLD, MessageFilter(), NOW) == 0
    await store.save_endpoint(endpoint)
    assert await claimed(store) == [1]
    await finish(store, messages[0], DEAD)
    assert await store.replay(WORLD, MessageFilter(endpoint_id=endpoint.id), NOW) == 1
    assert await claimed(store) == [1]


async def test_replays_at_once_take_each_message_once(store: Store) -> None:
    endpoint = await add_endpoint(store)
    messages = [make_message(endpoint, new_id(), 1) for _ in range(50)]
    await store.add_messages(messages)
    await bury(store, messages)
    counts = await asyncio.gather(
        *(store.replay(WORLD, MessageFilter(), NOW + SECOND) for _ in range(4))
    )
    assert sum(counts) == 50
    assert len(await claim(store, NOW + SECOND)) == 50
    assert await claim(store, NOW + SECOND) == []
