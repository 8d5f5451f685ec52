"""Parcels from files and into files: import and export over a server."""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from parcelwire.cli import exit_codes
from parcelwire.domain.clock import FrozenClock
from tests.support.clients import whole_door
from tests.support.house import HouseUnderTest, open_house, serve
from tests.support.terminal import Run, Terminal

# --- import and export ------------------------------------------------------------------------


async def test_import_reports_what_was_refused(
    run: Run, house: HouseUnderTest, tmp_path: Path
) -> None:
    await run("create", "9400111899223857925300", "--courier", "usps")
    rows = [f"94001118992238579253{index:02d};USPS;#{index}" for index in range(90)]
    rows[5] = "?;usps;#5"
    rows[50] = "9,40011E+21;usps;#50"
    rows[51] = "9400111899223857925351;nobody;=cmd"
    rows[89] = rows[88]
    file = tmp_path / "orders.csv"
    text = "Tracking No.;Carrier;Order number\n" + "\n".join(rows) + "\n"
    file.write_bytes(text.encode("cp1252"))
    plan = await run("import", str(file), "--dry-run")
    assert "90 rows, 1 of them unusable; nothing was sent" in plan.out
    assert await house.store.count_trackings(house.world_id, _everything()) == 1
    report_file = tmp_path / "bad.csv"
    result = await run("import", str(file), "--report", str(report_file))
    assert result.ending(exit_codes.PARTLY) == "parcelwire: 3 of 90 rows were rejected"
    assert result.out == "90 rows: 85 created, 2 already tracked, 3 rejected\n"
    assert "line 7: ?: 4110 " in result.err
    lines = report_file.read_text("utf-8-sig").splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("?;usps;#5;7;")
    # Mended, the report is imported as it is.
    mended = [re.sub(r"^\?", "9400111899223857925305", lines[1])]
    report_file.write_text("\n".join([lines[0], *mended]))
    again = await run("import", str(report_file), "--json")
    assert json.loads(again.out) == {"rows": 1, "created": 1, "existing": 0, "rejected": 0}
    orders = [
        json.loads(line)["order_number"]
        for line in (await run("list", "--json", "--limit", "100")).out.splitlines()
    ]
    assert len(orders) == 87
    assert "#5" in orders
    # Nothing of a finished import is left behind.
    state = tmp_path / "home" / "state" / "parcelwire" / "imports"
    assert list(state.iterdir()) == []


async def test_the_first_twenty_refused_rows_are_printed(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("Tracking number;Carrier\n" + "?;usps\n" * 25)
    report = tmp_path / "bad.csv"
    result = await run("import", str(file), "--report", str(report))
    result.ending(exit_codes.PARTLY)
    assert sum(line.startswith("line ") for line in result.err.splitlines()) == 20
    assert len(report.read_text("utf-8-sig").splitlines()) == 26


async def test_what_cannot_be_imported(run: Run, tmp_path: Path) -> None:
    assert "there is no file nowhere.csv" in (await run("import", "nowhere.csv")).ending(1)
    assert "there is no file" in (await run("import", str(tmp_path))).ending(1)
    file = tmp_path / "x.csv"
    file.write_text("a,b\n1,2\n")
    assert "no column of" in (await run("import", str(file))).ending(1)
    file.write_text("Tracking number\n9400111899223857925300\n")
    unwritable = await run("import", str(file), "--report", "/proc/x")
    assert "cannot write /proc/x" in unwritable.ending(1)


async def test_the_quota_ends_an_import_and_more_of_it_lets_it_go_on(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from msgspec.structs import replace

    (tmp_path / "quota").mkdir()
    clock = FrozenClock(round(time.time() * 1000))
    async with (
        open_house(tmp_path / "quota", lambda _: [], quota=50, clock=clock) as house,
        serve(whole_door(house)) as address,
    ):
        monkeypatch.setenv("PARCELWIRE_HOST", f"http://{address}")
        monkeypatch.setenv("PARCELWIRE_API_KEY", house.key)
        file = tmp_path / "x.csv"
        numbers = [f"9400111899223857925{index:03d}" for index in range(200)]
        file.write_text("\n".join(["Tracking number,Courier", *(f"{n},usps" for n in numbers)]))
        result = await asyncio.to_thread(terminal.run, "import", str(file))
        assert "is used up after 40 rows" in result.ending(exit_codes.PARTLY)
        account = await house.store.load_account(house.account.number)
        assert account is not None
        await house.store.save_account(replace(account, tracking_quota=None))
        house.clock.advance(5)  # so long is an account believed
        result = await asyncio.to_thread(terminal.run, "import", str(file))
        assert "going on after row 40" in result.err, result
        assert result.code == 0, result
        # The ten of the chunk in which it ended count as what this import made.
        assert result.out == "200 rows: 200 created, 0 already tracked, 0 rejected\n"
        once_more = await asyncio.to_thread(terminal.run, "import", str(file))
        assert once_more.out == "200 rows: 0 created, 200 already tracked, 0 rejected\n"


async def test_export_in_every_form(run: Run, house: HouseUnderTest, tmp_path: Path) -> None:
    assert (await run("export", "--format", "json")).out == "[]\n"
    for index in range(3):
        await run("create", f"940011189922385792530{index}", "--courier", "usps", "--note", "=1+1")
    text = (await run("export")).out
    assert text.count("\n") == 4
    assert "'=1+1" in text
    array = json.loads((await run("export", "--format", "json")).out)
    assert len(array) == 3
    for name in ("out.json", "out.ndjson", "out.csv"):
        result = await run("export", "-o", name, "--status", "pending")
        assert result.code == 0, result
        assert f"3 parcels in {name}" in result.err
    assert json.loads((tmp_path / "out.json").read_text()) == array
    assert len((tmp_path / "out.ndjson").read_text().splitlines()) == 3
    assert (await run("export", "--status", "delivered")).out.count("\n") == 1
    assert "cannot write" in (await run("export", "-o", "/proc/x/y.csv")).ending(1)


async def test_an_export_that_breaks_leaves_nothing(
    run: Run, house: HouseUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out.csv").write_text("before")
    monkeypatch.setenv("PARCELWIRE_API_KEY", "pw_live_wrong")
    (await run("export", "-o", "out.csv")).ending(exit_codes.KEY_REFUSED)
    assert (tmp_path / "out.csv").read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "server"]


def _everything() -> Any:
    from parcelwire.tracking.ports import TrackingFilter

    return TrackingFilter()
