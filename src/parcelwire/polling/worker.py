"""The poll worker: claims due trackings, asks their carriers, stores what follows.

    claim (lease by time) -> group by world and courier -> throttle -> lane -> ask -> Refresher
                                                               |         |
                                                               +---------+-> a later turn, and why

Any number of workers in any number of processes may run; the lease keeps two from asking about one
parcel, and a worker that dies loses nothing: the lease ends and somebody else asks.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from typing import Any, Final, Protocol

import msgspec
from msgspec.structs import replace

from parcelwire.domain.account import account_of
from parcelwire.domain.clock import DAY, MINUTE, SECOND, Clock, Instant
from parcelwire.domain.recalls import Recall, Recalls
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.polling.admission import Admission, PollBatch, group_by_source
from parcelwire.polling.carrier_throttle import CarrierThrottle
from parcelwire.polling.concurrency import CarrierConcurrency
from parcelwire.polling.ports import PollStore, StoreOutageError
from parcelwire.tracking.courier_correction import CourierCorrector, Told
from parcelwire.tracking.fair_slots import FairSlots
from parcelwire.tracking.fetch import SLOT_SECONDS, Fetcher
from parcelwire.tracking.ports import (
    CarrierPolicy,
    Carriers,
    PollResult,
    Stored,
    TrackingStore,
)
from parcelwire.tracking.refresh import CourierProbe, Refresher
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
    ask_timeout_seconds: float = 22.0
    """A carrier's conversation is broken off after this; shorter than the lease."""
    slot_seconds: float = SLOT_SECONDS
    """How long a question waits at most for a slot among its carrier's conversations."""
    idle_seconds: float = 2.0
    """Longest sleep between two looks at the table (other processes add to it without telling)."""


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
        clock: Clock,
        settings: PollSettings,
        corrector: CourierCorrector | None = None,
    ) -> None:
        """All collaborators come in; nothing is global. Without a ``corrector``, no other courier
        is ever asked.
        """
        self._store = store
        self._carriers = carriers
        self._throttle = throttle
        self._refresher = refresher
        self._corrector = corrector
        self._clock = clock
        self._settings = settings
        self._suspensions = Suspensions(store, clock)
        self._longest_question = settings.ask_timeout_seconds + settings.slot_seconds
        self._fetcher = Fetcher(
            store,
            carriers=carriers,
            throttle=throttle,
            clock=clock,
            timeout_seconds=self._longest_question,
        )
        # Whoever waits longer than this for a place has no time left for the question itself.
        patience = max(0.0, settings.lease_seconds - self._longest_question - 1.0)
        self._concurrency = CarrierConcurrency(settings.concurrency_per_carrier, patience, clock)
        self._admission = Admission(store, throttle, self._concurrency)
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._under_way: set[asyncio.Task[None]] = set()
        self._places = FairSlots(settings.concurrency)
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
        """Claim and ask until ``stop`` is called."""
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
        """Do one round: claim, and start asking. Returns how many were claimed."""
        room = self._settings.concurrency * 4 - len(self._under_way)
        if room <= 0:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            return 1
        now = self._clock.now()
        await self._handle_clock_rollback(now)
        lease = now + round(self._settings.lease_seconds * SECOND)
        claims = await self._store.claim_polls(
            now, lease_until=lease, limit=self._settings.claim_size
        )
        by_budget: dict[str, list[PollBatch]] = defaultdict(list)
        for group in group_by_source(claims, lease):
            policy = await self._carriers.policy(group.world_id, group.courier_code)
            batch = replace(group, policy=policy)
            if policy is None:
                self._start(self._ask(batch))
            else:
                by_budget[policy.budget_key].append(batch)
        for batches in by_budget.values():
            for batch in await self._admission.admit(batches, now):
                self._start(self._ask_in_lane(batch))
        return len(claims)

    async def drain(self) -> None:
        """Wait until all that was started is stored (for tests and for shutdown)."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _ask_in_lane(self, batch: PollBatch) -> None:
        assert batch.policy is not None  # noqa: S101  # who has none goes straight to ``_ask``
        async with self._concurrency.slot(batch.policy, batch.account):
            await self._ask(batch)

    async def _ask(self, batch: PollBatch) -> None:
        async with self._places.slot(batch.account):
            try:
                await self._ask_and_store(batch)
            except Exception as error:  # noqa: BLE001  # the lease ends by time
                self._report_error(error)

    async def _ask_and_store(self, batch: PollBatch) -> None:
        policy = batch.policy
        now = self._clock.now()
        loaded = await self._store.load_many(batch.ids)
        if len(loaded) < len(batch.ids):
            await self._admission.set_aside(batch, loaded, now, OWN_FAULT_WAIT)
        # What was stopped, changed or claimed by somebody else in between is not ours any more.
        stored = [one for one in loaded if one.poll.leased_until == batch.lease]
        if not stored:
            return
        if await self._suspensions.holds(batch.world_id):
            # Suspended since it was claimed.
            await self._store.postpone_polls(
                [one.tracking.id for one in stored],
                due_at=now + LONGEST_HOLD,
                due_reason=HELD_REASON,
            )
            return
        answers: Sequence[CarrierReport | None]
        if policy is None:
            answers = [
                CarrierReport(
                    number=one.tracking.number, outcome=Outcome.NO_CONNECTION, asked_at=now
                )
                for one in stored
            ]
        elif now + self._longest_question * SECOND >= batch.lease:
            # It waited too long for its place: asked now, somebody else might ask, too.
            await self._throttle.give_back(policy, len(stored))
            if now < batch.lease:
                await self._admission.defer(batch, [one.tracking.id for one in stored], now)
            return
        else:
            answers = await self._fetcher.fetch(
                batch.world_id, batch.courier_code, [one.tracking for one in stored], policy
            )
            unasked = [
                one.tracking.id
                for one, report in zip(stored, answers, strict=True)
                if report is None
            ]
            if unasked:
                await self._admission.defer(batch, unasked, self._clock.now())
        answered = [
            (one, report) for one, report in zip(stored, answers, strict=True) if report is not None
        ]
        await self._store_reports(answered, policy, batch.account)

    async def _store_reports(
        self,
        answered: Sequence[tuple[Stored, CarrierReport]],
        policy: CarrierPolicy | None,
        account: int,
    ) -> None:
        # Not one after the other, so that a store that commits in groups flushes once for many of
        # them; but in slices, or the loop would do nothing else meanwhile.
        storing: list[asyncio.Task[PollResult | None]] = []
        try:
            for start in range(0, len(answered), SLICE):
                async with self._slices.slot(account):
                    storing += [
                        asyncio.create_task(self._store_or_set_aside(one, report, policy))
                        for one, report in answered[start : start + SLICE]
                    ]
                    await asyncio.sleep(0)
            results = await asyncio.gather(*storing)
        except BaseException:
            for task in storing:
                task.cancel()
            raise
        unchanged = [result for result in results if result is not None]
        if unchanged:
            await self._store.save_polls(unchanged)

    async def _store_or_set_aside(
        self, stored: Stored, report: CarrierReport, policy: CarrierPolicy | None
    ) -> PollResult | None:
        try:
            return await self._store_report(stored, report, policy)
        except StoreOutageError:
            # Its lease ends soon. Setting it aside would be a smaller write, for which a disk that
            # is nearly full may have room.
            raise
        except Exception as error:  # noqa: BLE001  # the others' answers are worth storing
            await self._set_aside(stored, error)
            return None

    async def _store_report(
        self, stored: Stored, report: CarrierReport, policy: CarrierPolicy | None
    ) -> PollResult | None:
        now = self._clock.now()
        self._recalls.note(now)
        may_expire = now - (stored.poll.due_at or now) <= LONGEST_WAIT
        search = await self._search(stored, report)
        if search is None:
            result = await self._refresher.apply_report(
                stored, report, policy, may_expire=may_expire
            )
            return result if isinstance(result, PollResult) else None
        # The lease goes on for the question to the candidate.
        held_until = now + round(self._settings.lease_seconds * SECOND)
        result = await self._refresher.apply_report(
            stored, report, policy, held_until=held_until, may_expire=may_expire
        )
        if isinstance(result, PollResult):
            await self._store.save_polls([result])
            result = Stored(stored.tracking, result.poll)
        if result is not None:
            self._start(self._try_candidate(result, search, Told(report, policy)))
        return None

    async def _search(self, stored: Stored, report: CarrierReport) -> CourierProbe | None:
        if self._corrector is None:
            return None
        now = self._clock.now()
        search = await self._corrector.search_due(stored, report, now)
        if search is None or not await self._throttle.admit(search.policy, 1, now):
            return None
        return search

    async def _try_candidate(self, stored: Stored, search: CourierProbe, told: Told) -> None:
        assert self._corrector is not None  # noqa: S101  # it found the candidate
        async with self._places.slot(account_of(stored.tracking.world_id)):
            try:
                await self._corrector.attempt(stored, search, told)
            except Exception as error:  # noqa: BLE001  # the lease ends by time
                self._report_error(error)

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
        """Bring polls back that a clock has put off which was ahead, see ``domain.recalls``."""
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
