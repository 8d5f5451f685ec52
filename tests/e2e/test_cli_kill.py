"""``parcelwire import`` with kills of the server and of itself: each parcel exactly once."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from parcelwire.client import AsyncParcelwire
from tests.support.process import Server, free_port, run_command

PARCELS = 4_000
SERVER_KILLS = 3
CLIENT_KILLS = 3


def write_config(folder: Path, port: int) -> Path:
    config = folder / "parcelwire.toml"
    config.write_text(
        f"[server]\nport = {port}\n"
        f'[store]\nurl = "sqlite:{folder / "kill.db"}"\n'
        f'[secrets]\nkey_file = "{folder / "kill.key"}"\n'
    )
    return config


def write_orders(folder: Path) -> Path:
    file = folder / "orders.csv"
    lines = [f"SIM-NORMAL-{number:06d};DHL Express;#{number}" for number in range(PARCELS)]
    # Two rows that nobody takes, so that refusals of killed runs are seen in the end.
    lines[7], lines[PARCELS - 7] = "?;dhl;#x", ";dhl;#y"
    file.write_text("Tracking No.;Carrier;Order number\n" + "\n".join(lines) + "\n", "cp1252")
    return file


class Importer:
    """The command as a process of its own, which may be killed and started again."""

    def __init__(self, folder: Path, address: str, key: str) -> None:
        self._folder = folder
        self._words = ("import", str(folder / "orders.csv"), "--json")
        self._there = {"PARCELWIRE_HOST": address, "PARCELWIRE_API_KEY": key}

    def start(self) -> subprocess.Popen[str]:
        state = str(self._folder / "state")
        return subprocess.Popen(
            [sys.executable, "-m", "parcelwire", *self._words],
            env={**os.environ, **self._there, "XDG_STATE_HOME": state, "HOME": str(self._folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def rows(self) -> int:
        """Return how many rows are noted as through."""
        journals = list((self._folder / "state").rglob("*.ndjson"))
        return sum(
            int(found) for one in journals for found in re.findall(r'"rows":(\d+)', one.read_text())
        )


async def until(importer: Importer, process: subprocess.Popen[str], rows: int) -> bool:
    """Wait until ``rows`` are through; False: the process has ended before."""
    while importer.rows() < rows:
        if process.poll() is not None:
            return False
        await asyncio.sleep(0.005)
    return True


@pytest.mark.timeout(180)
async def test_kills_of_both_ends_during_an_import(tmp_path: Path) -> None:
    randomness = random.Random(20260303)
    port = free_port()
    config = write_config(tmp_path, port)
    write_orders(tmp_path)
    make_key = ("key", "create", "--account", "kill@shop.example", "--test", "--quiet")
    key = (await asyncio.to_thread(run_command, config, *make_key)).strip()
    server = Server(config, port, tmp_path / "server.log")
    await asyncio.to_thread(server.start)
    address = f"http://127.0.0.1:{port}"
    importer = Importer(tmp_path, address, key)
    ends = ["server"] * SERVER_KILLS + ["client"] * CLIENT_KILLS
    randomness.shuffle(ends)
    went_on = 0
    process = importer.start()
    try:
        for index, end in enumerate(ends):
            # Spread over the file, so that every kill falls into an import that is under way.
            rows = (index + 1) * PARCELS // (len(ends) + 2) + randomness.randrange(200)
            assert await until(importer, process, rows), "it was over before it was disturbed"
            await asyncio.sleep(randomness.uniform(0, 0.02))
            if end == "server":
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
                assert process.poll() is None
            else:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                assert process.returncode == -signal.SIGKILL
                assert importer.rows() < PARCELS
                process = importer.start()
                went_on += 1
        out, err = await asyncio.to_thread(process.communicate)
        async with AsyncParcelwire(key, address) as observer:
            there = await observer.trackings.list(page_size=200).all()
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
        code = await asyncio.to_thread(server.stop)
    assert code == 0
    assert went_on == CLIENT_KILLS
    assert "going on after row" in err
    assert process.returncode == 4, err
    expected = {"rows": PARCELS, "created": PARCELS - 2, "existing": 0, "rejected": 2}
    assert json.loads(out) == expected
    assert "line 9: ?: 4110" in err
    assert len(there) == PARCELS - 2
    assert {one.order_number for one in there} == {
        f"#{number}" for number in range(PARCELS) if number not in (7, PARCELS - 7)
    }
    assert list((tmp_path / "state").rglob("*.ndjson")) == []
