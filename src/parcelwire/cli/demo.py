"""``parcelwire demo``: the whole service on this machine, with nothing to set up.

    mock Swiss Post and Poste Italiane   <--poll--  Parcelwire (SQLite)  --webhooks-->  a shop
    the simulated carrier                              ^
                                                       +-- created over the v4 and the v2 API

The carriers are mock servers that speak the real protocols over HTTP; everything else is the real
thing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import click
import msgspec
from aiohttp import web

from parcelwire.accounts.connections import CreateConnection
from parcelwire.accounts.keys import CreateKey
from parcelwire.accounts.service import CreateAccount
from parcelwire.bootstrap import Installation, InstallationError, SystemClock, open_installation
from parcelwire.cli.demo_receiver import News, Receiver
from parcelwire.cli.serve import listen, make_server
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
from parcelwire.connectors.base import Connector
from parcelwire.connectors.carriers.poste_italiane import CONNECTOR as POSTE_ITALIANE
from parcelwire.connectors.carriers.swiss_post import CONNECTOR as SWISS_POST
from parcelwire.connectors.mock_servers import Script
from parcelwire.connectors.mock_servers.server import MockServer, base_urls_of
from parcelwire.connectors.mock_servers.serving import run_mock_server
from parcelwire.domain.account import Account, world_of
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.ports import TrackingFilter
from parcelwire.webhooks.commands import CreateEndpoint
from parcelwire.webhooks.ports import MessageFilter, MessageState

EMAIL = "demo@shop.example"
LAST_SECONDS = 3.0
"""What a demonstration with an end keeps for its last messages and the summary."""
PATIENCE_SECONDS = 10.0
"""How much longer a slow machine may take for parcels that are still on their way."""


class Parcel(msgspec.Struct, frozen=True):
    """One parcel of the demonstration."""

    number: str
    courier_code: str
    title: str
    is_test: bool = False
    """Lives in the test world, with the simulated carrier."""


PARCELS = (
    Parcel("99.00.123456.12345111", "swiss-post", "Coffee machine"),
    Parcel("RA471108151CH", "swiss-post", "Registered letter"),
    Parcel("ZA123456785IT", "poste-italiane", "Espresso cups"),
    Parcel("5P12345678901", "poste-italiane", "Olive oil"),
    Parcel("SIM-NORMAL-0001", "dhl", "A normal parcel", is_test=True),
    Parcel("SIM-CUSTOMS-0001", "ups", "Held by customs", is_test=True),
    Parcel("SIM-MISSED-0001", "swiss-post", "Nobody at home", is_test=True),
)

_COLOURS = {
    "delivered": "green",
    "pickup": "cyan",
    "undelivered": "yellow",
    "exception": "red",
    "expired": "red",
}


class Demo:
    """One demonstration from start to summary."""

    def __init__(self, folder: Path, seconds: float | None, *, wrong_secret: bool = False) -> None:
        """Keep everything in ``folder``; run for ``seconds``, or until interrupted.

        ``wrong_secret`` lets the shop check signatures with secrets that are not its endpoints'.
        """
        self.folder = folder
        self.seconds = seconds
        self.wrong_secret = wrong_secret
        self.clock = SystemClock()
        self.started_at = self.clock.now()
        self.scenario_seconds = 20.0 if seconds is None else max(4.0, min(20.0, seconds * 0.5))
        self.receiver = Receiver(self.clock, EMAIL, self._show_news)
        self.keys: dict[bool, str] = {}
        self.held_back: list[str] | None = []
        """News that came while the table of parcels was printed; None afterwards."""
        self.stop = asyncio.Event()
        self.is_interrupted = False

    async def run(self) -> bool:
        """Run it; True when every message was verified, and every parcel arrived (if there was
        time).
        """
        self._heed_signals()
        client = {"client_id": secrets.token_hex(8), "client_secret": secrets.token_hex(16)}
        script = Script(scenario_seconds=self.scenario_seconds)
        async with contextlib.AsyncExitStack() as stack:
            swiss = await stack.enter_async_context(
                run_mock_server(self._mock(SWISS_POST, script, client))
            )
            poste = await stack.enter_async_context(
                run_mock_server(self._mock(POSTE_ITALIANE, script, client))
            )
            shop = await stack.enter_async_context(run_mock_server(self.receiver.application()))
            config, sockets = _listen(self._config(swiss, poste))
            house = await stack.enter_async_context(_opened(config))
            owner = await self._furnish(house, shop, client)
            await stack.enter_async_context(_served(house, config, sockets))
            self._welcome(config, shop)
            await self._create_parcels(house, config, owner)
            await self._watch(house, owner)
            return await self._summarise(house, owner)

    def _mock(
        self, connector: Connector, script: Script, client: dict[str, str]
    ) -> web.Application:
        return MockServer(connector, self.clock, script, credentials=client).application()

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()

        def interrupt() -> None:
            self.is_interrupted = True
            self.stop.set()
            # Whoever asks twice does not want to wait for a summary.
            loop.remove_signal_handler(signal.SIGINT)

        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, interrupt)

    def _config(self, swiss: str, poste: str) -> Config:
        return Config(
            server=ServerSection(),
            store=StoreSection(url=f"sqlite:{self.folder / 'demo.db'}"),
            secrets=SecretsSection(key_file=os.fspath(self.folder / "demo.key")),
            api=ApiSection(fetch_wait_seconds=3.0),
            polling=PollingSection(time_scale=14_400.0, idle_seconds=0.25),
            webhooks=WebhooksSection(allowed_networks=("127.0.0.0/8",)),
            carriers=CarriersSection(
                simulated_time_scale=86_400.0 * 8 / self.scenario_seconds,
                base_urls={
                    "swiss-post": base_urls_of(SWISS_POST, swiss),
                    "poste-italiane": base_urls_of(POSTE_ITALIANE, poste),
                },
            ),
        )

    async def _furnish(self, house: Installation, shop: str, client: dict[str, str]) -> Account:
        use_cases = house.use_cases
        owner = await use_cases.accounts.create(CreateAccount(email=EMAIL, name="Demo shop"))
        for is_test in (False, True):
            command = CreateKey(account_number=owner.number, is_test=is_test)
            self.keys[is_test] = (await use_cases.keys.create(command)).text
        for carrier in ("swiss-post", "poste-italiane"):
            wanted = use_cases.connections.transport(carrier, "api")
            await use_cases.connections.create(
                CreateConnection(
                    account_number=owner.number,
                    connector=carrier,
                    transport=wanted.transport,
                    credentials={name: client.get(name, "") for name in wanted.credential_fields},
                )
            )
        for dialect, is_test, statuses in (
            ("v4", False, ()),
            # An endpoint may ask for some statuses only.
            ("v2", False, ("pickup", "delivered")),
            ("native", True, ()),
        ):
            made = await house.endpoints.create(
                world_of(owner.number, is_test),
                CreateEndpoint(url=f"{shop}/hook/{dialect}", dialect=dialect, statuses=statuses),
            )
            self.receiver.expect(made.endpoint)
        if self.wrong_secret:
            self.receiver.forget_secrets(secrets.token_bytes)
        return owner

    def _welcome(self, config: Config, shop: str) -> None:
        key = self.keys[False]
        url = config.public_url
        click.secho("Parcelwire is running.", bold=True)
        click.echo(f"  API and pages  {url}")
        click.echo(f"  live key       {key}   (mock servers of Swiss Post and Poste Italiane)")
        click.echo(f"  test key       {self.keys[True]}   (the simulated carrier)")
        click.echo(f"  a shop         {shop}/hook   (receives and verifies webhooks)")
        click.echo(f"  try            curl -H 'Tracking-Api-Key: {key}' {url}/v4/trackings/get\n")

    async def _create_parcels(self, house: Installation, config: Config, owner: Account) -> None:
        click.secho("Parcels and their tracking pages:", bold=True)
        async with aiohttp.ClientSession() as session:
            for index, parcel in enumerate(PARCELS):
                # Every second parcel comes in through the founding dialect.
                if index % 2:
                    call, header, field = (
                        "v2/trackings/post",
                        "Trackingmore-Api-Key",
                        "carrier_code",
                    )
                else:
                    call, header, field = "v4/trackings/create", "Tracking-Api-Key", "courier_code"
                async with session.post(
                    f"{config.public_url}/{call}",
                    json={
                        "tracking_number": parcel.number,
                        field: parcel.courier_code,
                        "title": parcel.title,
                    },
                    headers={header: self.keys[parcel.is_test]},
                ) as answer:
                    meta = (await answer.json())["meta"]
                if meta["code"] != 200:
                    msg = f"creating {parcel.number} failed: {meta['code']} {meta['message']}"
                    raise InstallationError(msg)
                stored = await house.service.find(
                    world_of(owner.number, parcel.is_test), parcel.number, parcel.courier_code
                )
                page = f"{config.public_url}/t/{stored.tracking.page_token}"
                click.echo(
                    f"  {parcel.title:18} {parcel.number:22} {parcel.courier_code:15} {page}"
                )
        click.secho("\nWebhooks received by the shop:", bold=True)
        held_back, self.held_back = self.held_back or [], None
        for line in held_back:
            click.echo(line)

    def _show_news(self, dialect: str, news: News) -> None:
        seconds = (self.clock.now() - self.started_at) / 1000
        status = click.style(f"{news.status:12}", fg=_COLOURS.get(news.status))
        where = f"{news.number:19} {news.courier_code:15}"
        line = f"  {seconds:5.1f} s  {dialect:6}  {where} {status} {news.text}".rstrip()
        if self.held_back is None:
            click.echo(line)
        else:
            self.held_back.append(line)

    async def _watch(self, house: Installation, owner: Account) -> None:
        """Wait until the time is over (a little longer for parcels on their way), or a signal."""
        time_left = self._time_left()
        has_arrived = False
        while not self.stop.is_set():
            if not has_arrived and not await self._open(house, owner):
                has_arrived = True
                click.secho("\nAll parcels have arrived.", bold=True)
                until = "until Ctrl-C" if time_left is None else "until its time is up"
                click.echo(f"The server runs {until}: open the tracking pages above.")
            time_left = self._time_left()
            if time_left is not None and time_left <= (0 if has_arrived else -PATIENCE_SECONDS):
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), 0.25)

    def _time_left(self) -> float | None:
        if self.seconds is None:
            return None
        return self.seconds - LAST_SECONDS - (self.clock.now() - self.started_at) / 1000

    async def _trackings(self, house: Installation, owner: Account) -> list[Tracking]:
        return [
            stored.tracking
            for is_test in (False, True)
            for stored in await house.store.list_trackings(
                world_of(owner.number, is_test), TrackingFilter(), offset=0, limit=100
            )
        ]

    async def _open(self, house: Installation, owner: Account) -> list[str]:
        """Return the numbers that are still on their way."""
        trackings = await self._trackings(house, owner)
        return [tracking.number for tracking in trackings if not tracking.is_final]

    async def _count_messages(
        self, house: Installation, owner: Account, state: MessageState | None = None
    ) -> int:
        count = 0
        for is_test in (False, True):
            world_id = world_of(owner.number, is_test)
            where = MessageFilter(states=() if state is None else (state,))
            count += len((await house.store.list_messages(world_id, where, limit=1_000)).messages)
        return count

    async def _summarise(self, house: Installation, owner: Account) -> bool:
        """Print what happened; True when nothing is missing."""
        for _ in range(round(LAST_SECONDS / 0.1)):  # the last messages may be under way
            if not await self._count_messages(house, owner, MessageState.PENDING):
                break
            await self.clock.sleep(0.1)
        trackings = await self._trackings(house, owner)
        checkpoints = sum(len(tracking.visible_checkpoints) for tracking in trackings)
        written = await self._count_messages(house, owner)
        sent = await self._count_messages(house, owner, MessageState.DELIVERED)
        receiver = self.receiver
        click.secho("\nSummary", bold=True)
        click.echo(f"  trackings            {len(trackings)}")
        click.echo(f"  checkpoints          {checkpoints}")
        click.echo(f"  webhooks sent        {sent} of {written}")
        click.echo(f"  webhooks received    {receiver.received}")
        click.echo(f"  signatures verified  {receiver.verified} of {receiver.received}")
        still_open = [one.number for one in trackings if not one.is_final]
        if still_open:
            click.echo(f"  still on their way   {', '.join(still_open)}")
        for why, count in receiver.refused.items():
            click.secho(f"  refused by the shop  {count} times {why}", fg="red")
        is_verified = 0 < receiver.received == receiver.verified
        is_sent = sent == written == len(receiver.message_ids)
        if self.is_interrupted:
            return receiver.received == receiver.verified
        return is_verified and is_sent and not still_open


def _listen(config: Config) -> tuple[Config, list[socket.socket]]:
    """Listen on the usual port, or on any free one when it is taken."""
    try:
        return listen(config)
    except InstallationError:
        return listen(
            msgspec.structs.replace(config, server=ServerSection(host=config.server.host, port=0))
        )


@contextlib.asynccontextmanager
async def _opened(config: Config) -> AsyncIterator[Installation]:
    house = await open_installation(config, is_server=True)
    try:
        yield house
    finally:
        await house.close()


@contextlib.asynccontextmanager
async def _served(
    house: Installation, config: Config, sockets: list[socket.socket]
) -> AsyncIterator[None]:
    server = make_server(house, config)
    task = asyncio.create_task(server.serve(sockets))
    house.start_workers()
    try:
        yield
    finally:
        server.should_exit = True
        await task
        await house.stop_workers()


@click.command()
@click.option(
    "--seconds",
    type=click.FloatRange(min=10),
    envvar="DEMO_SECONDS",
    help="Stop after this many seconds; default: run until Ctrl-C.  [env: DEMO_SECONDS]",
)
@click.option(
    "--wrong-secret",
    is_flag=True,
    help="Verify signatures with wrong secrets, to see them fail.",
)
def demo(seconds: float | None, wrong_secret: bool) -> None:
    """Run a self-contained demo of the whole service; needs no setup.

    It ends with exit code 0 when every parcel arrived and every webhook was verified.
    """

    async def run(folder: Path) -> bool:
        return await Demo(folder, seconds, wrong_secret=wrong_secret).run()

    with tempfile.TemporaryDirectory(prefix="parcelwire-demo-") as folder:
        is_complete = asyncio.run(run(Path(folder)))
    if not is_complete:
        msg = "the demo did not complete: see the summary"
        raise InstallationError(msg)
