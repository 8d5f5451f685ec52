"""What the use cases of accounts need from the packages above: a store, carriers, a hasher.

"One transaction" is what each write of the store is: durable, or not done at all, when the call
returns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from parcelwire.domain.account import Account, ApiKey, Connection
from parcelwire.domain.clock import Instant
from parcelwire.domain.report import CarrierReport
from parcelwire.tracking.ports import Once

RandomBytes = Callable[[int], bytes]
"""Gives so many unpredictable bytes."""

Change = Callable[[bytes | None], bytes | None]
"""Gives a record's new document from its old one (None: there is none; to be deleted).

Pure: it may be called again when somebody else was faster.
"""


class AccountStore(Protocol):
    """Accounts."""

    async def add_account(
        self, email: str, *, name: str = "", now: Instant, once: Once | None = None
    ) -> Account:
        """Create an account under the next number.

        Raises:
            ValueError: when the e-mail address has one already.
        """
        ...

    async def load_account(self, number: int) -> Account | None:
        """Return an account by number."""
        ...

    async def find_account(self, email: str) -> Account | None:
        """Return an account by e-mail address (case-insensitive)."""
        ...

    async def list_accounts(self) -> list[Account]:
        """Return all accounts by number."""
        ...

    async def save_account(self, account: Account) -> None:
        """Replace an account's name, phone, quota."""
        ...

    async def suspend_account(self, number: int, *, reason: str = "", now: Instant) -> None:
        """Suspend an account: from now on nothing of its worlds is claimed, in any process.

        Again: the new reason is kept, and the first time.
        """
        ...

    async def resume_account(self, number: int) -> None:
        """End an account's suspension; what waited goes on.

        Its endpoints count as failing from now on at the earliest. An account that is not
        suspended stays as it is.
        """
        ...


class KeyFinder(Protocol):
    """Finds API keys."""

    async def find_key(self, digest: bytes) -> tuple[ApiKey, Account] | None:
        """Return the key with this SHA-256 digest, revoked or not, and its account."""
        ...


class KeyStore(KeyFinder, Protocol):
    """API keys."""

    async def add_key(self, key: ApiKey, *, once: Once | None = None) -> None:
        """Store a key (its digest only)."""
        ...

    async def list_keys(self, account_number: int | None = None) -> list[ApiKey]:
        """Return keys, oldest first, of one account or of all."""
        ...

    async def revoke_key(self, prefix: str, now: Instant) -> bool:
        """Revoke the key with this exact prefix; False when there is none alive."""
        ...


class ConnectionStore(Protocol):
    """Connections to carriers."""

    async def save_connection(
        self, connection: Connection, *, expected: Connection | None = None
    ) -> bool:
        """Create or replace a connection by id.

        ``expected`` is the copy that the caller read and changed: given, nothing is stored, and the
        answer is False, when the connection was deleted or given other credentials since.
        """
        ...

    async def list_connections(self, account_number: int | None = None) -> list[Connection]:
        """Return connections of one account, or all."""
        ...

    async def delete_connection(self, account_number: int, connection_id: str) -> bool:
        """Delete a connection."""
        ...


class RecordReader(Protocol):
    """Reads small documents."""

    async def load_record(self, kind: str, scope: str, record_id: str) -> bytes | None:
        """Return one document."""
        ...


class RecordStore(RecordReader, Protocol):
    """Small documents: passwords, brands, what throttles logins.

    A record is found by its kind, its scope (whose it is) and its id within the scope. What the
    bytes say is the business of whoever keeps them.
    """

    async def list_records(
        self, kind: str, scope: str, *, after: str = "", limit: int = 100
    ) -> list[tuple[str, bytes]]:
        """Return ids and documents of one scope, by id, those behind ``after``."""
        ...

    async def change_record(
        self,
        kind: str,
        scope: str,
        record_id: str,
        change: Change,
        *,
        at: Instant,
        tracking_id: str | None = None,
    ) -> bytes | None:
        """Read, change and write one record in one transaction; return what it is then.

        ``at`` becomes its age. ``tracking_id``: the tracking that the record belongs to. Once that
        is deleted, nothing is stored any more: ``change`` is not called, and the answer is None.
        Whatever ``change`` raises is raised, and nothing is written.
        """
        ...

    async def delete_records(self, kind: str, scope: str) -> int:
        """Delete all of one scope; return how many there were."""
        ...

    async def prune_records(self, kind: str, before: Instant, *, limit: int = 1_000) -> int:
        """Delete up to ``limit`` records last written before that time; return how many."""
        ...


class LoginStore(AccountStore, KeyStore, RecordStore, Protocol):
    """What logging in reads, and where it counts failures."""


class PasswordHasher(Protocol):
    """Hashes passwords slowly, without holding up whoever waits."""

    async def hash(self, text: str, salt: bytes, cost: int) -> bytes:
        """Return the scrypt hash of a password (N = ``cost``, r = 8, p = 1), 32 bytes."""
        ...


class ConnectorTransport(msgspec.Struct, frozen=True, kw_only=True):
    """One transport of one connector, as its manifest describes it."""

    connector: str
    """The connector's code."""
    name: str
    """The carrier's."""
    transport: str
    is_official: bool
    is_on: bool
    """Whether it may be used here: an undocumented endpoint is off until the operator wants it."""
    credential_fields: tuple[str, ...]
    """Empty: it wants none, and no connection either."""
    courier_codes: tuple[str, ...]
    docs_url: str = ""
    requests_per_minute: int = 0
    test_number: str = ""
    """A number that the carrier publishes for tests; empty: none is known."""


class ConnectorCatalogue(Protocol):
    """Which carriers can be asked, and how."""

    def transports(self) -> Sequence[ConnectorTransport]:
        """Return every transport of every connector."""
        ...


class CredentialCipher(Protocol):
    """Encrypts credentials before they are stored."""

    def encrypt(self, credentials: dict[str, str], connection_id: str) -> bytes:
        """Return the credentials, encrypted and bound to their connection.

        Raises:
            StoreOutageError: the database's key is not here.
        """
        ...


class CarrierAccess(Protocol):
    """Asks carriers over stored connections."""

    async def try_connection(self, connection: Connection, number: str) -> CarrierReport:
        """Ask a carrier about one number over a stored connection; nothing is changed by it.

        What keeps it from being asked (a spent budget, no answer in time) is the report's outcome.
        """
        ...

    def forget(self, account_number: int) -> None:
        """Say that an account's connections have changed: they are to be read anew."""
        ...
