"""Counting by source in memory: what is allowed, when again, and how much memory it takes."""

from __future__ import annotations

import pytest

from parcelwire.domain.clock import FrozenClock
from parcelwire.pages.limits import SourceLimit


def test_a_source_gets_its_minutes_worth_and_then_a_steady_rate() -> None:
    clock = FrozenClock()
    limit = SourceLimit(clock, 20)
    assert [limit.take("a") for _ in range(22)] == [0] * 20 + [3, 3]
    assert limit.take("b") == 0
    clock.advance(2.9)
    assert limit.take("a") == 1
    clock.advance(0.1)
    assert [limit.take("a"), limit.take("a")] == [0, 3]
    clock.advance(3_600)
    assert [limit.take("a") for _ in range(21)].count(0) == 20


def test_a_minutes_worth_does_not_come_in_one_moment() -> None:
    clock = FrozenClock()
    limit = SourceLimit(clock, 1_200)
    assert [limit.take("a") for _ in range(1_000)].count(0) == 200
    taken = 0
    for _ in range(60):
        clock.advance(1)
        taken += [limit.take("a") for _ in range(100)].count(0)
    assert taken == 1_200


def test_a_clock_that_jumps_back_neither_gives_nor_shuts_out() -> None:
    clock = FrozenClock()
    limit = SourceLimit(clock, 2)
    assert [limit.take("a") for _ in range(3)] == [0, 0, 30]
    clock.advance(-86_400)
    assert limit.take("a") == 30
    # From the moment that it was set back on, time counts again.
    clock.advance(30)
    assert limit.take("a") == 0
    clock.advance(30)
    assert limit.take("b") == 0
    clock.advance(86_400)
    assert limit.take("a") == 0


def test_the_wait_that_is_told_is_enough() -> None:
    for per_minute in (1, 3, 7, 60, 1_200, 3_001):
        clock = FrozenClock()
        limit = SourceLimit(clock, per_minute)
        while (wait := limit.take("a")) == 0:
            pass
        clock.advance(wait)
        assert limit.take("a") == 0


def test_sources_by_the_thousand_take_no_more_memory() -> None:
    limit = SourceLimit(FrozenClock(), 1, most_sources=100)
    for number in range(5_000):
        limit.take(f"2001:db8:{number:x}:1::/64")
    assert len(limit) <= 100
    # The newest is remembered still.
    assert limit.take(f"2001:db8:{4_999:x}:1::/64") > 0


@pytest.mark.parametrize("source", ["", "unix:/run/x", "not:an:address/64", "::/64", "x/64"])
def test_whatever_stands_for_a_source_is_counted(source: str) -> None:
    limit = SourceLimit(FrozenClock(), 1)
    assert [limit.take(source) > 0 for _ in range(2)] == [False, True]
