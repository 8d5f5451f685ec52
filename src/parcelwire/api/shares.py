"""What one account may have under way at a time, so that it is never another's speed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import msgspec

from parcelwire.domain.account import account_of
from parcelwire.domain.changes import Event
from parcelwire.domain.clock import SECOND, Clock, Instant
from parcelwire.store.port import Store, StoreUnavailableError
from parcelwire.tracking.fair_slots import FairSlots, NoSlotError
from parcelwire.tracking.ports import TrackingFilter

RETRY_SECONDS: Final = 5
"""When a caller that was refused may try again."""

RETRY_LATER: Final = (b"retry-after", b"%d" % RETRY_SECONDS)

LIGHT_PAGE: Final = 50
"""Up to so many trackings, a page in the order of an index is no long read."""

LIGHT_OFFSET: Final = 5_000
"""A page that begins further on walks over all that stands before it."""

LOOK_AGAIN_SECONDS: Final = 0.5
"""How often the store is asked for events while somebody waits for one."""


class TooManyCallsError(Exception):
    """The account has as many calls of this kind under way as it may have."""


class ShareSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a process one account may take, and all of them together."""

    long_reads: int = 4
    long_reads_per_account: int = 2
    long_read_wait_seconds: float = 10.0
    """How long a long read waits for others to end."""
    event_waits: int = 500
    event_waits_per_account: int = 20


def is_light(where: TrackingFilter, limit: int) -> bool:
    """Tell whether a page is read quickly whatever the world holds."""
    return limit <= LIGHT_PAGE and (where.is_plain or bool(where.numbers))


class LongReads:
    """Turns for reads that walk over many rows or answer many trackings.

    A few are under way at a time, and of one account fewer; the others wait, account after account.
    """

    def __init__(self, settings: ShareSettings) -> None:
        """Allow what the settings say; 0 of an account's: as many as there are in all."""
        per_account = settings.long_reads_per_account or settings.long_reads
        self._slots = FairSlots(
            settings.long_reads, per_owner=per_account, waiting_per_owner=20 * per_account
        )
        self._wait_seconds = settings.long_read_wait_seconds

    @asynccontextmanager
    async def turn(self, world_id: int) -> AsyncIterator[None]:
        """Wait for a turn, and hold it while the context lasts.

        Raises:
            TooManyCallsError: none came in time, or too many of the account's calls wait.
        """
        owner = account_of(world_id)
        try:
            await self._slots.acquire(owner, self._wait_seconds)
        except NoSlotError:
            raise TooManyCallsError from None
        try:
            yield
        finally:
            self._slots.release(owner)


class _Waiter:
    __slots__ = ("cursor", "deadline", "woken")

    def __init__(self, cursor: int, deadline: Instant) -> None:
        self.cursor = cursor
        self.deadline = deadline
        self.woken = asyncio.Event()


class EventWatch:
    """Waits for events on behalf of many callers with one look per world."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: ShareSettings,
        is_closing: Callable[[], bool] = lambda: False,
    ) -> None:
        """All collaborators come in; nothing runs while nobody waits. When ``is_closing``, nobody
        waits any longer.
        """
        self._store = store
        self._clock = clock
        self._settings = settings
        self._is_closing = is_closing
        self._seats: dict[int, int] = {}
        self._waiters: dict[int, set[_Waiter]] = {}
        self._looks: asyncio.Task[None] | None = None

    @contextmanager
    def seat(self, world_id: int) -> Iterator[None]:
        """Count one caller that waits while the context lasts.

        Raises:
            TooManyCallsError: its account, or all accounts together, have as many as they may.
        """
        account, settings = account_of(world_id), self._settings
        mine = self._seats.get(account, 0)
        if (
            mine >= settings.event_waits_per_account
            or sum(self._seats.values()) >= settings.event_waits
        ):
            raise TooManyCallsError
        self._seats[account] = mine + 1
        try:
            yield
        finally:
            left = self._seats[account] - 1
            if left:
                self._seats[account] = left
            else:
                del self._seats[account]

    async def wait(self, world_id: int, cursor: int, deadline: Instant) -> None:
        """Return when the world may have events after ``cursor`` that a caller has not seen, at
        ``deadline`` at the latest.
        """
        waiter = _Waiter(cursor, deadline)
        self._waiters.setdefault(world_id, set()).add(waiter)
        if self._looks is None:
            self._looks = asyncio.create_task(self._look_again_and_again())
        try:
            await waiter.woken.wait()
        finally:
            waiting = self._waiters.get(world_id)
            if waiting is not None:
                waiting.discard(waiter)
                if not waiting:
                    del self._waiters[world_id]

    async def _look_again_and_again(self) -> None:
        try:
            while self._waiters:
                now = self._clock.now()
                nearest = min(
                    waiter.deadline for waiting in self._waiters.values() for waiter in waiting
                )
                seconds = max(0.01, min(LOOK_AGAIN_SECONDS, (nearest - now) / SECOND))
                await self._clock.sleep(seconds)
                for world_id in list(self._waiters):
                    await self._look(world_id)
                # Whoever was woken leaves before the next look.
                await asyncio.sleep(0)
        finally:
            self._looks = None

    async def _look(self, world_id: int) -> None:
        waiting = self._waiters.get(world_id, set())
        if not waiting:
            return
        # By the oldest cursor: one that somebody made up must not hide events from the others.
        cursor = min(waiter.cursor for waiter in waiting)
        rows: list[tuple[int, Event]] = []
        has_failed = False
        try:
            rows = await self._store.events_after(world_id, cursor, 1)
        except StoreUnavailableError:
            has_failed = True  # each finds out for itself, and answers so
        now = self._clock.now()
        for waiter in list(waiting):
            if rows or has_failed or self._is_closing() or waiter.deadline <= now:
                waiter.woken.set()


__all__ = ["EventWatch", "LongReads", "ShareSettings", "TooManyCallsError", "is_light"]
