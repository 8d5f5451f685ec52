"""The commands beside a server that runs: the same database, two processes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from parcelwire.connectors.carriers.swiss_post import CONNECTOR as SWISS_POST
from parcelwire.connectors.mock_servers import Behaviour, Script
from parcelwire.connectors.mock_servers.server import MockServer, base_urls_of
from parcelwire.connectors.mock_servers.serving import run_mock_server
from parcelwire.domain.clock import FrozenClock
from parcelwire.signatures.verify import verify_standard
from tests.contract.store.postgres_fixture import shared_cluster
from tests.support.process import Server, free_port, run_command
from tests.support.terminal import Answer, Call, listener

pytestmark = pytest.mark.slow

EMAIL = "shop@shop.example"
DELIVERED = "99.00.123456.12345111"


class Place:
    """A folder with settings, and the commands run in it as processes of their own."""

    def __init__(self, folder: Path, store_url: str | None = None, **more: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.config = folder / "parcelwire.toml"
        self.log = folder / "server.log"
        store_url = store_url or f"sqlite:{folder / 'parcelwire.db'}"
        sections = {
            "server": f"port = {self.port}",
            "store": f"url = {json.dumps(store_url)}",
            "secrets": f"key_file = {json.dumps(str(folder / 'parcelwire.key'))}",
            "polling": "idle_seconds = 0.2",
            "webhooks": 'allowed_networks = ["127.0.0.0/8"]',
            **more,
        }
        text = "".join(f"[{name}]\n{lines}\n" for name, lines in sections.items())
        self.config.write_text(text, "utf-8")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __call__(self, *arguments: str) -> str:
        return run_command(self.config, *arguments)

    def key(self, *arguments: str) -> str:
        return self("key", "create", "--account", EMAIL, "--quiet", *arguments).strip()

    @contextmanager
    def server(self, command: str = "serve") -> Iterator[Server]:
        """Run a server while the block runs; it must stop when asked, with exit code 0."""
        port = None if command == "worker" else self.port
        server = Server(self.config, port, self.folder / f"{command}.log", command)
        server.start()
        try:
            yield server
        except BaseException:
            server.kill()
            raise
        assert server.stop() == 0, server.log.read_text()
        assert "Traceback" not in server.log.read_text()


async def call(
    place: Place, method: str, path: str, key: str, body: object = None
) -> tuple[int, dict[str, object]]:
    headers = {"Tracking-Api-Key": key, "Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, f"{place.url}{path}", json=body) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_revoked_key_is_refused_within_two_seconds(tmp_path: Path) -> None:
    place = Place(tmp_path)
    key, other = place.key(), place.key()
    with place.server():
        assert (await call(place, "GET", "/v4/trackings/get", key))[0] == 200
        place("key", "revoke", key[:16])
        revoked_at = time.monotonic()
        # Asked all the time, as a busy shop does, so that a remembered key would be renewed.
        while (await call(place, "GET", "/v4/trackings/get", key))[0] == 200:
            assert time.monotonic() - revoked_at < 2
            await asyncio.sleep(0.05)
        status, answer = await call(place, "GET", "/v4/trackings/get", key)
        assert (status, answer["meta"]["code"]) == (401, 401)  # type: ignore[index]
        assert (await call(place, "GET", "/v4/trackings/get", other))[0] == 200
        # And a key made while the server runs is good at once.
        assert (await call(place, "GET", "/v4/trackings/get", place.key()))[0] == 200


async def test_an_endpoint_added_beside_a_running_server(tmp_path: Path) -> None:
    place = Place(tmp_path, carriers="simulated_time_scale = 864000.0")
    key = place.key("--test")
    heard: list[Call] = []

    def answer(call: Call) -> Answer:
        heard.append(call)
        return 204, b"", {}

    with listener(answer) as url, place.server():
        added = place("webhook", "create", f"{url}/hook", "--test", "--dialect", "native")
        endpoint_id, secret = added.split()[1], added.split()[3]
        body = {"tracking_number": "SIM-NORMAL-0001", "courier_code": "dhl"}
        assert (await call(place, "POST", "/v4/trackings/create", key, body))[0] == 200
        assert await until(lambda: any(b'"delivered"' in one.body for one in heard))
        for one in heard:
            verify_standard(one.body, one.headers, secret, now=time.time())
        log = place("webhook", "log", "--test", "--endpoint", endpoint_id, "--limit", "1")
        message_id = log.split()[0]
        count = len(heard)
        # The server, not the command, sends again.
        place("webhook", "resend", message_id)
        assert await until(lambda: len(heard) > count)
        assert heard[-1].headers["webhook-id"] == message_id
        # Whichever process sends the test event, the command learns of it.
        assert "HTTP 204" in place("webhook", "test", endpoint_id)


async def until(is_so: object) -> bool:
    """Wait until ``is_so()`` (at most 20 seconds); tell whether it came to that."""
    assert callable(is_so)
    for _ in range(400):
        if is_so():
            return True
        await asyncio.sleep(0.05)
    return False


async def test_the_page_and_the_health_of_a_server(tmp_path: Path) -> None:
    place = Place(tmp_path)
    key = place.key("--test")
    with place.server():
        body = {"tracking_number": "SIM-NORMAL-0001", "courier_code": "dhl"}
        _, created = await call(place, "POST", "/v4/trackings/create", key, body)
        assert created["meta"]["code"] == 200  # type: ignore[index]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{place.url}/readyz") as answer:
                assert await answer.json() == {"status": "ready"}
            async with session.get(f"{place.url}/t/AAAAAAAAAAAAAAAAAAAAAAAAAAA") as answer:
                assert answer.status == 404
                assert "There is no parcel here" in await answer.text()
    log = (tmp_path / "serve.log").read_text()
    assert f"listening on {place.url}" in log
    assert "stopping" in log
    assert key not in log


def test_port_0_takes_a_free_port_and_says_which(tmp_path: Path) -> None:
    place = Place(tmp_path, server="port = 0")
    with subprocess.Popen(
        [sys.executable, "-m", "parcelwire", "--config", str(place.config), "serve"],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        line = next(one for one in process.stderr if "listening on" in one)
        assert int(line.rstrip().rpartition(":")[2]) > 0
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(timeout=40) == 0
    assert "Traceback" not in rest


async def test_one_question_to_a_carrier(tmp_path: Path) -> None:
    """``track`` with a connection's credentials, against the local Swiss Post."""
    script = Script(scenario_seconds=0)
    client = {"client_id": "me", "client_secret": "secret"}
    application = MockServer(SWISS_POST, FrozenClock(), script, credentials=client).application()
    async with run_mock_server(application) as url:
        urls = json.dumps(base_urls_of(SWISS_POST, url)).replace(": ", " = ")
        place = Place(tmp_path, carriers=f'base_urls = {{ "swiss-post" = {urls} }}')
        place.key()
        credentials = [f"--set={name}={value}" for name, value in client.items()]
        await asyncio.to_thread(place, "carrier", "connect", "swiss-post", *credentials)
        out = await asyncio.to_thread(place, "track", DELIVERED)
        assert out.splitlines()[0].startswith("990012345612345111  Swiss Post  delivered")
        for behaviour, says in (
            (Behaviour.UNKNOWN, "the carrier does not know this number (yet)"),
            (Behaviour.RATE_LIMITED, "the carrier asks us to wait"),
            (Behaviour.HTML, "the carrier's answer was not understood"),
        ):
            script.show(behaviour)
            with pytest.raises(subprocess.CalledProcessError) as failed:
                await asyncio.to_thread(place, "track", DELIVERED)
            assert script.shown[behaviour] > 0
            assert failed.value.returncode == (3 if behaviour is Behaviour.UNKNOWN else 1)
            assert says in failed.value.stderr
            assert "Traceback" not in failed.value.stderr


async def test_api_and_worker_apart_on_postgresql(tmp_path: Path) -> None:
    dsn = shared_cluster().create_database(is_migrated=False)
    place = Place(tmp_path, dsn, carriers="simulated_time_scale = 864000.0")
    key = place.key("--test")
    body = {"tracking_number": "SIM-NORMAL-0001", "courier_code": "dhl"}
    with place.server("api"):
        _, created = await call(place, "POST", "/v4/trackings/create", key, body)
        assert created["meta"]["code"] == 200  # type: ignore[index]
        with place.server("worker"):

            async def status() -> object:
                _, answer = await call(place, "GET", "/v4/trackings/get", key)
                return answer["data"][0]["delivery_status"]  # type: ignore[index]

            deadline = time.monotonic() + 30
            while await status() != "delivered":
                assert time.monotonic() < deadline
                await asyncio.sleep(0.2)
    assert "polling and delivering" in (tmp_path / "worker.log").read_text()


async def test_a_suspension_by_the_command_stops_server_and_worker(tmp_path: Path) -> None:
    dsn = shared_cluster().create_database(is_migrated=False)
    place = Place(
        tmp_path,
        dsn,
        carriers="simulated_time_scale = 864000.0",
        api="realtime_interval_seconds = 0",
    )
    key = place.key("--test")
    calls: list[Call] = []

    def answer(call: Call) -> Answer:
        calls.append(call)
        return 204, b"", {}

    async def wait_for(what: Callable[[], Awaitable[bool]]) -> None:
        deadline = time.monotonic() + 60
        while not await what():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)

    async def is_refused() -> bool:
        status, _ = await call(place, "GET", "/v4/trackings/get", key)
        return status == 403

    async def fetch(sql: str) -> list[object]:
        link = await asyncpg.connect(dsn)
        try:
            return [row[0] for row in await link.fetch(sql)]
        finally:
            await link.close()

    async def has_message() -> bool:
        status, _ = await call(place, "POST", f"/api/trackings/{tracking_id}/refresh", key)
        assert status == 200
        return bool(await fetch("select id from message"))

    async def is_held() -> bool:
        reasons = await fetch("select due_reason from poll")
        return reasons == ["the account is suspended"]

    async def is_called() -> bool:
        return bool(calls)

    with listener(answer) as url:
        with place.server("api"):
            place("webhook", "create", url, "--test")
            body = {"tracking_number": "SIM-NORMAL-0001", "courier_code": "dhl"}
            _, created = await call(place, "POST", "/v4/trackings/create", key, body)
            tracking_id = created["data"]["id"]  # type: ignore[index]
            await wait_for(has_message)
            place("account", "suspend", EMAIL, "--reason", "unpaid")
            await wait_for(is_refused)
        assert "suspended since" in place("account", "list")
        await fetch("update poll set due_at = 1, leased_until = 0")
        # The worker finds a poll and a message that are due, and leaves both.
        with place.server("worker"):
            await wait_for(is_held)
            assert calls == []
            assert place("account", "resume", EMAIL) == f"{EMAIL} is resumed.\n"
            await wait_for(is_called)
    assert place("account", "resume", EMAIL) == f"{EMAIL} was not suspended.\n"


def test_a_second_server_on_the_port_ends_at_once(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with place.server():
        done = subprocess.run(
            [sys.executable, "-m", "parcelwire", "--config", str(place.config), "serve"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        f"parcelwire: cannot listen on 127.0.0.1:{place.port}: "
    )
    assert "Traceback" not in done.stderr


def test_piping_into_a_program_that_stops_reading(tmp_path: Path) -> None:
    """``parcelwire couriers | head -1`` must not end in a traceback."""
    with subprocess.Popen(
        [sys.executable, "-m", "parcelwire", "couriers"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        process.wait(timeout=30)
    assert b"Traceback" not in errors
