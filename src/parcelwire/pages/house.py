"""What the customer's pages are handed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from parcelwire.accounts.ports import Change
from parcelwire.couriers.registry import Registry
from parcelwire.domain.account import Account
from parcelwire.domain.clock import Clock, Instant
from parcelwire.domain.tracking import Tracking
from parcelwire.notices.subscriptions import Subscription
from parcelwire.pages.limits import PageLimits
from parcelwire.tracking.ports import Stored, TrackingFilter
from parcelwire.tracking.suspension import SuspensionStore


class PageStore(SuspensionStore, Protocol):
    """What the pages read, and the small documents they keep."""

    async def find_by_page_token(self, page_token: str) -> Stored | None:
        """Return the tracking behind a tracking page's address."""
        ...

    async def find(
        self, world_id: int, number: str, courier_code: str | None = None
    ) -> list[Stored]:
        """Return the trackings of one number."""
        ...

    async def list_trackings(
        self, world_id: int, where: TrackingFilter, *, offset: int, limit: int
    ) -> list[Stored]:
        """Return one page, newest created first."""
        ...

    async def list_accounts(self) -> list[Account]:
        """Return all accounts by number."""
        ...

    async def load_record(self, kind: str, scope: str, record_id: str) -> bytes | None:
        """Return one document."""
        ...

    async def list_records(
        self, kind: str, scope: str, *, after: str = "", limit: int = 100
    ) -> list[tuple[str, bytes]]:
        """Return ids and documents of one scope."""
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
        """Read, change and write one record in one transaction; nothing once its tracking, if it
        has one, is deleted.
        """
        ...


class Subscriber(Protocol):
    """Takes e-mail addresses that want news of a parcel."""

    async def subscribe(self, stored: Stored, email: str, language: str) -> bool:
        """Ask the owner of ``email`` to confirm; False when it cannot be an address.

        Nobody learns here whether the address had subscribed already.
        """
        ...


class SubscriptionDesk(Protocol):
    """Takes what people say who follow a link in a mail."""

    async def find(self, token: str) -> tuple[str, str, Subscription] | None:
        """Return tracking id, digest and subscription of a link."""
        ...

    async def parcel_of(self, token: str) -> Tracking | None:
        """Return the parcel of a link whose owner has confirmed."""
        ...

    async def confirm(self, token: str) -> bool:
        """Say that the owner of the address wants the news; False: the link is not valid."""
        ...

    async def end(self, token: str) -> bool:
        """Say that the owner of the address wants no more; False: the link is not valid."""
        ...


class PageHouse(msgspec.Struct, kw_only=True):
    """The dependencies of the pages, put together by bootstrap."""

    store: PageStore
    registry: Registry
    clock: Clock
    public_url: str = "http://127.0.0.1:8787"
    subscriber: Subscriber | None = None
    """None: no mail server is set up, and the page offers no mails."""
    subscriptions: SubscriptionDesk | None = None
    """Where the links in mails lead. It is there without a mail server, too: what was sent before
    must be able to be ended.
    """
    limits: PageLimits = PageLimits()
    is_closing: Callable[[], bool] = lambda: False
    """Tells that the server stops: whoever waits lets go."""
