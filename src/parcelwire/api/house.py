"""What every dialect is handed: the use cases and the few things beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from parcelwire.accounts.authentication import KeyAuthenticator
from parcelwire.accounts.keys import KeyService
from parcelwire.accounts.service import AccountService
from parcelwire.api.bodies import BodyReader
from parcelwire.api.rate_limit import RateLimiter
from parcelwire.api.shares import EventWatch, LongReads
from parcelwire.couriers.registry import Registry
from parcelwire.domain.air_waybill import AirWaybills
from parcelwire.domain.clock import Clock
from parcelwire.store.port import Store
from parcelwire.tracking.service import TrackingService
from parcelwire.webhooks.endpoints import EndpointService
from parcelwire.webhooks.messages import MessageService
from parcelwire.webhooks.test_delivery import TestDelivery


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the API room behaves."""

    max_body_bytes: int = 2_000_000
    """A larger body is refused unread."""
    max_bodies_per_key: int = 16
    """Bodies of one key that are received at once."""
    create_per_second: float = 0
    """Create calls a second and account; 0 = no limit (TrackingMore: 3)."""
    other_per_second: float = 0
    """Other calls a second and account; 0 = no limit (TrackingMore: 10)."""
    v2_disabled_calls: tuple[str, ...] = ()
    """v2 calls that answer 4018 ("needs activation"), by path, e.g. ``trackings/aircargo``."""
    is_payment_required: bool = False
    """v2 answers 402 to every call while this is set (an operator who bills accounts flips it)."""
    operators: tuple[str, ...] = ()
    """E-mail addresses of accounts whose admin keys may see and change all accounts."""
    public_url: str = "http://127.0.0.1:8787"
    """Where this installation is reached from outside: tracking links begin with it."""


class SealedValues(Protocol):
    """Opens what records of versions before keep sealed (``connectors.credential_encryption``)."""

    def open(self, sealed: bytes, connection_id: str, /) -> dict[str, Any]:
        """Return what was sealed under that name."""
        ...


class House(msgspec.Struct, kw_only=True):
    """The dependencies of the dialects, put together by bootstrap."""

    service: TrackingService
    accounts: AccountService
    keys: KeyService
    store: Store
    registry: Registry
    authenticator: KeyAuthenticator
    limiter: RateLimiter
    reads: LongReads
    events: EventWatch
    clock: Clock
    settings: ApiSettings
    endpoints: EndpointService
    messages: MessageService
    test_delivery: TestDelivery
    sealer: SealedValues
    bodies: BodyReader
    clock_differs: Callable[[], bool] = lambda: False
    """Whether this machine's own clock shows another time than ``clock``, which counts."""
    air_waybills: AirWaybills | None = None
    is_closing: bool = False
    """Set when this process is about to stop: calls that wait for something answer now."""
