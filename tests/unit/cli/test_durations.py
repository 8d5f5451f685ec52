"""Lengths of time as people type them."""

from __future__ import annotations

from datetime import timedelta

import click
import pytest

from parcelwire.cli.durations import LONGEST, DurationType


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("30m", timedelta(minutes=30)),
        (" 12h ", timedelta(hours=12)),
        ("90d", timedelta(days=90)),
        ("4w", timedelta(weeks=4)),
        ("36525d", LONGEST),
    ],
)
def test_durations_are_read(typed: str, meant: timedelta) -> None:
    assert DurationType().convert(typed, None, None) == meant
    assert DurationType().convert(meant, None, None) == meant


@pytest.mark.parametrize("typed", ["", "0d", "36526d", "999999w", "-1d", "1.5h", "d", "90", "٣d"])
def test_what_is_no_duration_is_refused(typed: str) -> None:
    with pytest.raises(click.BadParameter):
        DurationType().convert(typed, None, None)
