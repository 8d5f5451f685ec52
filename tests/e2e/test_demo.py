"""``parcelwire demo`` as a person runs it: a process of its own, watched from outside."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "parcelwire", "demo"]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment in which nothing of this machine's own settings is seen."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("PARCELWIRE")}
    mine.pop("DEMO_SECONDS", None)
    return {**mine, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1", **more}


def figures(output: str) -> dict[str, list[int]]:
    """Return the numbers of each line of the summary."""
    _, summary = output.split("\nSummary\n")
    return {
        line[2:21].strip(): [int(figure) for figure in re.findall(r"\d+", line[21:])]
        for line in summary.splitlines()
    }


def test_it_stops_by_itself_with_everything_delivered_and_verified(tmp_path: Path) -> None:
    started = time.monotonic()
    done = subprocess.run(
        COMMAND,
        cwd=tmp_path,
        env=environment(tmp_path, DEMO_SECONDS="15"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    took = time.monotonic() - started
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    # Ten seconds are the patience with a slow machine, the rest is starting and stopping.
    assert 10 < took < 15 + 10 + 10
    found = figures(done.stdout)
    assert found["trackings"] == [7]
    assert found["checkpoints"][0] > 30
    sent, written = found["webhooks sent"]
    assert sent == written > 30
    assert found["webhooks received"][0] >= sent
    verified, received = found["signatures verified"]
    assert verified == received == found["webhooks received"][0]
    pages = re.findall(r"http://127\.0\.0\.1:\d+/t/[\w-]{20,}", done.stdout)
    assert len(set(pages)) == 7
    for carrier in ("swiss-post", "poste-italiane", "dhl"):
        assert re.search(rf"{carrier} +delivered", done.stdout), carrier
    for dialect in ("v2", "v4", "native"):
        assert re.search(rf" s  {dialect} ", done.stdout), dialect
    # It leaves nothing behind, neither here nor in the folder for temporary things.
    assert list(tmp_path.iterdir()) == []


def test_a_shop_with_the_wrong_secret_makes_it_fail(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--seconds", "10", "--wrong-secret"],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    found = figures(done.stdout)
    verified, received = found["signatures verified"]
    assert verified == 0 < received
    assert found["webhooks sent"][0] == 0
    assert "refused by the shop" in done.stdout
    assert done.stderr.splitlines()[-1].startswith("parcelwire: the demo did not complete")
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_it_with_a_summary(tmp_path: Path) -> None:
    with subprocess.Popen(
        COMMAND,
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        seen = ""
        for line in process.stdout:
            seen += line
            if " s  v4 " in line:
                break
        # The pages it prints are there while it runs.
        (page, *_) = re.findall(r"http://127\.0\.0\.1:\d+/t/[\w-]{20,}", seen)
        with urllib.request.urlopen(page, timeout=10) as answer:  # noqa: S310  # it is http
            assert b"Swiss Post" in answer.read()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=40)
    assert process.returncode == 0, rest + errors
    assert errors == ""
    assert figures(rest)["trackings"] == [7]
    assert list(tmp_path.iterdir()) == []


def test_too_short_a_time_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND,
        cwd=tmp_path,
        env=environment(tmp_path, DEMO_SECONDS="3"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "'--seconds': 3.0 is not in the range x>=10" in done.stderr
