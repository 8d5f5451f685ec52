"""What the use cases of accounts want of carriers: which there are, and one query as a test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec.structs import replace

from parcelwire.accounts.ports import ConnectorTransport
from parcelwire.connectors.catalogue import Catalogue, Entry
from parcelwire.connectors.gateway import Gateway
from parcelwire.connectors.routing import ConnectionSource, GatewaySettings, route_over
from parcelwire.domain.account import Connection, world_of
from parcelwire.domain.clock import Clock, Instant
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.sealing import SealingError
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.ports import Identifiers


class BudgetStore(Protocol):
    """Counts the requests that carriers allow."""

    async def take_budget(
        self, key: str, *, now: Instant, wanted: int, per_minute: int, per_day: int | None
    ) -> int:
        """Take up to ``wanted`` requests from the budget ``key``; return how many were granted."""
        ...


class AccountCarriers:
    """Implements ``accounts.ports.ConnectorCatalogue`` and ``CarrierAccess``."""

    def __init__(
        self,
        store: BudgetStore,
        *,
        catalogue: Catalogue,
        gateway: Gateway,
        source: ConnectionSource,
        settings: GatewaySettings,
        clock: Clock,
        identifiers: Identifiers,
    ) -> None:
        """Describe the connectors of ``catalogue``, and ask through ``gateway``.

        ``source`` and ``settings`` are the gateway's.
        """
        self._store = store
        self._catalogue = catalogue
        self._gateway = gateway
        self._source = source
        self._settings = settings
        self._clock = clock
        self._identifiers = identifiers

    def transports(self) -> Sequence[ConnectorTransport]:
        """Return every transport of every connector."""
        return [
            ConnectorTransport(
                connector=entry.manifest.code,
                name=entry.manifest.name,
                transport=transport.name,
                is_official=transport.is_official,
                is_on=self._settings.allows(entry.manifest.code, transport),
                credential_fields=transport.credential_fields,
                courier_codes=entry.manifest.courier_codes,
                docs_url=transport.docs_url,
                requests_per_minute=transport.requests_per_minute,
                test_number=transport.test_number,
            )
            for entry in self._catalogue.all()
            for transport in entry.manifest.transports
        ]

    def forget(self, account_number: int) -> None:
        """Say that an account's connections have changed."""
        self._gateway.forget(account_number)

    async def try_connection(self, connection: Connection, number: str) -> CarrierReport:
        """Ask a carrier about one number over a stored connection; nothing is changed by it.

        A broken connection is tried, too, and so is one whose transport is off. The query counts
        towards the connection's budget.
        """
        now = self._clock.now()

        def answer(outcome: Outcome, detail: str) -> CarrierReport:
            return CarrierReport(number=number, outcome=outcome, detail=detail, fetched_at=now)

        entry = self._catalogue.get(connection.connector)
        try:
            if entry is None:
                raise KeyError(connection.connector)
            transport = entry.manifest.transport(connection.transport)
        except KeyError:
            return answer(Outcome.NO_CONNECTION, "its connector is not installed any more")
        try:
            opened = self._source.opened(connection)
        except SealingError as error:
            return answer(Outcome.NO_CONNECTION, f"its credentials cannot be opened: {error}")
        route = route_over(connection, entry, transport, opened, self._settings)
        granted = await self._store.take_budget(
            route.budget_key,
            now=now,
            wanted=1,
            per_minute=transport.requests_per_minute,
            per_day=transport.requests_per_day,
        )
        if not granted:
            return answer(Outcome.RATE_LIMITED, "the connection's own budget is spent for now")
        # What comes of it is not the connection's: it is neither broken by it nor mended.
        route = replace(route, budget_key=f"try:{connection.id}", connection=None)
        # A token from before would tell nothing about the credentials.
        self._gateway.session_state_of(route).clear()
        tracking = self._made_up(connection, entry, number)
        (report,) = await self._gateway.run_exchange_in_time(
            route, entry.manifest.languages[0], [tracking]
        )
        return report

    def _made_up(self, connection: Connection, entry: Entry, number: str) -> Tracking:
        now = self._clock.now()
        return Tracking(
            id=self._identifiers.new_id(now),
            world_id=world_of(connection.account_number, is_test=False),
            number=number,
            typed_number=number,
            courier_code=entry.manifest.courier_codes[0],
            created_at=now,
            updated_at=now,
            page_token="",
        )
