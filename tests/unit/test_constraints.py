"""The pinned versions: complete, from no place in particular, and without known weaknesses."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def pins(name: str) -> dict[str, str]:
    """Return package -> version of one file; a package of several versions has the last."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE))


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-v2-client.txt"])
def test_no_address_and_a_hash_for_each(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    for entry in re.split(r"\n(?=[a-z0-9])", text)[1:]:
        assert "--hash=sha256:" in entry, entry.partition("\n")[0]


def test_what_sends_the_operators_notices_is_no_old_urllib3() -> None:
    pinned = pins("constraints.txt")["urllib3"]
    assert tuple(map(int, pinned.split(".")[:2])) >= (2, 6)
    assert version("urllib3") == pinned
