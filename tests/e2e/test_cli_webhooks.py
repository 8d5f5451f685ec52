"""``parcelwire webhook``: on this installation, and on a server elsewhere."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from parcelwire.signatures.verify import VerificationError, verify_standard
from tests.contract.store.postgres_fixture import shared_cluster
from tests.e2e.test_cli_server import Place, call
from tests.support.process import free_port
from tests.support.terminal import Answer, Call, Terminal, first, listener


@pytest.fixture
def shop(shop: Terminal) -> Terminal:
    """The shop, with its receivers on this machine."""
    shop.set(WEBHOOKS_ALLOWED_NETWORKS='["127.0.0.0/8"]')
    return shop


class Ear:
    """Takes what is posted."""

    def __init__(self) -> None:
        self.heard: list[Call] = []
        self.status = 204

    def __call__(self, call: Call) -> Answer:
        self.heard.append(call)
        return self.status, b"", {}


# --- here -------------------------------------------------------------------------------------


def test_an_endpoint_with_everything(shop: Terminal) -> None:
    ear = Ear()
    with listener(ear) as url:
        added = shop(
            *("webhook", "create", f"{url}/hook", "--dialect", "v4", "--description", "the shop"),
            *("--status", "delivered", "--event-type", "tracking.status_changed"),
            *("--header", "X-Shop=alpine = good", "--rate", "5", "--concurrency", "2"),
        )
        endpoint_id = first(r"endpoint (\w+)", added)
        listed = shop("webhook", "list")
        assert listed == (
            f"{endpoint_id}  live  v4      enabled  {url}/hook"
            "  delivered,tracking.status_changed  the shop\n"
        )
        assert "HTTP 204" in shop("webhook", "test", endpoint_id)
    assert ear.heard[0].headers["x-shop"] == "alpine = good"
    assert "signature" in ear.heard[0].headers


def test_an_endpoint_is_changed(shop: Terminal) -> None:
    added = shop(
        "webhook", "create", "https://a.example/", "--status", "pickup", "--header", "x-a=1"
    )
    endpoint_id = first(r"endpoint (\w+)", added)
    change = ("webhook", "update", endpoint_id)
    told = shop(*change, "--url", "https://b.example/", "--description", "new", "--rate", "2")
    assert told == f"{endpoint_id}  live  native  enabled  https://b.example/  pickup  new\n"
    assert shop("webhook", "list") == told
    assert "delivered,exception  new" in shop(
        *change, "--status", "delivered", "--status", "exception"
    )
    assert "https://b.example/  all events  new" in shop(*change, "--all-events", "--clear-headers")
    refused = shop.fails(*change, "--url", "http://10.0.0.1/")
    assert "http://10.0.0.1/ is refused: 10.0.0.1 is not a public address" in refused
    assert "nothing to update" in shop.refuses(*change)
    for both in (("--all-events", "--status", "pickup"), ("--clear-headers", "--header", "a=b")):
        assert "cannot be combined" in shop.refuses(*change, *both)
    assert "there is no endpoint" in shop.fails("webhook", "update", "0" * 32, "--rate", "1")


def test_a_secret_is_replaced(shop: Terminal) -> None:
    ear = Ear()
    with listener(ear) as url:
        added = shop("webhook", "create", url)
        endpoint_id, old = first(r"endpoint (\w+)", added), first(r"secret +(\S+)", added)
        rotated = shop("webhook", "rotate-secret", endpoint_id, "--overlap-hours", "1.5")
        new = first(r"secret +(\S+)", rotated)
        assert re.search(r"stays valid until \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\.", rotated)
        shop("webhook", "test", endpoint_id)
        for secret in (old, new):
            verify_standard(ear.heard[0].body, ear.heard[0].headers, secret, now=time.time())
        gone = shop("webhook", "rotate-secret", endpoint_id, "--overlap-hours", "0")
        assert "is revoked" in gone
        shop("webhook", "test", endpoint_id)
        last = ear.heard[1]
        verify_standard(last.body, last.headers, first(r"secret +(\S+)", gone), now=time.time())
        with pytest.raises(VerificationError):
            verify_standard(last.body, last.headers, new, now=time.time())


def test_messages_are_replayed(shop: Terminal) -> None:
    with listener(Ear()) as url:
        endpoint_id = first(r"endpoint (\w+)", shop("webhook", "create", url))
        shop("webhook", "test", endpoint_id)
        assert shop("webhook", "replay", endpoint_id, "--state", "dead") == (
            "messages due again: 0\n"
        )
        assert shop("webhook", "replay", endpoint_id, "--since", "1h", "--limit", "1") == (
            "messages due again: 1; there may be more: go on with a later --since\n"
        )
        assert "1 pending" in shop("webhook", "list")
        assert "no messages" in shop("webhook", "log", "--until", "2020-01-01")
        log = shop("webhook", "log", "--since", "1h", "--state", "pending")
        assert "endpoint.test" in log
        assert "specify which messages" in shop.refuses("webhook", "replay", endpoint_id)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("create", "https://x.example", "--dialect", "v3"), "is not one of"),
        (("create", "https://x.example", "--event-type", "parcel.lost"), "is not one of"),
        (("create", "https://x.example", "--header", "nothing"), "takes NAME=VALUE"),
        (("create", "https://x.example", "--header", "=a"), "takes NAME=VALUE"),
        (("create", "https://x.example", "--rate", "fast"), "not a valid float"),
        (("rotate-secret", "x", "--overlap-hours", "169"), "not in the range"),
        (("log", "--since", "whenever"), "is not a time"),
        (("replay", "x", "--state", "pending"), "is not one of"),
        (("forward",), "Missing option '--to'"),
        (("forward", "--to", "ftp://localhost/"), "must begin with https:// or http://"),
        (("forward", "--to", "http://a:b@localhost/"), "user name or password"),
        (("forward", "--to", "http://localhost:99999/"), "cannot be read"),
        (("forward", "--to", "http://localhost:3000/", "--since", "soon"), "is not a time"),
        (("forward", "--to", "http://localhost:3000/", "--secret", "whsec_"), "no base64"),
        (("forward", "--to", "http://localhost:3000/", "--host", "http://x"), "pass --key too"),
    ],
)
def test_a_wrong_call(shop: Terminal, arguments: tuple[str, ...], says: str) -> None:
    assert says in shop.refuses("webhook", *arguments)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--header", "webhook-id=1"), "webhook-id is set by Parcelwire"),
        (("--rate", "0"), "rate_per_second"),
        (("--concurrency", "0"), "concurrency"),
        (("--description", "a" * 501), "description"),
    ],
)
def test_an_endpoint_that_cannot_be(shop: Terminal, arguments: tuple[str, ...], says: str) -> None:
    assert says in shop.fails("webhook", "create", "https://x.example", *arguments)


def test_a_server_that_is_not_there(shop: Terminal) -> None:
    where = ("--host", f"http://127.0.0.1:{free_port()}", "--key", "pw_live_x")
    result = shop.run("webhook", "list", *where)
    assert (result.code, result.out) == (5, "")
    assert result.err.startswith("parcelwire: no answer from http://127.0.0.1:")
    with listener(lambda _: (200, b"<html>", {})) as url:
        result = shop.run("webhook", "list", "--host", url, "--key", "pw_live_x")
    assert result.code == 1
    assert "is that the server's address?" in result.err


# --- on a server ------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_server_elsewhere_is_managed_with_a_key(tmp_path: Path) -> None:
    place = Place(tmp_path)
    admin, reading = place.key("--test"), place.key("--test", "--scope", "read")
    there = ("--host", place.url, "--key", admin)
    ear = Ear()
    with listener(ear) as url, place.server():
        added = place("webhook", "create", f"{url}/hook", *there)
        endpoint_id, secret = first(r"endpoint (\w+)", added), first(r"secret +(\S+)", added)
        # On a server the key says which world it is.
        assert place("webhook", "list", *there) == (
            f"{endpoint_id}  native  enabled  {url}/hook  all events\n"
        )
        assert place("webhook", "list", "--test") == (
            f"{endpoint_id}  test  native  enabled  {url}/hook  all events\n"
        )
        assert "HTTP 204" in place("webhook", "test", endpoint_id, *there)
        verify_standard(ear.heard[0].body, ear.heard[0].headers, secret, now=time.time())
        message_id = place("webhook", "log", *there).split()[0]
        place("webhook", "resend", message_id, *there)
        assert "is paused" in place("webhook", "pause", endpoint_id, *there)
        assert "is enabled" in place("webhook", "enable", endpoint_id, *there)
        place("webhook", "rotate-secret", endpoint_id, *there)
        with pytest.raises(subprocess.CalledProcessError) as refused:
            place(
                *("webhook", "pause", endpoint_id, "--host", place.url, "--key", reading),
            )
        assert refused.value.returncode == 6
        assert "scope write" in refused.value.stderr
        assert "is deleted" in place("webhook", "delete", endpoint_id, *there)
        assert "no endpoints" in place("webhook", "list", *there)


@pytest.mark.slow
def test_where_api_and_worker_are_apart_a_test_is_answered_too(tmp_path: Path) -> None:
    dsn = shared_cluster().create_database(is_migrated=False)
    place = Place(tmp_path, dsn)
    there = ("--host", place.url, "--key", place.key())
    ear = Ear()
    with listener(ear) as url, place.server("api"):
        endpoint_id = first(r"endpoint (\w+)", place("webhook", "create", url, *there))
        with place.server("worker"):
            assert "HTTP 204" in place("webhook", "test", endpoint_id, *there)
    assert len(ear.heard) == 1


# --- forward ----------------------------------------------------------------------------------


class Running:
    """``parcelwire webhook forward`` as a process of its own."""

    def __init__(self, process: subprocess.Popen[str], out: Path) -> None:
        self.process = process
        self._out = out

    @property
    def said(self) -> str:
        return self._out.read_text("utf-8")

    def stop(self) -> str:
        """Press Ctrl-C; return all that was said."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(timeout=20) == 0, self.said
        return self.said


@contextmanager
def forwarding(place: Place, *arguments: str) -> Iterator[Running]:
    out = place.folder / "forward.out"
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "parcelwire", "--config", str(place.config)]
    with out.open("w") as file:
        process = subprocess.Popen(
            [*command, "webhook", "forward", *arguments],
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        try:
            yield Running(process, out)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def wait_for(is_so: Callable[[], bool], running: Running) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert running.process.poll() is None, running.said
        assert time.monotonic() < deadline, running.said
        time.sleep(0.05)


def status_of(call: Call) -> str:
    """Return the status that a native message tells of its event."""
    status: str = json.loads(call.body)["data"]["status"]
    return status


@pytest.mark.slow
@pytest.mark.parametrize("is_remote", [True, False])
def test_live_messages_reach_a_program_on_this_machine(tmp_path: Path, is_remote: bool) -> None:
    place = Place(tmp_path, carriers="simulated_time_scale = 864000.0")
    key = place.key("--test")
    where = ("--host", place.url, "--key", key) if is_remote else ("--test",)
    ear = Ear()
    with listener(ear) as url, place.server():
        body = {"tracking_number": "SIM-NORMAL-0001", "courier_code": "dhl"}
        with forwarding(place, "--to", f"{url}/hook", *where) as running:
            wait_for(lambda: "Press Ctrl-C to stop" in running.said, running)
            created = asyncio.run(call(place, "POST", "/v4/trackings/create", key, body))
            assert created[0] == 200
            # Earlier events show the parcel as it is now, too: the last one says so of itself.
            wait_for(lambda: "delivered" in map(status_of, ear.heard), running)
            said = running.stop()
        secret = first(r"secret +(\S+)", said)
        for one in ear.heard:
            verify_standard(one.body, one.headers, secret, now=time.time())
        sequences = [int(one.headers["parcelwire-sequence"]) for one in ear.heard]
        assert sequences == list(range(1, len(sequences) + 1))
        assert said.count("HTTP 204 after") == len(sequences)
        assert f"Forwarded: {len(sequences)} delivered." in said
        assert json.loads(ear.heard[-1].body)["data"]["tracking"]["number"] == "SIMNORMAL0001"
        assert key not in said

        # From its cursor on nothing comes twice; in another dialect, from a time on, all does.
        cursor = first(r"--since (\S+)", said)
        before = len(ear.heard)
        with forwarding(place, "--to", url, "--since", cursor, *where) as running:
            wait_for(lambda: "Press Ctrl-C to stop" in running.said, running)
            time.sleep(0.5)
            assert "Forwarded: 0 delivered" in running.stop()
        assert len(ear.heard) == before
        again = (
            "--since",
            "1h",
            "--dialect",
            "v4",
            "--secret",
            "of-my-own",
            "--status",
            "delivered",
        )
        with forwarding(place, "--to", url, *again, *where) as running:
            wait_for(lambda: len(ear.heard) > before, running)
            said = running.stop()
        assert "of-my-own" not in said
        assert "skipped" in said
        last = ear.heard[-1]
        assert json.loads(last.body)["data"]["delivery_status"] == "delivered"
        verify_standard(last.body, last.headers, "of-my-own", now=time.time())
