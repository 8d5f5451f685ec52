"""The real process under clients that misuse HTTP: others are answered, and a stop is a stop."""

from __future__ import annotations

import contextlib
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from parcelwire.proofs.servers import Server, clean_environment, free_port, run_command

PATIENCE = 60.0
HALF = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Half: "

SETTINGS = """
[server]
port = {port}
{server}
[store]
url = "sqlite:{folder}/parcelwire.db"
[secrets]
key_file = "{folder}/parcelwire.key"
[carriers]
registry_file = "{folder}/couriers.json"
"""


class LimitedFiles(Server):
    """A server that may open so many files and not one more."""

    files = 1_024

    def launch(self, *, is_new: bool = False) -> None:
        command = [sys.executable, "-m", "parcelwire", "--config", str(self.config), "serve"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", f'ulimit -n {self.files} && exec "$@"', "sh", *command],
                stdout=log,
                stderr=log,
                env=clean_environment(),
            )


def make_server(folder: Path, settings: str = "", *, files: int = 1_024) -> LimitedFiles:
    port = free_port()
    config = folder / "parcelwire.toml"
    config.write_text(SETTINGS.format(port=port, server=settings, folder=folder))
    server = LimitedFiles(config, port, folder / "log")
    server.files = files
    return server


@contextlib.contextmanager
def running(server: LimitedFiles) -> Iterator[LimitedFiles]:
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture
def many_files() -> Iterator[None]:
    """This process opens the other ends of hundreds of connections, where 256 files are usual."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[0] != resource.RLIM_INFINITY and before[0] < 1_000:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def connect(server: Server, data: bytes = b"") -> socket.socket:
    one = socket.create_connection(("127.0.0.1", server.port or 0), timeout=PATIENCE)
    with contextlib.suppress(ConnectionError):
        one.sendall(data)
    return one


def hear(one: socket.socket) -> bytes:
    """Return all that comes until the server closes."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := one.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def ask(server: Server, data: bytes) -> bytes:
    """Return the answer to one request, the last of its connection."""
    with connect(server, data) as one:
        return hear(one)


def get(path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def test_half_sent_heads_keep_nobody_out(tmp_path: Path, many_files: None) -> None:
    """570 half-sent heads at 600 files, 300 of them for connections: it stood still, unlogged."""
    with running(make_server(tmp_path, files=600)) as server, contextlib.ExitStack() as stack:
        key = run_command(
            server.config, "key", "create", "--account", "shop@example.com", "--quiet"
        ).strip()
        for number in range(570):
            stack.enter_context(connect(server, HALF))
            if number % 50 == 49:
                assert status_of(ask(server, get("/healthz"))) == 200
        for path in ("/v4/trackings/get", "/v4/couriers/all"):
            assert status_of(ask(server, get(path, f"Tracking-Api-Key: {key}"))) == 200
        log = server.log.read_text()
        assert "refused: half-sent request closed to make room" in log
        assert "from 127.0.0.1" in log
        assert log.count("refused") < 20


def test_half_sent_heads_are_answered_when_their_time_is_up(tmp_path: Path) -> None:
    with running(make_server(tmp_path, "head_timeout_seconds = 0.5")) as server:
        assert status_of(ask(server, HALF)) == 408
        assert "request head not complete in time" in server.tail()


def test_opening_and_closing_connections_leaves_nothing_behind(tmp_path: Path) -> None:
    with running(make_server(tmp_path)) as server:
        before = files_of(server)
        for number in range(3_000):
            connect(server, HALF if number % 2 else b"").close()
        assert status_of(ask(server, get("/healthz"))) == 200
        deadline = time.monotonic() + PATIENCE
        while files_of(server) > before + 20:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_running_out_of_files_is_survived_and_logged(tmp_path: Path, many_files: None) -> None:
    """An operator who allows more connections than files."""
    server = make_server(tmp_path, "max_connections = 5000", files=80)
    with running(server), contextlib.ExitStack() as stack:
        assert "the process may open 80 files only" in server.tail()
        for _ in range(200):
            with contextlib.suppress(OSError):
                stack.enter_context(connect(server, HALF))
        wait_for(server, "too many open files: new connections fail")
        stack.close()
        server.wait_ready(PATIENCE)
        wait_for(server, "there are files for new connections again")


def test_large_heads_are_refused_and_cost_no_memory(tmp_path: Path) -> None:
    with running(make_server(tmp_path)) as server:
        assert status_of(ask(server, get("/dashboard", "Cookie: a=" + "x" * 60_000))) == 431
        before = session_state_of(server)
        with connect(server, get("/")[:-2]) as one, contextlib.suppress(ConnectionError):
            for _ in range(1_000):
                one.sendall(b"X-Filler: " + b"x" * 32_000 + b"\r\n")
        assert session_state_of(server) - before < 20_000_000


def test_bodies_without_a_key_are_not_held(tmp_path: Path, many_files: None) -> None:
    """200 of 1.9 MB, each sent but for its last byte: they were held for ever."""
    size = 1_900_000
    head = "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n"
    with running(make_server(tmp_path)) as server, contextlib.ExitStack() as stack:
        before = session_state_of(server)
        for number in range(200):
            path = ("/v2/trackings/post", "/v4/trackings/create", "/api/trackings")[number % 3]
            one = stack.enter_context(connect(server, head.format(path, size).encode()))
            with contextlib.suppress(ConnectionError):
                one.sendall(b" " * (size - 1))
            assert b"Unauthorized" in (answer := hear(one)) or b"api-key-missing" in answer
        assert session_state_of(server) - before < 30_000_000
        assert status_of(ask(server, get("/healthz"))) == 200


ODD_VALUES = (
    *(sign * 30_000 for sign in ("\\", '"', ",", ";", "=", "%", "(", "[", "<")),
    "a," * 15_000,
    "a;q=0.1," * 3_700,
    "a;q=" + "9" * 5_000,
    "x" + " " * 30_000 + "x",
    "9" * 5_000,
    "bytes=" + "0-1," * 7_000,
    "bytes=" + "9" * 5_000 + "-",
    'W/"' * 7_000,
    "Mon, 01 Jan 2024 00:00:00 " + "(" * 29_000,
    "Mon, " + "9" * 5_000 + " Jan 2024 00:00:00 GMT",
    "multipart/form-data; " + "boundary=" * 3_000,
)
ODD_HEADERS = (
    *("Range", "If-Range", "If-None-Match", "If-Modified-Since", "Accept-Encoding", "Accept"),
    *("Accept-Language", "Content-Type", "Cookie", "Origin", "Authorization", "Idempotency-Key"),
    *("Tracking-Api-Key", "Parcelwire-Api-Key", "X-Forwarded-For", "Expect"),
)
ODD_QUERIES = (
    "lang=" + "a" * 14_000,
    "a=b&" * 3_000,
    "%" * 14_000,
    "&" * 14_000,
    "lang=%ff" * 1_500,
    "cursor=" + "A" * 14_000,
    *(f"{name}={'9' * 5_000}" for name in ("limit", "items_amount", "created_date_min", "version")),
    "next=/dashboard/" + "a" * 14_000,
)


@pytest.mark.parametrize(
    "path",
    ["/static/widget.js", "/track", "/dashboard/login", "/api/trackings", "/v4/trackings/get"],
)
def test_nothing_odd_in_a_head_is_a_fault_or_takes_long(odd: LimitedFiles, path: str) -> None:
    """What a stranger may send to parsers of ours, of Python's and of the framework's."""
    requests = [get(path, f"{name}: {value}") for name in ODD_HEADERS for value in ODD_VALUES]
    requests += [get(f"{path}?{query}") for query in ODD_QUERIES]
    for one in requests:
        began = time.monotonic()
        assert 200 <= status_of(ask(odd, one)) < 500, one[:120]
        assert time.monotonic() - began < 5, one[:120]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LimitedFiles]:
    with running(make_server(tmp_path_factory.mktemp("odd"))) as server:
        yield server


def wait_for(server: Server, line: str) -> None:
    """Wait until the server has logged something."""
    deadline = time.monotonic() + PATIENCE
    while line not in server.log.read_text():
        assert time.monotonic() < deadline, server.tail()
        time.sleep(0.05)


def files_of(server: Server) -> int:
    """Return how many files a server has open; 0 where the system does not say so."""
    folder = Path(f"/proc/{server.pid}/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def session_state_of(server: Server) -> int:
    """Return the resident bytes of a server; 0 where the system does not say so."""
    try:
        pages = Path(f"/proc/{server.pid}/statm").read_text().split()[1]
    except FileNotFoundError:
        return 0
    return int(pages) * resource.getpagesize()


@pytest.mark.parametrize("path", ["/dashboard/login", "/v4/trackings/create"])
def test_half_sent_bodies_delay_no_stop(tmp_path: Path, path: str) -> None:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nhalf"
    )
    with running(make_server(tmp_path)) as server, contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(connect(server, head.encode()))
            stack.enter_context(connect(server, HALF))
        assert status_of(ask(server, get("/healthz"))) == 200
        began = time.monotonic()
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=PATIENCE) == 0
        # Without the limits it waits for its whole grace of 25 s.
        assert time.monotonic() - began < 15


def test_odd_addresses_and_hosts(tmp_path: Path) -> None:
    with running(make_server(tmp_path, 'public_url = "https://track.shop.example"')) as server:
        for digits in (10, 4_301, 15_000):
            assert status_of(ask(server, get("/track/" + "9" * digits))) == 404

        def under(host: str, path: str) -> bytes:
            return ask(server, get(path).replace(b"Host: localhost", b"Host: " + host.encode()))

        for path in ("/dashboard", "/track", "/t/abc", "/static/tracking.css", "/widget.js"):
            assert status_of(under("evil.example", path)) == 421
            assert status_of(under("track.shop.example", path)) != 421
        # Which of two names counts is seen differently by different readers: none does.
        assert status_of(ask(server, get("/dashboard", "Host: evil.example"))) == 421
        # The API is used under whatever name a client finds it, and writes none of them.
        for path in ("/healthz", "/api/openapi.json"):
            assert status_of(under("evil.example", path)) == 200
        answer = under("track.shop.example", "/track//evil.example/?a=b")
        assert status_of(answer) == 307
        assert b"\r\nlocation: /track//evil.example?a=b\r\n" in answer
        answer = under("track.shop.example", "/dashboard/trackings?a=b")
        assert b"\r\nlocation: /dashboard/login?next=%2Fdashboard%2Ftrackings%3Fa%3Db\r\n" in answer
