"""Who owns trackings: accounts, their two worlds, and the keys that open them."""

from __future__ import annotations

import msgspec

from parcelwire.domain.clock import Instant


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A customer of the installation; owner of keys, trackings, endpoints."""

    number: int
    """Given by the store, from 1."""
    email: str
    name: str = ""
    created_at: Instant = 0
    tracking_quota: int | None = None
    """Trackings the live world may create in all; None = no limit."""
    phone: str | None = None


def world_of(account_number: int, is_test: bool) -> int:
    """Return the id of an account's live or test world.

    One integer keeps the two apart everywhere: trackings, endpoints, messages and counters carry
    it, so no query can
    mix them by forgetting a flag.
    """
    return account_number * 2 + int(is_test)


def account_of(world_id: int) -> int:
    """Return the account number that a world belongs to."""
    return world_id // 2


def is_test_world(world_id: int) -> bool:
    """Tell whether only the simulated carrier answers in this world."""
    return world_id % 2 == 1


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key, without its secret.

    ``digest`` is the SHA-256 of the whole key, ``prefix`` its first characters.
    """

    digest: bytes
    prefix: str
    account_number: int
    is_test: bool
    label: str = ""
    scope: str = "write"
    """``read``, ``write`` or ``admin``."""
    created_at: Instant = 0
    revoked_at: Instant | None = None

    @property
    def world_id(self) -> int:
        """The world this key opens."""
        return world_of(self.account_number, self.is_test)


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """An account's own way to ask a carrier.

    Which transport, with which (encrypted) credentials.
    """

    id: str
    account_number: int
    connector: str
    """The connector's code."""
    transport: str
    sealed_credentials: bytes
    """Encrypted JSON object; only the gateway opens it."""
    base_urls: dict[str, str] = {}
    is_enabled: bool = True
    broken_since: Instant | None = None
    """Set when the carrier refused the credentials; the operator is told once."""
    broken_why: str = ""
    created_at: Instant = 0


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A URL that wants messages."""

    id: str
    world_id: int
    url: str
    dialect: str
    """Body and signature: ``v2``, ``v4`` or ``native``."""
    secret: str
    """``whsec_`` + base64 (Standard Webhooks); also the key of v4's signature."""
    statuses: tuple[str, ...] = ()
    """Only events whose status is listed; empty = all."""
    is_enabled: bool = True
    disabled_why: str = ""
    description: str = ""
    created_at: Instant = 0
