"""API keys and the account."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from parcelwire.client import native_calls
from parcelwire.client.aio.engine import AsyncEngine
from parcelwire.client.details import instant_text
from parcelwire.client.errors import NotFoundError
from parcelwire.client.native_models import Account, ApiKey, ApiKeyWithSecret

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
    ) -> ApiKeyWithSecret:
        """Make a key. The answer holds it, this once.

        ``scope``: ``read``, ``write`` or ``admin``. ``is_test``: to the test world. ``expires_at``:
        from then on the key opens nothing; None: it does not expire.

        Raises:
            ForbiddenError: the key that asks may not make keys.
            InvalidRequestError: ``expires_at`` is not in the future.
            ValueError: ``expires_at`` has no time zone.
            ParcelwireError: it came to nothing.
        """
        draft: dict[str, Any] = {"label": label, "scope": scope, "is_test": is_test}
        if expires_at is not None:
            draft["expires_at"] = instant_text("expires_at", expires_at)
        return await self._engine.send(native_calls.create_key(draft))

    async def list(self) -> Found:
        """Return the account's keys, revoked ones too.

        Raises:
            ParcelwireError: it came to nothing.
        """
        return await self._engine.send(native_calls.list_keys())

    async def revoke(self, key: ApiKey | str, *, allow_current: bool = False) -> None:
        """Revoke a key, named by its prefix, for good.

        ``allow_current``: also the very key that asks.

        Raises:
            NotFoundError: no key has this prefix.
            InvalidRequestError: it is the key that asks (``cannot-revoke-current-key``).
            ParcelwireError: it came to nothing.
        """
        prefix = key if isinstance(key, str) else key.prefix
        call = native_calls.revoke_key(prefix, allow_current=allow_current)
        attempts = self._engine.open(call)
        try:
            await self._engine.run(attempts)
        except NotFoundError:
            if not attempts.maybe_applied:
                raise


class AsyncAccountResource:
    """The account of the key."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def get(self) -> Account:
        """Return the account, with its counts and quota.

        Raises:
            ParcelwireError: it came to nothing.
        """
        return await self._engine.send(native_calls.read_account())

    async def update(self, *, name: str | None = None, phone: str | None = None) -> Account:
        """Change name or phone number; wants a live key with the scope ``admin``.

        Raises:
            ForbiddenError: the key may not do this.
            ParcelwireError: it came to nothing.
        """
        given = {"name": name, "phone": phone}
        changes = {field: value for field, value in given.items() if value is not None}
        return await self._engine.send(native_calls.update_account(changes))
