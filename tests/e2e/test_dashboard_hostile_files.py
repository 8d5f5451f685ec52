"""Files that are made to hold up the server: it refuses them, or takes them in beside its work."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import msgspec
import pytest

from parcelwire.pages.dashboard.importing import Refused, load_job, put, report_of
from parcelwire.tracking.spreadsheet import LONGEST_CELL, MOST_COLUMNS
from tests.e2e.test_dashboard_files import a_file, finished, upload
from tests.support.dashboard import numbers, open_dashboard
from tests.support.hostile_inputs import (
    cell_of_combining_marks,
    csv_with_cells,
    csv_with_headings,
)
from tests.support.loop_lag import loop_lag


async def test_a_file_of_300_000_columns_is_refused_at_once(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person()
        async with loop_lag() as lag:
            answer = await person.post("/add/file", a_file(csv_with_headings(300_000, 200)))
        assert "line 1: 300,000 columns; at most 500 can be read" in answer.text
        assert await desk.total() == 0
        assert lag.longest < 2


@pytest.mark.parametrize("heading", ["note", "courier"])
async def test_a_cell_of_60_000_marks_refuses_its_row(tmp_path: Path, heading: str) -> None:
    data = csv_with_cells(2, cell_of_combining_marks(60_000), heading)
    data += f"{numbers(1)[0]},\n".encode()
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person()
        async with loop_lag() as lag:
            path = await upload(person, data)
            page = await finished(person, path)
            answer = await person.get(f"{path}/report.csv")
        assert lag.longest < 2
        assert "3 of 3 rows: 1 added, 0 followed already, 2 refused." in page
        rows = list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"))))
        assert [row[-2] for row in rows[1:]] == ["2", "3"]
        assert f"the cell in column '{heading}' has 60,001 characters" in rows[1][-1]
        # What is repeated is cut to what a cell may hold.
        assert len(rows[1][1]) == LONGEST_CELL


async def test_a_report_repeats_the_columns_that_are_used_and_no_others(tmp_path: Path) -> None:
    data = csv_with_headings(MOST_COLUMNS, 50)
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person()
        path = await upload(person, data)
        await finished(person, path)
        answer = await person.get(f"{path}/report.csv")
        rows = list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"))))
        assert rows[0] == ["tracking number", "refused in line", "refused because"]
        assert len(rows) == 51


async def test_a_report_is_written_one_portion_at_a_time(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person()
        path = await upload(person, b"tracking number\nnone\n")
        await finished(person, path)
        store, now = desk.house.store, desk.house.clock.now()
        job = await load_job(store, desk.world_id, path.rpartition("/")[2])
        assert job is not None
        one = msgspec.json.encode([Refused(line, ["x" * 1_000], "because") for line in range(100)])
        for portion in range(30):
            await put(store, "upload-refused", job.id, f"{portion:06}", one, now)
        sizes = [len(chunk) async for chunk in report_of(store, job)]
        assert sum(sizes) > 3_000_000
        assert max(sizes) < 200_000
