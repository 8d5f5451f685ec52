"""The short forms of the proofs about webhooks: `make prove` runs the long ones.

Each counts that its fault fired and finds the bugs planted for it, or it fails.
"""

from __future__ import annotations

import pytest

from prove.catalogue import Proof
from prove.deliveries import (
    answers,
    clocks,
    inside,
    neighbours,
    outage,
    paused,
    signed,
    stuck,
)
from tests.support.addresses import internal_urls


@pytest.mark.parametrize(
    ("proof", "scale"),
    [
        pytest.param(clocks.run, 0.1, id="B3 clock jumps"),
        pytest.param(neighbours.run, 0.01, id="B4 bad neighbours"),
        pytest.param(outage.run, 0.02, id="B5 72 hours down"),
        pytest.param(answers.run, 1.0, id="B6 every answer"),
        pytest.param(paused.run, 0.2, id="B7 off and replayed"),
        pytest.param(stuck.run, 0.2, id="B8 one stuck"),
        pytest.param(signed.run, 1.0, id="C1 signatures"),
        pytest.param(inside.run, 1.0, id="C4 inner addresses"),
    ],
)
def test_it_holds_and_finds_what_was_planted(proof: Proof, scale: float) -> None:
    outcome = proof(scale=scale, seed=1)
    assert outcome.faults() == []
    assert outcome.fired >= outcome.tried > 0
    assert outcome.planted_found == outcome.planted_of > 1


def test_there_are_more_than_a_hundred_spellings_and_forty_answers() -> None:
    assert len(internal_urls(8_080)) >= 100
    assert len(answers.cases()) >= 40
