"""Tells customers where their parcels stand.

    events feed -> occasion? -> who subscribed -> queue            (follow)
    queue -> still true? still wanted? -> claim -> pauses -> SMTP  (send)

Any number of processes do both. Nobody gets two mails on one occasion, and a mail that was
overtaken by the next news is left out.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Literal

from parcelwire.couriers.registry import Registry
from parcelwire.domain.account import account_of
from parcelwire.domain.clock import DAY, HOUR, SECOND, Clock, Instant
from parcelwire.domain.tracking import Tracking
from parcelwire.notices.addresses import one_line
from parcelwire.notices.composing import MailComposer, PendingMail
from parcelwire.notices.journal import TROUBLE_KIND, Entry, Journal, Notice, Queued, State
from parcelwire.notices.limits import MailCounts
from parcelwire.notices.occasions import occasion_of_event
from parcelwire.notices.ports import NoticeStore
from parcelwire.notices.settings import NoticeSettings
from parcelwire.notices.smtp import Delivery, Mailer, Result
from parcelwire.notices.subscriptions import (
    ADDRESS_KIND,
    Subscriptions,
)
from parcelwire.tracking.following import DATA_FAULTS, Follower
from parcelwire.tracking.periodic_task import PeriodicTask
from parcelwire.tracking.ports import Identifiers
from parcelwire.tracking.suspension import HELD_REASON, Suspensions

OLDEST_NEWS: Final = DAY
"""What happened longer ago is told to nobody: the worker was away, or has only just begun."""
KEPT: Final = 30 * DAY
PRUNE_BATCH: Final = 1_000
"""Old records deleted in one transaction."""
PRUNE_BATCHES: Final = 100
"""Such transactions in an hour, of each kind: more records than an hour of mails leaves."""
BATCH: Final = 100
"""Mails looked at in one round."""
WORLDS_SCANNED: Final = 500
"""Worlds with queued mails that are found in one round: nearly always all."""
WORLDS_READ: Final = 50
"""Of these, those whose queues are read."""
LEAST_PER_WORLD: Final = 10
"""Mails looked at of each of them at least: a few may be in other hands."""

_log = logging.getLogger(__name__)

Step = Literal["done", "later", "full", "account-full", "suspended"]


class NoticeWorker(PeriodicTask):
    """Follows the parcels and sends the mails."""

    def __init__(
        self,
        store: NoticeStore,
        mailer: Mailer,
        *,
        clock: Clock,
        identifiers: Identifiers,
        registry: Registry,
        settings: NoticeSettings,
        idle_seconds: float = 5,
    ) -> None:
        """Prepare; ``run`` or ``step`` does the work."""
        super().__init__("notices", clock=clock, idle_seconds=idle_seconds)
        self._store = store
        self._mailer = mailer
        self._clock = clock
        self._identifiers = identifiers
        self._settings = settings
        self._journal = Journal(store, clock)
        self._follower = Follower("notices", store, clock)
        self._counts = MailCounts(store, clock, settings)
        self._suspensions = Suspensions(store, clock)
        self._after = ""
        self._is_server_ill = False
        self._left_out: set[int] = set()
        """Worlds whose data is not as it should be, each told of once."""
        self._pruned_at: Instant = 0
        self.subscriptions = Subscriptions(
            store,
            clock=clock,
            identifiers=identifiers,
            auto_notify_accounts=settings.auto_notify_accounts,
            confirmations_per_day=settings.limits.confirmations_per_day,
        )
        self._composer = MailComposer(
            store,
            clock=clock,
            registry=registry,
            settings=settings,
            subscriptions=self.subscriptions,
        )

    async def step(self) -> int:
        """Queue what happened in every world, then send what is due; return how much was done."""
        done = 0
        for world_id in await self._follower.worlds():
            if await self._suspensions.holds(world_id):
                continue
            try:
                done += await self._follow(world_id)
            except DATA_FAULTS as error:
                if world_id not in self._left_out:
                    self._left_out.add(world_id)
                    _log.error("notices: world %d is left out", world_id, exc_info=error)
        done += await self._send_due()
        await self._prune()
        return done

    # -- from events to the queue ---------------------------------------------------------------

    async def _follow(self, world_id: int) -> int:
        events = await self._follower.read(world_id)
        if not events:
            return 0
        mark = await self._follower.mark(world_id)
        now = self._clock.now()
        oldest = max(mark.began_at(now), now - OLDEST_NEWS)
        news = [
            (event, occasion)
            for _, event in events
            if event.at >= oldest and (occasion := occasion_of_event(event)) is not None
        ]
        if news:
            ids = list(dict.fromkeys(event.tracking_id for event, _ in news))
            found = {one.tracking.id: one.tracking for one in await self._store.load_many(ids)}
            is_unasked_on = await self.subscriptions.unasked.is_on(world_id)
            for event, occasion in news:
                tracking = found.get(event.tracking_id)
                if tracking is not None:
                    await self._queue(tracking, occasion, event.at, is_unasked_on=is_unasked_on)
        await self._follower.advance(world_id, events[-1][0])
        return len(events)

    async def _queue(
        self, tracking: Tracking, occasion: str, at: Instant, *, is_unasked_on: bool
    ) -> None:
        if is_unasked_on:
            await self.subscriptions.adopt(tracking)
        for digest, subscription in await self.subscriptions.active(tracking.id):
            if not subscription.is_told(is_unasked_on=is_unasked_on):
                continue
            entry = Entry(tracking_id=tracking.id, occasion=occasion, digest=digest)
            # The event's own time: whoever reads the event again makes the same entry.
            await self._journal.put(str(tracking.world_id), entry, at)

    # -- from the queue to the mail server ------------------------------------------------------

    async def _send_due(self) -> int:
        due = await self._due()
        done = 0
        closed: set[str] = set()
        is_full = False
        while due and not is_full:
            some = [one for one in due[: self._settings.in_flight] if one.scope not in closed]
            due = due[self._settings.in_flight :]
            steps = await asyncio.gather(*map(self._send, some))
            done += steps.count("done")
            is_full = "full" in steps
            # Whose share is used up waits; the others go on.
            closed |= {
                one.scope
                for one, step in zip(some, steps, strict=True)
                if step in ("account-full", "suspended")
            }
        return done

    async def _due(self) -> list[Queued]:
        """Return what is due, in turn of each world, beginning with another one each time."""
        scopes = await self._journal.scopes(self._after, WORLDS_SCANNED)
        if self._after and len(scopes) < WORLDS_SCANNED:
            first = await self._journal.scopes("", WORLDS_SCANNED - len(scopes))
            scopes += [one for one in first if one <= self._after]
        taken: list[str] = []
        for scope in scopes:
            if len(taken) < WORLDS_READ and not await self._is_closed(scope):
                taken.append(scope)
        if scopes:
            self._after = taken[-1] if len(taken) == WORLDS_READ else scopes[0]
        return await self._journal.due(taken, max(LEAST_PER_WORLD, BATCH // max(1, len(taken))))

    async def _is_closed(self, scope: str) -> bool:
        """Tell whether nothing may be sent for a world now."""
        if not scope.isdigit():
            return False
        world_id = int(scope)
        return await self._suspensions.holds(world_id) or await self._counts.is_full(
            account_of(world_id)
        )

    async def _send(self, queued: Queued) -> Step:
        entry = queued.entry
        pending = await self._composer.load(entry)
        if pending is not None and queued.scope != str(pending.world_id):
            # Older versions had one queue for all: there an account whose mails have to wait would
            # hold up everybody's.
            await self._journal.hand_over(queued, str(pending.world_id))
            return "done"
        obstacle = await pending.obstacle() if pending is not None else None
        if pending is None or obstacle is None:
            await self._journal.drop(queued)
            return "done"
        if not obstacle and self._clock.now() - queued.due_at > OLDEST_NEWS:
            obstacle = "it had waited for more than a day"
            await self._tell_trouble(entry, pending, "skipped", obstacle)
        if obstacle:
            await self._journal.skip(entry, obstacle)
            await self._journal.drop(queued)
            return "done"
        claim = self._identifiers.new_id(self._clock.now())
        notice = await self._journal.claim(entry, claim)
        if notice.claim != claim:
            return await self._leave(queued, notice)
        if notice.state == "unknown":
            await self._tell_trouble(entry, pending, "unknown", notice.why)
            await self._journal.drop(queued)
            return "done"
        if (step := await self._held_up(queued, notice, pending)) is not None:
            return step
        # From here to the end of the conversation a crash leaves "sending" behind.
        if await pending.obstacle() != "":
            await self._journal.note(entry, "skipped", why="no longer wanted")
            await self._journal.drop(queued)
            return "done"
        if await self._suspensions.holds(pending.world_id):
            await self._wait(queued, notice, due_at=queued.due_at, why=HELD_REASON)
            return "suspended"
        try:
            mail = await pending.compose(claim)
        except ValueError as error:
            # What cannot be written never can: it must not hold up the others.
            delivery = Delivery(Result.REFUSED, one_line(str(error)))
        else:
            delivery = await self._mailer.send(mail)
        await self._conclude(queued, pending, notice, delivery)
        return "done"

    async def _held_up(self, queued: Queued, notice: Notice, pending: PendingMail) -> Step | None:
        """Count a claimed mail against the limits; return what comes of it if it has to wait."""
        # Only now: what another process has claimed takes nothing of anybody's share.
        share = await self._counts.take(account_of(pending.world_id))
        if share != "taken":
            await self._wait(queued, notice, due_at=queued.due_at, why="a mail limit is reached")
            return share
        rest_until = await self._counts.take_of_address(queued.entry)
        if rest_until is None:
            why = "the address has reached its daily limit"
            await self._journal.note(queued.entry, "skipped", why=why)
            await self._tell_trouble(queued.entry, pending, "skipped", why)
            await self._journal.drop(queued)
            return "done"
        if rest_until:
            await self._wait(queued, notice, due_at=rest_until, why="one at a time")
            return "done"
        return None

    async def _tell_trouble(
        self, entry: Entry, pending: PendingMail, state: State, why: str
    ) -> None:
        await self._journal.tell_trouble(entry, pending.world_id, pending.number, state, why)

    async def _wait(self, queued: Queued, notice: Notice, *, due_at: Instant, why: str) -> None:
        """Give a claimed mail back unsent."""
        await self._journal.note(
            queued.entry, "waiting", due_at=due_at, tries=notice.tries - 1, why=why
        )
        await self._journal.move(queued, due_at)

    async def _leave(self, queued: Queued, notice: Notice) -> Step:
        """Leave a mail to whoever has it."""
        if notice.state == "sending":
            return "later"
        if notice.state == "waiting":
            await self._journal.move(queued, notice.due_at)
        else:
            await self._journal.drop(queued)
        return "done"

    async def _conclude(
        self, queued: Queued, pending: PendingMail, notice: Notice, delivery: Delivery
    ) -> None:
        entry = queued.entry
        result, why, tries = delivery.result, delivery.detail, notice.tries
        self._note_server(delivery)
        if result is Result.SENT:
            await self._journal.note(entry, "sent", tries=tries)
            await self._journal.drop(queued)
            return
        if result is Result.LATER and tries < self._settings.attempts:
            wait = round(self._settings.retry_base_seconds * 2 ** (tries - 1) * SECOND)
            due_at = self._clock.now() + wait
            await self._journal.note(entry, "waiting", why=why, due_at=due_at, tries=tries)
            await self._journal.move(queued, due_at)
            return
        state: Literal["refused", "unknown", "failed"] = "failed"
        if result is Result.REFUSED:
            state = "refused"
        elif result is Result.UNKNOWN:
            state = "unknown"
        await self._journal.note(entry, state, why=why, tries=tries)
        await self._tell_trouble(entry, pending, state, why)
        await self._journal.drop(queued)

    def _note_server(self, delivery: Delivery) -> None:
        """Log once when the mail server cannot be used, and once when it can again."""
        is_ill = delivery.result is Result.LATER
        if is_ill and not self._is_server_ill:
            _log.error("notices: the mail server takes nothing now: %s", delivery.detail)
        elif self._is_server_ill and delivery.result is Result.SENT:
            _log.warning("notices: the mail server takes mails again")
        if is_ill or delivery.result is Result.SENT:
            self._is_server_ill = is_ill

    async def _prune(self) -> None:
        now = self._clock.now()
        if abs(now - self._pruned_at) < HOUR:
            return
        self._pruned_at = now
        for kind in (ADDRESS_KIND, TROUBLE_KIND):
            for _ in range(PRUNE_BATCHES):
                pruned = await self._store.prune_records(kind, now - KEPT, limit=PRUNE_BATCH)
                if pruned < PRUNE_BATCH:
                    break
