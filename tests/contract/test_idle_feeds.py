"""A round of those who follow the feeds costs one look for all worlds in which nothing happens."""

from __future__ import annotations

from collections import Counter
from typing import Any

from parcelwire.domain.account import world_of
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.status import Status
from parcelwire.store.port import Store
from parcelwire.tracking.journeys import JourneyKeeper
from tests.contract.notice_office import Office
from tests.contract.store.samples import advance, create

ACCOUNTS = 15


class Counted:
    """A store that counts what it is asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        self.asked[name] += 1
        return getattr(self._store, name)


async def test_only_worlds_with_news_are_read(store: Store, clock: FrozenClock, port: int) -> None:
    worlds = []
    for number in range(ACCOUNTS):
        account = await store.add_account(f"shop{number}@example.com", now=clock.now())
        worlds.append(world_of(account.number, is_test=False))
    counted: Any = Counted(store)
    keeper = JourneyKeeper(counted, clock=clock)
    office = Office(counted, clock, port)
    tracking = await create(store, world_id=worlds[3])
    for _ in range(4):
        await keeper.step()
        await office.worker.step()

    async def reads() -> int:
        counted.asked.clear()
        await keeper.step()
        await office.worker.step()
        assert counted.asked["feed_ends"] == 2
        return int(counted.asked["events_after"])

    assert await reads() == 0
    tracking = await advance(store, tracking, status=Status.TRANSIT)
    assert await reads() == 2
    assert await reads() == 0
    # A world whose first event this is.
    await advance(store, await create(store, world_id=worlds[9]), status=Status.TRANSIT)
    await advance(store, tracking, status=Status.PICKUP)
    assert await reads() == 4
    assert await reads() == 0
