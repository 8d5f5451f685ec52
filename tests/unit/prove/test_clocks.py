"""The judge of F2 counts a carrier's budget as its manifest means it."""

from __future__ import annotations

import pytest

from parcelwire.polling.budget import burst, refill
from prove.clocks import PER_MINUTE
from prove.clocks.carrier import Carrier

FULL, BACK = burst(PER_MINUTE), refill(PER_MINUTE)


def asked(seconds: float, *, share: float = 1.0) -> Carrier:
    """Return a carrier that was asked as often as it allows, times ``share``, for so long."""
    carrier = Carrier()
    carrier.began = 1_000.0
    every = 60 / (BACK * share)
    carrier.asked = [1_000.0] * round(FULL * share)
    carrier.asked += [1_000.0 + every * n for n in range(1, int(seconds / every) + 1)]
    return carrier


@pytest.mark.parametrize("seconds", [5, 59, 61, 300])
def test_what_the_budget_allows_is_allowed(seconds: int) -> None:
    carrier = asked(seconds)
    assert carrier.over_budget() == []
    assert carrier.fullest_minute() <= PER_MINUTE


@pytest.mark.parametrize("seconds", [59, 300])
def test_a_few_percent_more_are_found(seconds: int) -> None:
    (line, *_) = asked(seconds, share=1.06).over_budget()
    assert line.startswith("budget:")


def test_a_minute_that_is_too_full_is_found_after_a_quiet_hour() -> None:
    carrier = Carrier()
    carrier.began = 1_000.0
    carrier.asked = [4_600.0 + n / 100 for n in range(round(PER_MINUTE * 1.2))]
    (line,) = carrier.over_budget()
    assert "in a minute" in line
