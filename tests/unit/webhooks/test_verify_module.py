"""``parcelwire.webhooks.verify``: for receivers, who have the light install only."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from parcelwire.signatures.signing import sign_standard, sign_timestamp
from parcelwire.webhooks import verify
from tests.unit.webhooks.builders import SECRET

NOW = 1_772_359_200.0


def test_it_needs_nothing_but_the_standard_library() -> None:
    code = (
        "import sys; before = set(sys.modules);"
        "from parcelwire.webhooks import verify; import parcelwire.webhooks.verify;"
        "new = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(*sorted(new - set(sys.stdlib_module_names)));"
        "print(*sorted(n for n in sys.modules if n.startswith('parcelwire.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    packages, modules = done.stdout.strip().splitlines()
    assert packages == "parcelwire"
    assert modules.split() == [
        "parcelwire.signatures",
        "parcelwire.signatures.signing",
        "parcelwire.signatures.verify",
        "parcelwire.webhooks",
        "parcelwire.webhooks.verify",
    ]


def test_all_three_signatures_can_be_checked_by_it() -> None:
    stamp = int(NOW)
    body = b'{"a":1}'
    headers = {
        "Webhook-Id": "m",
        "Webhook-Timestamp": str(stamp),
        "Webhook-Signature": sign_standard(SECRET, "m", stamp, body),
        "Timestamp": str(stamp),
        "Signature": sign_timestamp(SECRET, stamp),
    }
    assert verify.verify_standard(body, headers, SECRET, now=NOW).message_id == "m"
    assert verify.verify_v4(headers, SECRET, now=NOW) == stamp
    v2 = b'{"data":{},"verifyInfo":{"timeStr":%d,"signature":"%s"}}' % (
        stamp,
        sign_timestamp("shop@example.com", stamp).encode(),
    )
    assert verify.verify_v2(v2, "shop@example.com", now=NOW)["data"] == {}
    with pytest.raises(verify.WrongSignatureError):
        verify.verify_standard(body + b" ", headers, SECRET, now=NOW)
    with pytest.raises(verify.StaleTimestampError):
        verify.verify_standard(body, headers, SECRET, now=NOW + 301)


def test_the_example_of_the_module_runs_as_it_stands() -> None:
    assert verify.__doc__ is not None
    lines = verify.__doc__.split("\n\n    import time\n")[1].split("\n\n``verify_standard``")[0]
    space: dict[str, object] = {"SECRET": SECRET}
    exec("import time\n" + "\n".join(one[4:] for one in lines.split("\n")), space)  # noqa: S102 - ours
    receive = space["receive"]
    assert callable(receive)
    stamp = int(time.time())
    headers = {
        "webhook-id": "m",
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign_standard(SECRET, "m", stamp, b"{}"),
    }
    assert [receive(b"{}", headers), receive(b"{}", headers), receive(b"[]", headers)] == [
        204,
        204,
        400,
    ]
    seen = space["seen"]
    assert isinstance(seen, verify.SeenIds)
    assert len(seen) == 1


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
        seen = verify.SeenIds()
        assert seen.is_new("a", now=NOW)
        assert seen.is_new("a", now=NOW)
        seen.add("a", now=NOW)
        assert not seen.is_new("a", now=NOW + 1)
        assert seen.is_new("b", now=NOW + 1)

    def test_it_forgets_after_its_time_and_not_before(self) -> None:
        seen = verify.SeenIds(keep_seconds=60)
        seen.add("a", now=NOW)
        assert not seen.is_new("a", now=NOW + 59)
        assert seen.is_new("a", now=NOW + 60)
        seen.add("b", now=NOW + 61)
        assert len(seen) == 1

    def test_it_keeps_the_newest_when_there_are_too_many(self) -> None:
        seen = verify.SeenIds(most=3)
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
        seen = verify.SeenIds(keep_seconds=60, most=2)
        seen.add("a", now=NOW)
        seen.add("b", now=NOW)
        seen.add("a", now=NOW + 30)
        seen.add("c", now=NOW + 30)
        assert not seen.is_new("a", now=NOW + 80)
        assert seen.is_new("b", now=NOW + 30)

    @pytest.mark.parametrize("figures", [{"keep_seconds": 0}, {"most": 0}, {"keep_seconds": -1}])
    def test_figures_that_make_no_sense_are_refused(self, figures: dict[str, int]) -> None:
        with pytest.raises(ValueError, match="more than 0"):
            verify.SeenIds(**figures)
