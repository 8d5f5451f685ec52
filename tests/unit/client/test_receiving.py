"""What receivers use, with the light install only: ``unwrap`` and ``SeenIds``."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from parcelwire.client import SeenIds
from parcelwire.signatures.signing import sign_standard
from tests.unit.webhooks.builders import SECRET

NOW = 1_772_359_200.0


def test_it_needs_nothing_of_the_server_and_no_http() -> None:
    code = (
        "import sys; before = set(sys.modules);"
        "from parcelwire.client import SeenIds, unwrap;"
        "new = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(*sorted(new - set(sys.stdlib_module_names)));"
        "rooms = {n.split('.')[1] for n in sys.modules if n.startswith('parcelwire.')};"
        "print(*sorted(rooms))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    packages, rooms = done.stdout.strip().splitlines()
    # msgspec takes typing_extensions where it is there.
    assert {*packages.split()} - {"typing_extensions"} == {"msgspec", "parcelwire"}
    assert rooms == "client signatures"


def test_the_blocks_of_the_page_run_as_they_stand() -> None:
    page = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    theirs, ours = (compile(block, "webhooks.md", "exec") for block in blocks)
    stamp = int(time.time())
    body = b'{"a": 1}'
    headers = {
        "webhook-id": "m",
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign_standard(SECRET, "m", stamp, body),
    }
    names: dict[str, Any] = {"secret": SECRET, "body": body, "headers": headers}
    exec(theirs, names)  # noqa: S102 - ours
    exec(ours, names)  # noqa: S102 - ours
    assert not names["seen"].is_new("m", now=time.time())
    changed = {**names, "body": b'{"a": 2}'}
    with pytest.raises(WebhookVerificationError):
        exec(theirs, changed)  # noqa: S102 - ours
    exec(ours, changed)  # noqa: S102 - ours
    assert len(changed["seen"]) == 0


class TestSeenIds:
    def test_an_id_is_new_until_it_is_added(self) -> None:
        seen = SeenIds()
        assert seen.is_new("a", now=NOW)
        assert seen.is_new("a", now=NOW)
        seen.add("a", now=NOW)
        assert not seen.is_new("a", now=NOW + 1)
        assert seen.is_new("b", now=NOW + 1)

    def test_it_forgets_after_its_time_and_not_before(self) -> None:
        seen = SeenIds(keep_seconds=60)
        seen.add("a", now=NOW)
        assert not seen.is_new("a", now=NOW + 59)
        assert seen.is_new("a", now=NOW + 60)
        seen.add("b", now=NOW + 61)
        assert len(seen) == 1

    def test_it_keeps_the_newest_when_there_are_too_many(self) -> None:
        seen = SeenIds(most=3)
        for number in range(10):
            seen.add(f"{number}", now=NOW)
        assert len(seen) == 3
        assert [seen.is_new(f"{number}", now=NOW) for number in (6, 7, 8, 9)] == [
            True,
            False,
            False,
            False,
        ]

    def test_adding_again_keeps_it_longer(self) -> None:
        seen = SeenIds(keep_seconds=60, most=2)
        seen.add("a", now=NOW)
        seen.add("b", now=NOW)
        seen.add("a", now=NOW + 30)
        seen.add("c", now=NOW + 30)
        assert not seen.is_new("a", now=NOW + 80)
        assert seen.is_new("b", now=NOW + 30)

    @pytest.mark.parametrize("figures", [{"keep_seconds": 0}, {"most": 0}, {"keep_seconds": -1}])
    def test_figures_that_make_no_sense_are_refused(self, figures: dict[str, int]) -> None:
        with pytest.raises(ValueError, match="more than 0"):
            SeenIds(**figures)

    def test_a_message_without_an_id_is_always_new(self) -> None:
        seen = SeenIds()
        seen.add(None, now=NOW)
        assert seen.is_new(None, now=NOW)
        assert len(seen) == 0
