"""API processes count each other through their database, and divide the rate limits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from parcelwire.api.processes import FRESH, ApiProcesses
from parcelwire.api.rate_limit import RateLimiter
from parcelwire.domain.clock import SECOND, FrozenClock
from parcelwire.store.port import Store

OpenAnother = Callable[[], Awaitable[Store]]


async def test_processes_count_each_other_and_forget_the_dead(
    store: Store, open_another: OpenAnother, clock: FrozenClock
) -> None:
    counts: dict[str, int] = {}
    processes = {
        name: ApiProcesses(
            await open_another(),
            clock=clock,
            process_id=name,
            on_count=lambda count, name=name: counts.__setitem__(name, count),  # type: ignore[misc]
        )
        for name in "abc"
    }
    for one in processes.values():
        await one.step()
    assert counts == {"a": 1, "b": 2, "c": 3}
    await processes["a"].step()
    assert counts["a"] == 3
    # c dies; the others go on.
    for _ in range(4):
        clock.advance(FRESH / SECOND / 3)
        await processes["a"].step()
        await processes["b"].step()
    assert counts == {"a": 2, "b": 2, "c": 3}


async def test_who_stops_is_not_counted_any_more(store: Store, clock: FrozenClock) -> None:
    limits = RateLimiter(clock, {"other": 10.0})
    stays = ApiProcesses(store, clock=clock, process_id="stays", on_count=limits.share_with)
    leaves = ApiProcesses(store, clock=clock, process_id="leaves", on_count=lambda _: None)
    await leaves.step()
    await stays.step()
    assert sum(limits.take(2, "other").is_allowed for _ in range(20)) == 5
    leaves.stop()
    await asyncio.wait_for(leaves.run(), 10)
    await stays.step()
    clock.advance(1)
    assert sum(limits.take(2, "other").is_allowed for _ in range(20)) == 10
