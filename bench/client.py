"""CPU of the same 200 calls: TrackingMore's own Python library, and our client.

Both speak to the same server process on loopback, by turns, each round with numbers of its own;
what
they are answered is compared. Counted is the CPU of the thread that calls, so the server costs
neither of them anything.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import trackingmore as vendor

from parcelwire import Parcelwire
from parcelwire.accounts.keys import CreateKey
from parcelwire.accounts.service import CreateAccount
from parcelwire.bootstrap import open_installation
from parcelwire.config import Config, SecretsSection, StoreSection
from tests.support.two_hundred import old_names, our_names, plain, said, timed

ROUNDS = 7
MOVING = frozenset({"id", "created_at", "update_at", "tracking_number"})
"""Differ between two parcels of two rounds, whoever asks."""


def run() -> dict[str, Any]:
    """Return milliseconds of CPU for the 200 calls, the best of the rounds, and their ratio."""
    with tempfile.TemporaryDirectory(prefix="parcelwire-bench-") as text:
        folder = Path(text)
        url, key_file = f"sqlite:{folder / 'bench.db'}", str(folder / "bench.key")
        key = asyncio.run(_make_key(url, key_file))
        with _server(url, key_file) as address:
            vendor.api_key = key
            vendor.request.apiBaseUrl, vendor.request.apiPort = address, 80
            theirs, ours = [], []
            with Parcelwire(key, f"http://{address}") as client:
                for turn in range(ROUNDS):
                    their_answers, seconds = timed(partial(old_names, vendor, _numbers(2 * turn)))
                    theirs.append(seconds)
                    our_answers, seconds = timed(partial(our_names, client, _numbers(2 * turn + 1)))
                    ours.append(seconds)
                    _compare(their_answers, our_answers)
    return {
        "calls": len(our_answers),
        "trackingmore_sdk_ms": min(theirs) * 1e3,
        "parcelwire_ms": min(ours) * 1e3,
        "cpu_ratio": min(ours) / min(theirs),
    }


async def _make_key(url: str, key_file: str) -> str:
    config = Config(store=StoreSection(url=url), secrets=SecretsSection(key_file=key_file))
    house = await open_installation(config)
    try:
        owner = await house.use_cases.accounts.create(CreateAccount(email="bench@example.com"))
        command = CreateKey(account_number=owner.number, is_test=True)
        return (await house.use_cases.keys.create(command)).text
    finally:
        await house.close()


@contextmanager
def _server(url: str, key_file: str) -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "bench.server", url, key_file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield f"127.0.0.1:{int(process.stdout.readline())}"
        process.communicate()


def _numbers(turn: int) -> list[str]:
    return [f"94001118{turn:04d}8579{index:06d}" for index in range(100)]


def _compare(theirs: list[Any], ours: list[Any]) -> None:
    """Check that both were answered the same, as far as two parcels can be the same."""
    assert len(theirs) == len(ours) == 200
    for index, (vendors, own) in enumerate(zip(theirs, ours, strict=True)):
        found, expected = _steady(plain(own)), _steady(said(vendors))
        if isinstance(expected, list) and len(expected) != len(found):
            continue  # lists of everything: the later asker sees the parcels of both
        assert found == expected, f"call {index}"


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _steady(one) for name, one in value.items() if name not in MOVING}
    if isinstance(value, list | tuple):
        return [_steady(one) for one in value]
    return value
