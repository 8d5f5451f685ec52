"""The log of refusals: bounded, and saying where they came from."""

from __future__ import annotations

import logging

import pytest

from parcelwire.server.refusals import FIRST_LINES, Refusal, RefusalLog


def test_the_first_of_a_kind_and_source_is_told_and_the_rest_is_summed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    refusals = RefusalLog()
    refusals.tick(0.0)
    for _ in range(500):
        refusals.note(Refusal.HEAD_TIMEOUT, "192.0.2.1")
    refusals.note(Refusal.HEAD_TIMEOUT, "192.0.2.2")
    refusals.note(Refusal.BAD_REQUEST, "192.0.2.1")
    assert len(caplog.messages) == 3
    refusals.tick(59.0)
    assert len(caplog.messages) == 3
    refusals.tick(61.0)
    assert len(caplog.messages) == 4
    assert "refused 499 more in the last minute" in caplog.messages[3]
    assert "most from 192.0.2.1: 500" in caplog.messages[3]
    assert refusals.counts["head-timeout"] == 501
    refusals.tick(200.0)
    assert len(caplog.messages) == 4


def test_a_million_sources_fill_neither_log_nor_memory(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    refusals = RefusalLog()
    refusals.tick(0.0)
    for number in range(20_000):
        refusals.note(Refusal.SOURCE_FULL, f"2001:db8:{number:x}::/64")
    assert len(caplog.messages) == FIRST_LINES
    assert len(refusals._seen) <= 1_000
    refusals.tick(61.0)
    assert len(caplog.messages) == FIRST_LINES + 1
    assert refusals.counts["source-full"] == 20_000
