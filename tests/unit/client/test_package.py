"""What the light install promises: few dependencies, a quick import, equal sides, types."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import parcelwire
import parcelwire.client

ROOT = Path(__file__).parents[3]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_synchronous_side_is_generated() -> None:
    tool = ROOT / "tools" / "generate_sync.py"
    done = subprocess.run([sys.executable, str(tool), "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_at_most_three_direct_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=\[; ]", line)[0] for line in project["dependencies"]}
    assert names == {"httpx2", "msgspec"}
    assert (ROOT / "src" / "parcelwire" / "py.typed").exists()


def test_the_client_needs_nothing_of_the_server() -> None:
    """Importing all of it, and making clients, loads its dependencies and no other package."""
    code = (
        "import sys, pkgutil, importlib; before = set(sys.modules);"
        "import parcelwire.client as c;"
        "[getattr(c, name) for name in c.__all__];"
        "from parcelwire.compat import trackingmore;"
        "c.Parcelwire('k'); c.AsyncParcelwire('k');"
        "new = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(*sorted(new - set(sys.stdlib_module_names)));"
        "print(*sorted(n for n in sys.modules if n.count('.') == 1 and n[:11] == 'parcelwire.'))"
    )
    packages, rooms = run(code).splitlines()
    needed = {"httpx2", "httpcore2", "msgspec", "parcelwire"}
    assert needed <= set(packages.split())
    of_the_server = {"aiohttp", "apsw", "asyncpg", "uvicorn", "starlette", "click", "cryptography"}
    assert not of_the_server & set(packages.split())
    assert rooms.split() == ["parcelwire.client", "parcelwire.compat", "parcelwire.signatures"]


def test_importing_is_quick() -> None:
    """The target is 150 ms of CPU; the best of three tells what the code needs."""
    code = (
        "import time; t = time.process_time(); from parcelwire import Parcelwire;"
        "print(time.process_time() - t)"
    )
    assert min(float(run(code)) for _ in range(3)) < 0.150
    heavy = "import sys; from parcelwire import Parcelwire; print('httpx2' in sys.modules)"
    assert run(heavy) == "False"


def test_the_package_alone_loads_no_client() -> None:
    code = "import sys, parcelwire; print('parcelwire.client' in sys.modules)"
    assert run(code) == "False"


def test_every_public_name_is_there() -> None:
    for name in parcelwire.client.__all__:
        assert getattr(parcelwire.client, name).__name__ == name or name == "ClientOptions"
    assert dir(parcelwire) == ["AsyncParcelwire", "Parcelwire", "__version__"]
    for module in (parcelwire, parcelwire.client):
        with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
            module.Nothing  # noqa: B018  (asking is the test)


@pytest.mark.parametrize("sample", sorted((ROOT / "tests" / "types").glob("*.py")))
def test_a_project_that_uses_it_passes_mypy_strict(sample: Path, tmp_path: Path) -> None:
    """By itself, outside this checkout, as a project that has the package installed."""
    copy = tmp_path / sample.name
    copy.write_text(sample.read_text())
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", copy.name],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
