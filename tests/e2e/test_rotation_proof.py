"""The short form of the proof about key rotation: `make prove ARGS=G3` runs the long one."""

from __future__ import annotations

import pytest

from prove.rotation.proof import run


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_rotation_killed_anywhere_loses_nothing_and_strangers_seal_nothing() -> None:
    outcome = run(scale=0.06, seed=11)
    assert outcome.faults() == [], outcome.notes
    assert outcome.fired == outcome.tried > 15
    assert outcome.planted_found == outcome.planted_of == 6
