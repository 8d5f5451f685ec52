"""Messages that wait too long for an endpoint that is off are given up."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import DAY
from parcelwire.store.port import Store
from parcelwire.store.postgres import message_log as postgres_log
from parcelwire.store.sqlite import message_log as sqlite_log
from parcelwire.webhooks.standing import enable, pause
from tests.contract.store.samples import NOW, OTHER_WORLD, WORLD, new_id
from tests.contract.store.sending import (
    DEAD,
    DELIVERED,
    LEASE,
    PENDING,
    add,
    add_endpoint,
    claim,
    claimed,
    finish,
    state_of,
)

OLD = NOW - 31 * DAY
BEFORE = NOW - 30 * DAY


async def switch_off(store: Store, endpoint: Endpoint) -> None:
    off = replace(endpoint, is_enabled=False, disabled_reason="nothing but failures")
    assert await store.save_endpoint(off)


@pytest.mark.parametrize("is_paused", [False, True])
async def test_only_old_ones_of_endpoints_that_are_off(store: Store, is_paused: bool) -> None:
    off, on, elsewhere = (
        await add_endpoint(store),
        await add_endpoint(store),
        await add_endpoint(store, OTHER_WORLD),
    )
    parcel = new_id()
    old = await add(store, off, parcel, 1, 2, at=OLD)
    young = await add(store, off, parcel, 3, at=BEFORE)
    alone = await add(store, off, new_id(), 1, at=OLD)
    others = [
        *await add(store, on, parcel, 1, at=OLD),
        *await add(store, elsewhere, parcel, 1, at=OLD),
    ]
    if is_paused:
        await store.save_endpoint(pause(off))
    else:
        await switch_off(store, off)
    assert await store.give_up_waiting(NOW, before=BEFORE) == 3
    assert await store.give_up_waiting(NOW, before=BEFORE) == 0
    assert {await state_of(store, one) for one in [*old, *alone]} == {DEAD}
    assert {await state_of(store, one) for one in [*young, *others]} == {PENDING}
    assert await store.count_waiting(off.id) == 1
    assert len(await claim(store)) == 2
    await store.save_endpoint(enable(off))
    (one,) = await claim(store)
    assert one.message.id == young[0].id
    assert [skipped.message_id for skipped in one.skipped] == [message.id for message in old]
    await finish(store, young[0], DELIVERED)
    assert await claim(store) == []


async def test_in_portions(store: Store) -> None:
    off = await add_endpoint(store)
    for _ in range(4):
        await add(store, off, new_id(), 1, 2, 3, at=OLD)
    await switch_off(store, off)
    counts = [await store.give_up_waiting(NOW, before=BEFORE, limit=5) for _ in range(4)]
    assert counts == [5, 5, 2, 0]
    assert await store.count_waiting(off.id) == 0
    await store.save_endpoint(enable(off))
    assert await claim(store) == []
    assert await store.next_message_due() is None


async def test_among_many_lines_so_many_at_a_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for log in (sqlite_log, postgres_log):
        monkeypatch.setattr(log, "WINDOW", 3)
    off = await add_endpoint(store)
    parcels = [f"{number:032x}" for number in range(1, 11)]
    old = [parcels[1], parcels[8], parcels[9]]
    for parcel in parcels:
        await add(store, off, parcel, 1, at=OLD if parcel in old else BEFORE)
    await switch_off(store, off)
    # Three lines at each call, then from the first one again.
    counts = [await store.give_up_waiting(NOW, before=BEFORE) for _ in range(4)]
    assert counts == [1, 0, 1, 1]
    counts = [await store.give_up_waiting(NOW, before=BEFORE + 1) for _ in range(3)]
    assert counts == [3, 3, 1]
    assert await store.count_waiting(off.id) == 0


@pytest.mark.parametrize("is_taken", [False, True])
async def test_one_that_is_on_its_way(store: Store, is_taken: bool) -> None:
    off, parcel = await add_endpoint(store), new_id()
    first, second = await add(store, off, parcel, 1, 2, at=OLD)
    third = (await add(store, off, parcel, 3, at=NOW))[0]
    assert await claimed(store) == [1]
    await switch_off(store, off)
    assert await store.give_up_waiting(NOW, before=BEFORE) == 2
    # Its answer comes late. What was taken was taken.
    await finish(store, first, DELIVERED if is_taken else PENDING, None if is_taken else NOW)
    assert await state_of(store, first) is (DELIVERED if is_taken else DEAD)
    assert await state_of(store, second) is DEAD
    await store.save_endpoint(enable(off))
    (one,) = await claim(store, LEASE)
    assert one.message.id == third.id
    names = [skipped.sequence for skipped in one.skipped]
    assert names == ([2] if is_taken else [1, 2])
    await finish(store, third, DELIVERED)
    assert await claim(store, LEASE) == []


async def test_they_can_be_sent_again(store: Store) -> None:
    off, parcel = await add_endpoint(store), new_id()
    (message,) = await add(store, off, parcel, 1, at=OLD)
    await switch_off(store, off)
    assert await store.give_up_waiting(NOW, before=BEFORE) == 1
    await store.save_endpoint(enable(off))
    assert await store.resend(WORLD, message.id, NOW)
    assert await claimed(store) == [1]
    await finish(store, message, DELIVERED)
    assert await state_of(store, message) is DELIVERED


async def test_one_whose_endpoint_is_enabled_just_now_stays(store: Store) -> None:
    off = await add_endpoint(store)
    await add(store, off, new_id(), 1, at=OLD)
    await switch_off(store, off)
    await store.save_endpoint(enable(off))
    assert await store.give_up_waiting(NOW, before=BEFORE) == 0
    assert await claimed(store) == [1]
