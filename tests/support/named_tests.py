"""Tables of tests name them as pytest does: ``path``, ``path::test`` or ``path::Class::test``."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def why_missing(test: str) -> str | None:
    """Say why there is no test of this name, or return ``None`` where there is one."""
    path, *names = test.split("::")
    if not (ROOT / path).is_file():
        return f"{path} is not there"
    scope: ast.AST = _parsed(path)
    for name in names:
        found = [one for one in getattr(scope, "body", []) if getattr(one, "name", "") == name]
        if not found:
            return f"{test} is not there"
        scope = found[0]
    if not any(_is_test(node) for node in ast.walk(scope)):
        return f"{test} has no test"
    return None


@cache
def _parsed(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"))


def _is_test(node: ast.AST) -> bool:
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return isinstance(node, functions) and node.name.startswith("test_")
