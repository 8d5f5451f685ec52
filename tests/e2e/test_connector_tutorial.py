"""The tutorial of docs/connectors.md, done as it is written."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/connectors.md"
BLOCK = re.compile(r"^```(\S*) ?(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
"""A fenced block: its language, what is to be done with it, its text."""


def blocks() -> list[tuple[str, str, str]]:
    """Return the blocks of the tutorial, in their order."""
    section = PAGE.read_text("utf-8").split("## A connector in an hour", 1)[1]
    return BLOCK.findall(section.split("\n## ", 1)[0])


def run(block: str, folder: Path) -> subprocess.CompletedProcess[str]:
    commands = Path(sys.executable).parent
    return subprocess.run(
        ["/bin/sh", "-ec", block],
        cwd=folder,
        env={**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )


def replace_functions(path: Path, block: str) -> None:
    """Do what a reader does with a block of Python: add its imports, replace its functions."""
    text = path.read_text("utf-8")
    for node in ast.parse(block).body:
        source = "\n".join(block.splitlines()[node.lineno - 1 : node.end_lineno])
        if isinstance(node, ast.FunctionDef):
            old = next(
                one
                for one in ast.parse(text).body
                if isinstance(one, ast.FunctionDef) and one.name == node.name
            )
            lines = text.splitlines()
            lines[old.lineno - 1 : old.end_lineno] = source.splitlines()
            text = "\n".join(lines) + "\n"
        else:
            text = text.replace("from collections.abc", f"{source}\nfrom collections.abc", 1)
    path.write_text(text, "utf-8")


def follow(folder: Path) -> tuple[Counter[str], str]:
    """Write every file and run every command, in the order of the page.

    Returns how many blocks of each kind there are, and what the last command said.
    """
    done: Counter[str] = Counter()
    told = ""
    for language, more, text in blocks():
        done[language] += 1
        if language == "sh":
            ran = run(text, folder)
            assert ran.returncode == (1 if more == "fails" else 0), text + ran.stdout + ran.stderr
            told = ran.stdout
        elif language == "text":
            for line in text.splitlines():
                assert line in told.splitlines(), told
        elif language == "python":
            replace_functions(folder / more, text)
        elif language:
            assert more, text
            assert (folder / more).exists() or more.endswith(".in.json")
            (folder / more).write_text(text, "utf-8")
    return done, told


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Counter[str], str]:
    """Give the folder in which the tutorial was followed, and what came of it."""
    folder = tmp_path_factory.mktemp("tutorial")
    return folder / "paper_post", *follow(folder)


def test_from_new_to_sound(built: tuple[Path, Counter[str], str]) -> None:
    folder, done, told = built
    assert done == {"sh": 4, "text": 3, "json": 4, "python": 2, "toml": 2, "md": 1, "": 1}
    assert told == "paper-post: sound, 4 cases, bronze\n"
    report = json.loads((folder / "fixtures/at_shop.out.json").read_text("utf-8"))
    (one,) = report["reports"]
    last = one["checkpoints"][-1]
    assert (last["substatus"], last["local_time"]) == ("pickup002", "2026-04-17T09:10:00")
    assert (last["offset_minutes"], last["time_source"]) == (120, "home")
    assert [unknown["value"] for unknown in one["unmapped"]] == ["RET2"]
    assert "status" not in one["checkpoints"][0]


def test_the_shared_suite_takes_what_was_built(built: tuple[Path, Counter[str], str]) -> None:
    root = PAGE.parents[1]
    suite = "tests/contract/test_connectors.py"
    assert f'make test ARGS="{suite}"' in PAGE.read_text("utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", suite]
    told = subprocess.run(
        command,
        cwd=root,
        env={**os.environ, "PARCELWIRE_CONNECTOR": str(built[0])},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stdout[-3_000:]


def test_what_was_built_is_in_good_style(tmp_path: Path) -> None:
    begin = next(text for language, _, text in blocks() if language == "sh")
    assert run(begin, tmp_path).returncode == 0
    for language, more, text in blocks():
        if language == "python":
            replace_functions(tmp_path / more, text)
    settings = PAGE.parents[1] / "pyproject.toml"
    checked = run(f"ruff check --no-cache --ignore I001,F401 --config {settings} .", tmp_path)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("status.toml", 'code = "OUT"', 'code = "OUX"', "fixtures/found.out.json:1: PP00000011: "),
        (
            "connector.py",
            'f"Bearer {token.value}"',
            "token.value",
            "fixtures/found.in.json:1: request 2: header authorization is ",
        ),
        (
            "mock_server.toml",
            'separator = ","',
            "",
            "mock_server.toml:1: transport api, 3 numbers at once: PP00000011 is not_understood",
        ),
    ],
)
def test_what_is_broken_is_told_as_the_page_says(
    file: str,
    old: str,
    new: str,
    problem: str,
    built: tuple[Path, Counter[str], str],
    tmp_path: Path,
) -> None:
    path = shutil.copytree(built[0], tmp_path / "paper_post") / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    told = run("parcelwire connector check paper_post", tmp_path)
    assert told.returncode == 1
    assert f"\npaper_post/{problem}" in f"\n{told.stdout}"


def test_a_broken_folder_does_not_hide_the_others(tmp_path: Path) -> None:
    begin = next(text for language, _, text in blocks() if language == "sh")
    assert run(begin, tmp_path).returncode == 0
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
