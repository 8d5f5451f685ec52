"""The wheel, built from this checkout, in a fresh environment with its dependencies and no more."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PURE = ("parcelwire/client", "parcelwire/compat", "parcelwire/signatures")


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=100, check=False, cwd=cwd)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = "from hatchling.build import build_wheel; import sys; build_wheel(sys.argv[1])"
    done = run(sys.executable, "-c", build, str(folder), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    (found,) = folder.glob("*.whl")
    return found


def closure(names: set[str]) -> set[str]:
    """Return these packages and all that they need, as this environment has them."""
    found, left = set(), set(names)
    while left:
        name = left.pop()
        if name in found:
            continue
        found.add(name)
        for line in requires(name) or ():
            one = Requirement(line)
            if one.marker is None or one.marker.evaluate({"extra": ""}):
                left.add(one.name)
    return found


def test_the_light_install(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
        (metadata,) = [one for one in names if one.endswith(".dist-info/METADATA")]
        text = opened.read(metadata).decode()
    assert "parcelwire/py.typed" in names
    for folder in PURE:
        assert any(name.startswith(folder) for name in names)
    needed = [
        line
        for line in re.findall(r"^Requires-Dist: (.*)$", text, re.MULTILINE)
        if "extra ==" not in line
    ]
    assert len(needed) <= 3
    direct = {Requirement(line).name for line in needed}
    assert direct == {"httpx2", "msgspec"}

    fresh = tmp_path / "fresh"
    assert run(sys.executable, "-m", "venv", str(fresh), cwd=tmp_path).returncode == 0
    python = str(fresh / "bin" / "python")
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(run(python, "-c", where, cwd=tmp_path).stdout.strip())
    for name in closure(direct):
        copy(name, site)
    install = ("-m", "pip", "install", "--no-index", "--quiet", str(wheel))
    done = run(python, *install, cwd=tmp_path)
    # Without an index pip fails unless what was copied is all that the wheel asks for.
    assert done.returncode == 0, done.stderr
    done = run(python, "-m", "pip", "check", cwd=tmp_path)
    assert done.returncode == 0, done.stdout

    code = (
        "import time; t = time.process_time();"
        "from parcelwire import Parcelwire;"
        "print(time.process_time() - t);"
        "from parcelwire.client import unwrap; from parcelwire.compat import trackingmore;"
        "Parcelwire('k').close(); Parcelwire.for_trackingmore('k').close()"
    )
    seconds = []
    for _ in range(3):
        done = run(python, "-c", code, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        seconds.append(float(done.stdout))
    assert min(seconds) < 0.150
    done = run(str(fresh / "bin" / "parcelwire"), "list", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "pip install 'parcelwire[cli]'" in done.stderr


def copy(name: str, site: Path) -> None:
    """Copy an installed package, files and metadata, to another place."""
    for file in distribution(name).files or ():
        source = Path(str(file.locate()))
        if ".." in file.parts or not source.is_file():
            continue
        target = site / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
