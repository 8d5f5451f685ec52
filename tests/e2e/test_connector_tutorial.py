"""The tutorial of docs/connectors.md, done as it is written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/connectors.md"
BLOCK = re.compile(r"^( *)```(sh|toml|md)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks() -> dict[str, list[str]]:
    """Return the blocks of the tutorial, by their language."""
    section = PAGE.read_text("utf-8").split("## A connector in an hour", 1)[1]
    section = section.split("\n## ", 1)[0]
    found: dict[str, list[str]] = {"sh": [], "toml": [], "md": []}
    for _, language, text in BLOCK.findall(section):
        found[language].append(textwrap.dedent(text))
    return found


def run(block: str, folder: Path) -> subprocess.CompletedProcess[str]:
    commands = Path(sys.executable).parent
    return subprocess.run(
        ["/bin/sh", "-ec", block],
        cwd=folder,
        env={**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )


def test_from_new_to_sound(tmp_path: Path) -> None:
    told = blocks()
    (begin, check, record), (codes,), (readme,) = told["sh"], told["toml"], told["md"]
    begun = run(begin, tmp_path)
    assert begun.returncode == 0, begun.stderr
    first = run(check, tmp_path)
    assert first.returncode == 1
    assert "paper_post/README.md:3: a part is still to be written (TODO)" in first.stdout
    assert first.stdout.count("connector record writes it") == 3
    with (tmp_path / "paper_post/status.toml").open("a") as table:
        table.write(f"\n{codes}")
    recorded = run(record, tmp_path)
    assert recorded.returncode == 0, recorded.stderr
    assert recorded.stdout.count("read it before you keep it") == 4
    (tmp_path / "paper_post/README.md").write_text(readme, "utf-8")
    last = run(check, tmp_path)
    assert (last.returncode, last.stdout) == (0, "paper-post: sound, 4 cases, bronze\n")
    made = json.loads((tmp_path / "paper_post/fixtures/at_shop.out.json").read_text("utf-8"))
    assert made["reports"][0]["checkpoints"][-1]["substatus"] == "pickup002"


def test_a_broken_folder_does_not_hide_the_others(tmp_path: Path) -> None:
    assert run(blocks()["sh"][0], tmp_path).returncode == 0
    (tmp_path / "broken_post").mkdir()
    (tmp_path / "broken_post/__init__.py").write_text("import nothing_of_this_name\n", "utf-8")
    told = run("parcelwire connector check broken_post swiss-post paper_post", tmp_path)
    assert told.returncode == 1
    lines = told.stdout.splitlines()
    assert lines[0].startswith("broken_post/__init__.py:1: it cannot be imported: ModuleNotFound")
    assert any(line.startswith("swiss-post: sound, ") for line in lines)
    assert any(line.startswith("paper_post/fixtures/") for line in lines)


def test_what_is_asked_wrongly_is_said_plainly(tmp_path: Path) -> None:
    for call, why in (
        ("check paper", "paper is neither a folder nor the code of a built-in carrier"),
        ("record swiss-post nothing", "there is no fixtures/nothing.in.json"),
        ("new 'Paper Post' --name P --country CH --zone UTC --host https://a.example"
         " --language de --format json --credentials key --dates ymd --batch 1",
         "the code has lower case letters, digits and single hyphens"),
    ):  # fmt: skip
        told = run(f"parcelwire connector {call}", tmp_path)
        assert told.returncode != 0
        assert why in told.stderr
        assert "Traceback" not in told.stderr
    assert list(tmp_path.iterdir()) == []
