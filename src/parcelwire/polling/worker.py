"""The poll worker: claims due trackings, asks their carriers, stores what follows.

    claim (lease by time) -> group by world and courier -> turnstile -> carriers.ask -> Refresher ->
    save
                                                 |
                                                 +-> not admitted: postponed with the reason

Any number of workers in any number of processes may run; the lease keeps two from asking about one
parcel, and a worker
that dies loses nothing: the lease ends and somebody else asks.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

import msgspec

from parcelwire.domain.clock import MINUTE, SECOND, Clock, Instant
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.polling.ports import Claim, PollStore
from parcelwire.polling.turnstile import CarrierTurnstile
from parcelwire.tracking.ports import (
    CarrierPolicy,
    Carriers,
    PollResult,
    Stored,
    TrackingStore,
)
from parcelwire.tracking.refresh import Refresher

log = logging.getLogger(__name__)


class PollSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the poll worker behaves."""

    claim_size: int = 200
    """Trackings claimed at a time."""
    concurrency: int = 32
    """Questions to carriers under way at a time, in this process."""
    lease_seconds: float = 30.0
    """A dead worker's trackings are free again after this."""
    ask_timeout_seconds: float = 25.0
    """A carrier's conversation is broken off after this; shorter than the lease."""
    idle_seconds: float = 2.0
    """Longest sleep between two looks at the table (other processes add to it without telling)."""


class WorkerStore(PollStore, TrackingStore, Protocol):
    """What the worker needs of the store."""


class PollWorker:
    """Runs until ``stop``."""

    def __init__(
        self,
        store: WorkerStore,
        *,
        carriers: Carriers,
        turnstile: CarrierTurnstile,
        refresher: Refresher,
        clock: Clock,
        settings: PollSettings,
    ) -> None:
        """All collaborators come in; nothing is global."""
        self._store = store
        self._carriers = carriers
        self._turnstile = turnstile
        self._refresher = refresher
        self._clock = clock
        self._settings = settings
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._under_way: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(settings.concurrency)
        self._is_store_down = False

    def wake(self) -> None:
        """Look at the table now: something became due."""
        self._wake.set()

    def stop(self) -> None:
        """Claim no more; ``run`` returns when what is under way is done."""
        self._is_stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Claim and ask until ``stop`` is called."""
        while not self._is_stopping:
            self._wake.clear()
            try:
                claimed = await self.step()
                self._heal()
            except Exception as error:  # noqa: BLE001  # a worker outlives every fault of one round
                self._complain(error)
                claimed = 0
            if not claimed and not self._is_stopping:
                await self._rest()
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def step(self) -> int:
        """Do one round: claim, and start asking. Returns how many were claimed."""
        room = self._settings.concurrency * 4 - len(self._under_way)
        if room <= 0:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            return 1
        now = self._clock.now()
        claims = await self._store.claim_polls(
            now,
            lease_until=now + round(self._settings.lease_seconds * SECOND),
            limit=self._settings.claim_size,
        )
        groups: dict[tuple[int, str], list[Claim]] = defaultdict(list)
        for claim in claims:
            groups[claim.world_id, claim.courier_code].append(claim)
        for (world_id, courier_code), group in groups.items():
            await self._admit(world_id, courier_code, group, now)
        return len(claims)

    async def settle(self) -> None:
        """Wait until all that was started is stored (for tests and for shutdown)."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def _admit(
        self, world_id: int, courier_code: str, group: list[Claim], now: Instant
    ) -> None:
        policy = await self._carriers.policy(world_id, courier_code)
        ids = [claim.tracking_id for claim in group]
        if policy is None:
            self._start(self._ask(world_id, courier_code, ids, None))
            return
        pause = await self._turnstile.pause_of(policy, now)
        if pause is not None:
            await self._store.postpone_polls(
                ids, due_at=pause.until, due_reason=f"the carrier is paused: {pause.why}"[:300]
            )
            return
        granted = await self._turnstile.admit(policy, len(ids), now)
        if granted < len(ids):
            await self._store.postpone_polls(
                ids[granted:],
                due_at=now + max(SECOND, MINUTE // max(1, policy.requests_per_minute)),
                due_reason="waiting for its turn in the carrier's budget",
            )
        for start in range(0, granted, policy.batch_size):
            batch = ids[start : min(granted, start + policy.batch_size)]
            self._start(self._ask(world_id, courier_code, batch, policy))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _ask(
        self,
        world_id: int,
        courier_code: str,
        ids: Sequence[str],
        policy: CarrierPolicy | None,
    ) -> None:
        async with self._places:
            try:
                stored = await self._store.load_many(ids)
                reports = await self._reports(world_id, courier_code, stored, policy)
                await self._store_reports(stored, reports, policy)
            except Exception as error:  # noqa: BLE001  # the lease ends by time
                self._complain(error)

    async def _reports(
        self,
        world_id: int,
        courier_code: str,
        stored: Sequence[Stored],
        policy: CarrierPolicy | None,
    ) -> list[CarrierReport]:
        trackings = [one.tracking for one in stored]
        if policy is None:
            return [
                CarrierReport(number=tracking.number, outcome=Outcome.NO_CONNECTION)
                for tracking in trackings
            ]
        try:
            reports = await asyncio.wait_for(
                self._carriers.ask(world_id, courier_code, trackings),
                self._settings.ask_timeout_seconds,
            )
        except TimeoutError:
            reports = [
                CarrierReport(
                    number=tracking.number,
                    outcome=Outcome.UNAVAILABLE,
                    detail=f"no answer within {self._settings.ask_timeout_seconds:g} s",
                    fetched_at=self._clock.now(),
                    connector=policy.connector,
                )
                for tracking in trackings
            ]
        await self._turnstile.note(policy, reports, self._clock.now())
        return reports

    async def _store_reports(
        self,
        stored: Sequence[Stored],
        reports: Sequence[CarrierReport],
        policy: CarrierPolicy | None,
    ) -> None:
        unchanged: list[PollResult] = []
        for one, report in zip(stored, reports, strict=True):
            if report.gaps:
                await self._store.add_gaps(report.connector, report.gaps, report.fetched_at)
            result = await self._refresher.apply(one, report, policy)
            if isinstance(result, PollResult):
                unchanged.append(result)
        if unchanged:
            await self._store.save_polls(unchanged)

    async def _rest(self) -> None:
        due_at = await self._next_due()
        seconds = self._settings.idle_seconds
        if due_at is not None:
            seconds = min(seconds, max(0.01, (due_at - self._clock.now()) / SECOND))
        woken = asyncio.ensure_future(self._wake.wait())
        slept = asyncio.ensure_future(self._clock.sleep(seconds))
        _, waiting = await asyncio.wait({woken, slept}, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()

    async def _next_due(self) -> Instant | None:
        try:
            return await self._store.next_poll_due()
        except Exception as error:  # noqa: BLE001  # rest as long as usual, then try again
            self._complain(error)
            return None

    def _complain(self, error: Exception) -> None:
        # Once when it breaks, once when it heals: a database that is away for an hour is one line,
        # not thousands.
        if not self._is_store_down:
            self._is_store_down = True
            log.error("polling is interrupted: %s: %s", type(error).__name__, error, exc_info=error)

    def _heal(self) -> None:
        if self._is_store_down:
            self._is_store_down = False
            log.info("polling goes on")
