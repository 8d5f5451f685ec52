"""The native API against its own description, by calls that schemathesis makes up (D4, short)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from prove.outcome import Outcome

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_answer_is_as_described(tmp_path: Path) -> None:
    # In a process of its own: schemathesis leaves sockets open, and its checks are for a process.
    into = tmp_path / "outcome.json"
    command = [sys.executable, "-m", "prove", "--one", "D4", "--into", str(into)]
    done = subprocess.run(
        [*command, "--scale", "0.07", "--seed", "20261121"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    outcome = msgspec.json.decode(into.read_bytes(), type=Outcome)
    assert outcome.faults() == []
    assert outcome.planted_found == outcome.planted_of == 5
    assert outcome.tried > 2_000, outcome.notes
