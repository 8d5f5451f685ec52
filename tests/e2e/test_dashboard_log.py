"""The message log on the dashboard, where what is sought lies behind many others."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from parcelwire.pages.dashboard.screens.messages import PER_PAGE
from parcelwire.store import message_ways
from tests.contract.store.samples import make_endpoint, make_message, new_id
from tests.contract.store.sending import DELIVERED, result_of
from tests.support.dashboard import open_dashboard


async def test_a_page_without_a_match_leads_on_to_the_older_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_ways, "MESSAGES_LOOKED_AT", PER_PAGE + 1)
    async with open_dashboard(tmp_path) as desk:
        person, store, now = await desk.person(), desk.house.store, desk.house.clock.now()
        endpoint = make_endpoint(desk.world_id)
        await store.add_endpoint(endpoint)
        sought = make_message(endpoint, new_id(now), 1, now)
        await store.add_messages([sought])
        await store.finish_attempts([result_of(sought.id, DELIVERED, at=now)])
        at = now + 1
        await store.add_messages(
            [make_message(endpoint, new_id(at), 1, at) for _ in range(PER_PAGE + 1)]
        )

        page = (await person.get("/messages?state=delivered")).text
        assert "None of the newer messages is like that" in page
        older = re.search(r"state=delivered&amp;before=[0-9a-f]{32}", page)
        assert older
        page = (await person.get(f"/messages?{unescape(older[0])}")).text
        assert sought.id in page
        assert "Older" not in page
        assert "No message is like that" in (await person.get("/messages?state=dead")).text
