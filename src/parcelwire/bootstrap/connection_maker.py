"""Makes accounts' connections to carriers: which there can be, and one stored with its secrets."""

from __future__ import annotations

from parcelwire.bootstrap.errors import InstallationError
from parcelwire.bootstrap.system import SystemIdentifiers
from parcelwire.connectors.base import Manifest
from parcelwire.connectors.catalogue import Catalogue
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.domain.account import Account, Connection
from parcelwire.domain.clock import Clock
from parcelwire.domain.sealing import SealingError
from parcelwire.store.port import KeyUnavailableError, Store


class ConnectionMaker:
    """Knows the connectors that there are, and stores connections over them."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        ring: KeyRing,
        *,
        clock: Clock,
        identifiers: SystemIdentifiers,
    ) -> None:
        """``ring`` seals the credentials."""
        self._store = store
        self._catalogue = catalogue
        self._ring = ring
        self._clock = clock
        self._identifiers = identifiers

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
        """Store an account's connection, its credentials sealed.

        Raises:
            KeyUnavailableError: the database's key is not here; nothing is stored.
        """
        now = self._clock.now()
        connection_id = self._identifiers.new_id(now)
        try:
            sealed = self._ring.seal(credentials, connection_id)
        except SealingError as error:
            raise KeyUnavailableError(str(error)) from error
        connection = Connection(
            id=connection_id,
            account_number=owner.number,
            connector=connector,
            transport=transport,
            sealed_credentials=sealed,
            created_at=now,
        )
        await self._store.save_connection(connection)
        return connection
