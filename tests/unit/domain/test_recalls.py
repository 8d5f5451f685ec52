"""When workers look for what a clock ahead has put off."""

from __future__ import annotations

from parcelwire.domain.clock import HOUR, MINUTE, SECOND, Instant
from parcelwire.domain.recalls import Recall, Recalls

NOW = 1_772_359_200_000


def looked(recalls: Recalls, now: Instant) -> Recall | None:
    asked = recalls.due(now)
    if asked is not None:
        recalls.done(now)
    return asked


def test_all_at_first_then_the_far_end_once_an_hour() -> None:
    recalls = Recalls()
    assert looked(recalls, NOW) is Recall.ALL
    assert looked(recalls, NOW + SECOND) is None
    assert looked(recalls, NOW + HOUR) is Recall.FAR
    assert looked(recalls, NOW + HOUR + MINUTE) is None
    assert looked(recalls, NOW + 2 * HOUR) is Recall.FAR


def test_all_again_when_the_clock_went_back() -> None:
    recalls = Recalls()
    looked(recalls, NOW)
    assert looked(recalls, NOW - 2 * MINUTE) is Recall.ALL
    assert looked(recalls, NOW - 2 * MINUTE + SECOND) is None
    # By so little it was only adjusted.
    assert looked(recalls, NOW - 2 * MINUTE - SECOND) is None


def test_all_again_when_a_time_ahead_was_stored_between_two_looks() -> None:
    recalls = Recalls()
    looked(recalls, NOW)
    recalls.note(NOW + 5 * HOUR)
    assert looked(recalls, NOW + SECOND) is Recall.ALL
    assert looked(recalls, NOW + 2 * SECOND) is None


def test_what_was_stored_ahead_during_a_look_leads_to_another_one() -> None:
    recalls = Recalls()
    assert recalls.due(NOW) is Recall.ALL
    recalls.note(NOW + 5 * HOUR)
    recalls.done(NOW)
    assert looked(recalls, NOW + SECOND) is Recall.ALL
    assert looked(recalls, NOW + 2 * SECOND) is None


def test_a_look_that_failed_is_still_to_be_done() -> None:
    recalls = Recalls()
    assert recalls.due(NOW) is Recall.ALL
    assert recalls.due(NOW + SECOND) is Recall.ALL
    recalls.done(NOW + SECOND)
    assert recalls.due(NOW - HOUR) is Recall.ALL
    assert recalls.due(NOW - HOUR + SECOND) is Recall.ALL
    recalls.done(NOW - HOUR + SECOND)
    assert recalls.due(NOW - HOUR + 2 * SECOND) is None
