"""One Parcelwire, put together: what commands work with and servers run."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Sequence

from parcelwire.accounts.authentication import KeyAuthenticator
from parcelwire.api.asgi import ASGIApp, Door
from parcelwire.api.bodies import BodyReader
from parcelwire.api.house import House
from parcelwire.api.native.application import application as native_application
from parcelwire.api.native.application import in_front_of
from parcelwire.api.processes import ApiProcesses
from parcelwire.api.rate_limit import RateLimiter
from parcelwire.api.shares import EventWatch, LongReads
from parcelwire.api.trackingmore.declaration import Declaration
from parcelwire.api.trackingmore.frame import DialectFrame
from parcelwire.api.v4.render import Renderer
from parcelwire.bootstrap.accounts import account_use_cases
from parcelwire.bootstrap.clock_watch import ClockWatch
from parcelwire.bootstrap.dashboard import dashboard_settings
from parcelwire.bootstrap.dialects import own_dialects
from parcelwire.bootstrap.key_identity import KeyIdentity
from parcelwire.bootstrap.key_watch import KeyWatch
from parcelwire.bootstrap.notices import (
    EndpointAlerts,
    make_channels,
    make_mailer,
    notice_settings,
)
from parcelwire.bootstrap.settings import (
    api_settings,
    gateway_settings,
    keeping_settings,
    login_limits,
    page_limits,
    share_settings,
    webhook_settings,
    wiring_settings,
)
from parcelwire.bootstrap.store_watch import StoreWatch
from parcelwire.bootstrap.system import SystemClock, SystemIdentifiers
from parcelwire.bootstrap.webhooks import webhook_services
from parcelwire.bootstrap.wiring import Outside, wire
from parcelwire.bootstrap.workers import Workers
from parcelwire.config import Config
from parcelwire.connectors.account_carriers import AccountCarriers
from parcelwire.connectors.catalogue import Catalogue
from parcelwire.connectors.connections import SimulatedAirWaybills, StoredConnections
from parcelwire.connectors.gateway import Gateway
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.connectors.transport import HttpTransport, TransportSettings
from parcelwire.couriers.registry import Registry
from parcelwire.domain.clock import Clock
from parcelwire.notices.operators import OperatorWatch
from parcelwire.notices.senders import Senders
from parcelwire.notices.smtp import Mailer
from parcelwire.notices.subscriptions import Subscriptions
from parcelwire.notices.worker import NoticeWorker
from parcelwire.pages.application import PageHouse
from parcelwire.pages.application import application as pages_application
from parcelwire.pages.dashboard.application import application as dashboard_application
from parcelwire.pages.dashboard.application import in_front_of as dashboard_in_front_of
from parcelwire.pages.dashboard.house import Dashboard
from parcelwire.pages.dashboard.import_runner import ImportRunner
from parcelwire.pages.hosts import TrustedHosts, in_front_of_pages
from parcelwire.store.port import Store
from parcelwire.store.sealing import RESEALED_AT_ONCE
from parcelwire.tracking.background import BackgroundWork
from parcelwire.tracking.journeys import JourneyKeeper
from parcelwire.tracking.periodic_task import PeriodicTask
from parcelwire.webhooks.housekeeping import Housekeeper
from parcelwire.webhooks.sender import HttpSender


class Installation:
    """One running (or merely opened) Parcelwire."""

    def __init__(
        self,
        config: Config,
        store: Store,
        clock: Clock,
        ring: KeyRing,
        *,
        identity: KeyIdentity,
        catalogue: Catalogue,
        registry: Registry,
        renderer: Renderer,
        more_dialects: Sequence[Declaration] = (),
    ) -> None:
        """Put everything together; ``open_installation`` is the way in.

        ``renderer`` is the one that makes the store's renditions. ``more_dialects`` are served
        beside those that come with Parcelwire.
        """
        self.config = config
        self.store = store
        self.clock = clock
        self.identifiers = SystemIdentifiers()
        self.registry = registry
        self.ring = ring
        self._identity = identity
        self._transport = HttpTransport(clock, TransportSettings(contact=config.carriers.contact))
        connections, gateway = StoredConnections(store, ring, clock), gateway_settings(config)
        self.carriers = Gateway(
            catalogue, self._transport, source=connections, settings=gateway, clock=clock
        )
        background = BackgroundWork()
        self.use_cases = account_use_cases(
            store,
            clock=clock,
            identifiers=self.identifiers,
            carriers=AccountCarriers(
                store,
                catalogue=catalogue,
                gateway=self.carriers,
                source=connections,
                settings=gateway,
                clock=clock,
                identifiers=self.identifiers,
            ),
            ring=ring,
            limits=login_limits(config),
            operators=config.api.operators,
            background=background,
        )
        # Answers and stored renditions come from one renderer, so they cannot differ in language.
        self._dialects = (*own_dialects(renderer), *more_dialects)
        renderer.speak(self.carriers.phrase)
        webhooks = webhook_settings(config)
        self.mailer, self.channels = make_mailer(config), make_channels(config)
        self._sender = HttpSender(webhooks)
        wired = wire(
            Outside(
                store=store,
                clock=clock,
                identifiers=self.identifiers,
                random=random.SystemRandom().random,
                registry=registry,
                carriers=self.carriers,
                polled_carriers=self.carriers,
                sender=self._sender,
                renderer=renderer,
                notifiers=[EndpointAlerts(self.channels)] if self.channels is not None else [],
            ),
            wiring_settings(config, webhooks),
        )
        self.service, self.polls, self.delivery = wired.service, wired.polls, wired.delivery
        self._is_served = False
        self._webhooks = webhook_services(
            store,
            composer=wired.composer,
            delivery=self.delivery,
            guard=self._sender.guard,
            clock=clock,
            identifiers=self.identifiers,
            random_bytes=os.urandom,
            settings=webhooks,
            is_served=lambda: self._is_served,
            is_closing=lambda: self.house.is_closing,
        )
        self.endpoints = self._webhooks.endpoints
        self.housekeeper = Housekeeper(store, clock=clock, settings=keeping_settings(config))
        api, shares = api_settings(config), share_settings(config)
        self.house = House(
            service=self.service,
            accounts=self.use_cases.accounts,
            keys=self.use_cases.keys,
            store=store,
            registry=self.registry,
            authenticator=KeyAuthenticator(store, clock),
            limiter=RateLimiter(
                clock,
                {"create": api.create_per_second, "other": api.other_per_second},
            ),
            reads=LongReads(shares),
            events=EventWatch(store, clock, shares, lambda: self.house.is_closing),
            clock=clock,
            bodies=BodyReader(api.max_body_bytes, api.max_bodies_per_key),
            settings=api,
            endpoints=self.endpoints,
            messages=self._webhooks.messages,
            test_delivery=self._webhooks.test_delivery,
            sealer=ring,
            clock_differs=lambda: isinstance(clock, SystemClock) and clock.ahead_ms != 0,
            air_waybills=SimulatedAirWaybills(clock),
        )
        self.imports = ImportRunner(store, self.service, clock)
        self.subscriptions = Subscriptions(
            store,
            clock=clock,
            identifiers=self.identifiers,
            auto_notify_accounts=config.notifications.auto_notify_accounts,
            confirmations_per_day=config.limits.mail_confirmations_per_address_per_day,
        )
        self.dashboard = Dashboard(
            store=store,
            service=self.service,
            registry=self.registry,
            clock=clock,
            identifiers=self.identifiers,
            random_bytes=os.urandom,
            keys=self.use_cases.keys,
            sessions=self.use_cases.sessions,
            connections=self.use_cases.connections,
            brands=self.use_cases.brands,
            endpoints=self.endpoints,
            messages=self._webhooks.messages,
            test_delivery=self._webhooks.test_delivery,
            settings=dashboard_settings(config),
            background=background,
            senders=Senders(store, clock, self.subscriptions),
            wake_imports=self.imports.wake,
        )
        watches: list[PeriodicTask] = [KeyWatch(store, ring, clock)]
        if isinstance(clock, SystemClock) and config.store.sqlite_file is None:
            watches.append(ClockWatch(store, clock))
        rounds: list[PeriodicTask] = [
            JourneyKeeper(store, clock=clock),
            StoreWatch(
                store,
                clock=clock,
                integrity_check_hours=config.store.integrity_check_hours,
                channels=self.channels,
            ),
        ]
        if self.mailer is not None:
            rounds.append(self.make_notice_worker(self.mailer))
        if self.channels is not None:
            rounds.append(
                OperatorWatch(store, self.channels, clock=clock, public_url=config.public_url)
            )
        self._workers = Workers(
            [
                ("polling", self.polls),
                ("delivery", self.delivery),
                ("housekeeping", self.housekeeper),
                ("imports", self.imports),
                *((one.name, one) for one in rounds),
            ],
            watches,
        )
        self.api_processes = ApiProcesses(
            store,
            clock=clock,
            process_id=self.identifiers.new_id(clock.now()),
            on_count=self.house.limiter.share_with,
        )
        self._counting: asyncio.Task[None] | None = None

    def make_notice_worker(self, mailer: Mailer) -> NoticeWorker:
        """Return who tells customers by mail."""
        return NoticeWorker(
            self.store,
            mailer,
            clock=self.clock,
            identifiers=self.identifiers,
            registry=self.registry,
            settings=notice_settings(self.config),
        )

    def asgi(self, *, is_served: bool = True) -> ASGIApp:
        """Return the application that answers HTTP: dialects, native API, pages, health.

        ``is_served``: from now on workers deliver, here or in processes of their own. A command
        that calls the application of an installation by itself says that none need to.
        """
        self._is_served = is_served
        pages = pages_application(
            PageHouse(
                store=self.store,
                registry=self.registry,
                clock=self.clock,
                public_url=self.config.public_url,
                subscriber=self.subscriptions if self.mailer is not None else None,
                subscriptions=self.subscriptions,
                limits=page_limits(self.config),
                is_closing=lambda: self.house.is_closing,
            )
        )
        dashboard = dashboard_in_front_of(lambda: dashboard_application(self.dashboard), pages)
        server = self.config.server
        hosts = TrustedHosts(
            server.trusted_hosts, public_url=self.config.public_url, listens_on=server.host
        )
        other = in_front_of(native_application(self.house), in_front_of_pages(dashboard, hosts))
        return Door(self.house, [DialectFrame(self.house, one) for one in self._dialects], other)

    def start_sharing_rate_limits(self) -> None:
        """Divide the rate limits with other API processes; on SQLite there are none."""
        if self._counting is None and self.config.store.sqlite_file is None:
            name = self.api_processes.name
            self._counting = asyncio.create_task(self.api_processes.run(), name=name)

    def start_workers(self) -> None:
        """Start polling, delivering and housekeeping in this process."""
        self._workers.start()

    def start_watches(self) -> None:
        """Look after key and clock in a process without workers; theirs do."""
        self._workers.start_watches()

    async def stop_workers(self) -> None:
        """Claim no more, finish what is under way."""
        await self._workers.stop()

    async def close(self) -> None:
        """Stop the workers, finish writes, close connections."""
        await self.stop_workers()
        if self._counting is not None:
            self.api_processes.stop()
            await self._counting
        await self.service.drain()
        await self._transport.close()
        await self._sender.close()
        await self._webhooks.urls.close()
        await self.store.close()

    # -- for the commands -----------------------------------------------------------------------

    async def check_key(self) -> None:
        """Check that the key file is the database's and opens all that is sealed in it.

        A new installation gets its key file now, if it has none.

        Raises:
            InstallationError: it is not, or something would not open.
        """
        await self._identity.check(os.urandom)

    async def seal_plaintext_secrets(self) -> int:
        """Seal the endpoints' secrets that a version before left open; return how many.

        In small transactions: killed in between, the next start goes on.
        """
        sealed = 0
        while count := await self.store.reseal(limit=RESEALED_AT_ONCE, only_open=True):
            sealed += count
        if sealed:
            await self.store.drop_old_copies()
        return sealed
