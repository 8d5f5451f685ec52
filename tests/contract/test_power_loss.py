"""A4: the power fails under the store. The long form is in ``prove/power.py``."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from parcelwire.proofs.planted import PLANTED, Planted
from parcelwire.proofs.powerloss import find_planted, prove_power_loss, run_trials
from parcelwire.proofs.recording import record
from parcelwire.store.sqlite import SqliteSettings

TRIALS = 5_000


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_was_acknowledged_outlives_the_power() -> None:
    outcome = prove_power_loss(trials=TRIALS, seed=1, with_planted=False)
    assert outcome.violations == []
    assert outcome.fired == outcome.tried == TRIALS


def test_every_kind_of_loss_happens() -> None:
    trials = run_trials(record(7, 40, SqliteSettings()), 300, seed=7)
    assert trials.violations == []
    for what in ("torn", "lost", "overtaken", "in_flight"):
        assert trials.counts[what] > 30, what
    assert trials.restarted > 3
    # While the database is made, files come and grow.
    young = run_trials(record(7, 1, SqliteSettings()), 800, seed=7)
    assert young.violations == []
    assert young.counts["names"] > 3
    assert young.counts["sizes"] > 20


@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: one.name)
def test_a_planted_fault_is_found(planted: Planted) -> None:
    assert find_planted(planted, seed=1) is not None


def test_normal_loses_acknowledged_writes() -> None:
    outcome = prove_power_loss(
        trials=200,
        seed=2,
        settings=replace(SqliteSettings(), synchronous="NORMAL"),
        with_planted=False,
    )
    assert any("acknowledged and lost" in one for one in outcome.violations)


def test_a_seed_gives_the_same_life_and_the_same_trials() -> None:
    first, second = (record(3, 20, SqliteSettings()) for _ in range(2))
    # Only the random numbers in SQLite's own headers differ.
    assert [entry[:3] for entry in first.entries] == [entry[:3] for entry in second.entries]
    assert first.images == second.images
    assert first.needed == second.needed
    runs = [run_trials(first, 50, seed=3) for _ in range(2)]
    assert runs[0] == runs[1]
