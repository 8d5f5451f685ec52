"""What the dashboard calls durations."""

from __future__ import annotations

import pytest

from parcelwire.pages.dashboard.words import wait_time


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "a few seconds"),
        (9, "a few seconds"),
        (10, "1 minute"),
        (60, "1 minute"),
        (61, "2 minutes"),
        (3_600, "60 minutes"),
        (5_400, "90 minutes"),
        (5_401, "2 hours"),
        (86_400, "24 hours"),
    ],
)
def test_a_wait_is_never_told_shorter_than_it_is(seconds: int, words: str) -> None:
    assert wait_time(seconds) == words
