"""Deliveries written down many at a time leave behind what one by one would have."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import apsw
import pytest
from msgspec.structs import replace

from parcelwire.domain.clock import SECOND, FrozenClock
from parcelwire.store.sqlite import SqliteStore, open_store, outcomes
from parcelwire.webhooks.ports import Attempt, AttemptResult, MessageFilter, MessageState
from tests.contract.store.samples import NOW, WORLD, make_endpoint, make_message, new_id, render


async def live(store: SqliteStore, clock: FrozenClock, ids: list[str], seed: int) -> Any:
    """Send messages to and fro by chance, each life the same; return everything that is kept."""
    chance = random.Random(seed)
    fresh = iter(ids)
    endpoints = [make_endpoint(id=next(fresh)) for _ in range(2)]
    for endpoint in endpoints:
        await store.add_endpoint(endpoint)
    trackings = [next(fresh) for _ in range(4)]
    await store.add_messages(
        [
            replace(
                make_message(chance.choice(endpoints), chance.choice(trackings), number),
                id=next(fresh),
                event_id=next(fresh),
            )
            for number in range(60)
        ]
    )
    told: list[AttemptResult] = []
    for _ in range(200):
        now = clock.advance(20)
        claimed = await store.claim_messages(
            now, lease_until=now + 15 * SECOND, limit=5, per_endpoint=3
        )
        results = []
        for one in claimed:
            state = chance.choices(
                [MessageState.DELIVERED, MessageState.PENDING, MessageState.DEAD], [8, 2, 1]
            )[0]
            attempt = Attempt(
                id=next(fresh),
                message_id=one.message.id,
                at=now,
                duration_ms=chance.randrange(900),
                status=200,
                response_body='{"a": "ü\U0001f642\\"\u2028"}',
            )
            results.append(
                AttemptResult(
                    attempt=attempt,
                    state=state,
                    next_at=now + 40 * SECOND if state is MessageState.PENDING else None,
                )
            )
        results += chance.sample(told, min(len(told), 2))  # an answer that was lost is told again
        told += results
        if chance.random() < 0.9:
            await store.finish_attempts(results)
    messages = (await store.list_messages(WORLD, MessageFilter(), limit=1_000)).messages
    attempts = [await store.list_attempts(one.id) for one in messages]
    return messages, attempts, await store.next_message_due(), await _lines(store)


async def _lines(store: SqliteStore) -> Any:
    return await store._reader.rows(
        "SELECT * FROM delivery_queue ORDER BY endpoint_id, tracking_id"
    )


@pytest.mark.parametrize("seed", range(8))
async def test_both_ways_end_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    ids = [new_id() for _ in range(3_000)]
    kept = []
    for way in ("bulk", "single"):
        clock = FrozenClock(NOW)
        store = await open_store(tmp_path / f"{way}.db", render=render, clock=clock)
        if way == "single":
            monkeypatch.setattr(outcomes, "is_plain", lambda result: False)
        kept.append(await live(store, clock, ids, seed))
        await store.close()
    assert kept[0] == kept[1]
    states = {one.state for one in kept[0][0]}
    assert {MessageState.DELIVERED, MessageState.DEAD} <= states


async def test_no_statement_walks_over_what_grows(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "plans.db", render=render, clock=FrozenClock(NOW))
    await store.close()
    connection = apsw.Connection(str(tmp_path / "plans.db"))
    connection.execute(outcomes._TABLE)
    for name in ("_TELL", "_ADD_ATTEMPTS", "_FINISH_MESSAGES", "_CLOSE_LINES", "_OPEN_LINES"):
        sql = getattr(outcomes, name)
        bindings = ("[]",) * sql.count("?")
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", bindings)]
        walks = [one for one in plan if one.startswith("SCAN")]
        assert all(one.split()[1] in ("temp.told", "j", "t") for one in walks), (name, plan)
    connection.close()


@pytest.mark.parametrize("word", ["not an id", "é" * 32])
async def test_words_that_are_no_ids_take_the_long_way(word: str) -> None:
    attempt = Attempt(id=new_id(), message_id=word, at=NOW, duration_ms=1, status=200)
    assert not outcomes.is_plain(AttemptResult(attempt=attempt, state=MessageState.DELIVERED))
