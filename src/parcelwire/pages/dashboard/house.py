"""What the dashboard is handed: use cases, stores, and what only the outermost rooms know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from parcelwire.couriers.registry import Registry
from parcelwire.domain.account import Account, Connection
from parcelwire.domain.clock import Clock
from parcelwire.domain.report import CarrierReport
from parcelwire.notices.senders import Senders
from parcelwire.notices.unasked import is_named
from parcelwire.pages.limits import LARGEST_FILE, LoginLimits
from parcelwire.store.port import Store
from parcelwire.tracking.background import BackgroundWork
from parcelwire.tracking.ports import Identifiers
from parcelwire.tracking.service import TrackingService
from parcelwire.webhooks.endpoints import EndpointService
from parcelwire.webhooks.messages import MessageService
from parcelwire.webhooks.test_delivery import TestDelivery


class KeyMaker(Protocol):
    """Makes and reads API keys."""

    def make(self, random_bytes: bytes, *, is_test: bool) -> str:
        """Return the text of a new key."""
        ...

    def is_well_formed(self, text: str) -> bool:
        """Tell whether a text has the form of a key."""
        ...

    def digest(self, text: str) -> bytes:
        """Return what is stored of a key."""
        ...

    def prefix(self, text: str) -> str:
        """Return what people may see of a key."""
        ...


class WayToAsk(msgspec.Struct, frozen=True, kw_only=True):
    """One transport of one connector."""

    connector: str
    name: str
    """The carrier's."""
    transport: str
    is_official: bool
    is_on: bool
    """Whether it may be used here: an undocumented endpoint is off until the operator wants it."""
    credential_fields: tuple[str, ...]
    courier_codes: tuple[str, ...]
    docs_url: str = ""
    requests_per_minute: int = 0
    test_number: str = ""
    """A number that the carrier publishes for tests; empty: none is known."""


class CarrierDesk(Protocol):
    """Somebody who looks after connections to carriers by hand."""

    def ways(self) -> Sequence[WayToAsk]:
        """Return every transport of every connector."""
        ...

    async def connect(
        self, owner: Account, connector: str, transport: str, credentials: dict[str, str]
    ) -> Connection:
        """Store a new connection, its credentials sealed."""
        ...

    async def try_connection(self, connection: Connection, number: str) -> CarrierReport:
        """Ask a carrier about one number over a stored connection; nothing is changed by it."""
        ...

    def forget(self, account_number: int) -> None:
        """Say that an account's connections have changed."""
        ...


class DashboardSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the dashboard behaves."""

    public_url: str = "http://127.0.0.1:8787"
    operators: tuple[str, ...] = ()
    """E-mail addresses of accounts that may see what belongs to the whole installation."""
    max_upload_bytes: int = LARGEST_FILE
    automatic_accounts: tuple[str, ...] = ()
    """Accounts that may have customers told who have not asked; ``*`` = all."""
    has_mail_server: bool = False
    mails_per_minute: int = 0
    """Mails of one account in a minute; 0 = no limit."""
    mails_per_day: int = 0
    """Mails of one account in a UTC day; 0 = no limit."""
    effective: tuple[tuple[str, str, str], ...] = ()
    """Section, setting, value: all settings, without what is secret."""

    def may_mail_unasked(self, account: Account) -> bool:
        """Tell whether the operator allows it to this account."""
        return is_named(account, self.automatic_accounts)


class Dashboard(msgspec.Struct, kw_only=True):
    """The dashboard's dependencies, put together by bootstrap."""

    store: Store
    service: TrackingService
    registry: Registry
    clock: Clock
    identifiers: Identifiers
    random_bytes: Callable[[int], bytes]
    keys: KeyMaker
    endpoints: EndpointService
    messages: MessageService
    test_delivery: TestDelivery
    carriers: CarrierDesk
    settings: DashboardSettings
    senders: Senders
    login_limits: LoginLimits = LoginLimits()
    background: BackgroundWork = msgspec.field(default_factory=BackgroundWork)
    """Where long computations run, beside the event loop."""
    wake_imports: Callable[[], None] = lambda: None
    """Called when a file is there to be worked through."""
