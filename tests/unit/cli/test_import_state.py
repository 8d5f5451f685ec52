"""How far an import came, after kills at every byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from parcelwire.cli.exit_codes import CommandError
from parcelwire.cli.import_state import Journal, Refusal, Step

STEPS = [
    Step(rows=40, created=40),
    Step(rows=40, created=38, existing=1, refused=(Refusal(row=79, code=4110, reason="no"),)),
    Step(rows=3, existing=3),
]


def test_a_kill_at_any_byte_loses_at_most_the_last_step(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "journal.ndjson"
    with Journal(file) as journal:
        journal.begin(17.5)
        for step in STEPS:
            journal.note(step)
    whole = file.read_bytes()
    lines = whole.splitlines(keepends=True)
    for end in range(len(whole) + 1):
        file.write_bytes(whole[:end])
        with Journal(file) as journal:
            complete = whole[:end].count(b"\n")
            assert journal.steps == STEPS[: max(0, complete - 1)]
            assert (journal.header is not None) == (complete > 0)
            if journal.header is not None:
                journal.note(STEPS[0])
        # What was cut off is gone, and what comes next stands on a line of its own.
        with Journal(file) as journal:
            assert journal.rows == sum(
                one.rows for one in [*STEPS[: max(0, complete - 1)], *STEPS[: complete > 0]]
            )
    assert len(lines) == 4


def test_damage_in_the_middle_ends_it_there(tmp_path: Path) -> None:
    file = tmp_path / "journal.ndjson"
    with Journal(file) as journal:
        journal.begin(1)
        journal.note(STEPS[0])
    file.write_bytes(file.read_bytes() + b"{broken\n" + b'{"rows": 5}\n')
    with Journal(file) as journal:
        assert journal.rows == 40


def test_two_processes_do_not_share_it(tmp_path: Path) -> None:
    file = tmp_path / "journal.ndjson"
    with (
        Journal(file),
        pytest.raises(CommandError, match="another process is importing"),
        Journal(file),
    ):
        pytest.fail("both have it")
    with Journal(file) as journal:
        journal.finish()
    assert not file.exists()


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="cannot note how far"):
        Journal(tmp_path / "file" / "journal.ndjson")
