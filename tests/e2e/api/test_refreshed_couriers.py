"""Couriers that were refreshed: an installation tells them to clients and receivers alike."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from parcelwire.accounts.key_format import make_key
from parcelwire.bootstrap import open_installation
from parcelwire.config import CarriersSection, Config, SecretsSection, StoreSection
from parcelwire.couriers.refresh import Listed, ListFile
from parcelwire.domain.clock import MINUTE, FrozenClock
from parcelwire.webhooks.ports import MessageFilter
from tests.contract.store.samples import make_endpoint
from tests.support.house import call, key_record

HOMEPAGE = "https://parcels.example/"


@pytest.mark.parametrize("dialect", ["v2", "v4"])
async def test_a_message_tells_of_a_courier_that_only_the_live_list_has(
    tmp_path: Path, dialect: str
) -> None:
    clock = FrozenClock()
    newcomer = Listed(code="newcomer", name="Newcomer", homepage=HOMEPAGE)
    couriers = tmp_path / "couriers.json"
    listed = ListFile(source="synthetic", fetched_at="2026-03-01T00:00:00Z", couriers=(newcomer,))
    couriers.write_bytes(msgspec.json.encode(listed))
    config = Config(
        store=StoreSection(url=f"sqlite:{tmp_path / 'parcelwire.db'}"),
        secrets=SecretsSection(key_file=str(tmp_path / "parcelwire.key")),
        carriers=CarriersSection(registry_file=str(couriers)),
    )
    installation = await open_installation(config, clock=clock)
    try:
        store = installation.store
        account = await store.add_account("shop@example.com", now=clock.now())
        world_id = account.number * 2 + 1
        key = make_key(random.Random(3).randbytes(24), is_test=True)
        await store.add_key(key_record(key, account.number, is_test=True))
        await store.add_endpoint(make_endpoint(world_id, dialect=dialect))
        created = await call(
            installation.asgi(is_served=False),
            "POST",
            "/v4/trackings/create",
            body=b'{"tracking_number": "SIM-NORMAL-0003", "courier_code": "newcomer"}',
            headers={"Tracking-Api-Key": key},
        )
        clock.advance(10 * MINUTE / 1000)
        stored = await store.load(world_id, created.json()["data"]["id"])
        assert stored is not None
        await installation.service.refresh_now(stored)
        messages = (await store.list_messages(world_id, MessageFilter())).messages
        assert messages
        for one in messages:
            assert msgspec.json.decode(one.payload)["origin_info"]["weblink"] == HOMEPAGE
    finally:
        await installation.close()
