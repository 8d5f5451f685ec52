"""Start the program without waiting for its imports.

    python -m parcelwire.proofs.forge MODULE...

imports the modules, prints a line, and then forks one process for every line of JSON on its
standard input: ``{"arguments": [...], "log": "FILE"}`` runs ``parcelwire`` with these arguments in
the child, exactly as ``python -m parcelwire`` would, and answers ``{"pid": N}``. A line
``{"end": PID, "signal": N, "seconds": S}`` signals the child and answers how it ended; signal 0
only waits. The forge is the children's parent, so that it alone can tell how they ended. When its
input closes, every child that is left is killed.

A start costs a fork and what the program does itself: a tenth of the CPU that its imports cost.
Proofs that kill it a thousand times need that. The forge holds no thread, no lock, no connection
and no event loop, so that the child is as a new process is.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import sys
import time
from typing import Any

PACE_SECONDS = 0.002
"""How often a child that should end is looked at."""


def main(modules: list[str]) -> None:
    """Import ``modules``, then fork what standard input asks for, until it closes."""
    for name in modules:
        importlib.import_module(name)
    # The children share these pages as long as the collector writes no marks into them.
    gc.freeze()
    children: dict[int, int | None] = {}
    _say({"ready": True})
    try:
        for line in sys.stdin:
            order: dict[str, Any] = json.loads(line)
            if "end" in order:
                _say(_end(children, order["end"], order["signal"], order["seconds"]))
            else:
                pid = os.fork()
                if pid == 0:
                    _become(order["arguments"], order["log"])
                children[pid] = None
                _say({"pid": pid})
    finally:
        for pid in children:
            _end(children, pid, signal.SIGKILL, 10.0)


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _become(arguments: list[str], log: str) -> None:
    """Be the program; never return."""
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), 0)
        into = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.dup2(into, 1)
        os.dup2(into, 2)
        sys.argv = ["parcelwire", *arguments]
        gc.unfreeze()
        runpy.run_module("parcelwire", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  # the child must not go on as a second forge
        import traceback  # only then

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end(children: dict[int, int | None], pid: int, number: int, seconds: float) -> dict[str, Any]:
    """Signal a child and wait for its end; ``code`` is as ``subprocess`` has it, None: still there.

    ``was_alive`` False: it had ended by itself before the signal.
    """
    if children[pid] is not None:
        return {"code": children[pid], "was_alive": False}
    ended, status = os.waitpid(pid, os.WNOHANG)
    was_alive = ended == 0
    if was_alive and number:
        os.kill(pid, number)
    deadline = time.monotonic() + seconds
    while ended == 0 and time.monotonic() < deadline:
        time.sleep(PACE_SECONDS)
        ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
        children[pid] = os.waitstatus_to_exitcode(status)
    return {"code": children[pid], "was_alive": was_alive}


if __name__ == "__main__":
    main(sys.argv[1:])
