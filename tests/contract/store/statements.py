"""Which statements the stores have: those of the ``sql`` folder, and those in the code."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import parcelwire.store
from parcelwire.store.postgres.queries import load_queries

_STORE: Final = Path(parcelwire.store.__file__).parent
_VERB: Final = re.compile(r"\s*(select|insert|update|delete|with|replace)\b", re.IGNORECASE)
_COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_FILLED: Final = re.compile(r"/\* \w+ \*/")
_FIELD: Final = re.compile(r"\{\w*\}")
"""Of a template; no statement of ours has braces otherwise."""
_GAP: Final = "\0"
"""Stands for what is only known when a statement is made."""

_LAYOUT: Final = {
    "sqlite": ("migrations.py", "checking.py", "lock.py", "sealings.py"),
    "postgres": ("migrating.py", "sealings.py", "key_naming.py"),
}
"""Files whose statements lay out the database, look it over, or seal it with another key."""
_LAYOUT_SQL: Final = ("sealing.sql", "sequences.sql")

_WHOLE_TABLE: Final = "the operator replaces the whole table by a command"
_BY_ITS_KEY: Final = "one row by its key, when its document cannot be read"

EXEMPT_STATEMENTS: Final = {
    "sqlite": {
        "base.py:CURRENT_KEY": "one row, where there is a key to seal with",
        "queries.py:ADD_REMOTE_AREA": _WHOLE_TABLE,
        "queries.py:COUNT_REMOTE_AREAS": _WHOLE_TABLE,
        "queries.py:FORGET_REMOTE_AREAS": _WHOLE_TABLE,
        "queries.py:STAND_IN": _BY_ITS_KEY,
    },
    "postgres": {
        "remote_areas.sql:clear_remote_areas": _WHOLE_TABLE,
        "remote_areas.sql:lock_remote_areas": _WHOLE_TABLE,
        "trackings.sql:stand_in": _BY_ITS_KEY,
    },
}
"""Statements that need no row, with the reason."""


def statements_of(engine: str) -> dict[str, str]:
    """Return the statements of an engine by name: ``file:name``, or ``file:its first words``."""
    found: dict[str, str] = {}
    for path in sorted((_STORE / engine).glob("*.py")):
        if path.name not in _LAYOUT[engine]:
            module = importlib.import_module(f"parcelwire.store.{engine}.{path.stem}")
            for name, text in _literals(path.read_text("utf-8")):
                # What a constant really is leaves no gaps, but in a template.
                whole = getattr(module, name, text)
                is_whole = isinstance(whole, str) and not _FIELD.search(whole)
                statement = whole if is_whole else text
                if _VERB.match(_COMMENT.sub(" ", statement)):
                    found[f"{path.name}:{name}"] = statement
    if engine == "postgres":
        for path in sorted((_STORE / engine / "sql").glob("*.sql")):
            if path.name not in _LAYOUT_SQL:
                found.update(
                    (f"{path.name}:{name}", _FILLED.sub(_GAP, text))
                    for name, text in load_queries(path.name).items()
                )
    return found


def without_a_run(statements: dict[str, str], ran: set[str]) -> set[str]:
    """Return the names of those that are no part of anything that ran."""
    texts = "\n".join({_plain(text) for text in ran})
    return {name for name, text in statements.items() if not _pattern(text).search(texts)}


def _pattern(text: str) -> re.Pattern[str]:
    # A statement is one line there; what fills a gap is no longer than the line.
    return re.compile(".*".join(re.escape(_plain(part)) for part in text.split(_GAP)))


def _plain(text: str) -> str:
    return " ".join(_COMMENT.sub(" ", text).split())


def _literals(source: str) -> Iterator[tuple[str, str]]:
    tree = ast.parse(source)
    names = {
        id(node.value): node.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if id(node) in parts or id(node) in prose:
            continue
        text = _text_of(node)
        if text is not None and len(text.split()) > 2:
            yield names.get(id(node), " ".join(text.replace(_GAP, "?").split()[:6])), text


def _text_of(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _FIELD.sub(_GAP, node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else _GAP for part in node.values
        )
    return None
