"""Takes messages from the store, sends them, and stores what came of it.

    claim (lease) -> make_request -> send -> decide, judge -> finish_attempts -> tell
                     \\__________ one task each _________/    \\_ in batches

The store gives a message out only when no earlier one of the same endpoint and tracking is waiting,
and the worker never sends one that it still has under way; so there is at most one request at a
time per (endpoint, tracking), and order holds. A message whose outcome could not be stored (the
process died, the database was away for long) is sent again under the same id: at least once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from parcelwire.domain.account import Account
from parcelwire.domain.clock import SECOND, Clock, Instant
from parcelwire.domain.recalls import Recall, Recalls
from parcelwire.tracking.ports import Identifiers
from parcelwire.webhooks.flow_control import FlowControl, Health, Slot
from parcelwire.webhooks.health_reporter import HealthReporter
from parcelwire.webhooks.notices import Notifier
from parcelwire.webhooks.ports import AttemptResult, ClaimedMessage, MessageState, MessageStore
from parcelwire.webhooks.request_builder import UnsendableError, make_request
from parcelwire.webhooks.schedule import Answer, RandomShare, decide, rest_seconds
from parcelwire.webhooks.sender import Sender
from parcelwire.webhooks.settings import WebhookSettings

AccountLookup = Callable[[int], Awaitable[Account | None]]
"""Gives the account that a world belongs to."""

_log = logging.getLogger(__name__)

_LONGEST_STORE_PAUSE_SECONDS = 10.0
_SUSPECT_AT_ONCE = 4
"""Messages to suspect endpoints at one look: what they cost stands in the way of others."""
_JUMP_SECONDS = 60.0
"""What time may pass beside what was waited for; more is a clock that was set."""

Result = TypeVar("Result")


class DeliveryWorker:
    """Delivers messages until stopped. Any number of workers, in any processes, share one store."""

    def __init__(
        self,
        store: MessageStore,
        sender: Sender,
        *,
        clock: Clock,
        accounts: AccountLookup,
        identifiers: Identifiers,
        random: RandomShare,
        settings: WebhookSettings | None = None,
        notifiers: Sequence[Notifier] = (),
    ) -> None:
        """Prepare; ``run`` or ``step`` does the work.

        ``random`` gives numbers from 0 to 1 and spreads the retries. ``notifiers`` are told, beside
        the log, of endpoints that fail, are switched off or recover.
        """
        self._store = store
        self._sender = sender
        self._clock = clock
        self._accounts = accounts
        self._identifiers = identifiers
        self._random = random
        self._settings = settings or WebhookSettings()
        self._flow = FlowControl(
            in_flight=self._settings.max_concurrent_deliveries,
            per_endpoint=self._settings.max_concurrent_per_endpoint,
        )
        self._reporter = HealthReporter(
            store, identifiers=identifiers, settings=self._settings, notifiers=notifiers
        )
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._outcomes: list[AttemptResult] = []
        self._failures: list[AttemptResult] = []
        self._has_failed = asyncio.Event()
        self._suspect_at: Instant = 0
        self._started = 0
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._store_failures = 0
        self._recalls = Recalls()

    @property
    def in_flight(self) -> int:
        """Requests under way now."""
        return len(self._tasks)

    def notify(self) -> None:
        """Say that there may be new messages. Call it in the worker's event loop, after a save."""
        self._wake.set()

    def stop(self) -> None:
        """Ask ``run`` to take nothing new, finish what is under way and return."""
        self._is_stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Deliver until ``stop`` is called. Outages of the store are sat out."""
        try:
            wait_seconds = 0.0
            before = self._clock.now()
            while not self._is_stopping:
                before = self._check_clock(before, wait_seconds)
                self._wake.clear()
                wait_seconds = await self._round()
                if wait_seconds > 0:
                    await self._rest(wait_seconds)
                if self._outcomes and self._settings.gather_seconds:
                    # One transaction for what comes back within a moment, instead of one each.
                    await self._clock.sleep(self._settings.gather_seconds)
        except asyncio.CancelledError:
            await self._drain(grace_seconds=0)
            raise
        await self._drain(self._settings.grace_seconds)

    def _check_clock(self, before: Instant, waited_seconds: float) -> Instant:
        passed = (now := self._clock.now()) - before
        if not -_JUMP_SECONDS * SECOND < passed < (waited_seconds + _JUMP_SECONDS) * SECOND:
            _log.warning("webhooks: the clock moved by %d s", round(passed / SECOND))
        return now

    async def step(self) -> int:
        """Claim what is due now, send it, store the outcome; return how many were tried.

        For tests and simulations, which move time between steps themselves.
        """
        if await self._guarded(self._store_everything) is None:
            return 0
        before = self._started
        await self._guarded(lambda: self._claim(self._settings.claim_batch))
        await asyncio.gather(*self._tasks.values())
        await self._guarded(self._store_everything)
        await self._reporter.drain()
        return self._started - before

    async def _round(self) -> float:
        """Do what can be done now; return for how many seconds nothing more can be."""
        # What concerns suspect endpoints waits for its turn, however often the others wake us.
        is_their_turn = self._turn_wait_seconds() <= 0
        if is_their_turn:
            self._suspect_at = self._clock.now()
        stored = await self._guarded(self._store_outcomes)
        # While the store is away nothing new is taken: more sent now would only be more that cannot
        # be written down.
        if stored is None:
            wait_seconds = None
        else:
            suspect = _SUSPECT_AT_ONCE if is_their_turn else 0
            wait_seconds = await self._guarded(lambda: self._claim(suspect))
        if wait_seconds is None:
            return float(min(0.1 * 2**self._store_failures, _LONGEST_STORE_PAUSE_SECONDS))
        return wait_seconds

    def _turn_wait_seconds(self) -> float:
        """Return how long it is until suspect endpoints are looked after again."""
        passed = (self._clock.now() - self._suspect_at) / SECOND
        # A clock that was set back must not make the wait longer.
        return max(0.0, self._settings.suspect_seconds - passed) if passed >= 0 else 0.0

    async def _claim(self, suspect_at_once: int) -> float:
        """Take due messages as far as there is room and start sending; return as ``_round``.

        At most ``suspect_at_once`` go to endpoints that did not just answer well; more than 0 says
        that it is their turn.
        """
        now = self._clock.now()
        await self._recall(now)
        longest = self._settings.poll_seconds
        suspect_room, _ = self._flow.refill_suspect(now)
        are_more = suspect_room > suspect_at_once
        suspect_room = min(suspect_room, suspect_at_once)
        # A long queue of the others must not starve the suspects: their room is kept for them.
        room = min(self._settings.claim_batch, self._flow.free - suspect_room)
        taken = await self._take_healthy(now, room)
        # After the others, whose requests are on their way meanwhile.
        if suspect_at_once:
            await self._store_everything()
        if suspect_room:
            # Asked again: those that just had their first message are known now, and have it.
            _, skip = self._flow.refill_suspect(now)
            suspect = await self._take(suspect_room, 1, skip)
            self._flow.note_turns(
                {one.endpoint.id for one in suspect}, are_all=len(suspect) < suspect_room
            )
            are_more = are_more and len(suspect) == suspect_room
        if are_more:
            longest = min(longest, max(self._turn_wait_seconds(), 0.001))
        if room <= 0:
            return longest  # a request that ends wakes us before
        if taken >= room:
            self._note_store_works()
            return 0.0
        if (next_token := self._flow.next_token_seconds(now)) is not None:
            longest = min(longest, next_token)
        if taken:
            self._note_store_works()
            return longest
        due_at = await self._store.next_message_due()
        self._note_store_works()
        if due_at is None or due_at <= now:
            return longest  # what is due waits for its endpoint
        return min(longest, (due_at - now) / SECOND)

    async def _take_healthy(self, now: Instant, room: int) -> int:
        """Take messages for endpoints that answer well, and those never called; return how many."""
        if room <= 0:
            return 0
        first = await self._take(room, 1, self._flow.closed(now))
        taken = len(first)
        if 0 < taken < room:
            share, skip = self._flow.refill_healthy(now, {one.endpoint.id for one in first})
            if share > 0:
                taken += len(await self._take(room - taken, share, skip))
        return taken

    async def _recall(self, now: Instant) -> None:
        """Bring messages back that a clock has put off which was ahead, see ``domain.recalls``."""
        recall = self._recalls.due(now)
        if recall is None:
            return
        longest = self._settings.longest_delay_seconds * (1 + self._settings.jitter)
        beyond = now + round((longest + _JUMP_SECONDS) * SECOND)
        recalled = await self._store.recall_messages(
            now, beyond=beyond, far_only=recall is Recall.FAR
        )
        self._recalls.done(now)
        if recalled:
            _log.warning("webhooks: the clock went back: %d messages put off by it moved", recalled)

    async def _take(self, limit: int, per_endpoint: int, skip: set[str]) -> list[ClaimedMessage]:
        now = self._clock.now()
        claimed = await self._store.claim_messages(
            now,
            lease_until=now + round(self._settings.lease_seconds * SECOND),
            limit=limit,
            per_endpoint=per_endpoint,
            skip_endpoints=skip,
        )
        if self._clock.now() - now > self._settings.lease_margin_seconds * SECOND:
            # The store took so long that the leases might end before the requests do. They will be
            # claimed again.
            return []
        # Only v2's signature needs to know whose the endpoint is.
        worlds = {one.message.world_id for one in claimed if one.endpoint.dialect == "v2"}
        owners = {world_id: await self._accounts(world_id) for world_id in sorted(worlds)}
        claimed.sort(key=lambda one: not self._flow.is_healthy(one.endpoint.id))
        for one in claimed:
            key = (one.endpoint.id, one.message.tracking_id)
            if key in self._tasks:
                # A clock that jumped ahead has ended the lease of a request that is still under
                # way here. Its own end settles the matter; a second one beside it would not.
                continue
            slot = self._flow.begin(one.endpoint, now)
            self._started += 1
            self._tasks[key] = asyncio.create_task(
                self._deliver(one, owners.get(one.message.world_id), slot)
            )
        return claimed

    async def _deliver(self, claimed: ClaimedMessage, owner: Account | None, slot: Slot) -> None:
        started_at = ended_at = self._clock.now()
        health = Health.UNKNOWN
        rest = 0.0
        why = ""
        try:
            answer, health = await self._attempt(claimed, owner, started_at)
            ended_at = self._clock.now()
            why = answer.error
            rest = rest_seconds(answer, ended_at, self._settings)
            outcome = self._decide(claimed, answer, started_at, ended_at)
            if health is not Health.UNKNOWN:
                outcome = await self._reporter.judge(claimed, answer, outcome, ended_at)
            if outcome.has_recovered:  # the failures before it are noted before it
                self._outcomes, self._failures = self._outcomes + self._failures, []
            (self._outcomes if health is Health.HEALTHY else self._failures).append(outcome)
        finally:
            was_full = self._flow.free == 0
            before, after = self._flow.end(slot, health, now=ended_at, rest_seconds=rest)
            del self._tasks[(claimed.endpoint.id, claimed.message.tracking_id)]
            if health is Health.HEALTHY or was_full or self._is_stopping:
                self._wake.set()
            else:
                self._has_failed.set()
        if after is Health.BAD and before is not Health.BAD:
            _log.warning("webhooks: endpoint %s fails: %s", slot.endpoint_id, why)
        elif before is Health.BAD and after is not Health.BAD:
            _log.warning("webhooks: endpoint %s answers well again", slot.endpoint_id)

    async def _attempt(
        self, claimed: ClaimedMessage, owner: Account | None, now: Instant
    ) -> tuple[Answer, Health]:
        try:
            answer = await self._sender.send(make_request(claimed, owner, now))
        except UnsendableError as error:
            return Answer(status=0, error=str(error)), Health.UNKNOWN
        except Exception as error:  # noqa: BLE001 - logged whole, see below
            # A fault of ours must neither end the worker nor make it try for ever.
            _log.exception("webhooks: message %s could not be sent", claimed.message.id)
            return Answer(status=0, error=f"internal error: {type(error).__name__}"), Health.UNKNOWN
        if not answer.is_success:
            return answer, Health.BAD
        is_slow = answer.duration_ms > self._settings.slow_seconds * SECOND
        return answer, Health.SLOW if is_slow else Health.HEALTHY

    def _decide(
        self, claimed: ClaimedMessage, answer: Answer, started_at: Instant, ended_at: Instant
    ) -> AttemptResult:
        outcome = decide(
            claimed.message,
            answer,
            attempt_id=self._identifiers.new_id(started_at),
            started_at=started_at,
            now=ended_at,
            settings=self._settings,
            random=self._random,
        )
        if outcome.state is MessageState.DEAD:
            _log.error(
                "webhooks: message %s to endpoint %s given up after %d attempts: %s",
                claimed.message.id,
                claimed.endpoint.id,
                claimed.message.attempts + 1,
                answer.error,
            )
        return outcome

    async def _store_everything(self) -> bool:
        """Write down the failures as well."""
        self._outcomes += self._failures
        self._failures.clear()
        self._has_failed.clear()
        return await self._store_outcomes()

    async def _store_outcomes(self) -> bool:
        """Write down what came back since the last time, many in one transaction."""
        while batch := self._outcomes[: self._settings.claim_batch]:
            await self._store.finish_attempts(batch)
            del self._outcomes[: len(batch)]
            self._reporter.note_stored(batch)
        return True

    async def _guarded(self, work: Callable[[], Awaitable[Result]]) -> Result | None:
        """Do something with the store; None when the store could not. Says so once."""
        try:
            return await work()
        except Exception as error:  # noqa: BLE001 - each engine has its own errors, all mean "later"
            if self._store_failures == 0:
                _log.error("webhooks: the store fails (%s); delivery waits", type(error).__name__)
            self._store_failures = min(self._store_failures + 1, 10)
            return None

    def _note_store_works(self) -> None:
        if self._store_failures:
            _log.warning("webhooks: the store works again; delivery goes on")
            self._store_failures = 0

    async def _rest(self, seconds: float) -> None:
        """Wait for a notice, the end of a request, or the time."""
        await _first_of(self._wake.wait(), self._clock.sleep(seconds), self._wait_for_turn())

    async def _wait_for_turn(self) -> None:
        await self._has_failed.wait()
        await self._clock.sleep(self._turn_wait_seconds())

    async def _drain(self, grace_seconds: float) -> None:
        """Let requests under way end within the grace time, and write down all that is known."""
        if self._tasks and grace_seconds > 0:
            await _first_of(
                asyncio.wait(list(self._tasks.values())), self._clock.sleep(grace_seconds)
            )
        # What has not ended is sent again, under the same id, when its lease has.
        unfinished = list(self._tasks.values())
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        await self._guarded(self._store_everything)
        if self._reporter.is_telling:
            await _first_of(self._reporter.drain(), self._clock.sleep(grace_seconds))


async def _first_of(*things: Coroutine[Any, Any, object]) -> None:
    """Wait for the first of ``things`` and cancel the others."""
    tasks = [asyncio.ensure_future(thing) for thing in things]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
