"""Write the synchronous client from the asynchronous one.

    python tools/generate_sync.py            write src/parcelwire/client/sync
    python tools/generate_sync.py --check    exit 1 if what is there differs

Names are exchanged token by token, and words of docstrings by the same table; ruff then puts the
result into shape, since shorter names break lines elsewhere.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

CLIENT = Path(__file__).parent.parent / "src" / "parcelwire" / "client"
SOURCE, TARGET = CLIENT / "aio", CLIENT / "sync"

NAMES = {
    "AsyncAccountResource": "AccountResource",
    "AsyncAirWaybills": "AirWaybills",
    "AsyncBaseTransport": "BaseTransport",
    "AsyncClient": "Client",
    "AsyncConnections": "Connections",
    "AsyncCouriers": "Couriers",
    "AsyncEndpoints": "Endpoints",
    "AsyncEngine": "Engine",
    "AsyncEvents": "Events",
    "AsyncIterator": "Iterator",
    "AsyncKeys": "Keys",
    "AsyncMessagePager": "MessagePager",
    "AsyncMessages": "Messages",
    "AsyncNativeCouriers": "NativeCouriers",
    "AsyncNativeTrackings": "NativeTrackings",
    "AsyncParcelwire": "Parcelwire",
    "AsyncTrackingEventPager": "TrackingEventPager",
    "AsyncTrackingPager": "TrackingPager",
    "AsyncTrackings": "Trackings",
    "AsyncV4Client": "V4Client",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "aclose": "close",
    "aio": "sync",
    "asynchronous": "synchronous",
    "asyncio": "time",
    "loop_connections": "connections",
}
DROPPED = ("async", "await")
RULES = "F401,I,C416,UP028"
"""What exchanging names leaves behind: unused imports, and loops that need not be any more."""
HEADER = "# Generated from ../aio by tools/generate_sync.py: change that, and generate again.\n"

_WORD = re.compile(r"\b(?:async|await) |\b(?:" + "|".join(map(re.escape, NAMES)) + r")\b")


def to_sync(source: str) -> str:
    """Return the synchronous form of an asynchronous module, before ruff shapes it."""
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    lines = source.splitlines(keepends=True)
    # From the end, so that the places of what is still to be changed stay right.
    for index in range(len(tokens) - 1, -1, -1):
        token = tokens[index]
        (row, start), (end_row, end) = token.start, token.end
        if token.type == tokenize.STRING:
            text = _WORD.sub(lambda found: NAMES.get(found[0], ""), token.string)
        elif token.type != tokenize.NAME:
            continue
        elif token.string in DROPPED:
            text, end = "", tokens[index + 1].start[1]
        elif token.string == "Awaitable" and tokens[index + 1].string == "[":
            # Awaitable[None] -> None
            close = next(i for i in range(index, len(tokens)) if tokens[i].string == "]")
            text, end = tokens[index + 2].string, tokens[close].end[1]
        else:
            text = NAMES.get(token.string, token.string)
        before, after = lines[row - 1][:start], lines[end_row - 1][end:]
        lines[row - 1 : end_row] = [before + text + after]
    return HEADER + "".join(lines)


def shaped(source: str) -> str:
    """Let ruff drop imports that are not needed any more, sort the others, and format."""
    ruff = [sys.executable, "-m", "ruff"]
    name = ["--stdin-filename", str(TARGET / "module.py"), "-"]
    for command in (
        ["check", "--fix", "--unsafe-fixes", "--quiet", "--select", RULES],
        ["format", "--quiet"],
    ):
        done = subprocess.run(  # noqa: S603  (our own command)
            [*ruff, *command, *name], input=source, capture_output=True, text=True, check=True
        )
        source = done.stdout
    return source


def generate() -> dict[str, str]:
    """Return the synchronous modules by their file names."""
    modules = {
        path.name: shaped(to_sync(path.read_text()))
        for path in sorted(SOURCE.glob("*.py"))
        if path.name != "__init__.py"
    }
    modules["__init__.py"] = f'{HEADER}"""The synchronous side, generated from ``aio``."""\n'
    return modules


def main() -> int:
    """Write the modules, or with ``--check`` only compare them."""
    TARGET.mkdir(exist_ok=True)  # ruff sorts imports by what exists
    modules = generate()
    if "--check" in sys.argv[1:]:
        there = {path.name: path.read_text() for path in TARGET.glob("*.py")}
        if there == modules:
            return 0
        print("src/parcelwire/client/sync is not what tools/generate_sync.py writes")
        return 1
    for path in TARGET.glob("*.py"):
        path.unlink()
    for name, source in modules.items():
        (TARGET / name).write_text(source)
    return 0


if __name__ == "__main__":
    sys.exit(main())
