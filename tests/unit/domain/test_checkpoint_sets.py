"""One event or two: what the offset of its time tells, and what it does not."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from parcelwire.domain.changes import CheckpointAdded, CheckpointCorrected
from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.clock import HOUR
from parcelwire.domain.merge import merge
from parcelwire.domain.report import CarrierReport
from parcelwire.domain.status import Status, Substatus
from tests.unit.domain.test_merge import T0, after, found, tracking

NIGHT = "2025-10-26T02:30:00"
"""Shown twice in that night, first in summer time."""


def scan(offset: int | None, source: TimeSource | None = None, **fields: object) -> Checkpoint:
    if source is None:
        source = TimeSource.UNKNOWN if offset is None else TimeSource.CARRIER
    plain = Checkpoint(
        local_time=NIGHT,
        offset_minutes=offset,
        time_source=source,
        text="in transito",
        status=Status.TRANSIT,
        substatus=Substatus.TRANSIT,
        location="Bologna (BO)",
    )
    return replace(plain, **fields)


def offsets(*reports: CarrierReport) -> list[int | None]:
    return [one.offset_minutes for one in after(*reports).checkpoints]


@pytest.mark.parametrize("raw_code", [None, "PCP"])
def test_two_scans_that_differ_in_their_offset_alone_are_two_events(raw_code: str | None) -> None:
    first, second = scan(120, raw_code=raw_code), scan(60, raw_code=raw_code)
    merged = merge(tracking(), found(second, first))
    assert [one.offset_minutes for one in merged.tracking.checkpoints] == [120, 60]
    added = [change for change in merged.changes if isinstance(change, CheckpointAdded)]
    assert len(added) == 2
    again = merge(merged.tracking, found(first, second, at=T0 + 2 * HOUR))
    assert not again.is_dirty
    # One after the other comes to the same.
    late = merge(after(found(first)), found(second, at=T0 + 2 * HOUR))
    assert [one.offset_minutes for one in late.tracking.checkpoints] == [120, 60]
    assert [type(change) for change in late.changes] == [CheckpointAdded]


@pytest.mark.parametrize("source", [TimeSource.CARRIER, TimeSource.HOME])
def test_what_was_stored_without_its_offset_is_no_second_event(source: TimeSource) -> None:
    stored = after(found(scan(None)))
    merged = merge(stored, found(scan(120, source), at=T0 + 2 * HOUR))
    (one,) = merged.tracking.checkpoints
    assert (one.offset_minutes, one.time_source) == (120, source)
    assert [type(change) for change in merged.changes] == [CheckpointCorrected]
    both = merge(stored, found(scan(120, source), scan(60, source), at=T0 + 2 * HOUR))
    assert [one.offset_minutes for one in both.tracking.checkpoints] == [120, 60]


def test_an_offset_that_the_carrier_gave_outlives_an_answer_without_it() -> None:
    stored = after(found(scan(120)))
    said = scan(None, text="in lavorazione", raw_code=None)
    silent = merge(stored, found(scan(None), at=T0 + 2 * HOUR))
    assert not silent.is_dirty
    stored = after(found(scan(120, raw_code="PCP")))
    corrected = merge(stored, found(replace(said, raw_code="PCP"), at=T0 + 2 * HOUR)).tracking
    (one,) = corrected.checkpoints
    assert (one.text, one.offset_minutes) == ("in lavorazione", 120)
    assert one.time_source is TimeSource.CARRIER


@pytest.mark.parametrize(
    ("stored", "said", "stands"),
    [
        # We took it from a zone, and know better now.
        (scan(0, TimeSource.HOME), scan(120, TimeSource.HOME), 120),
        (scan(0, TimeSource.HOME), scan(120, TimeSource.CARRIER), 120),
        (scan(60, TimeSource.PLACE), scan(120, TimeSource.HOME), 120),
        (scan(120, TimeSource.HOME), scan(None), None),
        (scan(120, TimeSource.CARRIER), scan(60, TimeSource.HOME), 120),
    ],
)
def test_an_offset_that_we_derived_otherwise_makes_no_second_event(
    stored: Checkpoint, said: Checkpoint, stands: int | None
) -> None:
    assert offsets(found(stored), found(said, at=T0 + 2 * HOUR)) == [stands]


def test_two_rounds_that_the_order_told_stay_two() -> None:
    first, second = scan(120, TimeSource.HOME), scan(60, TimeSource.HOME)
    both = found(first, second)
    assert offsets(both) == [120, 60]
    alone = found(scan(None), at=T0 + 2 * HOUR)
    assert offsets(both, alone) == [120, 60]
    assert offsets(both, found(second, at=T0 + 2 * HOUR)) == [120, 60]
    assert offsets(alone, replace(both, fetched_at=T0 + 3 * HOUR)) == [120, 60]


@pytest.mark.parametrize("told", list(permutations([scan(120), scan(60), scan(None)])))
def test_one_answer_that_names_an_event_with_and_without_its_offset(
    told: tuple[Checkpoint, ...],
) -> None:
    assert offsets(found(*told)) == [120, 60]


def test_the_carriers_own_id_decides_alone() -> None:
    first, moved = scan(120, event_id="e1"), scan(60, event_id="e1")
    assert offsets(found(first), found(moved, at=T0 + 2 * HOUR)) == [60]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([120, None]),
            st.sampled_from([TimeSource.HOME, TimeSource.CARRIER]),
            st.sampled_from(["a", "b", "c"]),
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda one: one[2],
    ),
    st.data(),
)
def test_whatever_the_order_of_the_answers_it_is_one_event_in_one_state(
    wordings: list[tuple[int | None, TimeSource, str]], data: st.DataObject
) -> None:
    reports = [
        found(
            scan(offset, source if offset is not None else None, text=text, raw_code="PCP"),
            at=T0 + step * HOUR,
        )
        for step, (offset, source, text) in enumerate(wordings)
    ]
    in_order = after(*reports)
    assert len(in_order.checkpoints) == 1
    assert in_order.checkpoints[0].text == wordings[-1][2]
    assert after(*data.draw(st.permutations(reports))) == in_order
