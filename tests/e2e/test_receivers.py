"""The receivers of examples/, started as their README says: signatures, repetitions, bad input."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parcelwire.signatures.signing import make_secret, sign_standard
from tests.support.process import free_port

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SECRET = make_secret(bytes(range(32)))
COMMANDS = {
    "flask": "flask --app flask_receiver run --port {port}",
    "fastapi": "uvicorn fastapi_receiver:app --port {port}",
    "django": "django_receiver.py runserver --noreload {port}",
}
TRACKING = {
    "id": "1" * 32,
    "number": "996012345678901234",
    "courier_code": "swiss-post",
    "status": "delivered",
    "checkpoints": [],
}


@contextmanager
def receiver(framework: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """Run an example as a process of its own; yields its address and what it prints."""
    port, printed = free_port(), folder / "printed.txt"
    words = COMMANDS[framework].format(port=port).split()
    if not words[0].endswith(".py"):
        words = ["-m", *words]
    with printed.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=EXAMPLES,
            env={
                **os.environ,
                "PARCELWIRE_WEBHOOK_SECRET": SECRET,
                "PYTHONPATH": str(EXAMPLES.parent / "src"),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdout=log,
            stderr=log,
        )
    try:
        url = f"http://127.0.0.1:{port}/hooks/parcelwire"
        deadline = time.monotonic() + 20
        while post(url, b"") == 0:
            assert process.poll() is None, printed.read_text()
            assert time.monotonic() < deadline, printed.read_text()
            time.sleep(0.05)
        yield url, printed
    finally:
        process.terminate()
        process.wait(timeout=20)


def post(url: str, body: bytes, headers: dict[str, str] | None = None) -> int:
    """Return the status of one POST; 0: nobody listens yet."""
    request = urllib.request.Request(  # noqa: S310  (always http to loopback)
        url, body, {"content-type": "application/json", **(headers or {})}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def signed(body: bytes, message_id: str = "m1", secret: str = SECRET) -> dict[str, str]:
    now = int(time.time())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": sign_standard(secret, message_id, now, body),
    }


@pytest.mark.parametrize("framework", COMMANDS)
def test_an_example_takes_what_is_signed_and_nothing_else(framework: str, tmp_path: Path) -> None:
    body = msgspec.json.encode({"type": "tracking.updated", "data": {"tracking": TRACKING}})
    v4 = {"id": "2" * 32, "tracking_number": "R4", "courier_code": "dhl"}
    second = msgspec.json.encode({"data": {**v4, "delivery_status": "transit"}})
    with receiver(framework, tmp_path) as (url, printed):
        assert post(url, body) == 400
        assert post(url, body, signed(body, secret=make_secret(bytes(32)))) == 400
        assert post(url, body + b" ", signed(body)) == 400
        assert post(url, b"\xff{", signed(b"\xff{")) == 400
        assert "996012345678901234" not in printed.read_text()
        assert post(url, body, signed(body)) == 204
        assert post(url, body, signed(body)) == 204
        assert post(url, second, signed(second, "m2")) == 204
    told = printed.read_text()
    assert told.count("996012345678901234 is delivered") == 1
    assert told.count("R4 is transit") == 1


def test_they_are_started_as_their_readme_says() -> None:
    told = (EXAMPLES / "README.md").read_text("utf-8")
    for command in COMMANDS.values():
        assert re.split(" --(?:port|noreload)", command)[0] in told


def test_the_receiver_of_the_page_takes_what_is_signed_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs" / "receiving-webhooks.md").read_text("utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    monkeypatch.setenv("PARCELWIRE_WEBHOOK_SECRET", SECRET)
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(block, "receiving-webhooks.md", "exec"), names)  # noqa: S102  (our own page)
    browser = names["app"].test_client()
    body = msgspec.json.encode({"type": "tracking.updated", "data": {"tracking": TRACKING}})
    statuses = [
        browser.post("/hooks/parcelwire", data=sent, headers=headers).status_code
        for sent, headers in (
            (body, {}),
            (body + b" ", signed(body)),
            (body, signed(body, secret=make_secret(bytes(32)))),
            (body, signed(body)),
            (body, signed(body)),
            (body, signed(body, "m2")),
        )
    ]
    assert statuses == [400, 400, 400, 204, 204, 204]
    assert capsys.readouterr().out == "996012345678901234 delivered\n" * 2
