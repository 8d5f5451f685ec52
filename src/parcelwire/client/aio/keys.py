"""API keys and the account."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from parcelwire.client import own_calls
from parcelwire.client.aio.engine import AsyncEngine
from parcelwire.client.details import instant_text
from parcelwire.client.errors import NotFoundError
from parcelwire.client.own_models import Account, ApiKey, NewApiKey

Found = list[ApiKey]


class AsyncKeys:
    """Keys of the account; wants a key with the scope ``admin``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create(
        self,
        *,
        label: str = "",
        scope: str = "write",
        is_test: bool = False,
        expires_at: datetime | None = None,
    ) -> NewApiKey:
        """Make a key. The answer holds it, this once.

        ``scope``: ``read``, ``write`` or ``admin``. ``is_test``: to the test world. ``expires_at``:
        from then on the key opens nothing; None: it does not expire.

        Raises:
            ForbiddenError: the key that asks may not make keys.
            InvalidError: ``expires_at`` is not in the future.
            ValueError: ``expires_at`` has no time zone.
            ParcelwireError: it came to nothing.
        """
        draft: dict[str, Any] = {"label": label, "scope": scope, "is_test": is_test}
        if expires_at is not None:
            draft["expires_at"] = instant_text("expires_at", expires_at)
        return await self._engine.send(own_calls.create_key(draft))

    async def list(self) -> Found:
        """Return the account's keys, revoked ones too.

        Raises:
            ParcelwireError: it came to nothing.
        """
        return await self._engine.send(own_calls.list_keys())

    async def revoke(self, key: ApiKey | str, *, is_own_allowed: bool = False) -> None:
        """Revoke a key, named by its prefix, for good.

        ``is_own_allowed``: also the very key that asks.

        Raises:
            NotFoundError: no key has this prefix.
            InvalidError: it is the key that asks (``key-is-own``).
            ParcelwireError: it came to nothing.
        """
        prefix = key if isinstance(key, str) else key.prefix
        call = own_calls.revoke_key(prefix, is_own_allowed=is_own_allowed)
        exchange = self._engine.open(call)
        try:
            await self._engine.run(exchange)
        except NotFoundError:
            if not exchange.was_cut:
                raise


class AsyncOwnAccount:
    """The account of the key."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def get(self) -> Account:
        """Return the account, with its counts and quota.

        Raises:
            ParcelwireError: it came to nothing.
        """
        return await self._engine.send(own_calls.read_account())

    async def update(self, *, name: str | None = None, phone: str | None = None) -> Account:
        """Change name or phone number; wants a live key with the scope ``admin``.

        Raises:
            ForbiddenError: the key may not do this.
            ParcelwireError: it came to nothing.
        """
        given = {"name": name, "phone": phone}
        changes = {field: value for field, value in given.items() if value is not None}
        return await self._engine.send(own_calls.update_account(changes))
