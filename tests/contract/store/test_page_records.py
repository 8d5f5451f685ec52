"""What the public pages count and keep, in either store: wrong tries of a lookup, and feedback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from parcelwire.domain.brand import LookupField
from parcelwire.domain.clock import HOUR, SECOND, FrozenClock
from parcelwire.domain.tracking import Details
from parcelwire.notices.subscriptions import KIND as SUBSCRIPTION
from parcelwire.notices.subscriptions import MOST_OF_A_PARCEL, Subscriptions, subscription_of
from parcelwire.pages.feedback import keep_feedback
from parcelwire.pages.lookup import Lookup
from parcelwire.store.port import Store
from tests.contract.store.samples import NOW, WORLD, create
from tests.support.house import SeededIdentifiers

OpenAnother = Callable[[], Awaitable[Store]]
NUMBER = "990012345612345678"


async def add(store: Store) -> str:
    details = Details(recipient_postcode="8042")
    return (await create(store, NUMBER, details=details)).id


async def guess(lookup: Lookup, word: str, source: str) -> bool:
    found = await lookup.find(WORLD // 2, LookupField.POSTAL_CODE, NUMBER, word, source=source)
    return found is not None


async def wrong_tries(store: Store) -> int:
    ((_, document),) = await store.list_records("lookup", str(WORLD))
    return int(msgspec.json.decode(document)["total"])


async def test_many_sources_have_five_tries_an_hour_and_twenty_in_all(
    store: Store, clock: FrozenClock
) -> None:
    await add(store)
    lookup = Lookup(store, clock)
    for hour in range(1, 9):
        for number in range(100):
            assert not await guess(lookup, str(1_000 + number), f"198.51.100.{number}")
        assert await wrong_tries(store) == min(5 * hour, 20)
        clock.advance(HOUR / SECOND)
    assert not await guess(lookup, "8042", "203.0.113.7")


async def test_one_source_has_three_an_hour_and_ten_in_all(
    store: Store, clock: FrozenClock
) -> None:
    await add(store)
    lookup = Lookup(store, clock)
    for hour in range(1, 7):
        for number in range(20):
            assert not await guess(lookup, str(1_000 + number), "198.51.100.66")
        assert await wrong_tries(store) == min(3 * hour, 10)
        assert await guess(lookup, "8042", "203.0.113.7"), "the customer still comes in"
        clock.advance(HOUR / SECOND)
    assert not await guess(lookup, "8042", "198.51.100.66")


async def test_guesses_of_two_processes_at_one_moment_are_all_counted(
    store: Store, open_another: OpenAnother, clock: FrozenClock
) -> None:
    await add(store)
    sides = [Lookup(one, clock) for one in (store, await open_another())]
    found = await asyncio.gather(
        *(
            guess(side, "8042" if number == 25 else str(1_000 + number), f"198.51.100.{number}")
            for number in range(30)
            for side in sides
        )
    )
    assert sum(found) <= 2
    assert await wrong_tries(store) <= 5


async def test_what_an_earlier_version_counted_still_counts(
    store: Store, clock: FrozenClock
) -> None:
    await add(store)
    lookup = Lookup(store, clock)
    assert not await guess(lookup, "1000", "a")
    ((record, _),) = await store.list_records("lookup", str(WORLD))
    old = msgspec.json.encode({"total": 19, "recent": [NOW - HOUR // 2] * 4})
    await store.change_record("lookup", str(WORLD), record, lambda _: old, at=NOW)
    assert await guess(lookup, "8042", "a")
    assert not await guess(lookup, "1001", "a")
    assert not await guess(lookup, "8042", "b")
    clock.advance(HOUR / SECOND)
    assert not await guess(lookup, "8042", "b")


async def test_no_address_is_kept_of_whoever_looks_up(store: Store, clock: FrozenClock) -> None:
    await add(store)
    await guess(Lookup(store, clock), "1000", "198.51.100.66")
    ((_, document),) = await store.list_records("lookup", str(WORLD))
    assert b"198.51" not in document


async def test_feedback_of_two_processes_at_one_moment_is_bounded(
    store: Store, open_another: OpenAnother
) -> None:
    tracking_id = await add(store)
    other = await open_another()
    said = [b"%d" % number for number in range(24)]
    kept = await asyncio.gather(
        *(
            keep_feedback((store, other)[number % 2], tracking_id, document, at=NOW)
            for number, document in enumerate(said)
        )
    )
    assert sum(kept) == 3
    # Whoever was told so is found there, and nobody else.
    found = {document for _, document in await store.list_records("feedback", tracking_id)}
    assert found == {document for document, is_kept in zip(said, kept, strict=True) if is_kept}


async def test_feedback_of_an_earlier_version_counts(store: Store) -> None:
    tracking_id = await add(store)
    for name in ("019ca8d7a", "019ca8d7b"):
        await store.change_record("feedback", tracking_id, name, lambda _: b"old", at=NOW)
    kept = [await keep_feedback(store, tracking_id, b"new", at=NOW) for _ in range(3)]
    assert kept == [True, False, False]


async def test_subscriptions_of_two_processes_at_one_moment_are_bounded(
    store: Store, open_another: OpenAnother, clock: FrozenClock
) -> None:
    tracking_id = await add(store)
    (stored,) = await store.find(WORLD, NUMBER)
    sides = [
        Subscriptions(
            one, clock=clock, identifiers=SeededIdentifiers(seed), confirmations_per_day=3
        )
        for seed, one in enumerate((store, await open_another()))
    ]
    answers = await asyncio.gather(
        *(
            side.subscribe(stored, f"reader{number}@example.com", "en")
            for number in range(15)
            for side in sides
        )
    )
    # Nobody is told that there was no place.
    assert answers == [True] * 30
    kept = await store.list_records(SUBSCRIPTION, tracking_id)
    assert len(kept) == MOST_OF_A_PARCEL
    # Who has a place keeps it.
    for _, document in kept:
        assert await sides[0].subscribe(stored, subscription_of(document).email, "en")
    assert len(await store.list_records(SUBSCRIPTION, tracking_id)) == MOST_OF_A_PARCEL
