"""``make bench``: measure in one run, write ``build/bench.json``, say which targets fall short."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench import http, targets


def main() -> None:
    """Run what is named on the command line, or everything."""
    figures = {"http": http.run()}
    for line in targets.lines(figures):
        print(line)
    try:
        from bench import detection
    except ImportError as error:
        print(f"detection is not measured: {error}", file=sys.stderr)
    else:
        figures["detection"] = detection.run()
        print("detection", json.dumps(figures["detection"]))
    build = Path("build")
    build.mkdir(exist_ok=True)
    (build / "bench.json").write_text(json.dumps(figures, indent=2) + "\n")
    short = targets.shortfalls(figures)
    print("\n".join(short) if short else "No target falls short.")


if __name__ == "__main__":
    main()
