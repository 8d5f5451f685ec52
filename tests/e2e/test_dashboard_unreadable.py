"""A parcel whose document cannot be read, on the dashboard: shown, not changed, and deleted."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.contract.store.damaging import DAMAGES, damage, document
from tests.support.dashboard import open_dashboard
from tests.support.dashboard_parcels import put_parcels


async def test_a_change_of_it_is_refused_with_the_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_dashboard(tmp_path) as desk:
        bad = (await put_parcels(desk))["transit"]
        person = await desk.person(scope="write")
        await damage(desk.house.store, bad.id)
        place = f"/trackings/{bad.id}"
        with caplog.at_level(logging.ERROR):
            for action, form in (
                ("details", {"title": "x"}),
                ("archive", {"archive": "yes"}),
                ("status", {"status": "delivered"}),
                ("courier", {"courier_code": "dhl"}),
                ("stop", {}),
            ):
                answer = await person.do(f"{place}/{action}", form)
                assert answer.status == 200, action
                assert "Its stored document cannot be read" in answer.text, action
        assert not any(one.exc_info for one in caplog.records)
        assert await document(desk.house.store, bad.id) == DAMAGES["cut"]
        await person.do(f"{place}/delete")
        assert await desk.house.store.load(bad.world_id, bad.id) is None
