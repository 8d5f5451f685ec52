"""The judge of the fault proofs finds what is planted, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from parcelwire.proofs.ledger import Ledger, Receipt


def ledger() -> Ledger:
    return Ledger(
        acknowledged={"a", "b", "d"},
        stored={"a", "b", "c"},
        last_sequences={"a": 3, "b": 1, "c": 0},
        event_sequences={"a": [1, 2, 3], "b": [1]},
        receipts=[
            Receipt("a", 1, "m1"),
            Receipt("b", 1, "m4"),
            Receipt("a", 2, "m2"),
            Receipt("a", 2, "m2"),
            Receipt("d", 1, "m5"),
            Receipt("a", 3, "m3"),
        ],
        deleted={"d"},
        doubtful={"c"},
        allowed_notes={"a": {"second", "third"}, "d": {"gone"}},
        stored_notes={"a": "third"},
    )


def test_a_clean_run_has_no_violations_and_counts_duplicates() -> None:
    assert ledger().violations() == []
    assert ledger().duplicates == 1


def repeat_the_first(one: Ledger) -> None:
    one.receipts.append(Receipt("a", 1, "m1"))


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (lambda one: one.stored.discard("a"), "lost"),
        (lambda one: one.deleted.discard("d"), "lost"),
        (lambda one: one.stored.add("d"), "lost"),
        (lambda one: one.stored_notes.update(a="first"), "lost"),
        (lambda one: one.receipts.pop(), "missed"),
        (lambda one: setattr(one, "endpoints", ("", "other")), "missed"),
        (lambda one: one.receipts.insert(0, Receipt("a", 3, "m3")), "order"),
        (repeat_the_first, "order"),
        (lambda one: one.receipts.append(Receipt("a", 3, "m9")), "id"),
        (lambda one: one.event_sequences["a"].remove(2), "feed"),
        (lambda one: one.event_sequences["a"].append(4), "feed"),
        (lambda one: one.overlaps.append("a: 2 came while 1 was being answered"), "overlap"),
    ],
)
def test_each_planted_fault_is_found(plant: Callable[[Ledger], object], kind: str) -> None:
    tampered = ledger()
    plant(tampered)
    assert any(line.startswith(kind) for line in tampered.violations())


def test_endpoints_have_lines_of_their_own() -> None:
    two = ledger()
    two.endpoints = ("", "other")
    two.receipts += [
        Receipt(one.tracking_id, one.sequence, f"{one.message_id}x", "other")
        for one in two.receipts
    ]
    assert two.violations() == []
