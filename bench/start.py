"""From nothing to the first answer: CPU and memory of ``parcelwire serve`` on an empty folder."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any


def run() -> dict[str, Any]:
    """Return CPU seconds to the first answer, and resident megabytes a second later."""
    with tempfile.TemporaryDirectory(prefix="parcelwire-bench-") as text:
        folder = Path(text)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "parcelwire", "serve"],
            cwd=folder,
            env={**os.environ, "PARCELWIRE_SERVER_PORT": str(port)},
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait(f"http://127.0.0.1:{port}/readyz", process)
            cpu = _cpu_seconds(process.pid)
            time.sleep(1)
            return {"first_answer_cpu_seconds": cpu, "resident_mb": _resident_mb(process.pid)}
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=40)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1_000):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None:
                break
            time.sleep(0.01)
    msg = "parcelwire serve did not come up"
    raise RuntimeError(msg)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
