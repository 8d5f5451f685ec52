"""The page of figures: what the parcels say is what it shows, and its files."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint, world_of
from parcelwire.domain.clock import DAY
from parcelwire.domain.report import DeliveryWindow, ParcelFacts
from parcelwire.domain.status import Reason, Status
from parcelwire.domain.tracking import Milestones
from parcelwire.tracking import journeys
from parcelwire.tracking.journeys import JourneyKeeper
from tests.support.dashboard import Desk, open_dashboard
from tests.support.dashboard_parcels import checkpoint, put_parcel


async def fill(desk: Desk) -> None:
    clock = desk.clock
    scan = checkpoint(clock, 40, "taken", status=Status.TRANSIT)
    missed = checkpoint(
        clock, 20, "no one", status=Status.UNDELIVERED, reason=Reason.RECIPIENT_ABSENT
    )
    milestones = Milestones(accepted="2026-02-25T10:00", delivered="2026-02-27T10:00")
    window = DeliveryWindow(earliest="2026-02-26", latest="2026-02-27", source="swiss-post")
    facts = ParcelFacts(origin_country="CH", destination_country="IT")
    for number in range(4):
        await put_parcel(
            desk,
            f"99001234567890123{number}",
            Status.DELIVERED,
            checkpoints=(scan, missed) if number == 3 else (scan,),
            milestones=milestones,
            window=window,
            facts=facts,
        )
    await put_parcel(desk, "990099999999999999", Status.PENDING, checkpoints=())
    keeper = JourneyKeeper(desk.house.store, clock=clock)
    await keeper.step()
    await keeper.step()


async def test_that_only_the_newest_are_counted_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "The figures are about the newest 100,000."
    async with open_dashboard(tmp_path) as desk:
        await fill(desk)
        person = await desk.person(scope="read")
        assert said not in (await person.get("/analytics")).text
        monkeypatch.setattr(journeys, "MOST_COUNTED", 3)
        assert said in (await person.get("/analytics")).text


async def test_figures_and_files(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        await fill(desk)
        person = await desk.person(scope="read")
        page = await person.get("/analytics")
        assert page.status == 200
        for words in ("Couriers compared", "75.0%", "recipient absent", "<svg", "CH → IT"):
            assert words in page.text
        assert "style=" not in page.text
        answer = await person.get("/analytics/couriers.csv")
        assert answer.headers["content-type"].startswith("text/csv")
        assert "couriers-2026-01-31-2026-03-01.csv" in answer.headers["content-disposition"]
        assert answer.text.startswith("\ufeff")
        (row,) = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
        assert (row["Parcels"], row["On time"], row["First attempt"], row["Problems"]) == (
            "4",
            "1.0",
            "0.75",
            "0.25",
        )
        for name in (
            "transit-by-courier",
            "transit-by-lane",
            "problems",
            "volume-by-day",
            "volume-by-week",
            "webhooks",
        ):
            assert (await person.get(f"/analytics/{name}.csv")).status == 200
        assert (await person.get("/analytics/secrets.csv")).status == 404


async def test_filters(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        await fill(desk)
        person = await desk.person(scope="read")
        for query, is_there in {
            "courier=swiss-post": True,
            "courier=ups": False,
            "from=2026-03-01&to=2026-03-01": True,
            "from=2026-02-01&to=2026-02-28": False,
            "origin=ch&destination=IT": True,
            "origin=de": False,
        }.items():
            page = await person.get(f"/analytics?{query}")
            assert page.status == 200
            assert ("No carrier has spoken" not in page.text) is is_there, query


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "to=2026-02-30",
        "from=2026-03-02&to=2026-03-01",
        "from=2000-01-01&to=2026-03-01",
        "courier=no-such-courier",
        "from=0001-01-01&to=0001-01-01",
        "to=9999-12-31",
        "from=%00&courier=%27%3B--",
    ],
)
async def test_what_cannot_be_shown_is_said(tmp_path: Path, query: str) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person(scope="read")
        page = await person.get(f"/analytics?{query}")
        assert page.status in {200, 422}
        assert (await person.get(f"/analytics/couriers.csv?{query}")).status == 200


async def test_worlds_and_accounts_are_kept_apart(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        await fill(desk)
        other = await desk.house.store.add_account("other@example.com", now=desk.clock.now())
        for person in (await desk.person(other, scope="admin"), await desk.person(is_test=True)):
            assert "No carrier has spoken" in (await person.get("/analytics")).text


async def test_webhooks_are_there_too(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        store, now = desk.house.store, desk.clock.now()
        endpoint = Endpoint(
            id=desk.house.identifiers.new_id(now),
            world_id=world_of(desk.account.number, is_test=False),
            url="https://shop.example/secret-path",
            dialect="native",
            secret="whsec_c2VjcmV0c2VjcmV0c2VjcmV0",
            description="=HYPERLINK(1)",
            failing_since=now - DAY,
        )
        await store.add_endpoint(endpoint)
        await store.add_endpoint(
            replace(endpoint, id=desk.house.identifiers.new_id(now), is_enabled=False)
        )
        person = await desk.person(scope="read")
        page = await person.get("/analytics")
        assert "failing" in page.text
        assert "secret-path" not in page.text
        rows = (await person.get("/analytics/webhooks.csv")).text
        # A spreadsheet must not take it for a formula.
        assert "'=HYPERLINK" in rows
