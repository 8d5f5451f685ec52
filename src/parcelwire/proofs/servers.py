"""The real program as a process of its own: started, killed, started again."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 40.0

PRELOADED: Final = (
    "parcelwire.cli.main",
    "parcelwire.cli.serve",
    "parcelwire.server.runner",
    "parcelwire.store.sqlite",
    "uvicorn",
    "uvicorn.lifespan.off",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto",
    "uvloop",
    "asyncio.runners",
)
"""What ``parcelwire serve`` imports sooner or later, for a forge."""


class DiedError(Exception):
    """A server ended although nobody had ended it; the text is the end of its log."""


class Ending(msgspec.Struct, frozen=True):
    """How a process ended."""

    code: int | None
    """Exit code, negative for a signal; None: it is still there."""
    was_alive: bool
    """False: it had ended by itself before it was signalled."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody uses now.

    It is below those that systems give to outgoing connections: one of them would be taken by
    somebody else while the server that listens there is dead for a moment.
    """
    for _ in range(100):
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    msg = "no port between 20000 and 32000 is free"
    raise OSError(msg)


def clean_environment() -> dict[str, str]:
    """Return this process's environment without settings of Parcelwire's.

    They would override the scratch configuration that a proof writes.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PARCELWIRE_")}
    return {**kept, "PYTHONUNBUFFERED": "1"}


def run_command(config: Path, *arguments: str, timeout: float = 60.0) -> str:
    """Run ``parcelwire`` to its end and return what it printed.

    Raises:
        subprocess.CalledProcessError: it ended with another code than 0.
    """
    done = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "parcelwire", "--config", str(config), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=True,
        env=clean_environment(),
    )
    return done.stdout


class Forge:
    """Forks servers from a process that has imported them (see ``forge``)."""

    def __init__(self, extra: Sequence[str] = (), folder: Path | None = None) -> None:
        """``extra``: modules to import after ours, looked for in ``folder`` too."""
        self._process = subprocess.Popen(  # noqa: S603  # our own module
            [sys.executable, "-m", "parcelwire.proofs.forge", *PRELOADED, *extra],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(),
            cwd=folder,
        )
        self._is_ready = False
        self._lock = threading.Lock()  # several servers' threads may ask

    def start(self, arguments: Sequence[str], log: Path) -> int:
        """Fork the program with these arguments; return its process id."""
        pid: int = self._ask({"arguments": list(arguments), "log": str(log)})["pid"]
        return pid

    def end(self, pid: int, number: int, seconds: float) -> Ending:
        """Signal a server (0: do not) and wait up to ``seconds`` for its end."""
        return msgspec.convert(
            self._ask({"end": pid, "signal": int(number), "seconds": seconds}), Ending
        )

    def close(self) -> None:
        """Kill what is left, end the forge."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            if not self._is_ready:
                self._read()
                self._is_ready = True
            if self._process.stdin is None:
                raise RuntimeError
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return self._read()

    def _read(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            msg = "the forge ended"
            raise RuntimeError(msg)
        answer: dict[str, Any] = json.loads(line)
        return answer


class Server:
    """One ``parcelwire serve`` (or ``api``, ``worker``), which may be killed and started again.

    With a ``forge`` it is forked; without, it is a new interpreter, as an operator starts it.
    """

    def __init__(
        self,
        config: Path,
        port: int | None,
        log: Path,
        command: str = "serve",
        *,
        forge: Forge | None = None,
    ) -> None:
        self.config = config
        self.port = port
        self.log = log
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None
        self.forge = forge
        self._pid: int | None = None

    @property
    def pid(self) -> int:
        """The id of the process that runs."""
        if self._pid is not None:
            return self._pid
        if self.process is None:
            msg = "it was never started"
            raise RuntimeError(msg)
        return self.process.pid

    def start(self) -> None:
        """Start it, and wait until it answers (a worker: until it runs)."""
        self.launch()
        if self.port is not None:
            self.wait_ready()

    def launch(self, *, is_new: bool = False) -> None:
        """Start it without waiting. ``is_new``: as a new interpreter although there is a forge."""
        arguments = ["--config", str(self.config), self.command]
        if self.forge is not None and not is_new:
            self.process, self._pid = None, self.forge.start(arguments, self.log)
            return
        self._pid = None
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  # our own command
                [sys.executable, "-m", "parcelwire", *arguments],
                stdout=log,
                stderr=log,
                env=clean_environment(),
            )

    def kill(self) -> Ending:
        """End it at once, as a power cut of the process would: SIGKILL."""
        return self._end(signal.SIGKILL, 10.0)

    def stop(self) -> int:
        """Ask it to stop and return its exit code; after 40 seconds it is killed."""
        ending = self._end(signal.SIGTERM, STOP_SECONDS)
        if ending.code is None:
            self.kill()
            msg = f"{self.command} did not stop in {STOP_SECONDS:g} s:\n{self.tail()}"
            raise RuntimeError(msg)
        return ending.code

    def is_alive(self) -> bool:
        """Tell whether it still runs."""
        if self._pid is not None and self.forge is not None:
            return self.forge.end(self._pid, 0, 0.0).code is None
        return self.process is not None and self.process.poll() is None

    def tail(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until ``/readyz`` answers 200.

        Raises:
            DiedError: it ended instead.
            TimeoutError: it does not.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.status("/readyz") == 200:
                return
            if not self.is_alive():
                msg = f"{self.command} ended by itself:\n{self.tail()}"
                raise DiedError(msg)
            time.sleep(0.02)
        msg = f"{self.command} did not come up in {seconds:g} s:\n{self.tail()}"
        raise TimeoutError(msg)

    def status(self, path: str, seconds: float = 5.0) -> int:
        """Return the HTTP status that a GET of ``path`` is answered with; 0: no answer."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            link.request("GET", path)
            return link.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            link.close()

    def _end(self, number: int, seconds: float) -> Ending:
        if self._pid is not None and self.forge is not None:
            return self.forge.end(self._pid, number, seconds)
        if self.process is None:
            msg = "it was never started"
            raise RuntimeError(msg)
        was_alive = self.process.poll() is None
        if was_alive:
            self.process.send_signal(number)
        try:
            return Ending(self.process.wait(timeout=seconds), was_alive)
        except subprocess.TimeoutExpired:
            return Ending(None, was_alive)
