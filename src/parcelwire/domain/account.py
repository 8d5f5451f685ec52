"""Who owns trackings: accounts, their two worlds, and the keys that open them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec.structs import replace

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
    suspended_at: Instant | None = None
    """Since when nothing is asked, sent or answered for it; None = it is not suspended."""
    suspended_reason: str = ""
    """What the operator wrote down; for operators only."""

    @property
    def is_suspended(self) -> bool:
        """Whether an operator has suspended it."""
        return self.suspended_at is not None


def is_operator(account: Account, operators: Iterable[str]) -> bool:
    """Tell whether an account is named in ``operators``: e-mail addresses, upper case or lower."""
    return account.email.casefold() in {email.casefold() for email in operators}


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


def record_scope(world_id: int) -> str:
    """Return the scope of the records (brand, mails in trouble) that belong to one world.

    A live world's is the account's number alone: so they were kept before test worlds had their
    own, and so they stay valid.
    """
    number = str(account_of(world_id))
    return f"{number}.test" if is_test_world(world_id) else number


KeyState = Literal["active", "revoked", "expired"]


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
    expires_at: Instant | None = None
    """From this moment on the key opens nothing; None = it does not expire."""

    def state_at(self, now: Instant) -> KeyState:
        """Return whether the key opens anything at ``now``: ``active``, or why not."""
        if self.revoked_at is not None:
            return "revoked"
        is_over = self.expires_at is not None and self.expires_at <= now
        return "expired" if is_over else "active"

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
    broken_reason: str = ""
    created_at: Instant = 0


EndpointState = Literal["enabled", "paused", "disabled"]


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
    event_types: tuple[str, ...] = ()
    """Only events whose type is listed; empty = all."""
    is_enabled: bool = True
    is_paused: bool = False
    """Its owner switched it off for a while; only then, and with ``is_enabled`` False."""
    disabled_reason: str = ""
    description: str = ""
    created_at: Instant = 0
    previous_secret: str = ""
    """Still signs beside ``secret`` until ``previous_secret_until``; empty = none."""
    previous_secret_until: Instant | None = None
    headers: dict[str, str] = {}
    """The owner's own headers, sent with every message; names in lower case."""
    rate_per_second: float | None = None
    """Messages a second at most (each worker process keeps its own count); None = no limit."""
    concurrency: int | None = None
    """Requests at one time at most, in each worker process; None = the installation's figure."""
    failing_since: Instant | None = None
    """First of the failed attempts since the last success; None while all is well."""
    failing_until: Instant | None = None
    """Up to when its failures are noted: the last one, or the end of the rest it asked for."""
    failing_ms: int = 0
    """How much of the time between the two it really failed; see ``webhooks.failing``."""
    failing_count: int = 0
    """How many failed attempts are noted: the first ones, and then one a minute at most."""
    failing_reported_at: Instant | None = None
    """When others were told that it fails; cleared by the next success."""
    unopened_reason: str = ""
    """Not stored. Why its secrets and headers, empty here, could not be opened in this process."""

    @property
    def state(self) -> EndpointState:
        """Enabled, ``paused`` by its owner, or ``disabled`` by what it answered."""
        if self.is_enabled:
            return "enabled"
        return "paused" if self.is_paused else "disabled"

    def secrets_at(self, now: Instant) -> tuple[str, ...]:
        """Return the secrets that sign at ``now``, newest first."""
        until = self.previous_secret_until
        if self.previous_secret and until is not None and now < until:
            return (self.secret, self.previous_secret)
        return (self.secret,)


def without_failures(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that has not failed: the next failure is its first.

    When others were told of the earlier ones is kept.
    """
    return replace(endpoint, failing_since=None, failing_until=None, failing_ms=0, failing_count=0)
