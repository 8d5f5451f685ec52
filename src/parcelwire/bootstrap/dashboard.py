"""What the dashboard is handed: this installation's keys, carriers and settings."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import msgspec

from parcelwire.api import gate
from parcelwire.config import Config
from parcelwire.connectors.base import Transport
from parcelwire.connectors.catalogue import Catalogue
from parcelwire.connectors.gateway import Gateway
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.connectors.routing import Route
from parcelwire.domain.account import Account, Connection, world_of
from parcelwire.domain.clock import Clock
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.sealing import SealingError
from parcelwire.domain.tracking import Tracking
from parcelwire.pages.dashboard.house import DashboardSettings, WayToAsk
from parcelwire.polling.ports import PollStore

_PASSWORD: Final = re.compile(r"(://[^:/@\s]*):[^@/\s]*@")
"""Of a URL with credentials in it."""

_SECRET: Final = {("notices", "password"), ("notices", "operator_urls")}
"""Settings that nobody is shown."""

Connect = Callable[[Account, str, str, dict[str, str]], Awaitable[Connection]]


class Keys:
    """Implements ``pages.dashboard.house.KeyMaker``."""

    def make(self, random_bytes: bytes, *, is_test: bool) -> str:
        """Return the text of a new key."""
        return gate.make_key(random_bytes, is_test=is_test)

    def is_well_formed(self, text: str) -> bool:
        """Tell whether a text has the form of a key."""
        return gate.is_well_formed(text)

    def digest(self, text: str) -> bytes:
        """Return what is stored of a key."""
        return gate.digest_of(text)

    def prefix(self, text: str) -> str:
        """Return what people may see of a key."""
        return gate.prefix_of(text)


class NewIds(Protocol):
    """Where ids come from."""

    def new_id(self, now: int) -> str:
        """Return a new one."""
        ...


class Carriers:
    """Implements ``pages.dashboard.house.CarrierDesk``."""

    def __init__(
        self,
        config: Config,
        store: PollStore,
        *,
        catalogue: Catalogue,
        gateway: Gateway,
        sealer: KeyRing,
        connect: Connect,
        clock: Clock,
        identifiers: NewIds,
    ) -> None:
        """Look after the connections that ``connect`` makes."""
        self._config = config
        self._store = store
        self._catalogue = catalogue
        self._gateway = gateway
        self._sealer = sealer
        self._connect = connect
        self._clock = clock
        self._identifiers = identifiers

    def ways(self) -> Sequence[WayToAsk]:
        """Return every transport of every connector."""
        return [
            WayToAsk(
                connector=entry.manifest.code,
                name=entry.manifest.name,
                transport=transport.name,
                is_official=transport.is_official,
                is_on=transport.is_official or entry.manifest.code in self._config.carriers.web,
                credential_fields=transport.credential_fields,
                courier_codes=entry.manifest.courier_codes,
                docs_url=transport.docs_url,
                requests_per_minute=transport.requests_per_minute,
                test_number=transport.test_number,
            )
            for entry in self._catalogue.all()
            for transport in entry.manifest.transports
        ]

    async def connect(
        self, owner: Account, connector: str, transport: str, credentials: dict[str, str]
    ) -> Connection:
        """Store a new connection, its credentials sealed."""
        made = await self._connect(owner, connector, transport, credentials)
        self.forget(owner.number)
        return made

    def forget(self, account_number: int) -> None:
        """Say that an account's connections have changed."""
        self._gateway.forget(account_number)

    async def try_connection(self, connection: Connection, number: str) -> CarrierReport:
        """Ask a carrier about one number over a stored connection; nothing is changed by it."""
        now = self._clock.now()

        def answer(outcome: Outcome, detail: str) -> CarrierReport:
            return CarrierReport(number=number, outcome=outcome, detail=detail, fetched_at=now)

        entry = self._catalogue.get(connection.connector)
        transport = self._transport_of(connection)
        if entry is None or transport is None:
            return answer(Outcome.NO_CONNECTION, "its connector is not installed any more")
        try:
            opened = self._sealer.open(connection.sealed_credentials, connection.id)
        except SealingError as error:
            return answer(Outcome.NO_CONNECTION, f"its credentials cannot be opened: {error}")
        granted = await self._store.take_budget(
            f"{connection.connector}:{connection.id}",
            now=now,
            wanted=1,
            per_minute=transport.requests_per_minute,
            per_day=transport.requests_per_day,
        )
        if not granted:
            return answer(Outcome.RATE_LIMITED, "the connection's own budget is spent for now")
        base_urls = self._config.carriers.base_urls.get(connection.connector, {})
        route = Route(
            entry=entry,
            transport=transport,
            budget_key=f"try:{connection.id}",
            credentials={name: str(value) for name, value in opened.items()},
            base_urls={**base_urls, **connection.base_urls},
        )
        # A token from before would tell nothing about the credentials.
        self._gateway.session_state_of(route).clear()
        tracking = Tracking(
            id=self._identifiers.new_id(now),
            world_id=world_of(connection.account_number, is_test=False),
            number=number,
            typed_number=number,
            courier_code=entry.manifest.courier_codes[0],
            created_at=now,
            updated_at=now,
            page_token="",
        )
        seconds = self._config.polling.ask_timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                (report,) = await self._gateway.run_exchange(
                    route, entry.manifest.languages[0], [tracking]
                )
        except TimeoutError:
            return answer(Outcome.UNAVAILABLE, f"no answer within {seconds:g} s")
        return report

    def _transport_of(self, connection: Connection) -> Transport | None:
        entry = self._catalogue.get(connection.connector)
        if entry is None:
            return None
        found = (one for one in entry.manifest.transports if one.name == connection.transport)
        return next(found, None)


def dashboard_settings(config: Config) -> DashboardSettings:
    """Return the dashboard's own settings, all others among them to be looked at."""
    effective = []
    for section, fields in msgspec.to_builtins(config).items():
        for name, value in fields.items():
            shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            if (section, name) in _SECRET and value:
                shown = "…"
            effective.append((section, name, _PASSWORD.sub(r"\1:…@", shown)))
    return DashboardSettings(
        public_url=config.public_url,
        operators=config.api.operators,
        automatic_accounts=config.notices.automatic_accounts,
        has_mail_server=bool(config.notices.smtp_host),
        mails_per_minute=config.limits.mails_per_account_minute,
        mails_per_day=config.limits.mails_per_account_day,
        effective=tuple(effective),
    )
