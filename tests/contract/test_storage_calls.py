"""A3: killed at calls to storage. The long form, at every call, is in ``prove/calls.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from parcelwire.proofs.callforge import PLANTED
from parcelwire.proofs.syscalls import Range, find_planted, prove_every_call

POINTS = 120


@pytest.fixture(scope="module")
def range_(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    range_ = Range(tmp_path_factory.mktemp("range"))
    with range_.opened():
        yield range_


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_kill_at_any_call_breaks_no_promise(tmp_path: Path) -> None:
    outcome = prove_every_call(points=POINTS, seed=1, folder=tmp_path, with_planted=False)
    assert outcome.violations == []
    assert outcome.fired == outcome.tried == POINTS


def test_every_kind_of_point_is_there(range_: Range) -> None:
    points = range_.points()
    assert {point.task for point in points} == {"make", "work"}
    for task in ("make", "work"):
        here = [point for point in points if point.task == task]
        calls = {point.call for point in here}
        assert calls == set(range(1, max(calls) + 1))
        assert sum(point.is_half for point in here) > 50
    assert sum(point.has_onlooker for point in points) > 300
    assert len(points) > 800


@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.timeout(300)
def test_a_planted_fault_is_found(range_: Range, planted: str) -> None:
    assert find_planted(range_, planted, seed=1) is not None
