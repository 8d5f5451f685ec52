"""The dashboard takes files of parcels: every row, through restarts, whatever is in them."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from pathlib import Path

import aiohttp
import pytest

from parcelwire.pages.dashboard.import_runner import ImportRunner
from parcelwire.pages.dashboard.importing import JOB, QUEUE, list_jobs, load_job
from tests.support.dashboard import Person, five_thousand, numbers, open_dashboard

NUMBER = "990012345612345678"


def a_file(data: bytes, name: str = "orders.csv") -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("file", io.BytesIO(data), filename=name, content_type="text/csv")
    return form


async def upload(person: Person, data: bytes, name: str = "orders.csv") -> str:
    """Upload a file and return the path of its page."""
    answer = await person.post("/add/file", a_file(data, name))
    assert answer.status == 303, answer.text
    return answer.place


async def finished(person: Person, path: str) -> str:
    """Wait until a file is worked through, and return its page."""
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at:
        page = (await person.get(path)).text
        if ">Done<" in page:
            return page
        await asyncio.sleep(0.05)
    pytest.fail("the file is not through")


async def test_a_file_that_is_too_large_is_answered_by_a_page(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person()
        start = f"number\n{NUMBER}\n".encode()
        answer = await person.post("/add/file", a_file(start.ljust(10_000_000, b"\n")))
        assert answer.status == 303, answer.text
        for size in (10_000_001, 10_900_000):
            answer = await person.post("/add/file", a_file(start.ljust(size, b"\n")))
            assert answer.status == 422
            assert "This file is larger than 10 MB. Split it into smaller files." in answer.text
        answer = await person.post("/add/file", a_file(start.ljust(11_000_000, b"\n")))
        assert answer.status == 413
        assert "at most 11,000,000 bytes can be sent at once" in answer.text


async def test_a_file_of_five_thousand_with_bad_rows(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person()
        await person.do("/add/one", {"number": numbers(51)[50]})
        data, bad = five_thousand()
        path = await upload(person, data)
        page = await finished(person, path)
        assert "5,000 of 5,000 rows: 4,993 added, 1 followed already, 6 refused." in page
        assert await desk.total() == 4_994
        answer = await person.get(f"{path}/report.csv")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"].startswith("attachment")
        rows = list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"))))
        assert rows[0][-2:] == ["refused in line", "refused because"]
        assert {int(row[-2]) for row in rows[1:]} == set(bad)
        for row in rows[1:]:
            assert bad[int(row[-2])] in row[-1], row
        # No spreadsheet runs what somebody wrote into a cell.
        assert rows[3][1].startswith("'=HYPERLINK")
        # Mended, the report itself can be uploaded.
        mended = answer.body.decode("utf-8-sig").replace("nobody-knows", "swiss-post")
        page = await finished(person, await upload(person, mended.encode()))
        assert "6 rows: 1 added, 0 followed already, 5 refused" in page
        stored = await desk.house.store.find(desk.world_id, numbers(1, 3)[0])
        assert stored[0].tracking.details.order_number == "order 5"


@pytest.mark.parametrize("killed_after", ["create", "count"])
async def test_a_restart_loses_no_row_and_makes_none_twice(
    tmp_path: Path, killed_after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = "tracking number\n" + "\n".join([*numbers(250), "!!"])
    async with open_dashboard(tmp_path, works=False) as desk:
        person = await desk.person()
        path = await upload(person, data.encode())
        runner = desk.house.imports
        assert await runner.step()
        (job,) = await list_jobs(desk.house.store, desk.world_id)
        assert (job.created, job.state, job.percent) == (100, "running", 39)
        assert "39 %" in (await person.get(path)).text
        # The process is gone between what it makes and what it notes.
        name = "change_record"
        real = desk.house.store.change_record
        calls = 0

        async def dies(kind: str, *place: object, **more: object) -> object:
            nonlocal calls
            calls += kind == JOB
            if calls and killed_after == "create":
                raise KeyboardInterrupt
            result = await real(kind, *place, **more)  # type: ignore[arg-type]
            if calls:
                raise KeyboardInterrupt
            return result

        monkeypatch.setattr(desk.house.store, name, dies)
        with pytest.raises(KeyboardInterrupt):
            await runner.step()
        monkeypatch.undo()
        assert await desk.total() == 200
        later = ImportRunner(desk.house.store, desk.house.service, desk.clock)
        # The dead one's lease keeps others away for a minute, and no longer.
        assert not await later.step()
        desk.clock.advance(61)
        while await later.step():
            pass
        job = await load_job(desk.house.store, desk.world_id, job.id) or job
        assert (job.created, job.existing, job.refused, job.state) == (250, 0, 1, "done")
        assert await desk.total() == 250
        assert await desk.house.store.list_records(QUEUE, "all") == []


async def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person()
        for data, why in (
            (b"", "Choose a file"),
            (b"   \n", "is empty"),
            (b"PK\x03\x04\0\0", "is it a workbook"),
            (b"name;town\nx;y\n", "no column of the file is known"),
            (b"tracking number\n", "no rows beside"),
            (b"\xff\xfea", "not text"),
        ):
            answer = await person.post("/add/file", a_file(data))
            assert (answer.status, why in answer.text) == (422, True), (data, answer.text[-900:])
        answer = await person.post("/add/file", {"file": "no file"})
        assert answer.status == 422
        large = aiohttp.FormData()
        large.add_field("file", io.BytesIO(b"x" * 11_500_000), filename="x.csv")
        assert (await person.post("/add/file", large)).status == 413
        path = await upload(person, f"number\n{NUMBER}\n".encode(), "..\\..\\x/<b>evil.csv")
        page = await finished(person, path)
        assert "&lt;b&gt;evil.csv" in page
        assert (await person.get(f"{path}/report.csv")).status == 404
