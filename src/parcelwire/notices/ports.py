"""What the notices need of the rooms above."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from parcelwire.domain.account import Account, Connection
from parcelwire.domain.clock import Instant
from parcelwire.domain.status import Status
from parcelwire.tracking.following import FeedStore
from parcelwire.tracking.ports import Stored, TrackingFilter
from parcelwire.tracking.suspension import SuspensionStore


class NoticeStore(FeedStore, SuspensionStore, Protocol):
    """What is read and kept."""

    async def load_account(self, number: int) -> Account | None:
        """Return an account by number."""
        ...

    async def load_many(self, tracking_ids: Sequence[str]) -> list[Stored]:
        """Return those that exist, of any world."""
        ...

    async def list_records(
        self, kind: str, scope: str, *, after: str = "", limit: int = 100
    ) -> list[tuple[str, bytes]]:
        """Return ids and documents of one scope, by id."""
        ...

    async def list_scopes(self, kind: str, *, after: str = "", limit: int = 100) -> list[str]:
        """Return the scopes that have records of a kind, in order."""
        ...

    async def prune_records(self, kind: str, before: Instant, *, limit: int = 1_000) -> int:
        """Delete old records of a kind."""
        ...

    async def list_connections(self, account_number: int | None = None) -> list[Connection]:
        """Return connections to carriers."""
        ...

    async def count_by_status(self, world_id: int, where: TrackingFilter) -> dict[Status, int]:
        """Return how many trackings there are of each status."""
        ...
