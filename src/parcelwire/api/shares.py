"""What one account may have under way at a time, so that it is never another's speed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from typing import Final

import msgspec

from parcelwire.domain.account import account_of
from parcelwire.domain.changes import Event
from parcelwire.domain.clock import SECOND, Clock, Instant
from parcelwire.store.port import Store, StoreUnavailableError
from parcelwire.tracking.fair_slots import FairSlots, NoSlotError
from parcelwire.tracking.ports import TrackingFilter

LIGHT_PAGE: Final = 50
"""Up to so many trackings, a page in the order of an index is no long read."""

LIGHT_OFFSET: Final = 5_000
"""A page that begins further on walks over all that stands before it."""

WAITING_FOR_EACH: Final = 20
"""Long reads of an account that may wait, for each that it may have under way."""

LOOK_AGAIN_SECONDS: Final = 0.5
"""How often the store is asked for events while somebody waits for one."""


class TooManyCallsError(Exception):
    """The key or its account has as many calls of this kind in progress as it may have.

    The text says of which kind.
    """

    def __init__(self, text: str = "too many calls of this kind are under way at once") -> None:
        super().__init__(text)


class ShareSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a process one account may take, and all of them together."""

    long_reads: int = 4
    long_reads_per_account: int = 2
    long_read_wait_seconds: float = 10.0
    """How long a long read waits for others to end."""
    event_waits: int = 500
    event_waits_per_account: int = 20


class LongReads:
    """Slots for reads that walk over many rows or answer many trackings.

    A few are under way at a time, and of one account fewer; the others wait, account after account.
    """

    def __init__(self, settings: ShareSettings) -> None:
        """Allow what the settings say; 0 of an account's: as many as there are in all."""
        per_account = settings.long_reads_per_account or settings.long_reads
        self._slots = FairSlots(
            settings.long_reads,
            per_owner=per_account,
            waiting_per_owner=WAITING_FOR_EACH * per_account,
        )
        self._wait_seconds = settings.long_read_wait_seconds

    def for_page(
        self, world_id: int, where: TrackingFilter, limit: int, offset: int = 0
    ) -> AbstractAsyncContextManager[None]:
        """Return what to hold while a page is read: a slot, or nothing if that is always quick."""
        is_quick = (
            limit <= LIGHT_PAGE
            and offset <= LIGHT_OFFSET
            and (where.is_plain or bool(where.numbers))
        )
        return _NO_SLOT if is_quick else self.slot(world_id)

    def for_count(self, world_id: int, where: TrackingFilter) -> AbstractAsyncContextManager[None]:
        """Return what to hold while trackings are counted: without conditions that is quick."""
        return _NO_SLOT if where.is_plain else self.slot(world_id)

    @asynccontextmanager
    async def slot(self, world_id: int) -> AsyncIterator[None]:
        """Wait for a slot, and hold it while the context lasts.

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


_NO_SLOT: Final = nullcontext()


class _Waiter:
    __slots__ = ("began", "cursor", "deadline", "woken")

    def __init__(self, cursor: int, began: Instant, deadline: Instant) -> None:
        self.cursor = cursor
        self.began = began
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
        self._slots: Counter[int] = Counter()
        self._waiters: dict[int, set[_Waiter]] = {}
        self._looks: asyncio.Task[None] | None = None

    @contextmanager
    def slot(self, world_id: int) -> Iterator[None]:
        """Count one caller that waits while the context lasts.

        Raises:
            TooManyCallsError: its account, or all accounts together, have as many as they may.
        """
        account, settings = account_of(world_id), self._settings
        if (
            self._slots[account] >= settings.event_waits_per_account
            or self._slots.total() >= settings.event_waits
        ):
            raise TooManyCallsError
        self._slots[account] += 1
        try:
            yield
        finally:
            self._slots[account] -= 1
            if not self._slots[account]:
                del self._slots[account]

    async def wait(self, world_id: int, cursor: int, deadline: Instant) -> None:
        """Return when the world may have events after ``cursor`` that a caller has not seen, at
        ``deadline`` at the latest, and as soon as the clock was set back.
        """
        waiter = _Waiter(cursor, self._clock.now(), deadline)
        self._waiters.setdefault(world_id, set()).add(waiter)
        if self._looks is None:
            self._looks = asyncio.create_task(self._look_repeatedly())
        try:
            await waiter.woken.wait()
        finally:
            waiting = self._waiters.get(world_id)
            if waiting is not None:
                waiting.discard(waiter)
                if not waiting:
                    del self._waiters[world_id]

    async def _look_repeatedly(self) -> None:
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
            is_over = not waiter.began <= now < waiter.deadline
            if rows or has_failed or self._is_closing() or is_over:
                waiter.woken.set()


__all__ = ["EventWatch", "LongReads", "ShareSettings", "TooManyCallsError"]
