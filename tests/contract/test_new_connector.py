"""A connector that is begun, checked and recorded by commands, in a folder of its own."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from parcelwire.cli.exit_codes import CommandError
from parcelwire.cli.main import cli
from parcelwire.connectors.fixtures import load_expected
from parcelwire.connectors.folders import (
    FolderError,
    check_folder,
    find_folder,
    load_folder,
    missing_cases,
    record_case,
)
from parcelwire.connectors.new import Answers, AnswersError, write_connector
from parcelwire.domain.report import Outcome
from parcelwire.domain.status import Substatus

ROOT = Path(__file__).parents[2]
SUITE = "tests/contract/test_connectors.py"
README = """
# Toy Post

Transport `api`: its contract gives `key`, or `client_id` and `client_secret`. Times are those of
Zurich, in summer and in winter. It says of a number that it is unknown. What is not known: how
long parcels are kept. Sources: it is a toy, so that whoever begins a connector has one to look at;
nothing of it was ever seen at a carrier, and nothing should be read into it.
"""
_count = itertools.count()


def answers(**other: object) -> Answers:
    toy = Answers(
        code=f"toy-post-{next(_count)}",  # a name of its own: Python keeps what it has imported
        name="Toy Post",
        country="CH",
        zone="Europe/Zurich",
        language="de",
        host="https://api.toy-post.example",
    )
    return replace(toy, **other)


def finished(folder: Path) -> Path:
    connector = load_folder(folder)
    for case in missing_cases(connector):
        record_case(connector, case)
    (folder / "README.md").write_text(README, "utf-8")
    return folder


def forget_imports(folder: Path) -> None:
    for name in [one for one in sys.modules if one.partition(".")[0] == folder.name]:
        del sys.modules[name]
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)


@pytest.fixture(autouse=True)
def paths() -> Iterator[None]:
    before = list(sys.path)
    yield
    sys.path[:] = before


@pytest.mark.parametrize("order", ["ymd", "dmy", "mdy"])
@pytest.mark.parametrize("credentials", ["none", "key", "token"])
@pytest.mark.parametrize("form", ["json", "xml"])
def test_what_is_begun_is_nearly_done(
    form: str, credentials: str, order: str, tmp_path: Path
) -> None:
    folder = write_connector(answers(format=form, credentials=credentials, order=order), tmp_path)
    problems = [str(one) for one in check_folder(folder)]
    assert [one for one in problems if "TODO" not in one] == [
        f"fixtures/{case}.out.json:1: it is missing: connector record writes it"
        for case in ("found", "not_understood", "unknown_number")
    ]
    assert all("TODO" not in one or one.startswith("README.md:") for one in problems)
    assert check_folder(finished(folder)) == []
    (found,) = load_expected(folder.name, "found")
    assert found.outcome is Outcome.FOUND
    assert [one.iso_time for one in found.checkpoints] == [
        "2026-04-16T18:05:00+02:00",
        "2026-04-17T07:42:00+02:00",
    ]
    assert found.checkpoints[-1].substatus is Substatus.PICKUP_OUT_FOR_DELIVERY
    assert found.facts is not None
    assert found.facts.weight_grams == 1_200


def test_it_keeps_to_the_style_of_all_others(tmp_path: Path) -> None:
    for form, credentials in itertools.product(("json", "xml"), ("none", "key", "token")):
        write_connector(answers(format=form, credentials=credentials), tmp_path)
    for call in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *call, "--no-cache", "--config"]
        told = subprocess.run(
            [*command, str(ROOT / "pyproject.toml"), str(tmp_path)], capture_output=True, text=True
        )
        assert told.returncode == 0, told.stdout + told.stderr


def test_the_shared_suite_takes_it(tmp_path: Path) -> None:
    """A token, a batch, local times, an XML answer; and no file outside of its folder."""
    toy = answers(format="xml", credentials="token", order="dmy", batch=10)
    folder = finished(write_connector(toy, tmp_path))
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-vv", SUITE],
        cwd=ROOT,
        env={**os.environ, "PARCELWIRE_CONNECTOR": str(folder)},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stdout[-3_000:]
    assert f"test_spoiled_answers_never_raise[{toy.code}-found]" in told.stdout
    assert "swiss-post" not in told.stdout


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("connector.py", "def phrase(self", "def phrase(self,", "connector.py:70: it cannot be"),
        ("connector.py", "state = read_text", "state = 1 / 0 or read_text", "connector.py:"),
        ("manifest.toml", "batch_size = 1", "batch_size = 0", "manifest.toml:14: transport api"),
        ("manifest.toml", 'home_country = "CH"', 'home_country = "ch"', "manifest.toml:5: ch is"),
        ("manifest.toml", 'quality = "bronze"', "quality = ", "manifest.toml:10: "),
        ("status.toml", 'status = "delivered"', 'status = "gone"', "status.toml:1: Invalid enum"),
        ("status.toml", 'code = "OUT"', 'code = "OUT', "status.toml:9: "),
        ("status.toml", 'code = "OUT"', 'code = "ACCEPTED"', "status.toml:8: a second row for"),
        ("fixtures/found.in.json", '"queries"', '"asked"', "fixtures/found.in.json:1: Object"),
        ("fixtures/found.out.json", "Accepted", "Taken", "fixtures/found.out.json:1: TEST0000001"),
    ],
)
def test_a_problem_names_its_file_and_line(
    file: str, old: str, new: str, expected: str, tmp_path: Path
) -> None:
    folder = finished(write_connector(answers(), tmp_path))
    assert check_folder(folder) == []
    forget_imports(folder)
    path = folder / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    problems = [str(one) for one in check_folder(folder)]
    assert any(one.startswith(expected) for one in problems), problems


def leave(file: str) -> Callable[[Path], object]:
    return lambda folder: (folder / file).unlink()


def be_a_folder(file: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        (folder / file).unlink()
        (folder / file).mkdir()

    return change


def add(file: str, content: str) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_text((folder / file).read_text() + content)


def hold(file: str, content: str) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_bytes(content.encode("latin-1"))


def end(old: str, new: str) -> Callable[[Path], object]:
    """Replace a part of the connector itself."""

    def change(folder: Path) -> None:
        path = folder / "connector.py"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    return change


RETURN = "        return parse(queries, response)\n"
LAST = "        [] if meaning else [unmapped_code],\n    )\n"
ROWS = 'code = [{code = "A", status = "transit"}, {code = "A", status = "transit"}]'


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (hold("README.md", "\xff" * 400), "README.md:1: 'utf-8' codec"),
        (hold("manifest.toml", 'code = "\xff"'), "manifest.toml:1: 'utf-8' codec"),
        (hold("manifest.toml", "a = " + "[" * 9_000), "manifest.toml:1: maximum recursion"),
        (hold("status.toml", "a = " + "[" * 9_000), "status.toml:1: maximum recursion"),
        (hold("status.toml", ROWS), "status.toml:1: a second row for code A"),
        (hold("status.toml", '[[code]]\nstatus = "transit"'), "status.toml:1: Object missing"),
        (leave("manifest.toml"), "manifest.toml:1: manifest.toml is missing"),
        (leave("__init__.py"), "__init__.py:1: there is no "),
        (be_a_folder("fixtures/found.out.json"), "fixtures/found.out.json:1: "),
        (end(RETURN, "        return None\n"), "fixtures/found.in.json:1: the exchange does"),
        (end(RETURN, "        return [1]\n"), "fixtures/found.in.json:1: the exchange does"),
        (end(RETURN, "        raise SystemExit(0)\n"), "connector.py:68: fixtures/found.in.json"),
        (end(LAST, LAST + "raise SystemExit(0)\n"), "connector.py:"),
        (
            hold("__init__.py", "from parcelwire.connectors.carriers.swiss_post import CONNECTOR"),
            "__init__.py:1: the CONNECTOR of __init__.py is that of parcelwire.",
        ),
        (
            add("__init__.py", "type(CONNECTOR).__module__ = 'a.b'\n"),
            "__init__.py:1: no manifest.toml beside a.b",
        ),
    ],
)
def test_whatever_is_there_is_a_problem_and_no_crash(
    spoil: Callable[[Path], object], expected: str, tmp_path: Path
) -> None:
    folder = finished(write_connector(answers(), tmp_path))
    forget_imports(folder)
    spoil(folder)
    problems = [str(one) for one in check_folder(folder)]
    assert any(one.startswith(expected) for one in problems), problems


def test_a_table_read_at_import_is_the_files_problem(tmp_path: Path) -> None:
    folder = write_connector(answers(), tmp_path)
    end(LAST, LAST + "TABLE = load_status_table(PACKAGE)\n")(folder)
    hold("status.toml", '[[code]]\ncode = "A"\nstatus = "gone"')(folder)
    (problem,) = check_folder(folder)
    assert str(problem).startswith("status.toml:1: Invalid enum value")


def test_no_module_is_put_in_front_of_another(tmp_path: Path) -> None:
    """Neither the folder, whatever it is called, nor what stands beside it."""
    folder = write_connector(answers(), tmp_path)
    (tmp_path / "colorsys.py").write_text("raise SystemExit(0)", "utf-8")
    load_folder(folder)
    assert str(tmp_path) not in sys.path
    taken = folder.rename(tmp_path / "colorsys")
    with pytest.raises(FolderError, match="a module called colorsys exists already"):
        load_folder(taken)


def test_what_cannot_be_imported_is_imported_anew(tmp_path: Path) -> None:
    folder = write_connector(answers(), tmp_path)
    text = (folder / "connector.py").read_text("utf-8")
    end(LAST, LAST + "1 / 0\n")(folder)
    with pytest.raises(FolderError, match="ZeroDivisionError"):
        load_folder(folder)
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    (folder / "connector.py").write_text(text, "utf-8")
    assert load_folder(folder).manifest.name == "Toy Post"


def test_a_case_is_recorded_in_its_folder_or_not_at_all(tmp_path: Path) -> None:
    folder = write_connector(answers(), tmp_path)
    shutil.copy(folder / "fixtures" / "found.in.json", tmp_path / "x.in.json")
    with pytest.raises(FolderError, match="there is no fixtures"):
        record_case(load_folder(folder), "../../x")
    assert not (tmp_path / "x.out.json").exists()


@pytest.mark.parametrize("what", ["{}['x']", "None", "sys.exit(0)"])
def test_recording_says_what_a_connector_does_wrong(what: str, tmp_path: Path) -> None:
    folder = write_connector(answers(), tmp_path)
    end(RETURN, f"        import sys\n        return {what}\n")(folder)
    told = CliRunner().invoke(cli, ["connector", "record", str(folder), "found"])
    assert isinstance(told.exception, CommandError)
    assert str(told.exception).startswith("found: ")


def test_a_folder_is_found_by_its_code_or_its_path(tmp_path: Path) -> None:
    assert find_folder("swiss-post").name == "swiss_post"
    folder = write_connector(answers(), tmp_path)
    assert find_folder(str(folder)) == folder
    for nothing in ("swiss-paper", "../carriers", "", "."):
        with pytest.raises(FolderError):
            load_folder(find_folder(nothing))


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    toy = answers()
    folder = write_connector(toy, tmp_path)
    (folder / "status.toml").write_text("mine", "utf-8")
    with pytest.raises(FileExistsError):
        write_connector(toy, tmp_path)
    assert (folder / "status.toml").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "Toy Post"},
        {"code": "../toy"},
        {"code": "9"},
        {"code": "class"},
        {"code": "none"},
        {"code": "json"},
        {"code": "parcelwire"},
        {"country": "Switzerland"},
        {"zone": "Europe/Toytown"},
        {"zone": "../etc"},
        {"zone": "Europe"},
        {"language": "german"},
        {"host": "http://toy.example"},
        {"host": 'https://toy.example"'},
        {"host": "https://toy.example/"},
        {"name": 'Toy "Post"'},
        {"name": " "},
        {"name": "Toy\tPost"},
        {"batch": 0},
        {"batch": 1_000},
    ],
    ids=str,
)
def test_answers_that_no_file_could_hold(wrong: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(AnswersError):
        write_connector(replace(answers(), **wrong), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_courier_of_the_registry_is_not_declared_again(tmp_path: Path) -> None:
    folder = write_connector(replace(answers(), code="correos-spain"), tmp_path)
    assert "[[couriers]]" not in (folder / "manifest.toml").read_text("utf-8")
    manifest = folder / "manifest.toml"
    more = '\n[[couriers]]\ncode = "correos-spain"\nname = "Correos"\n'
    manifest.write_text(manifest.read_text("utf-8") + more, "utf-8")
    problems = [str(one) for one in check_folder(folder)]
    assert any("is in the registry and need not be declared" in one for one in problems)


def test_a_courier_takes_no_name_of_another(tmp_path: Path) -> None:
    folder = write_connector(answers(), tmp_path)
    more = '\n[[couriers]]\ncode = "DHL"\nname = "Another"\n'
    manifest = folder / "manifest.toml"
    text = manifest.read_text("utf-8")
    manifest.write_text(text + more, "utf-8")
    line = text.split("\n").index("[[couriers]]") + 1
    problems = [str(one) for one in check_folder(folder)]
    assert f"manifest.toml:{line}: courier DHL cannot be called DHL: that is dhl" in problems
