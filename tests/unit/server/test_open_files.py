"""How many connections a limit of open files allows."""

from __future__ import annotations

import subprocess
import sys

import pytest

from parcelwire.server.open_files import MOST_CONNECTIONS, connections_for

RAISE = """
import resource
from parcelwire.server.open_files import raise_file_limit
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (128, min(hard, 700)))
print(raise_file_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("files", "connections"),
    [
        (64, 32),
        (256, 128),
        (1_024, 632),
        (20_000, MOST_CONNECTIONS),
    ],
)
def test_files_are_kept_for_what_the_process_opens_itself(files: int, connections: int) -> None:
    assert connections_for(files, 328) == connections


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    done = subprocess.run(
        [sys.executable, "-c", RAISE], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["700", "700"]
