"""Deletes what has been kept long enough: messages with their attempts, events, idempotency
records. Gives up what has waited long enough for an endpoint that is off.

In small batches with pauses between them that are longer than the batches took, so that it is never
noticed. Any number of processes may do it side by side.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Protocol

import msgspec

from parcelwire.domain.clock import DAY, HOUR, SECOND, Clock, Instant

FEWEST_EVENT_DAYS = 30
"""The events feed promises to reach back this far at least."""

_log = logging.getLogger(__name__)


class PrunableStore(Protocol):
    """What the housekeeper needs of the store; each deletes at most ``limit`` and says how many."""

    async def prune_messages(self, before: Instant, *, limit: int = 1_000) -> int:
        """Delete messages that are not pending and were created before that time."""
        ...

    async def give_up_waiting(self, now: Instant, *, before: Instant, limit: int = 1_000) -> int:
        """Give up pending messages created ``before`` that time whose endpoints are off."""
        ...

    async def prune_events(self, before: Instant, *, limit: int = 1_000) -> int:
        """Delete events that happened before that time."""
        ...

    async def prune_idempotency_records(self, before: Instant, *, limit: int = 1_000) -> int:
        """Delete idempotency records written before that time."""
        ...


class KeepingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How long things are kept, checked once when made.

    Raises:
        ValueError: when a figure makes no sense.
    """

    message_days: float = 90
    """Messages that are delivered or dead, and their attempts."""
    waiting_days: float = 30
    """Messages to an endpoint that is off wait so long until they are given up; 0 = for ever.

    As long as the events feed reaches back at least, so that what was given up is still there.
    """
    event_days: float = 90
    """The events feed; at least 30."""
    idempotency_hours: float = 24
    batch: int = 500
    """Rows deleted in one transaction."""
    first_seconds: float = 600
    """How long to wait after the start: a machine without a clock of its own has the time by then.
    """
    idle_seconds: float = 3_600
    """How often it is looked whether there is something to delete."""
    least_pause_seconds: float = 0.2
    pause_factor: float = 9
    """A pause lasts this many times as long as the batch before it: one tenth of the time at most.
    """

    def __post_init__(self) -> None:
        for name in ("message_days", "idempotency_hours", "batch", "idle_seconds"):
            if getattr(self, name) <= 0:
                msg = f"{name} must be more than 0"
                raise ValueError(msg)
        if self.waiting_days < 0:
            msg = "waiting_days cannot be negative"
            raise ValueError(msg)
        if self.event_days < FEWEST_EVENT_DAYS:
            msg = f"event_days must be at least {FEWEST_EVENT_DAYS}"
            raise ValueError(msg)


class Housekeeper:
    """Prunes until stopped."""

    def __init__(
        self, store: PrunableStore, *, clock: Clock, settings: KeepingSettings | None = None
    ) -> None:
        """Prepare; ``run`` or ``step`` does the work."""
        self._store = store
        self._clock = clock
        self._settings = settings or KeepingSettings()
        self._stopping = asyncio.Event()
        self._has_failed = False
        self._waits_until: Instant = 0

    def stop(self) -> None:
        """Ask ``run`` to return after the batch under way."""
        self._stopping.set()

    async def run(self) -> None:
        """Prune until ``stop`` is called. Outages of the store are sat out."""
        before, waited = self._clock.now(), self._settings.first_seconds
        await self._rest(waited)
        while not self._stopping.is_set():
            started = self._clock.now()
            self._check_clock(before, waited)
            has_more = started >= self._waits_until and await self._guarded()
            before = self._clock.now()
            took_seconds = max(0.0, (before - started) / SECOND)
            pause = self._settings.pause_factor * took_seconds
            waited = (
                max(self._settings.least_pause_seconds, min(pause, 60))
                if has_more
                else self._settings.idle_seconds
            )
            await self._rest(waited)

    async def step(self) -> int:
        """Do one batch of each kind; return how many rows it was, 0 when there was nothing left.

        For tests and simulations, which move time between steps themselves.
        """
        settings, now = self._settings, self._clock.now()
        kinds: tuple[tuple[_Prune, float], ...] = (
            (self._store.prune_messages, settings.message_days * DAY),
            (self._store.prune_events, settings.event_days * DAY),
            (self._store.prune_idempotency_records, settings.idempotency_hours * HOUR),
        )
        gone = 0
        for prune, kept in kinds:
            gone += await prune(now - round(kept), limit=settings.batch)
        if settings.waiting_days:
            before = now - round(settings.waiting_days * DAY)
            given_up = await self._store.give_up_waiting(now, before=before, limit=settings.batch)
            if given_up:
                _log.warning(
                    "housekeeping: %d messages given up that had waited for %g days for endpoints"
                    " that are off",
                    given_up,
                    settings.waiting_days,
                )
            gone += given_up
        return gone

    async def _guarded(self) -> bool:
        try:
            gone = await self.step()
        except Exception as error:  # noqa: BLE001 - each engine has its own errors, all mean "later"
            if not self._has_failed:
                _log.error("housekeeping: the store fails (%s); it waits", type(error).__name__)
            self._has_failed = True
            return False
        if self._has_failed:
            _log.warning("housekeeping: the store works again")
            self._has_failed = False
        return gone > 0

    def _check_clock(self, before: Instant, waited_seconds: float) -> None:
        """Delete nothing for a day after the clock jumped ahead: what it says may be wrong.

        Everything would look old enough by it, and what is deleted does not come back when somebody
        sets it right.
        """
        now = self._clock.now()
        if now < self._waits_until - DAY:  # set back: it was wrong
            self._waits_until = 0
        if now - before > waited_seconds * SECOND + DAY:
            _log.warning("housekeeping: the clock moved ahead; nothing is deleted for a day")
            self._waits_until = now + DAY

    async def _rest(self, seconds: float) -> None:
        tasks = [
            asyncio.ensure_future(self._stopping.wait()),
            asyncio.ensure_future(self._clock.sleep(seconds)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class _Prune(Protocol):
    def __call__(self, before: Instant, *, limit: int = ...) -> Awaitable[int]: ...
