"""A database is dumped, restored on another machine and used on: nobody misses anything, and nobody
is told anything twice.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from parcelwire.domain.account import Account, Endpoint, world_of
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.status import DEFAULT_SUBSTATUS, Status
from parcelwire.domain.tracking import Tracking
from parcelwire.store.port import Store
from parcelwire.store.postgres import feed
from parcelwire.tracking.journeys import JourneyFilter, JourneyKeeper
from parcelwire.tracking.ports import Save
from parcelwire.webhooks.message import MessageComposer
from parcelwire.webhooks.sender import HttpSender
from parcelwire.webhooks.worker import DeliveryWorker
from tests.contract import webhook_receivers as receivers
from tests.contract.notice_office import Office, new
from tests.contract.store.moving import MOVERS, Mover, mover
from tests.contract.store.postgres_fixture import shared_cluster
from tests.contract.store.samples import (
    OTHER_WORLD,
    WORLD,
    advance,
    create,
    make_event,
    new_id,
)
from tests.contract.webhook_office import SETTINGS
from tests.contract.webhook_receivers import Receiver, receiver
from tests.support.mail_server import MailBox
from tests.unit.webhooks.builders import Identifiers, plain_renderer

__all__ = ["mover"]

SCAN = Checkpoint(local_time="2026-03-01T10:00:00", text="x", status=Status.TRANSIT)


class Reader:
    """Follows the feed of one world with a cursor of its own, as a subscriber does."""

    def __init__(self, world_id: int) -> None:
        self.world_id = world_id
        self.cursor = 0
        self.seen: list[tuple[str, int]] = []

    async def read(self, store: Store, most: int = 1_000) -> None:
        for cursor, event in await store.events_after(self.world_id, self.cursor, most):
            assert cursor > self.cursor
            self.cursor = cursor
            self.seen.append((event.tracking_id, event.sequence))


async def tell(store: Store, trackings: dict[int, Tracking], count: int) -> list[tuple[str, int]]:
    """Let ``count`` things happen to each; return what happened to that of ``WORLD``."""
    told = []
    for _ in range(count):
        for world_id, tracking in trackings.items():
            status = Status.PICKUP if tracking.status is Status.TRANSIT else Status.TRANSIT
            trackings[world_id] = await advance(store, tracking, status=status)
            told.append((tracking.id, tracking.sequence + 1))
    return [one for one in told if one[0] == trackings[WORLD].id]


async def follow_through_a_move(mover: Mover) -> tuple[list[tuple[str, int]], Reader]:
    """Return what happened in one world, and who followed it."""
    store = await mover.open()
    trackings = {
        world_id: await create(store, world_id=world_id) for world_id in (WORLD, OTHER_WORLD)
    }
    reader = Reader(WORLD)
    told = await tell(store, trackings, 5)
    await reader.read(store, 3)
    told += await tell(store, trackings, 3)
    await store.close()
    await mover.move()

    store = await mover.open()
    told += await tell(store, trackings, 1)
    await reader.read(store, 4)
    told += await tell(store, trackings, 2)
    await reader.read(store)
    anew = Reader(WORLD)
    await anew.read(store)
    assert anew.seen == told or reader.seen != told
    await store.close()
    return told, reader


async def test_a_cursor_from_before_goes_on_where_it_was(mover: Mover) -> None:
    told, reader = await follow_through_a_move(mover)
    assert reader.seen == told


async def test_an_unread_event_is_not_passed_over_by_the_first_one_after_the_move(
    mover: Mover,
) -> None:
    store = await mover.open()
    trackings = {WORLD: await create(store)}
    told = await tell(store, trackings, 3)
    await store.close()
    await mover.move()
    store = await mover.open()
    reader = Reader(WORLD)
    await reader.read(store)
    assert reader.seen == told
    told += await tell(store, trackings, 1)
    await reader.read(store)
    assert reader.seen == told
    await store.close()


COMPARING = """
select cursor, body from (
    (
        select cursor, body from event
        where world_id = $1 and cursor > $2
            and transaction_id < pg_snapshot_xmin(pg_current_snapshot())
        order by cursor limit $3
    )
    union all
    (select null::bigint, null::bytea from pending_event where world_id = $1 limit 1)
) as both_parts order by cursor
"""


async def test_a_feed_that_compares_transaction_ids_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: FrozenClock
) -> None:
    monkeypatch.setitem(feed._SQL, "events_after", COMPARING)
    async with MOVERS["postgres"](tmp_path, clock) as moving:
        dsn = moving.url
        column = "alter table event add transaction_id xid8 default pg_current_xact_id()"
        shared_cluster().sql(column, dsn)
        try:
            told, reader = await follow_through_a_move(moving)
        finally:
            shared_cluster().sql("alter table event drop transaction_id", dsn)
    assert reader.seen != told
    assert set(reader.seen) < set(told)


class Shop:
    """Whoever hears of one account's parcels: by webhook, by mail, in charts, from the feed."""

    def __init__(self, store: Store, clock: FrozenClock, port: int, account: Account) -> None:
        self.store, self.clock = store, clock
        self.world_id = world_of(account.number, is_test=False)
        self.office = Office(store, clock, port)
        self.keeper = JourneyKeeper(store, clock=clock)
        identifiers = Identifiers(account.number)
        self.composer = MessageComposer(
            {"v2": plain_renderer, "v4": plain_renderer, "native": plain_renderer}, identifiers
        )
        self.sender = HttpSender(SETTINGS)
        self.worker = DeliveryWorker(
            store,
            self.sender,
            clock=clock,
            accounts=lambda _: store.load_account(account.number),
            identifiers=identifiers,
            random=lambda: 0.0,
            settings=SETTINGS,
        )

    async def happen(self, tracking: Tracking, status: Status) -> Tracking:
        after = replace(
            tracking,
            version=tracking.version + 1,
            sequence=tracking.sequence + 1,
            status=status,
            substatus=DEFAULT_SUBSTATUS[status],
            checkpoints=(SCAN,),
            updated_at=self.clock.now(),
        )
        event = make_event(after, tracking.status)
        endpoints = await self.store.list_endpoints(self.world_id)
        messages = self.composer.compose(event, after, endpoints)
        assert len(messages) == len(endpoints)
        change = Save(
            tracking=after, expected_version=tracking.version, event=event, messages=messages
        )
        assert await self.store.save(change)
        return after

    async def work(self) -> None:
        """Tell everybody what there is to tell."""
        for _ in range(100):
            steps = [
                await self.worker.step(),
                await self.keeper.step(),
                await self.office.worker.step(),
            ]
            if not any(steps):
                return
        pytest.fail("there is no end to it")

    async def close(self) -> None:
        await self.sender.close()
        await self.store.close()


async def test_webhooks_mails_and_journeys_are_told_once_across_a_move(
    mover: Mover, clock: FrozenClock, box: MailBox, port: int
) -> None:
    store = await mover.open()
    account = await store.add_account("shop@example.com", now=clock.now())
    shop = Shop(store, clock, port, account)
    async with receiver(receivers.answer(204)) as hook:
        await furnish(shop, hook)
        parcels = [await new(store, account, f"N{number}") for number in range(6)]
        for number, parcel in enumerate(parcels):
            await shop.office.join(box, parcel, f"jo{number}@customer.example")
        clock.advance(60)
        # Told before the move; then what nobody was told of yet.
        parcels[:4] = [await shop.happen(one, Status.TRANSIT) for one in parcels[:4]]
        await shop.work()
        assert len(box.recipients) == len(hook.received) == 4
        clock.advance(120)
        parcels[2:] = [await shop.happen(one, Status.UNDELIVERED) for one in parcels[2:]]
        await shop.close()
        await mover.move()

        shop = Shop(await mover.open(), clock, port, account)
        # The first thing that happens there, before anybody has looked.
        parcels[0] = await shop.happen(parcels[0], Status.DELIVERED)
        for _ in range(3):
            clock.advance(3_600)
            await shop.work()

        assert hook.lines == {one.id: list(range(1, one.sequence + 1)) for one in parcels}
        assert sorted(box.recipients) == sorted(
            f"jo{number}@customer.example" for number in (0, 1, 2, 3, 2, 3, 4, 5, 0)
        )
        counted = await shop.store.count_journeys(shop.world_id, JourneyFilter(), ["status"])
        assert {status: total for (status,), total in counted} == {
            "delivered": 1,
            "transit": 1,
            "undelivered": 4,
        }
        reader = Reader(shop.world_id)
        await reader.read(shop.store)
        assert len(reader.seen) == len(set(reader.seen)) == sum(one.sequence for one in parcels)
        await shop.close()


async def furnish(shop: Shop, hook: Receiver) -> None:
    """Make the account's endpoint, and let all followers begin."""
    await shop.store.add_endpoint(
        Endpoint(
            id=new_id(shop.clock.now()),
            world_id=shop.world_id,
            url=hook.url,
            dialect="native",
            secret="whsec_c3ludGhldGlj",
            created_at=shop.clock.now(),
        )
    )
    for _ in range(3):
        await shop.work()
