"""The judge of the fault tests finds what is planted, and nothing else."""

from __future__ import annotations

import pytest

from tests.support.ledger import Ledger, Receipt


def ledger() -> Ledger:
    return Ledger(
        acknowledged={"a", "b"},
        stored={"a", "b", "c"},
        last_sequences={"a": 3, "b": 1, "c": 0},
        event_sequences={"a": [1, 2, 3], "b": [1]},
        receipts=[
            Receipt("a", 1, "m1"),
            Receipt("b", 1, "m4"),
            Receipt("a", 2, "m2"),
            Receipt("a", 2, "m2"),
            Receipt("a", 1, "m1"),
            Receipt("a", 3, "m3"),
        ],
    )


def test_a_clean_run_has_no_violations_and_counts_duplicates() -> None:
    assert ledger().violations() == []
    assert ledger().duplicates == 2


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (lambda one: one.stored.discard("a"), "lost"),
        (lambda one: one.receipts.pop(), "missed"),
        (lambda one: one.receipts.insert(0, Receipt("a", 3, "m3")), "order"),
        (lambda one: one.receipts.append(Receipt("a", 3, "m9")), "id"),
        (lambda one: one.event_sequences["a"].remove(2), "feed"),
        (lambda one: one.event_sequences["a"].append(4), "feed"),
    ],
)
def test_each_planted_fault_is_found(plant, kind: str) -> None:  # type: ignore[no-untyped-def]
    tampered = ledger()
    plant(tampered)
    assert any(line.startswith(kind) for line in tampered.violations())
