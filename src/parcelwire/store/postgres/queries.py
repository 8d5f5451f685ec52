"""Named queries: each file of ``sql/`` holds statements under ``-- name: ...`` lines."""

from __future__ import annotations

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load_queries(file_name: str) -> dict[str, str]:
    """Return the statements of one file by name.

    Raises:
        RuntimeError: when two have one name.
    """
    text = files(__package__).joinpath("sql", file_name).read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    queries: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in queries:
            msg = f"{file_name} has two queries called {name}"
            raise RuntimeError(msg)
        queries[name] = body.strip()
    return queries
