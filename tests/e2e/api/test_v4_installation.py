"""v4 as an installation puts it together: one renderer for answers, renditions and messages."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec

from parcelwire.accounts.key_format import make_key
from parcelwire.bootstrap import open_installation
from parcelwire.config import Config, SecretsSection, StoreSection
from parcelwire.domain.clock import MINUTE, FrozenClock
from tests.support.house import call, key_record
from tests.support.v4 import ok
from tests.support.v4_types import TRACKING


async def test_an_answer_and_its_rendition_are_the_same_in_every_language(tmp_path: Path) -> None:
    clock = FrozenClock()
    config = Config(
        store=StoreSection(url=f"sqlite:{tmp_path / 'parcelwire.db'}"),
        secrets=SecretsSection(key_file=str(tmp_path / "parcelwire.key")),
    )
    installation = await open_installation(config, clock=clock)
    try:
        account = await installation.store.add_account("shop@example.com", now=clock.now())
        key = make_key(random.Random(3).randbytes(24), is_test=True)
        await installation.store.add_key(key_record(key, account.number, is_test=True))
        door, headers = installation.asgi(), {"Tracking-Api-Key": key}
        body = {"tracking_number": "SIM-NORMAL-0003", "courier_code": "dhl", "language": "it"}
        created = ok(
            await call(
                door,
                "POST",
                "/v4/trackings/create",
                body=msgspec.json.encode(body),
                headers=headers,
            ),
            TRACKING,
        )
        assert ok(await call(door, "GET", "/v4/trackings/get", headers=headers)) == [created]

        clock.advance(10 * MINUTE / 1000)
        stored = await installation.store.load(account.number * 2 + 1, created["id"])
        assert stored is not None
        await installation.service.refresh_now(stored)
        texts = {}
        for query in ("", "lang=it", "lang=en"):
            answer = await call(door, "GET", "/v4/trackings/get", query=query, headers=headers)
            (tracking,) = ok(answer, [TRACKING])
            texts[query] = [e["tracking_detail"] for e in tracking["origin_info"]["trackinfo"]]
        assert texts[""] == texts["lang=it"]
        assert texts[""] != texts["lang=en"]
    finally:
        await installation.close()
