"""Fixtures of the end-to-end tests."""

from pathlib import Path

import pytest

from tests.support.terminal import Terminal


@pytest.fixture
def terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A person in an empty folder, without settings."""
    return Terminal(tmp_path, monkeypatch, capsys)
