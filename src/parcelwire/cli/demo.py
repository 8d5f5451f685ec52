"""``parcelwire demo``: the whole way of a parcel, on this machine, with nothing to set up.

    local Swiss Post and Poste Italiane  <--poll--  Parcelwire (SQLite)  --webhooks-->  a little
    shop
    the simulated carrier                              ^
                                                       +-- created over the v4 and the v2 API

The carriers are local servers that speak the real protocols over HTTP; everything else is the real
thing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import click
from msgspec.structs import replace

from parcelwire.api.gate import digest_of, make_key, prefix_of
from parcelwire.bootstrap import Installation, SystemClock, open_installation
from parcelwire.cli.demo_receiver import Receiver
from parcelwire.cli.serve import make_server
from parcelwire.config import (
    ApiSection,
    CarriersSection,
    Config,
    PollingSection,
    SecretsSection,
    ServerSection,
    StoreSection,
    WebhooksSection,
)
from parcelwire.connectors.local import Script
from parcelwire.connectors.local import poste_italiane as local_poste
from parcelwire.connectors.local import swiss_post as local_swiss
from parcelwire.connectors.local.serving import run_local_server
from parcelwire.domain.account import Account, ApiKey, Endpoint, world_of
from parcelwire.tracking.ports import TrackingFilter
from parcelwire.webhooks.signatures import make_secret

EMAIL = "demo@shop.example"
PARCELS = (
    # number, courier, is it simulated, title
    ("99.00.123456.12345111", "swiss-post", False, "Coffee machine"),
    ("RA471108151CH", "swiss-post", False, "Registered letter"),
    ("ZA123456785IT", "poste-italiane", False, "Espresso cups"),
    ("5P12345678901", "poste-italiane", False, "Olive oil"),
    ("SIM-NORMAL-0001", "dhl", True, "A normal parcel"),
    ("SIM-CUSTOMS-0001", "ups", True, "Held by customs"),
    ("SIM-MISSED-0001", "swiss-post", True, "Nobody at home"),
)


class Demo:
    """One demonstration from start to summary."""

    def __init__(self, folder: Path, seconds: float | None) -> None:
        """Keep everything in ``folder``; run for ``seconds``, or until interrupted."""
        self.folder = folder
        self.seconds = seconds
        self.clock = SystemClock()
        self.story_seconds = 20.0 if seconds is None else max(4.0, min(20.0, seconds * 0.55))
        self.receiver = Receiver(self.clock, EMAIL, click.echo)
        self.keys: dict[bool, str] = {}

    async def run(self) -> bool:
        """Run it; True when every parcel arrived and every message was verified."""
        client = {"client_id": secrets.token_hex(8), "client_secret": secrets.token_hex(16)}
        script = Script(story_seconds=self.story_seconds)
        async with contextlib.AsyncExitStack() as stack:
            swiss = await stack.enter_async_context(
                run_local_server(local_swiss.application(self.clock, script, **client))
            )
            poste = await stack.enter_async_context(
                run_local_server(local_poste.application(self.clock, script, credentials=client))
            )
            shop = await stack.enter_async_context(run_local_server(self.receiver.application()))
            config = self._config(swiss, poste)
            house = await stack.enter_async_context(_opened(config))
            owner = await self._furnish(house, shop, client)
            async with _served(house, config):
                click.echo(f"Parcelwire listens on {config.public_url}  (data in {self.folder})")
                click.echo(f"API key: {self.keys[False]}\ntest key: {self.keys[True]}\n")
                await self._create_parcels(house, config, owner)
                await self._watch(house, owner)
                return await self._summarise(house, owner)

    def _config(self, swiss: str, poste: str) -> Config:
        return Config(
            server=ServerSection(port=_free_port()),
            store=StoreSection(url=f"sqlite:{self.folder / 'demo.db'}"),
            secrets=SecretsSection(key_file=os.fspath(self.folder / "demo.key")),
            api=ApiSection(ask_seconds=3.0),
            polling=PollingSection(speed=14_400.0, idle_seconds=0.25),
            webhooks=WebhooksSection(allowed_networks=("127.0.0.0/8",)),
            carriers=CarriersSection(
                simulated_speed=86_400.0 * 8 / self.story_seconds,
                base_urls={
                    "swiss-post": local_swiss.base_urls(swiss),
                    "poste-italiane": local_poste.base_urls(poste),
                },
            ),
        )

    async def _furnish(self, house: Installation, shop: str, client: dict[str, str]) -> Account:
        now = self.clock.now()
        owner = await house.store.add_account(EMAIL, name="Demo shop", now=now)
        for is_test in (False, True):
            text = make_key(secrets.token_bytes(24), is_test=is_test)
            self.keys[is_test] = text
            await house.store.add_key(
                ApiKey(
                    digest=digest_of(text),
                    prefix=prefix_of(text),
                    account_number=owner.number,
                    is_test=is_test,
                    created_at=now,
                )
            )
        for carrier in ("swiss-post", "poste-italiane"):
            fields = house.credential_fields(carrier, "api")
            credentials = {field: client.get(field, "") for field in fields}
            await house.connect(owner, carrier, "api", credentials)
        for dialect, is_test in (("v4", False), ("v2", False), ("native", True)):
            endpoint = Endpoint(
                id=house.identifiers.new_id(now),
                world_id=world_of(owner.number, is_test),
                url=f"{shop}/hook/{dialect}",
                dialect=dialect,
                secret=make_secret(secrets.token_bytes(32)),
                created_at=now,
            )
            await house.check_endpoint_url(endpoint.url)
            await house.store.add_endpoint(endpoint)
            self.receiver.endpoints[dialect] = endpoint
        return owner

    async def _create_parcels(self, house: Installation, config: Config, owner: Account) -> None:
        async with aiohttp.ClientSession() as session:
            for index, (number, courier, is_test, title) in enumerate(PARCELS):
                key = self.keys[is_test]
                # Every second parcel comes in through the founding dialect.
                if index % 2:
                    url = f"{config.public_url}/v2/trackings/post"
                    header, field = "Trackingmore-Api-Key", "carrier_code"
                else:
                    url = f"{config.public_url}/v4/trackings/create"
                    header, field = "Tracking-Api-Key", "courier_code"
                body = {"tracking_number": number, field: courier, "title": title}
                async with session.post(url, json=body, headers={header: key}) as answer:
                    content = await answer.json()
                if content["meta"]["code"] != 200:
                    msg = f"creating {number} failed: {content['meta']}"
                    raise click.ClickException(msg)
                stored = await house.service.find(world_of(owner.number, is_test), number, courier)
                page = f"{config.public_url}/t/{stored.tracking.page_token}"
                click.echo(f"created {number:22} {courier:15} tracking page: {page}")
        click.echo()

    async def _watch(self, house: Installation, owner: Account) -> None:
        started_at = self.clock.now()
        was_told = False
        while True:
            await self.clock.sleep(0.5)
            passed = (self.clock.now() - started_at) / 1000
            if self.seconds is not None and passed >= max(1.0, self.seconds - 3):
                return
            if not was_told and not await self._open(house, owner):
                was_told = True
                click.echo("\nAll parcels have arrived.")
                if self.seconds is None:
                    click.echo("The server goes on; look at the tracking pages. Ctrl-C ends it.")

    async def _open(self, house: Installation, owner: Account) -> list[str]:
        """Return the numbers that are still on their way."""
        return [
            stored.tracking.number
            for is_test in (False, True)
            for stored in await house.store.list_trackings(
                world_of(owner.number, is_test), TrackingFilter(), offset=0, limit=100
            )
            if not stored.tracking.is_final
        ]

    async def _summarise(self, house: Installation, owner: Account) -> bool:
        still_open = await self._open(house, owner)
        trackings = checkpoints = sent = 0
        for is_test in (False, True):
            world_id = world_of(owner.number, is_test)
            for stored in await house.store.list_trackings(
                world_id, TrackingFilter(), offset=0, limit=100
            ):
                trackings += 1
                checkpoints += len(stored.tracking.visible_checkpoints)
            sent += len(await house.store.list_messages(world_id, limit=1000))
        receiver = self.receiver
        click.echo(
            f"\nSummary: {trackings} trackings, {checkpoints} checkpoints,"
            f" {sent} webhooks sent, {len(receiver.message_ids)} received"
            f" ({receiver.received - len(receiver.message_ids)} of them twice),"
            f" {receiver.verified} of {receiver.received} signatures verified."
        )
        for number in still_open:
            click.echo(f"still on its way: {number}")
        for why in receiver.refused:
            click.echo(f"a signature failed: {why}", err=True)
        is_complete = len(receiver.message_ids) == sent and receiver.verified == receiver.received
        return is_complete and not still_open and sent > 0


@contextlib.asynccontextmanager
async def _opened(config: Config) -> AsyncIterator[Installation]:
    house = await open_installation(config)
    try:
        yield house
    finally:
        await house.close()


@contextlib.asynccontextmanager
async def _served(house: Installation, config: Config) -> AsyncIterator[None]:
    server = make_server(house, replace(config, server=config.server))
    # Signals stay with the demo itself, which stops the server in its own order.
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve())
    house.start_workers()
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        await house.stop_workers()
        server.should_exit = True
        await task


def _free_port() -> int:
    """Return 8787 when nobody uses it, else any free port."""
    for port in (8787, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found: int = probe.getsockname()[1]
                return found
    msg = "no free port on 127.0.0.1"
    raise click.ClickException(msg)


@click.command()
@click.option(
    "--seconds",
    type=click.FloatRange(min=10),
    envvar="DEMO_SECONDS",
    help="Stop by itself after this time with a summary; default: run until Ctrl-C.",
)
def demo(seconds: float | None) -> None:
    """Show the whole way of a parcel on this machine, with nothing to set up."""
    with tempfile.TemporaryDirectory(prefix="parcelwire-demo-") as folder:
        try:
            is_complete = asyncio.run(Demo(Path(folder), seconds).run())
        except KeyboardInterrupt:
            click.echo("\nStopped.")
            return
    if not is_complete:
        msg = "the demonstration did not come to its end: see the summary above"
        raise click.ClickException(msg)
