"""The log of refusals: bounded, and saying what was refused and from where."""

from __future__ import annotations

import logging

import pytest

from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.refusal_log import LINES_A_MINUTE, MOST_SOURCES, RefusalLog

_log = logging.getLogger("refusals")


def test_the_first_of_a_kind_and_source_is_logged_and_the_rest_is_summed_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FrozenClock()
    refusals = RefusalLog(_log.warning, clock.now, {"late": "it came too late"})
    for _ in range(500):
        refusals.note("late", "192.0.2.1")
    refusals.note("late", "192.0.2.2")
    refusals.note("wrong", "192.0.2.1")
    refusals.note("wrong", "")
    assert caplog.messages == [
        "refused: it came too late, from 192.0.2.1",
        "refused: it came too late, from 192.0.2.2",
        "refused: wrong, from 192.0.2.1",
        "refused: wrong, from an unknown address",
    ]
    clock.advance(59)
    refusals.sum_up()
    assert len(caplog.messages) == 4
    clock.advance(2)
    refusals.sum_up()
    assert caplog.messages[4:] == [
        "refused 499 more within a minute: it came too late"
        " (2 source(s) seen, most from 192.0.2.1: 500)"
    ]
    assert refusals.counts == {"late": 501, "wrong": 2}
    clock.advance(120)
    refusals.sum_up()
    assert len(caplog.messages) == 5


def test_the_next_refusal_sums_up_where_no_timer_does(caplog: pytest.LogCaptureFixture) -> None:
    clock = FrozenClock()
    refusals = RefusalLog(_log.warning, clock.now)
    for _ in range(3):
        refusals.note("late", "192.0.2.1")
    clock.advance(60)
    refusals.note("late", "192.0.2.1")
    assert [text.partition(" (")[0] for text in caplog.messages] == [
        "refused: late, from 192.0.2.1",
        "refused 2 more within a minute: late",
        "refused: late, from 192.0.2.1",
    ]


def test_many_sources_fill_neither_log_nor_memory(caplog: pytest.LogCaptureFixture) -> None:
    clock = FrozenClock()
    refusals = RefusalLog(_log.warning, clock.now)
    for number in range(20_000):
        refusals.note("late", f"2001:db8:{number:x}::/64")
    assert len(caplog.messages) == LINES_A_MINUTE
    assert len(refusals._seen) <= MOST_SOURCES
    clock.advance(60)
    refusals.sum_up()
    assert len(caplog.messages) == LINES_A_MINUTE + 1
    assert refusals.counts["late"] == 20_000


def test_a_source_cannot_forge_a_line(caplog: pytest.LogCaptureFixture) -> None:
    refusals = RefusalLog(_log.warning, FrozenClock().now)
    refusals.note("page", "evil\n0")
    assert caplog.messages == [r"refused: page, from 'evil\n0'"]
