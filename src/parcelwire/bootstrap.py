"""The composition root: the only module that names concrete adapters.

    open_installation(config)  ->  Installation
        store (SQLite or PostgreSQL), carriers, use cases, dialects, pages, workers

``Installation`` is what the commands work with; ``start_workers`` and ``asgi`` are what a server
runs.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from parcelwire.api.asgi import ASGIApp, Door
from parcelwire.api.gate import Gate, RateLimiter
from parcelwire.api.house import ApiSettings, House
from parcelwire.api.v2.dialect import V2Dialect
from parcelwire.api.v2.render import render_payload as render_v2_payload
from parcelwire.api.v4.dialect import V4Dialect
from parcelwire.api.v4.render import Renderer, render_tracking
from parcelwire.config import Config
from parcelwire.connectors.catalogue import Catalogue, CatalogueError, load_catalogue
from parcelwire.connectors.connections import SimulatedAirWaybills, StoredConnections
from parcelwire.connectors.gateway import Gateway
from parcelwire.connectors.routing import GatewaySettings
from parcelwire.connectors.sealing import Sealer, SealingError, create_key_file, load_sealer
from parcelwire.connectors.simulated import SimulatedCarrier
from parcelwire.connectors.transport import HttpTransport, TransportSettings
from parcelwire.couriers.detection import default_detector
from parcelwire.couriers.refresh import CourierListError, refreshed_registry
from parcelwire.couriers.registry import Registry, default_registry
from parcelwire.domain.account import Account, Connection, Endpoint, account_of
from parcelwire.domain.clock import SECOND, Clock, Instant
from parcelwire.domain.tracking import Tracking
from parcelwire.pages.application import application as pages_application
from parcelwire.polling.plan import PollPlanner
from parcelwire.polling.turnstile import CarrierTurnstile
from parcelwire.polling.worker import PollSettings, PollWorker
from parcelwire.store.opening import StoreOpeningError, open_engine
from parcelwire.store.port import Store
from parcelwire.tracking.asking import Asker
from parcelwire.tracking.correction import CandidateFinder, Corrector
from parcelwire.tracking.drafts import Drafting
from parcelwire.tracking.refresh import Refresher
from parcelwire.tracking.service import ServiceSettings, TrackingService
from parcelwire.webhooks.message import MessageComposer
from parcelwire.webhooks.native import render_native
from parcelwire.webhooks.ports import Attempt
from parcelwire.webhooks.sender import HttpSender
from parcelwire.webhooks.settings import WebhookSettings
from parcelwire.webhooks.worker import DeliveryWorker

if TYPE_CHECKING:
    from parcelwire.connectors.base import Manifest

log = logging.getLogger(__name__)


class InstallationError(Exception):
    """Something about this installation is not as a command needs it.

    The message is one line that says what to do.
    """


class SystemClock:
    """The machine's clock."""

    def now(self) -> Instant:
        """Return the present instant."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class SystemIdentifiers:
    """Ids and tokens from the operating system's random source, drawn some kilobytes at a time.

    A draw is a system call of tens of microseconds, whatever its size; no byte is used twice.
    """

    def __init__(self) -> None:
        """Start without a last id."""
        self._last = 0
        self._pool = b""
        self._used = 0

    def new_id(self, now: Instant) -> str:
        """Return 32 hex digits: 48 bits of milliseconds, then 80 that rise within one millisecond.

        Ids of one process rise even when many are made in one millisecond or the clock steps back
        a little, so that "newest first" by id is the order of creation.
        """
        new = now << 80 | int.from_bytes(self._draw(10)) >> 1
        if new <= self._last and (self._last >> 80) - now < 60 * SECOND:
            new = self._last + 1 + int.from_bytes(self._draw(5))
        self._last = new
        return f"{new:032x}"

    def new_token(self) -> str:
        """Return 160 random bits, URL-safe."""
        return base64.urlsafe_b64encode(self._draw(20)).rstrip(b"=").decode()

    def _draw(self, count: int) -> bytes:
        if self._used + count > len(self._pool):
            self._pool, self._used = os.urandom(4_096), 0
        taken = self._pool[self._used : self._used + count]
        self._used += count
        return taken


class Installation:
    """One running (or merely opened) Parcelwire."""

    def __init__(
        self,
        config: Config,
        store: Store,
        clock: Clock,
        sealer: Sealer,
        *,
        registry: Registry,
        renderer: Renderer,
    ) -> None:
        """Put everything together; ``open_installation`` is the way in.

        ``renderer`` is the one that makes the store's renditions.
        """
        self.config = config
        self.store = store
        self.clock = clock
        self.identifiers = SystemIdentifiers()
        self.registry = registry
        self._sealer = sealer
        self._transport = HttpTransport(clock, TransportSettings(contact=config.carriers.contact))
        self._catalogue = _load_catalogue(config)
        self.carriers = Gateway(
            self._catalogue,
            self._transport,
            source=StoredConnections(store, sealer, clock),
            settings=GatewaySettings(
                web_connectors=frozenset(config.carriers.web),
                base_urls=config.carriers.base_urls,
            ),
            clock=clock,
        )
        # Answers and stored renditions come from one renderer, so they cannot differ in language.
        self._renderer = renderer
        renderer.speak(self.carriers.phrase)
        self._webhook_settings = webhook_settings(config)
        self._sender = HttpSender(self._webhook_settings)
        self._composer = MessageComposer(
            {"v2": render_v2_payload, "v4": renderer.payload, "native": render_native},
            self.identifiers,
        )
        self.delivery = DeliveryWorker(
            store,
            self._sender,
            clock=clock,
            accounts=self._account_of_world,
            identifiers=self.identifiers,
            random=random.SystemRandom().random,
            settings=self._webhook_settings,
        )
        planner = PollPlanner(config.polling.speed)
        detector = default_detector()
        finder = CandidateFinder(detector, self.registry, self.carriers, speed=config.polling.speed)
        self._turnstile = CarrierTurnstile(store, clock)
        refresher = Refresher(
            store,
            composer=self._composer,
            planner=planner,
            registry=self.registry,
            identifiers=self.identifiers,
            clock=clock,
            notify=self.delivery.notify,
            finder=finder,
        )
        corrector = Corrector(
            store,
            finder=finder,
            asker=Asker(
                store,
                carriers=self.carriers,
                turnstile=self._turnstile,
                clock=clock,
                timeout_seconds=config.polling.ask_timeout_seconds,
            ),
            planner=planner,
            refresher=refresher,
            clock=clock,
        )
        self.polls = PollWorker(
            store,
            carriers=self.carriers,
            turnstile=self._turnstile,
            refresher=refresher,
            corrector=corrector,
            clock=clock,
            settings=PollSettings(
                claim_size=config.polling.claim_size,
                concurrency=config.polling.concurrency,
                lease_seconds=config.polling.lease_seconds,
                ask_timeout_seconds=config.polling.ask_timeout_seconds,
                idle_seconds=config.polling.idle_seconds,
            ),
        )
        self.service = TrackingService(
            store,
            carriers=self.carriers,
            turnstile=self._turnstile,
            planner=planner,
            refresher=refresher,
            drafting=Drafting(self.registry, detector, self.identifiers),
            registry=self.registry,
            clock=clock,
            settings=ServiceSettings(
                ask_seconds=config.api.ask_seconds,
                ask_timeout_seconds=config.polling.ask_timeout_seconds,
                ask_at_create=config.api.ask_at_create,
                realtime_interval_seconds=config.api.realtime_interval_seconds,
            ),
            wake_polls=self.polls.wake,
        )
        self.house = House(
            service=self.service,
            store=store,
            registry=self.registry,
            detector=detector,
            gate=Gate(store, clock),
            limiter=RateLimiter(
                clock,
                {"create": config.api.create_per_second, "other": config.api.other_per_second},
            ),
            clock=clock,
            settings=ApiSettings(
                max_body_bytes=config.server.max_body_bytes,
                v2_disabled_calls=config.api.v2_disabled_calls,
                is_payment_required=config.api.payment_required,
                suspended_accounts=config.api.suspended_accounts,
                public_url=config.public_url,
            ),
            air_waybills=SimulatedAirWaybills(clock),
        )
        self._workers: list[asyncio.Task[None]] = []

    def asgi(self) -> ASGIApp:
        """Return the application that answers HTTP: dialects, pages, health."""
        pages = pages_application(self.store, self.registry, self.clock)
        return Door(
            self.house, [V2Dialect(self.house), V4Dialect(self.house, self._renderer)], pages
        )

    def start_workers(self) -> None:
        """Start polling and delivering in this process."""
        if not self._workers:
            self._workers = [
                asyncio.create_task(self.polls.run(), name="polling"),
                asyncio.create_task(self.delivery.run(), name="delivery"),
            ]

    async def stop_workers(self) -> None:
        """Claim no more, finish what is under way."""
        self.polls.stop()
        self.delivery.stop()
        if self._workers:
            await asyncio.wait(self._workers)
            self._workers = []

    async def close(self) -> None:
        """Stop the workers, finish writes, close connections."""
        await self.stop_workers()
        await self.service.drain()
        await self._transport.close()
        await self._sender.close()
        await self.store.close()

    # -- for the commands -----------------------------------------------------------------------

    def manifests(self) -> list[Manifest]:
        """Return what is known of every carrier that can be asked."""
        return [entry.manifest for entry in self._catalogue.all()]

    def credential_fields(self, connector: str, transport: str) -> tuple[str, ...]:
        """Return the credentials that a connector's transport wants.

        Raises:
            InstallationError: there is no such connector or transport.
        """
        entry = self._catalogue.get(connector)
        names = [one.name for one in entry.manifest.transports] if entry is not None else []
        if entry is None or transport not in names:
            known = ", ".join(manifest.code for manifest in self.manifests())
            msg = (
                f"{connector} has no transport {transport}; it has {', '.join(names)}"
                if entry is not None
                else f"there is no connector {connector}; there are {known}"
            )
            raise InstallationError(msg)
        return entry.manifest.transport(transport).credential_fields

    async def connect(
        self, owner: Account, connector: str, transport: str, credentials: dict[str, str]
    ) -> Connection:
        """Store an account's connection, its credentials sealed."""
        now = self.clock.now()
        connection_id = self.identifiers.new_id(now)
        connection = Connection(
            id=connection_id,
            account_number=owner.number,
            connector=connector,
            transport=transport,
            sealed_credentials=self._sealer.seal(credentials, connection_id),
            created_at=now,
        )
        await self.store.save_connection(connection)
        return connection

    async def check_key(self) -> None:
        """Check that the key file opens what is sealed in the store.

        Raises:
            InstallationError: it does not. Asking carriers would then mark every connection broken.
        """
        lost = 0
        for connection in await self.store.list_connections():
            try:
                self._sealer.open(connection.sealed_credentials, connection.id)
            except SealingError:
                lost += 1
        if lost:
            msg = (
                f"the key file {self.config.secrets.key_file} does not open the credentials of"
                f" {lost} connection(s): put back the key they were sealed with, or remove them"
                " with: parcelwire connection remove"
            )
            raise InstallationError(msg)

    async def check_endpoint_url(self, url: str) -> None:
        """Check that messages may be sent to ``url``.

        Raises:
            InstallationError: it is no usable URL, or leads to an internal address nobody allowed.
        """
        from parcelwire.webhooks.address import AddressRefusedError  # rare path
        from parcelwire.webhooks.dialing import (  # rare path
            SystemResolver,
            check_destination,
        )

        resolver = SystemResolver(self._webhook_settings.dns_threads)
        try:
            await check_destination(self._sender.guard, resolver, url)
        except AddressRefusedError as error:
            msg = f"{url} is refused: {error} (webhooks.allowed_networks, webhooks.extra_ports)"
            raise InstallationError(msg) from None
        finally:
            await resolver.close()

    async def send_test_event(self, endpoint: Endpoint) -> Attempt | None:
        """Send a made-up event to an endpoint and return the attempt.

        None when it is switched off.
        """
        if not endpoint.is_enabled:
            return None
        message = self._composer.compose_test(endpoint, self.clock.now())
        await self.store.add_messages([message])
        deadline = self.clock.now() + round((self._webhook_settings.total_seconds + 10) * SECOND)
        while self.clock.now() < deadline:
            await self.delivery.step()
            attempts = await self.store.list_attempts(message.id)
            if attempts:
                return attempts[-1]
            await self.clock.sleep(0.05)
        return None

    async def _account_of_world(self, world_id: int) -> Account | None:
        return await self.store.load_account(account_of(world_id))


def webhook_settings(config: Config) -> WebhookSettings:
    """Return the webhooks room's own settings.

    Raises:
        InstallationError: the figures contradict each other.
    """
    section = config.webhooks
    try:
        return WebhookSettings(
            attempts=section.attempts,
            first_delay_seconds=section.first_delay_seconds,
            total_seconds=section.total_seconds,
            in_flight=section.in_flight,
            in_flight_per_endpoint=section.in_flight_per_endpoint,
            allowed_networks=section.allowed_networks,
            extra_ports=section.extra_ports,
            ca_file=section.ca_file or None,
        )
    except ValueError as error:
        raise InstallationError(str(error)) from None


async def open_store(
    config: Config, clock: Clock, render: Callable[[Tracking], bytes] = render_tracking
) -> Store:
    """Open the store that ``store.url`` names, bringing its schema up to date.

    ``render`` makes the renditions that it keeps.

    Raises:
        InstallationError: the database cannot be reached, or not be used.
    """
    try:
        return await open_engine(
            config.store.url,
            render=render,
            clock=clock,
            behind_pgbouncer=config.store.behind_pgbouncer,
            pool_size=config.store.pool_size,
        )
    except StoreOpeningError as error:
        msg = f"cannot use the database: {error} (store.url)"
        raise InstallationError(msg) from error


async def open_installation(config: Config, *, clock: Clock | None = None) -> Installation:
    """Open (and at first make) the installation that ``config`` describes.

    Raises:
        InstallationError, StoreUnavailableError: it cannot be opened; the message says what to do.
    """
    clock = clock or SystemClock()
    sealer = await asyncio.to_thread(_open_key_file, Path(config.secrets.key_file))
    registry = load_registry(config)
    renderer = Renderer(registry)
    store = await open_store(config, clock, renderer.tracking)
    try:
        return Installation(config, store, clock, sealer, registry=registry, renderer=renderer)
    except BaseException:
        await store.close()
        raise


def load_registry(config: Config) -> Registry:
    """Return the couriers known here: the package's own, and what was refreshed since.

    Raises:
        InstallationError: the file of refreshed couriers cannot be used.
    """
    try:
        return refreshed_registry(default_registry(), Path(config.carriers.registry_file))
    except CourierListError as error:
        msg = f"{error} (carriers.registry_file)"
        raise InstallationError(msg) from error


def _open_key_file(path: Path) -> Sealer:
    try:
        if not path.exists():
            create_key_file(path, os.urandom)
            log.info("made a new key file %s: back it up apart from the database", path)
        return load_sealer(path, os.urandom)
    except FileExistsError:  # another process made it a moment ago
        return load_sealer(path, os.urandom)
    except OSError as error:
        msg = f"cannot make the key file {path}: {error.strerror} (secrets.key_file)"
        raise InstallationError(msg) from error
    except SealingError as error:
        msg = f"{error} (secrets.key_file)"
        raise InstallationError(msg) from error


def _load_catalogue(config: Config) -> Catalogue:
    try:
        catalogue = load_catalogue(SimulatedCarrier(config.carriers.simulated_speed))
        catalogue.check_names([*config.carriers.web, *config.carriers.base_urls])
    except CatalogueError as error:
        raise InstallationError(str(error)) from error
    return catalogue
