"""``make bench``: measure in one run, write ``build/bench.json``, say which targets fall short.

``python -m bench http detection`` measures only what is named.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from bench import targets

SECTIONS = (
    "http",
    "refresh",
    "store_sqlite",
    "store_postgres",
    "pages",
    "deliveries",
    "detection",
    "client",
    "start",
)


def main() -> None:
    """Run what is named on the command line, or everything."""
    figures: dict[str, Any] = {}
    for name in sys.argv[1:] or SECTIONS:
        run: Callable[[], dict[str, Any]] = import_module(f"bench.{name}").run
        print(f"-- {name}", flush=True)
        figures[name] = run()
        for line in targets.lines(name, figures[name]):
            print(line, flush=True)
    build = Path("build")
    build.mkdir(exist_ok=True)
    (build / "bench.json").write_text(json.dumps(figures, indent=2) + "\n")
    print("-- targets")
    short = targets.shortfalls(figures)
    print("\n".join(short) if short else "No target falls short.")


if __name__ == "__main__":
    main()
