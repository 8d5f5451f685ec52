"""Refreshing while somebody waits: at create, and for a real-time query.

The answer is waited for as long as the caller's patience goes; the question itself goes on behind
it, under a lease that keeps the workers away, and what it brings is stored all the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec.structs import replace

from parcelwire.domain.clock import CLOCKS_DIFFER, SECOND, Clock, Instant
from parcelwire.tracking.fetch import SLOT_SECONDS, Fetcher
from parcelwire.tracking.ports import (
    DEFERRED,
    CarrierPolicy,
    Carriers,
    PastPoll,
    PollResult,
    Stored,
    Throttle,
    TrackingStore,
)
from parcelwire.tracking.refresh import Refresher

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS: Final = 0.1
"""How often somebody else's answer is looked for while it is waited for."""


BY_REQUEST: Final = "asked for by hand or by a program"
NO_BUDGET: Final = "the carrier's budget was spent or it is paused: left to the plan"
NO_SLOT: Final = "too many questions to the carrier were under way"
"""Why a poll was made, or was not."""


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the use cases behave."""

    fetch_wait_seconds: float = 6.0
    """How long create and realtime wait for the carrier before they answer with what is known."""
    fetch_timeout_seconds: float = 22.0
    """After this the conversation behind such an answer is broken off, too."""
    slot_seconds: float = SLOT_SECONDS
    """How long a question waits for its slot among the conversations with its carrier."""
    fetch_on_create: bool = True
    test_trackings: int = 0
    """Trackings that a test world may hold at a time; 0: any number."""
    realtime_interval_seconds: int = 60
    """A real-time query within this time of the last check answers from the store."""


class _Leased(msgspec.Struct, frozen=True):
    """A tracking as it was read under our lease."""

    stored: Stored


class OnDemandRefresh:
    """Refreshes that somebody waits for."""

    def __init__(
        self,
        store: TrackingStore,
        *,
        carriers: Carriers,
        throttle: Throttle,
        refresher: Refresher,
        clock: Clock,
        settings: ServiceSettings,
        wake_polls: Callable[[], None],
    ) -> None:
        """``wake_polls`` is called when a question is left to the workers."""
        self._store = store
        self._carriers = carriers
        self._throttle = throttle
        self._refresher = refresher
        self._clock = clock
        self._settings = settings
        self._wake_polls = wake_polls
        self._fetcher = Fetcher(
            store,
            carriers=carriers,
            throttle=throttle,
            clock=clock,
            timeout_seconds=settings.fetch_timeout_seconds + settings.slot_seconds,
        )
        self._asking: dict[str, asyncio.Task[Stored]] = {}

    def lease_from(self, now: Instant) -> Instant:
        """Return when a lease taken now ends: some time after the question's own time is up."""
        return now + round((self._settings.fetch_timeout_seconds + 5) * SECOND)

    async def refresh(self, stored: Stored) -> Stored:
        """See ``TrackingService.refresh_now``."""
        now = self._clock.now()
        tracking = stored.tracking
        if tracking.id in self._asking:
            return await self._await_answer(stored, self._asking[tracking.id])
        policy = await self._carriers.policy(tracking.world_id, tracking.courier_code)
        if policy is None or self._is_fresh(stored, now) or not stored.is_readable:
            return stored
        if self._is_leased(stored, now):
            return await self._await_lease(stored)
        return await self.fetch(stored, policy, is_leased=False)

    async def fetch(
        self, stored: Stored, policy: CarrierPolicy, *, is_leased: bool = True
    ) -> Stored:
        """Ask, and return what is known when the answer is stored or patience is at its end.

        ``is_leased``: the caller has taken the lease already, with ``lease_from``. Otherwise it is
        taken here; who finds that somebody else was first waits for their answer instead.
        """
        return await self._await_answer(stored, self.start(stored, policy, is_leased=is_leased))

    def start(
        self, stored: Stored, policy: CarrierPolicy, *, is_leased: bool = True
    ) -> asyncio.Task[Stored]:
        """Ask behind the caller's back, as ``fetch`` does.

        Return the task that somebody may await.
        """
        tracking_id = stored.tracking.id
        task = self._asking.get(tracking_id)
        if task is None:
            task = asyncio.create_task(self._ask_and_store(stored, policy, is_leased=is_leased))
            self._asking[tracking_id] = task
            task.add_done_callback(lambda _: self._asking.pop(tracking_id, None))
        return task

    async def drain(self) -> None:
        """Wait for questions that go on behind their answers."""
        while self._asking:
            await asyncio.wait(self._asking.values())

    async def _await_answer(self, stored: Stored, task: asyncio.Task[Stored]) -> Stored:
        done, _ = await asyncio.wait({task}, timeout=self._settings.fetch_wait_seconds)
        return task.result() if done else stored

    async def _await_lease(self, stored: Stored) -> Stored:
        """Wait until whoever asks now (a worker, another process) has stored the answer."""
        tracking = stored.tracking
        for _ in range(max(1, round(self._settings.fetch_wait_seconds / LOOK_AGAIN_SECONDS))):
            await self._clock.sleep(LOOK_AGAIN_SECONDS)
            fresh = await self._store.load(tracking.world_id, tracking.id)
            if fresh is None:
                break
            if fresh.poll.leased_until != stored.poll.leased_until:
                return fresh
        return stored

    async def _ask_and_store(
        self, stored: Stored, policy: CarrierPolicy, *, is_leased: bool
    ) -> Stored:
        tracking = stored.tracking
        try:
            if not is_leased:
                found = await self._take_lease(stored)
                if not isinstance(found, _Leased):
                    return found
                stored, tracking = found.stored, found.stored.tracking
            now = self._clock.now()
            # At create the plan itself says "at once".
            why = None if is_leased else BY_REQUEST
            if not await self._throttle.admit(policy, 1, now):
                return await self._leave_to_workers(stored, NO_BUDGET)
            (report,) = await self._fetcher.fetch(
                tracking.world_id, tracking.courier_code, [tracking], policy
            )
            if report is None:
                return await self._leave_to_workers(stored, NO_SLOT)
            result = await self._refresher.apply_report(stored, report, policy, why=why)
            if isinstance(result, PollResult):
                await self._store.save_polls([result])
                return Stored(tracking, result.poll)
        except Exception:
            # The tracking itself is stored, and its lease ends by time: the worker asks again.
            log.exception("asking at once failed for tracking %s", tracking.id)
            return stored
        return result or stored

    async def _take_lease(self, stored: Stored) -> Stored | _Leased:
        """Take the lease, and return the tracking as it stands under it.

        Without the lease: what is known when whoever has it is done, or what they left.
        """
        tracking = stored.tracking
        until = self.lease_from(self._clock.now())
        is_ours = await self._store.lease_poll(
            tracking.id, lease=stored.poll.leased_until, until=until
        )
        # Read after it was leased: what was stored in between (an answer, a stop, another courier)
        # must neither be asked for again nor be overwritten.
        fresh = await self._store.load(tracking.world_id, tracking.id)
        if fresh is None:
            return stored
        now = self._clock.now()
        if not is_ours or fresh.poll.leased_until != until:
            return await self._await_lease(fresh) if self._is_leased(fresh, now) else fresh
        is_moot = fresh.tracking.courier_code != tracking.courier_code
        if is_moot or self._is_fresh(fresh, now):
            await self._store.lease_poll(tracking.id, lease=until, until=0)
            return Stored(fresh.tracking, replace(fresh.poll, leased_until=0))
        return _Leased(fresh)

    def _is_fresh(self, stored: Stored, now: Instant) -> bool:
        checked_at = stored.poll.checked_at
        return (
            checked_at is not None
            and 0 <= now - checked_at < self._settings.realtime_interval_seconds * SECOND
        )

    def _is_leased(self, stored: Stored, now: Instant) -> bool:
        # One that ends later still was given by a clock that has since jumped back.
        return now < stored.poll.leased_until <= self.lease_from(now) + CLOCKS_DIFFER

    async def _leave_to_workers(self, stored: Stored, why: str) -> Stored:
        """Let them have it from here: due as planned, without our lease."""
        poll = replace(stored.poll, leased_until=0)
        past = PastPoll(at=self._clock.now(), outcome=DEFERRED, reason=why)
        result = PollResult(
            tracking_id=stored.tracking.id, poll=poll, past=past, lease=stored.poll.leased_until
        )
        await self._store.save_polls([result])
        self._wake_polls()
        return Stored(stored.tracking, poll)
