"""Accounts, keys and connections on PostgreSQL."""

from __future__ import annotations

from typing import Final

from parcelwire.domain.account import Account, ApiKey, Connection
from parcelwire.domain.clock import Instant
from parcelwire.store.codec import decode_connection, encode_json
from parcelwire.store.postgres.database import Database
from parcelwire.store.postgres.idempotency import IdempotencyMixin
from parcelwire.store.postgres.pool import Link, Row
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import clean, key_of
from parcelwire.store.unreadable import Unreadable, connection_of, name_of_connection
from parcelwire.tracking.ports import Once

_SQL: Final = load_queries("accounts.sql")


class Accounts(IdempotencyMixin):
    """Implements ``AccountStore`` except what other tables answer."""

    _unreadable: Unreadable

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_account(
        self, email: str, *, name: str = "", now: Instant, once: Once | None = None
    ) -> Account:
        """See ``AccountStore``."""

        async def work(link: Link) -> Account:
            # One at a time, so that numbers have no gaps; accounts are rare.
            await link.execute(_SQL["lock_accounts"])
            rows = await link.fetch(
                _SQL["add_account"], now, clean(email), key_of(email.casefold()), clean(name)
            )
            if not rows:
                msg = f"there is an account with the e-mail address {email!r} already"
                raise ValueError(msg)
            return _account(rows[0])

        if once is not None:
            return await self._write_once(work, once)
        return await self._database.transact(work, is_repeatable=False)

    async def load_account(self, number: int) -> Account | None:
        """See ``AccountStore``."""
        if not 0 < number < 2**31:
            return None
        rows = await self._database.fetch(_SQL["load_account"], number)
        return _account(rows[0]) if rows else None

    async def find_account(self, email: str) -> Account | None:
        """See ``AccountStore``."""
        rows = await self._database.fetch(_SQL["find_account"], key_of(email.casefold()))
        return _account(rows[0]) if rows else None

    async def list_accounts(self) -> list[Account]:
        """See ``AccountStore``."""
        return [_account(row) for row in await self._database.fetch(_SQL["list_accounts"])]

    async def save_account(self, account: Account) -> None:
        """See ``AccountStore``."""
        phone = None if account.phone is None else clean(account.phone)
        await self._database.fetch(
            _SQL["save_account"],
            account.number,
            clean(account.name),
            phone,
            account.tracking_quota,
        )

    async def suspend_account(self, number: int, *, reason: str = "", now: Instant) -> None:
        """See ``AccountStore``."""
        await self._database.fetch(_SQL["suspend_account"], number, now, clean(reason))

    async def resume_account(self, number: int) -> None:
        """See ``AccountStore``."""
        await self._database.fetch(_SQL["resume_account"], number)

    async def suspended_accounts(self) -> frozenset[int]:
        """See ``SuspensionStore``."""
        rows = await self._database.fetch(_SQL["suspended_accounts"])
        return frozenset(row[0] for row in rows)

    async def add_key(self, key: ApiKey, *, once: Once | None = None) -> None:
        """See ``KeyStore``."""
        columns = (
            key.digest,
            key.account_number,
            key.is_test,
            key.created_at,
            key.revoked_at,
            key.expires_at,
            key_of(key.prefix),
            clean(key.label),
            key_of(key.scope),
        )
        if once is None:
            await self._database.fetch(_SQL["add_key"], *columns, is_repeatable=False)
            return

        async def effect(link: Link) -> None:
            await link.fetch(_SQL["add_key"], *columns)

        await self._write_once(effect, once)

    async def find_key(self, digest: bytes) -> tuple[ApiKey, Account] | None:
        """See ``KeyStore``."""
        rows = await self._database.fetch(_SQL["find_key"], digest)
        return (_key(rows[0]), _account(rows[0][9:])) if rows else None

    async def list_keys(self, account_number: int | None = None) -> list[ApiKey]:
        """See ``KeyStore``."""
        rows = await self._database.fetch(_SQL["list_keys"], account_number)
        return [_key(row) for row in rows]

    async def revoke_key(self, prefix: str, now: Instant) -> bool:
        """See ``KeyStore``."""
        rows = await self._database.fetch(
            _SQL["revoke_key"], key_of(prefix), now, is_repeatable=False
        )
        return bool(rows)

    async def save_connection(
        self, connection: Connection, *, expected: Connection | None = None
    ) -> bool:
        """See ``ConnectionStore``."""
        place = key_of(connection.id)

        async def work(link: Link) -> bool:
            rows = await link.fetch(_SQL["lock_connection"], place)
            known = [decode_connection(row[0]).sealed_credentials for row in rows]
            if expected is not None and expected.sealed_credentials not in known:
                return False
            kept = connection
            if connection.sealed_credentials not in known:
                kept = self._sealing.connection_under(connection, await self._sealing_key(link))
            values = (kept.account_number, kept.created_at, encode_json(kept))
            await link.fetch(_SQL["save_connection"], place, *values)
            return True

        return await self._database.transact(work)

    async def list_connections(self, account_number: int | None = None) -> list[Connection]:
        """See ``ConnectionStore``."""
        rows = await self._database.fetch(_SQL["list_connections"], account_number)
        return self._unreadable.each(connection_of, rows, name_of_connection)

    async def delete_connection(self, account_number: int, connection_id: str) -> bool:
        """See ``ConnectionStore``."""
        rows = await self._database.fetch(
            _SQL["delete_connection"],
            account_number,
            key_of(connection_id),
            is_repeatable=False,
        )
        return bool(rows)


def _account(row: Row) -> Account:
    number, email, name, created_at, tracking_quota, phone, suspended_at, reason = row
    return Account(
        number=number,
        email=email,
        name=name,
        created_at=created_at,
        tracking_quota=tracking_quota,
        phone=phone,
        suspended_at=suspended_at,
        suspended_reason=reason,
    )


def _key(row: Row) -> ApiKey:
    return ApiKey(
        digest=row[0],
        prefix=row[1],
        account_number=row[2],
        is_test=row[3],
        label=row[4],
        scope=row[5],
        created_at=row[6],
        revoked_at=row[7],
        expires_at=row[8],
    )
