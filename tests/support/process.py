"""The real program as a process of its own: started, killed, started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

START_SECONDS = 30.0


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run_command(config: Path, *arguments: str, timeout: float = 60.0) -> str:
    """Run ``parcelwire`` to its end and return what it printed.

    Raises:
        subprocess.CalledProcessError: it ended with another code than 0.
    """
    done = subprocess.run(
        [sys.executable, "-m", "parcelwire", "--config", str(config), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=True,
    )
    return done.stdout


class Server:
    """One ``parcelwire serve`` (or ``api``, ``worker``), which may be killed and started again."""

    def __init__(self, config: Path, port: int | None, log: Path, command: str = "serve") -> None:
        self.config = config
        self.port = port
        self.log = log
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers (a worker: until it runs)."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "parcelwire", "--config", str(self.config), self.command],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        if self.port is not None:
            self._wait_ready(f"http://127.0.0.1:{self.port}/readyz")

    def kill(self) -> None:
        """End it at once, as a power cut of the process would: SIGKILL."""
        if self.process is None:
            raise RuntimeError
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=10)

    def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        if self.process is None:
            raise RuntimeError
        self.process.terminate()
        return self.process.wait(timeout=40)

    def _wait_ready(self, url: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(url, timeout=1):  # noqa: S310  # always http to loopback
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        msg = f"{self.command} did not come up:\n{self.log.read_text()[-3000:]}"
        raise RuntimeError(msg)
