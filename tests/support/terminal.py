"""A person at a terminal: commands run in this process, in a folder of their own.

    def test_it(terminal):
        assert terminal("key", "list").out == "There are no keys. ..."
        assert terminal.fails("key", "revoke", "x") == "parcelwire: there is no key x…; ..."

Everything is real but the process: arguments, settings, SQLite file, exit code. ``Listener`` is the
other end of the line: a web server in a thread, because commands bring an event loop of their own.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parcelwire.cli.main import main

EMAIL = "shop@shop.example"
"""The account of ``shop``."""

_LOGGED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}Z (DEBUG|INFO|WARNING) ")


class Result(msgspec.Struct, frozen=True):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    def ending(self, code: int) -> str:
        """Return the last line of standard error, after the exit code was checked."""
        assert self.code == code, self
        return (self.err.splitlines() or [""])[-1]


def first(pattern: str, text: str) -> str:
    """Return what the group of ``pattern`` finds in ``text``."""
    found = re.search(pattern, text)
    assert found is not None, text
    return found[1]


Run = Callable[..., Coroutine[Any, Any, Result]]
"""Runs a command in a thread, so that a server in this process can answer it."""


class Terminal:
    """Runs commands in ``folder``."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.chdir(folder)
        # The logins of whoever runs the tests are nobody's business.
        monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "home" / "config"))
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "home" / "state"))
        for name in os.environ:
            if name.startswith(("PARCELWIRE_", "DEMO_", "TRACKINGMORE_")):
                monkeypatch.delenv(name)

    def set(self, **settings: str) -> None:
        """Set environment variables of the commands to come, e.g. ``STORE_URL``."""
        for name, value in settings.items():
            self._monkeypatch.setenv(f"PARCELWIRE_{name}", value)

    def run(self, *arguments: str) -> Result:
        """Run one command, whatever its end."""
        self._capsys.readouterr()
        code: object = 0
        root, before = logging.getLogger(), (*logging.getLogger().handlers,)
        level = root.level
        try:
            main(list(arguments))
        except SystemExit as end:
            code = end.code
        finally:
            # Servers log to this command's standard error, which is gone when it has ended.
            root.handlers[:] = before
            root.setLevel(level)
        out, err = self._capsys.readouterr()
        assert isinstance(code, int)
        return Result(code, out, err)

    def __call__(self, *arguments: str) -> str:
        """Run a command that must succeed; return what it printed."""
        result = self.run(*arguments)
        assert (result.code, result.err) == (0, ""), result
        return result.out

    def fails(self, *arguments: str, code: int = 1) -> str:
        """Run a command that must fail with one line; return that line."""
        result = self.run(*arguments)
        assert result.code == code, result
        # A server may have logged before it failed.
        lines = [line for line in result.err.splitlines() if not _LOGGED.match(line)]
        assert len(lines) == 1, result
        assert lines[0].startswith("parcelwire: "), result
        return lines[0]

    def refuses(self, *arguments: str) -> str:
        """Run a command that is called wrongly; return what is wrong."""
        result = self.run(*arguments)
        assert (result.code, result.out) == (2, ""), result
        assert result.err.startswith("Usage: "), result
        return result.err.splitlines()[-1]


class Call(msgspec.Struct, frozen=True):
    """One HTTP call that a listener heard."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = tuple[int, bytes, dict[str, str]]
"""HTTP status, body, headers."""


@contextmanager
def listener(answer: Callable[[Call], Answer]) -> Iterator[str]:
    """Serve what ``answer`` says on a free loopback port; yields the base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.command, self.path, headers, self.rfile.read(length))
            status, body, more = answer(call)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
