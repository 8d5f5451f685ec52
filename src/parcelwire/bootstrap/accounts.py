"""The use cases of accounts, with what stands behind their ports: hasher, key ring, carriers."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Sequence

import msgspec

from parcelwire.accounts.brands import BrandService
from parcelwire.accounts.connections import ConnectionService
from parcelwire.accounts.keys import KeyService
from parcelwire.accounts.login_throttle import LoginLimits
from parcelwire.accounts.logins import LoginService
from parcelwire.accounts.passwords import PasswordService
from parcelwire.accounts.ports import ConnectorTransport
from parcelwire.accounts.service import AccountService
from parcelwire.accounts.sessions import SessionService
from parcelwire.config import Config
from parcelwire.connectors.base import Transport
from parcelwire.connectors.catalogue import Catalogue
from parcelwire.connectors.gateway import Gateway
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.connectors.routing import Route
from parcelwire.domain.account import Connection, world_of
from parcelwire.domain.clock import Clock
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.sealing import SealingError
from parcelwire.domain.tracking import Tracking
from parcelwire.polling.ports import PollStore
from parcelwire.store.port import KeyUnavailableError, Store
from parcelwire.tracking.background import BackgroundWork
from parcelwire.tracking.ports import Identifiers


class AccountUseCases(msgspec.Struct, frozen=True, kw_only=True):
    """What an installation can do with what an account owns."""

    accounts: AccountService
    keys: KeyService
    passwords: PasswordService
    logins: LoginService
    sessions: SessionService
    connections: ConnectionService
    brands: BrandService


def account_use_cases(
    store: Store,
    *,
    clock: Clock,
    identifiers: Identifiers,
    carriers: GatewayCarriers,
    ring: KeyRing,
    limits: LoginLimits,
    operators: Sequence[str],
    background: BackgroundWork,
) -> AccountUseCases:
    """Put the use cases together."""
    passwords = PasswordService(store, ScryptHasher(), clock=clock, random_bytes=os.urandom)
    logins = LoginService(store, passwords, clock=clock, random_bytes=os.urandom, limits=limits)
    return AccountUseCases(
        accounts=AccountService(store, clock=clock),
        keys=KeyService(store, clock=clock, random_bytes=os.urandom),
        passwords=passwords,
        logins=logins,
        sessions=SessionService(
            store,
            logins,
            passwords,
            clock=clock,
            random_bytes=os.urandom,
            operators=operators,
        ),
        connections=ConnectionService(
            store,
            catalogue=carriers,
            carriers=carriers,
            cipher=RingCipher(ring),
            clock=clock,
            identifiers=identifiers,
        ),
        brands=BrandService(store, clock=clock, background=background),
    )


class ScryptHasher:
    """Implements ``accounts.ports.PasswordHasher``, in threads."""

    async def hash(self, text: str, salt: bytes, cost: int) -> bytes:
        """Return the scrypt hash of a password, 32 bytes."""
        return await asyncio.to_thread(hash_password, text, salt, cost)


def hash_password(text: str, salt: bytes, cost: int) -> bytes:
    """Return the scrypt hash of a password, 32 bytes; takes some 100 ms at the usual cost."""
    return hashlib.scrypt(
        text.encode(), salt=salt, n=cost, r=8, p=1, maxmem=256 * 8 * cost, dklen=32
    )


class RingCipher:
    """Implements ``accounts.ports.CredentialCipher``."""

    def __init__(self, ring: KeyRing) -> None:
        """Encrypt with the database's key, if the ring has it."""
        self._ring = ring

    def encrypt(self, credentials: dict[str, str], connection_id: str) -> bytes:
        """Return the credentials, encrypted and bound to their connection.

        Raises:
            KeyUnavailableError: the database's key is not here.
        """
        try:
            return self._ring.seal(credentials, connection_id)
        except SealingError as error:
            raise KeyUnavailableError(str(error)) from error


class GatewayCarriers:
    """Implements ``accounts.ports.ConnectorCatalogue`` and ``CarrierAccess``."""

    def __init__(
        self,
        config: Config,
        store: PollStore,
        *,
        catalogue: Catalogue,
        gateway: Gateway,
        ring: KeyRing,
        clock: Clock,
        identifiers: Identifiers,
    ) -> None:
        """Describe the connectors of ``catalogue``, and ask through ``gateway``."""
        self._config = config
        self._store = store
        self._catalogue = catalogue
        self._gateway = gateway
        self._ring = ring
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
                is_on=transport.is_official
                or entry.manifest.code in self._config.carriers.unofficial_connectors,
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
        """Ask a carrier about one number over a stored connection; nothing is changed by it."""
        now = self._clock.now()

        def answer(outcome: Outcome, detail: str) -> CarrierReport:
            return CarrierReport(number=number, outcome=outcome, detail=detail, fetched_at=now)

        entry = self._catalogue.get(connection.connector)
        transport = self._transport_of(connection)
        if entry is None or transport is None:
            return answer(Outcome.NO_CONNECTION, "its connector is not installed any more")
        try:
            opened = self._ring.open(connection.sealed_credentials, connection.id)
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
        seconds = self._config.polling.fetch_timeout_seconds
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
