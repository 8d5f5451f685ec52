"""The token buckets of the rate limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.api.rate_limit import RateLimiter
from parcelwire.domain.clock import FrozenClock

WORLD, OTHER = 2, 4


def limiter(clock: FrozenClock, **limits: float) -> RateLimiter:
    return RateLimiter(clock, limits)


def test_a_batch_counts_as_many_as_it_holds() -> None:
    clock = FrozenClock()
    limits = limiter(clock, create=10)
    assert limits.take(WORLD, "create").is_allowed
    standing = limits.charge(WORLD, "create", 39)
    assert (standing.limit, standing.remaining) == (10, 0)
    # 40 of 10 a second: 30 are owed, and one more has to be there.
    assert not limits.take(WORLD, "create").is_allowed
    clock.advance(3)
    refused = limits.take(WORLD, "create")
    assert not refused.is_allowed
    assert refused.reset_seconds == 1
    clock.advance(0.1)
    assert limits.take(WORLD, "create").is_allowed
    assert limits.take(OTHER, "create").is_allowed


def test_what_is_charged_shows_in_the_headers() -> None:
    limits = limiter(FrozenClock(), create=50)
    limits.take(WORLD, "create")
    assert dict(limits.charge(WORLD, "create", 9).headers()) == {
        b"ratelimit-limit": b"50",
        b"ratelimit-remaining": b"40",
        b"ratelimit-reset": b"0",
    }


def test_without_a_limit_nothing_is_counted() -> None:
    limits = limiter(FrozenClock(), create=0)
    assert limits.take(WORLD, "create").headers() == ()
    assert limits.charge(WORLD, "create", 9_999).headers() == ()
    assert limits.take(WORLD, "create").is_allowed


@pytest.mark.parametrize("processes", [1, 3, 4])
def test_processes_divide_a_limit(processes: int) -> None:
    clock = FrozenClock()
    all_limits = [limiter(clock, other=24) for _ in range(processes)]
    for one in all_limits:
        one.share_with(processes)
    allowed = sum(one.take(WORLD, "other").is_allowed for one in all_limits for _ in range(99))
    assert allowed == 24
    clock.advance(1)
    allowed = sum(one.take(WORLD, "other").is_allowed for one in all_limits for _ in range(99))
    assert allowed == 24
    # One process is left: the whole limit is its own again.
    all_limits[0].share_with(1)
    clock.advance(1)
    assert sum(all_limits[0].take(WORLD, "other").is_allowed for _ in range(99)) == 24


def test_a_part_of_less_than_one_call_a_second_lets_calls_through_now_and_then() -> None:
    clock = FrozenClock()
    limits = limiter(clock, create=1)
    limits.share_with(4)
    assert limits.take(WORLD, "create").is_allowed
    refused = limits.take(WORLD, "create")
    assert (refused.is_allowed, refused.limit) == (False, 1)
    assert 4 <= refused.reset_seconds <= 5
    clock.advance(4)
    assert limits.take(WORLD, "create").is_allowed


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 200)), max_size=50),
)
def test_over_any_time_no_more_is_let_through_than_the_limit_and_one_call(
    rate: int, calls: list[tuple[int, int]]
) -> None:
    clock = FrozenClock()
    limits = limiter(clock, create=rate)
    begin, counts = clock.now(), [0]
    for passed, size in calls:
        clock.advance(passed / 1_000)
        if limits.take(WORLD, "create").is_allowed:
            limits.charge(WORLD, "create", size - 1)
            # What was let through before had to be made up for.
            assert sum(counts) <= rate + (clock.now() - begin) * rate / 1_000
            counts.append(size)
