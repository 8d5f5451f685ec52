"""Dates of a fixture's answer, moved to another day."""

from __future__ import annotations

from typing import Literal

import pytest

from parcelwire.connectors.mock_servers.moved_times import days_between, move_times
from parcelwire.domain.clock import DAY

AROUND = 1_776_424_500_000
"""17 April 2026, 11:15 UTC."""


@pytest.mark.parametrize(
    ("text", "moved", "order"),
    [
        ("2026-04-16T18:05:00+02:00", "2026-04-20T18:05:00+02:00", "ymd"),
        ("2026/04/30", "2026/05/04", "ymd"),
        ("20260416", "20260420", "ymd"),
        ("20260416T1805", "20260420T1805", "ymd"),
        ("20260416180500", "20260420180500", "ymd"),
        ("202604161805", "202604201805", "ymd"),
        ("16.04.2026 18:05", "20.04.2026 18:05", "dmy"),
        ("16/04/26", "20/04/26", "dmy"),
        ("6-4-2026", "10-4-2026", "dmy"),
        ("04/16/2026 6:05 PM", "04/20/2026 6:05 PM", "mdy"),
        ("1776424500", "1776770100", "ymd"),
        ("1776424500000", "1776770100000", "ymd"),
        ("/Date(1776424500000+0200)/", "/Date(1776770100000+0200)/", "ymd"),
        (
            "<Data>16.04.2026</Data><Ora>18:05</Ora>",
            "<Data>20.04.2026</Data><Ora>18:05</Ora>",
            "dmy",
        ),
    ],
)
def test_dates_are_moved_and_hours_are_not(
    text: str, moved: str, order: Literal["ymd", "dmy", "mdy"]
) -> None:
    assert move_times(text, 4, AROUND, order) == moved


@pytest.mark.parametrize(
    "text",
    [
        "2019-04-16",  # far away: the day a depot was opened
        "99.44.2026",
        "2026-13-45",
        "1234567890",
        "1.20.300",
        "990012345678901234",
        "202604161",
        "+41 44 123 45 67",
        "16 April 2026",
    ],
)
def test_what_is_no_date_stays(text: str) -> None:
    assert move_times(text, 4, AROUND, "dmy") == text


def test_nothing_is_moved_into_the_future() -> None:
    assert days_between(AROUND, AROUND + 2 * DAY - 1) == 1
    assert days_between(AROUND, AROUND) == 0
    assert days_between(AROUND, AROUND - 1) == -1
