"""The poll worker: asks carriers about what is due, and stores what follows. One round:

    claim   due trackings, leased by time
    group   them by source: one courier of one world, and all that shares its connection
    admit   what the carrier's throttle (budget, pauses) and concurrency allow; defer the rest
    fetch   the carrier's reports on what was admitted, in conversations of a batch each
    apply   each report to its tracking: state, event, messages and next due time are one save

Any number of workers in any number of processes may run; the lease keeps two from asking about one
parcel, and a worker that dies loses nothing: the lease ends and somebody else asks. A poll may ask
another courier than the tracking's own, to find out whose number it is (``courier_correction``):
it takes the same five steps.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, Protocol, TypeAlias

import msgspec
from msgspec.structs import replace

from parcelwire.domain.clock import DAY, MINUTE, SECOND, Clock, Instant
from parcelwire.domain.recalls import Recall, Recalls
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.polling.admission import Admission, PollBatch, group_claims
from parcelwire.polling.carrier_throttle import CarrierThrottle
from parcelwire.polling.concurrency import CarrierConcurrency
from parcelwire.polling.ports import Claim, PollStore, StoreOutageError
from parcelwire.tracking.courier_correction import CourierCorrector
from parcelwire.tracking.courier_detection_retry import CandidateFinder
from parcelwire.tracking.fair_slots import FairSlots
from parcelwire.tracking.fetch import SLOT_SECONDS, Fetcher
from parcelwire.tracking.ports import (
    CarrierPolicy,
    Carriers,
    PollResult,
    Stored,
    TrackingStore,
)
from parcelwire.tracking.refresh import Refresher
from parcelwire.tracking.slices import SLICE
from parcelwire.tracking.suspension import (
    HELD_REASON,
    LONGEST_HOLD,
    Suspensions,
    SuspensionStore,
)

log = logging.getLogger(__name__)

LONGEST_WAIT: Final = 3 * DAY
"""No plan looks further ahead; a later due time was written by a clock that has jumped since. And a
poll so long overdue was slept through (switched off, or the clock has jumped): what a parcel did
meanwhile is not known yet, and the first answer may not let it expire.
"""

OWN_FAULT_WAIT: Final = 15 * MINUTE
"""A parcel whose answer we fail to store is left alone for this long, not for a lease only."""


class PollSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the poll worker behaves."""

    claim_size: int = 200
    """Trackings claimed at a time."""
    concurrency: int = 32
    """Questions to carriers under way at a time, in this process."""
    concurrency_per_carrier: int = 4
    """Of these, to one carrier: as many as the gateway holds conversations with it."""
    lease_seconds: float = 27.0
    """A dead worker's trackings are free again after this."""
    fetch_timeout_seconds: float = 22.0
    """A carrier's conversation is broken off after this; shorter than the lease."""
    slot_seconds: float = SLOT_SECONDS
    """How long a question waits at most for a slot among its carrier's conversations."""
    idle_seconds: float = 2.0
    """Longest sleep between two looks at the table (other processes add to it without telling)."""


Fetched: TypeAlias = tuple[Stored, CarrierReport]
"""A tracking as it was loaded, and what its carrier says of it."""


class WorkerStore(PollStore, TrackingStore, SuspensionStore, Protocol):
    """What the worker needs of the store."""


class PollWorker:
    """Runs until ``stop``."""

    def __init__(
        self,
        store: WorkerStore,
        *,
        carriers: Carriers,
        throttle: CarrierThrottle,
        refresher: Refresher,
        finder: CandidateFinder,
        corrector: CourierCorrector,
        clock: Clock,
        settings: PollSettings,
    ) -> None:
        """All collaborators come in; nothing is global."""
        self._store = store
        self._carriers = carriers
        self._throttle = throttle
        self._refresher = refresher
        self._corrector = corrector
        self._clock = clock
        self._settings = settings
        self._suspensions = Suspensions(store, clock)
        self._longest_question = settings.fetch_timeout_seconds + settings.slot_seconds
        self._fetcher = Fetcher(
            store,
            carriers=carriers,
            throttle=throttle,
            clock=clock,
            timeout_seconds=self._longest_question,
        )
        # Whoever waits longer than this for a slot has no time left for the question itself.
        patience = max(0.0, settings.lease_seconds - self._longest_question - 1.0)
        self._concurrency = CarrierConcurrency(settings.concurrency_per_carrier, patience, clock)
        self._admission = Admission(
            store,
            carriers=carriers,
            throttle=throttle,
            concurrency=self._concurrency,
            finder=finder,
        )
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._under_way: set[asyncio.Task[None]] = set()
        self._slots = FairSlots(settings.concurrency)
        # One slice of the event loop's time at a time, given out to accounts in turn.
        self._slices = FairSlots(1)
        self._recalls = Recalls()
        self._faults = 0
        self._is_store_down = False

    def wake(self) -> None:
        """Look at the table now: something became due."""
        self._wake.set()

    def stop(self) -> None:
        """Claim no more; ``run`` returns when what is under way is done."""
        self._is_stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Do rounds until ``stop`` is called."""
        while not self._is_stopping:
            self._wake.clear()
            faults = self._faults
            try:
                claimed = await self.step()
                if faults == self._faults:
                    self._report_recovery()
            except Exception as error:  # noqa: BLE001  # a worker outlives every fault of one round
                self._report_error(error)
                # What is due stays due: looked for at once, it would fail at once again.
                await self._rest_for(self._settings.idle_seconds)
                continue
            if not claimed and not self._is_stopping:
                await self._rest()
        await self.drain()

    async def step(self) -> int:
        """Do one round; return how many trackings were claimed.

        What was admitted is fetched and applied by tasks that go on behind it, see ``drain``.
        """
        room = self._settings.concurrency * 4 - len(self._under_way)
        if room <= 0:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            return 1
        now = self._clock.now()
        await self._handle_clock_rollback(now)
        lease = now + round(self._settings.lease_seconds * SECOND)
        claims = await self._claim(now, lease)
        for batches in await self._group(claims, lease):
            for batch in await self._admit(batches, now):
                self._start(self._fetch_and_apply(batch))
        return len(claims)

    async def drain(self) -> None:
        """Wait until all that was started is stored (for tests and for shutdown)."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def _claim(self, now: Instant, lease: Instant) -> list[Claim]:
        """Lease what is due until ``lease``; nobody else asks about it before."""
        return await self._store.claim_polls(
            now, lease_until=lease, limit=self._settings.claim_size
        )

    async def _group(self, claims: Sequence[Claim], lease: Instant) -> list[list[PollBatch]]:
        """Put together what has one source: a connection, or a carrier that all may ask."""
        by_source: dict[str, list[PollBatch]] = defaultdict(list)
        for batch in group_claims(claims, lease):
            policy = await self._carriers.policy(batch.world_id, batch.courier_code)
            source = "" if policy is None else policy.budget_key
            by_source[source].append(replace(batch, policy=policy))
        return list(by_source.values())

    async def _admit(self, batches: list[PollBatch], now: Instant) -> list[PollBatch]:
        """Return what may be asked of one source now; the rest is deferred."""
        if batches[0].policy is None:
            return batches  # there is nobody to ask, which costs no budget
        return await self._admission.admit(batches, now)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _fetch_and_apply(self, batch: PollBatch) -> None:
        async with AsyncExitStack() as slots:
            if batch.policy is not None:
                await slots.enter_async_context(self._concurrency.slot(batch.policy, batch.account))
            await slots.enter_async_context(self._slots.slot(batch.account))
            try:
                await self._apply(batch, await self._fetch(batch))
            except Exception as error:  # noqa: BLE001  # the lease ends by time
                self._report_error(error)

    async def _fetch(self, batch: PollBatch) -> list[Fetched]:
        """Return the carrier's report on each tracking that is still ours to ask about."""
        policy, now = batch.policy, self._clock.now()
        stored = await self._load(batch, now)
        if not stored:
            return []
        if policy is None:
            return [
                (
                    one,
                    CarrierReport(
                        number=one.tracking.number, outcome=Outcome.NO_CONNECTION, asked_at=now
                    ),
                )
                for one in stored
            ]
        if now + self._longest_question * SECOND >= batch.lease:
            # It waited too long for its slot: asked now, somebody else might ask, too.
            await self._throttle.give_back(policy, len(stored))
            if now < batch.lease:
                await self._admission.defer(batch, [one.tracking.id for one in stored], now)
            return []
        reports = await self._fetcher.fetch(
            batch.world_id, batch.courier_code, [one.tracking for one in stored], policy
        )
        fetched = list(zip(stored, reports, strict=True))
        unasked = [one.tracking.id for one, report in fetched if report is None]
        if unasked:
            await self._admission.defer(batch, unasked, self._clock.now())
        return [(one, report) for one, report in fetched if report is not None]

    async def _load(self, batch: PollBatch, now: Instant) -> list[Stored]:
        loaded = await self._store.load_many(batch.ids)
        if len(loaded) < len(batch.ids):
            await self._admission.set_aside(batch, loaded, now, OWN_FAULT_WAIT)
        # What was stopped, changed or claimed by somebody else in between is not ours any more.
        stored = [one for one in loaded if one.poll.leased_until == batch.lease]
        if stored and await self._suspensions.holds(batch.world_id):
            # Suspended since it was claimed.
            await self._store.postpone_polls(
                [one.tracking.id for one in stored],
                due_at=now + LONGEST_HOLD,
                due_reason=HELD_REASON,
            )
            return []
        return stored

    async def _apply(self, batch: PollBatch, fetched: Sequence[Fetched]) -> None:
        """Work every report into its tracking, and store what follows."""
        # Not one after the other, so that a store that commits in groups flushes once for many of
        # them; but in slices, or the loop would do nothing else meanwhile.
        applying: list[asyncio.Task[Stored | PollResult | None]] = []
        try:
            for start in range(0, len(fetched), SLICE):
                async with self._slices.slot(batch.account):
                    applying += [
                        asyncio.create_task(self._apply_or_set_aside(one, report, batch.policy))
                        for one, report in fetched[start : start + SLICE]
                    ]
                    await asyncio.sleep(0)
            results = await asyncio.gather(*applying)
        except BaseException:
            for task in applying:
                task.cancel()
            raise
        unchanged = [one for one in results if isinstance(one, PollResult)]
        if unchanged:
            await self._store.save_polls(unchanged)
        if any(one is not None and one.poll.probe_courier for one in results):
            self.wake()  # another courier is to be asked at once

    async def _apply_or_set_aside(
        self, stored: Stored, report: CarrierReport, policy: CarrierPolicy | None
    ) -> Stored | PollResult | None:
        try:
            return await self._apply_report(stored, report, policy)
        except StoreOutageError:
            # Its lease ends soon. Setting it aside would be a smaller write, for which a disk that
            # is nearly full may have room.
            raise
        except Exception as error:  # noqa: BLE001  # the others' answers are worth storing
            await self._set_aside(stored, error)
            return None

    async def _apply_report(
        self, stored: Stored, report: CarrierReport, policy: CarrierPolicy | None
    ) -> Stored | PollResult | None:
        now = self._clock.now()
        self._recalls.note(now)
        if stored.poll.probe_courier:
            return await self._corrector.apply_report(stored, report, policy)
        may_expire = now - (stored.poll.due_at or now) <= LONGEST_WAIT
        return await self._refresher.apply_report(
            stored, report, policy, may_expire=may_expire, may_probe=True
        )

    async def _set_aside(self, stored: Stored, error: Exception) -> None:
        """Leave a parcel alone whose answer makes us fail; raise when it is the store that does."""
        now = self._clock.now()
        await self._store.postpone_polls(
            [stored.tracking.id],
            due_at=now + OWN_FAULT_WAIT,
            due_reason=f"its answer could not be stored: {type(error).__name__}",
            at=now,
        )
        log.error(
            "the answer about tracking %s could not be stored", stored.tracking.id, exc_info=error
        )

    async def _handle_clock_rollback(self, now: Instant) -> None:
        """Bring back polls that a clock which was ahead has postponed, see ``domain.recalls``."""
        recall = self._recalls.due(now)
        if recall is None:
            return
        recalled = await self._store.recall_polls(
            now, beyond=now + LONGEST_WAIT, far_only=recall is Recall.FAR
        )
        self._recalls.done(now)
        if recalled:
            log.warning("the clock went back: %d polls planned ahead of it moved", recalled)

    async def _rest(self) -> None:
        due_at = await self._next_due()
        seconds = self._settings.idle_seconds
        if due_at is not None:
            seconds = min(seconds, max(0.01, (due_at - self._clock.now()) / SECOND))
        await self._rest_for(seconds)

    async def _rest_for(self, seconds: float) -> None:
        """Wait for the time, or for somebody who says that something became due."""
        woken = asyncio.ensure_future(self._wake.wait())
        slept = asyncio.ensure_future(self._clock.sleep(seconds))
        _, waiting = await asyncio.wait({woken, slept}, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()

    async def _next_due(self) -> Instant | None:
        try:
            return await self._store.next_poll_due()
        except Exception as error:  # noqa: BLE001  # rest as long as usual, then try again
            self._report_error(error)
            return None

    def _report_error(self, error: Exception) -> None:
        # Once when it breaks, once when it heals: a database that is away for an hour is one line,
        # not thousands.
        self._faults += 1
        if not self._is_store_down:
            self._is_store_down = True
            log.error("polling is interrupted: %s: %s", type(error).__name__, error, exc_info=error)

    def _report_recovery(self) -> None:
        if self._is_store_down:
            self._is_store_down = False
            log.info("polling goes on")
