"""What the dashboard is handed: use cases, stores, and what only the outermost rooms know."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from parcelwire.accounts.brands import BrandService
from parcelwire.accounts.connections import ConnectionService
from parcelwire.accounts.keys import KeyService
from parcelwire.accounts.sessions import SessionService
from parcelwire.couriers.registry import Registry
from parcelwire.domain.account import Account
from parcelwire.domain.clock import Clock
from parcelwire.notices.senders import Senders
from parcelwire.notices.unasked import is_named
from parcelwire.pages.limits import LARGEST_FILE
from parcelwire.store.port import Store
from parcelwire.tracking.background import BackgroundWork
from parcelwire.tracking.ports import Identifiers
from parcelwire.tracking.service import TrackingService
from parcelwire.webhooks.endpoints import EndpointService
from parcelwire.webhooks.messages import MessageService
from parcelwire.webhooks.test_delivery import TestDelivery


class DashboardSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the dashboard behaves."""

    public_url: str = "http://127.0.0.1:8787"
    max_upload_bytes: int = LARGEST_FILE
    auto_notify_accounts: tuple[str, ...] = ()
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
        return is_named(account, self.auto_notify_accounts)


class Dashboard(msgspec.Struct, kw_only=True):
    """The dashboard's dependencies, put together by bootstrap."""

    store: Store
    service: TrackingService
    registry: Registry
    clock: Clock
    identifiers: Identifiers
    random_bytes: Callable[[int], bytes]
    keys: KeyService
    sessions: SessionService
    connections: ConnectionService
    brands: BrandService
    endpoints: EndpointService
    messages: MessageService
    test_delivery: TestDelivery
    settings: DashboardSettings
    senders: Senders
    background: BackgroundWork = msgspec.field(default_factory=BackgroundWork)
    """Where long computations run, beside the event loop."""
    wake_imports: Callable[[], None] = lambda: None
    """Called when a file is there to be worked through."""
