"""Every fault that was proven in the code keeps a test that would find it again."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[2]
COUNT = 44


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the table."""

    number: int
    what: str
    tests: list[str]


def faults() -> list[Fault]:
    table = tomllib.loads((ROOT / "tests/data/proven_faults.toml").read_text())
    return msgspec.convert(table["fault"], list[Fault])


def test_none_is_left_out() -> None:
    assert [one.number for one in faults()] == list(range(1, COUNT + 1))


@pytest.mark.parametrize("fault", faults(), ids=lambda one: str(one.number))
def test_its_tests_are_there(fault: Fault) -> None:
    assert fault.tests
    for test in fault.tests:
        path, *names = test.split("::")
        body: list[ast.stmt] = ast.parse((ROOT / path).read_text()).body
        tests = [one for one in ast.walk(ast.Module(body, [])) if is_test(one)]
        assert tests, f"{path} has no test"
        for name in names:
            found = [one for one in body if getattr(one, "name", "") == name]
            assert found, f"{test} is not there"
            body = getattr(found[0], "body", [])


def is_test(node: ast.AST) -> bool:
    """Tell whether a node of the syntax tree is a test."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
        "test_"
    )
