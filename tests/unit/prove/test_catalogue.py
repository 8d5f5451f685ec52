"""``make prove`` finds its proofs and fails when a proof does not hold."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import msgspec
import pytest

import prove
import prove.__main__ as command
from prove import catalogue
from prove.outcome import Outcome
from tests.support.named_tests import ROOT, why_missing


def outcome(**more: object) -> Outcome:
    fields = {"id": "A1", "name": "killed", "tried": 10, "fired": 10, "planted_of": 2}
    return msgspec.convert({**fields, "planted_found": 2, **more}, Outcome)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"violations": ["lost: one"]}, "lost: one"),
        ({"fired": 9}, "the fault fired in 9 of 10 trials only"),
        ({"tried": 0, "fired": 0}, "nothing was tried"),
        ({"planted_found": 1}, "1 of 2 planted bugs were found"),
    ],
)
def test_a_proof_that_does_not_hold_says_why(more: dict[str, object], fault: str) -> None:
    assert outcome().faults() == []
    assert outcome(**more).faults() == [fault]
    assert f"A1 FAILED: {fault}" in command.table([outcome(**more)])


def test_the_table_is_markdown_and_has_a_line_for_each() -> None:
    lines = command.table([outcome(tried=1000, fired=1000, seconds=61.4, notes="much")])
    assert [len(line) for line in lines[:3]] == [len(lines[0])] * 3
    assert (
        lines[2]
        == "| A1 | killed        | 1,000 | 1,000 | 0          | 2 of 2             | 61      |"
    )
    assert lines[3:] == ["", "A1: much"]


def test_every_proof_is_there() -> None:
    proofs, broken = catalogue.discover()
    assert broken == []
    assert set(proofs) == set(catalogue.TITLES)


def test_every_proof_is_told_of_in_the_docs() -> None:
    text = (Path(prove.__file__).parents[1] / "docs" / "proofs.md").read_text("utf-8")
    for id_ in catalogue.TITLES:
        assert re.search(rf"^###.*\b{id_}\b|\b{id_} ", text, re.MULTILINE), id_


SHORT_FORMS = {
    "A1": "tests/e2e/test_kill.py::test_kills_under_load_lose_nothing_and_planted_bugs_are_found",
    "A2": "tests/e2e/test_kill.py::"
    "test_killed_workers_and_a_killed_cluster_on_postgres_lose_nothing",
    "A3": "tests/contract/test_storage_calls.py",
    "A4": "tests/contract/test_power_loss.py",
    "A5": "tests/contract/test_worlds.py",
    "B1": "tests/contract/test_full_disk.py",
    **dict.fromkeys(
        ("B3", "B4", "B5", "B6", "B7", "B8", "C1", "C4"), "tests/contract/test_webhook_proofs.py"
    ),
    "B10": "tests/contract/test_mutated_answers.py",
    "D1": "tests/e2e/test_native_idempotency_kill.py",
    "D2": "tests/e2e/api/test_native_refusals.py",
    "D4": "tests/e2e/api/test_native_schemathesis.py",
    "D7": "tests/e2e/api/test_native_paging.py",
    "F1": "tests/e2e/test_kill.py::"
    "test_readiness_tells_of_a_database_that_is_away_and_liveness_stays",
    "F2": "tests/e2e/test_clocks.py",
    "G1": "tests/e2e/test_attacks.py",
    "G2": "tests/contract/test_access.py",
    "G3": "tests/e2e/test_rotation_proof.py",
    "G4": "tests/e2e/test_tenants.py",
    "G6": "tests/e2e/test_store_health.py",
}


def test_every_proof_has_a_short_form_among_the_tests() -> None:
    assert set(SHORT_FORMS) == set(catalogue.TITLES)
    for id_, test in SHORT_FORMS.items():
        assert why_missing(test) is None
        text = (ROOT / test.partition("::")[0]).read_text("utf-8")
        assert re.search(rf"\b{id_}\b", text), f"{test} does not name {id_}"


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(text)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a folder of proofs in the place of ours."""
    monkeypatch.setattr(prove, "__path__", [str(tmp_path)])
    return tmp_path


def forget(*names: str) -> None:
    for name in names:
        sys.modules.pop(f"prove.{name}", None)


def test_proofs_that_nobody_could_run_are_told(folder: Path) -> None:
    write(folder, "spoiled", "raise RuntimeError('not today')")
    write(folder, "nameless", "def run(): ...")
    write(folder, "sound", "PROOFS = {'B3': print}")
    try:
        proofs, broken = catalogue.discover()
    finally:
        forget("spoiled", "nameless", "sound")
    assert list(proofs) == ["B3"]
    assert [line.partition(":")[0] for line in broken] == ["prove.nameless", "prove.spoiled"]
    assert "not today" in broken[1]


@pytest.mark.parametrize("second", ["PROOFS = {'B3': print}", "PROOFS = {'Z9': print}"])
def test_a_claim_that_is_taken_or_unknown_is_refused(folder: Path, second: str) -> None:
    write(folder, "first", "PROOFS = {'B3': print}")
    write(folder, "second", second)
    try:
        with pytest.raises(ValueError, match=r"prove\.second claims"):
            catalogue.discover()
    finally:
        forget("first", "second")


def test_an_unknown_proof_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["prove", "Z9"])
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 2
    assert "there is no proof Z9" in capsys.readouterr().err
