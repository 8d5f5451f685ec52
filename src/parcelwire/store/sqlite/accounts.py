"""Accounts, keys and connections."""

from __future__ import annotations

import apsw
from msgspec.structs import replace

from parcelwire.domain.account import Account, ApiKey, Connection, without_failures, world_of
from parcelwire.domain.clock import Instant
from parcelwire.store.codec import decode_connection, decode_endpoint, encode_json
from parcelwire.store.sqlite import queries
from parcelwire.store.sqlite.connection import fetch
from parcelwire.store.sqlite.idempotency import IdempotencyMixin
from parcelwire.store.sqlite.ids import id_value
from parcelwire.store.sqlite.rows import account_of, key_of
from parcelwire.store.unreadable import connection_of, name_of_connection
from parcelwire.tracking.ports import Once

_ACCOUNT_AT = 9
"""Where the account begins in a row of ``FIND_KEY``."""


class Accounts(IdempotencyMixin):
    """``AccountStore``, except what other tables answer."""

    async def add_account(
        self, email: str, *, name: str = "", now: Instant, once: Once | None = None
    ) -> Account:
        """See ``AccountStore``."""
        values = (email, email.casefold(), name, now)

        def work(connection: apsw.Connection) -> Account:
            connection.execute(queries.ADD_ACCOUNT, values)
            if not connection.changes():
                msg = f"{email} has an account already"
                raise ValueError(msg)
            number = connection.last_insert_rowid()
            return Account(number=number, email=email, name=name, created_at=now)

        return await self._write_once(work, once)

    async def load_account(self, number: int) -> Account | None:
        """See ``AccountStore``."""
        rows = await self._reader.rows(queries.LOAD_ACCOUNT, (number,))
        return account_of(rows[0]) if rows else None

    async def find_account(self, email: str) -> Account | None:
        """See ``AccountStore``."""
        rows = await self._reader.rows(queries.FIND_ACCOUNT, (email.casefold(),))
        return account_of(rows[0]) if rows else None

    async def list_accounts(self) -> list[Account]:
        """See ``AccountStore``."""
        return [account_of(row) for row in await self._reader.rows(queries.ACCOUNTS)]

    async def save_account(self, account: Account) -> None:
        """See ``AccountStore``."""
        values = (account.name, account.phone, account.tracking_quota, account.number)

        def work(connection: apsw.Connection) -> None:
            connection.execute(queries.SAVE_ACCOUNT, values)

        await self._write(work)

    async def suspend_account(self, number: int, *, reason: str = "", now: Instant) -> None:
        """See ``AccountStore``."""

        def work(connection: apsw.Connection) -> None:
            connection.execute(queries.SUSPEND_ACCOUNT, (now, reason, number))

        await self._write(work)

    async def resume_account(self, number: int) -> None:
        """See ``AccountStore``."""

        def work(connection: apsw.Connection) -> None:
            connection.execute(queries.RESUME_ACCOUNT, (number,))
            if connection.changes():
                _forget_failures(connection, number)

        await self._write(work)

    async def suspended_accounts(self) -> frozenset[int]:
        """See ``SuspensionStore``."""
        rows = await self._reader.rows(queries.SUSPENDED_ACCOUNTS)
        return frozenset(number for (number,) in rows)

    # -- keys -----------------------------------------------------------------------------------

    async def add_key(self, key: ApiKey, *, once: Once | None = None) -> None:
        """See ``KeyStore``."""
        values = (
            key.digest,
            key.prefix,
            key.account_number,
            int(key.is_test),
            key.label,
            key.scope,
            key.created_at,
            key.revoked_at,
            key.expires_at,
        )

        def work(connection: apsw.Connection) -> None:
            connection.execute(queries.ADD_KEY, values)

        await self._write_once(work, once)

    async def find_key(self, digest: bytes) -> tuple[ApiKey, Account] | None:
        """See ``KeyStore``."""
        rows = await self._reader.rows(queries.FIND_KEY, (digest,))
        if not rows:
            return None
        return key_of(rows[0][:_ACCOUNT_AT]), account_of(rows[0][_ACCOUNT_AT:])

    async def list_keys(self, account_number: int | None = None) -> list[ApiKey]:
        """See ``KeyStore``."""
        if account_number is None:
            rows = await self._reader.rows(queries.KEYS)
        else:
            rows = await self._reader.rows(queries.KEYS_OF_ACCOUNT, (account_number,))
        return [key_of(row) for row in rows]

    async def revoke_key(self, prefix: str, now: Instant) -> bool:
        """See ``KeyStore``."""

        def work(connection: apsw.Connection) -> bool:
            connection.execute(queries.REVOKE_KEY, (now, prefix))
            return connection.changes() > 0

        return await self._write(work)

    async def count_created(self, world_id: int) -> int:
        """See ``InstallationStore``."""
        rows = await self._reader.rows(queries.CREATED_COUNT, (world_id,))
        return int(rows[0][0]) if rows else 0

    # -- connections ----------------------------------------------------------------------------

    async def save_connection(
        self, connection: Connection, *, expected: Connection | None = None
    ) -> bool:
        """See ``ConnectionStore``."""

        def work(database: apsw.Connection) -> bool:
            known = [
                decode_connection(document).sealed_credentials
                for (document,) in fetch(database, queries.CONNECTION, (connection.id,))
            ]
            if expected is not None and expected.sealed_credentials not in known:
                return False
            kept = connection
            if connection.sealed_credentials not in known:
                key = self._sealing_key(database)
                kept = self._sealing.connection_under(connection, key)
            values = (kept.id, kept.account_number, kept.created_at, encode_json(kept))
            database.execute(queries.SAVE_CONNECTION, values)
            return True

        return await self._write(work)

    async def list_connections(self, account_number: int | None = None) -> list[Connection]:
        """See ``ConnectionStore``."""
        if account_number is None:
            rows = await self._reader.rows(queries.CONNECTIONS)
        else:
            rows = await self._reader.rows(queries.CONNECTIONS_OF_ACCOUNT, (account_number,))
        return self._unreadable.each(connection_of, rows, name_of_connection)

    async def delete_connection(self, account_number: int, connection_id: str) -> bool:
        """See ``ConnectionStore``."""

        def work(connection: apsw.Connection) -> bool:
            connection.execute(queries.DELETE_CONNECTION, (account_number, connection_id))
            return connection.changes() > 0

        return await self._write(work)


def _forget_failures(connection: apsw.Connection, account_number: int) -> None:
    """Have endpoints fail since now at the earliest: while nothing was sent, none could recover."""
    for is_test in (False, True):
        world_id = world_of(account_number, is_test)
        for document, sealed in fetch(connection, queries.ENDPOINTS, (world_id,)):
            # What is sealed has no part in it, and stays as it is.
            endpoint = decode_endpoint(document)
            if endpoint.failing_since is not None:
                fresh = replace(without_failures(endpoint), failing_reported_at=None)
                is_enabled, packed = int(fresh.is_enabled), encode_json(fresh)
                values = (is_enabled, packed, sealed, id_value(fresh.id), world_id)
                connection.execute(queries.SAVE_ENDPOINT, values)
