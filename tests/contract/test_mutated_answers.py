"""B10: mutated, reordered, repeated answers of carriers. The long form is ``prove/answers.py``."""

from __future__ import annotations

import pytest

from prove.answers import PLANTED, cases, find_planted, hear_answers

ANSWERS = 10_000


def test_no_answer_breaks_anything_and_order_does_not_matter() -> None:
    trial = hear_answers(ANSWERS, seed=1)
    assert trial.violations == []
    assert trial.fired == trial.answers >= ANSWERS
    # Hearing nothing but rubbish would prove little about merging.
    assert trial.outcomes["found"] > ANSWERS / 4
    assert trial.outcomes["not_understood"] > ANSWERS / 10
    assert trial.delivered > 1_000
    assert trial.returned < trial.parcels / 20
    assert all(count > 100 for count in trial.kinds.values())


def test_every_connector_is_heard() -> None:
    spoken = {connector.manifest.code for connector, _, _ in cases()}
    assert {"swiss-post", "poste-italiane"} <= spoken


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_fault_is_found(planted: str) -> None:
    assert find_planted(planted, seed=2) is not None
