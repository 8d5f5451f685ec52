"""Real servers on damaged files, and two on one file: the short form of G6."""

from __future__ import annotations

import pytest

from prove.store_health import PLANTS, prove_store_health

KINDS = ("leaf of a table", "inner page of an index", "first bytes")


def test_nothing_is_acknowledged_on_a_damaged_file_and_no_second_server_starts() -> None:
    outcome = prove_store_health(KINDS, 1, seed=20260301)
    assert outcome.violations == []
    assert outcome.fired == outcome.tried == len(KINDS) + 1


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_weakness_is_found(plant: str) -> None:
    outcome = prove_store_health((), 0, seed=20260302, plants=(plant,))
    assert (outcome.planted_found, outcome.planted_of) == (1, 1)
