"""B1: the disk is full at random moments. The long form is in ``prove/full_disk.py``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from parcelwire.proofs.fulldisk import besiege
from parcelwire.proofs.fulldisks import MANNERS, Manner
from parcelwire.proofs.planted import answering_early, reading_only, sulking

TIMES = 8


@pytest.mark.parametrize("manner", MANNERS)
def test_success_means_stored_and_the_next_call_works(tmp_path: Path, manner: Manner) -> None:
    siege = besiege(tmp_path, manner, TIMES, seed=MANNERS.index(manner))
    assert siege.violations == []
    assert siege.fired == siege.tried == TIMES
    assert siege.counts["503"] >= TIMES
    assert siege.counts["reads"] > 3 * TIMES
    assert siege.counts["success while full"] > 5
    assert siege.counts["not ready"] > TIMES // 3


@pytest.mark.parametrize("planting", [answering_early, sulking, reading_only])
def test_a_planted_fault_is_found(
    tmp_path: Path, planting: Callable[[], AbstractContextManager[None]]
) -> None:
    assert besiege(tmp_path, "no growth", 3, seed=1, planting=planting()).violations
