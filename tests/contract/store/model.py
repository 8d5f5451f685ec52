"""A store in plain Python, to compare the engines with: what it holds, and what must hold."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import msgspec
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.changes import Event
from parcelwire.domain.clock import HOUR, MINUTE, SECOND, FrozenClock, Instant
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.store.port import Store
from parcelwire.tracking.ports import (
    NewMessage,
    NewTracking,
    Once,
    PastPoll,
    PollState,
    Stored,
    TrackingFilter,
    TrackingPlace,
)
from parcelwire.webhooks.ports import MessageFilter, MessageState
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    WORLD,
    make_new,
    render,
)

WORLDS = (WORLD, OTHER_WORLD)
COURIERS = ("dhl", "swiss-post")
LEASE = 30 * SECOND


class Sent(msgspec.Struct):
    """A message as the model has it."""

    new: NewMessage
    state: MessageState = MessageState.PENDING
    attempts: int = 0
    due_at: Instant = 0
    leased_until: Instant = 0

    @property
    def line(self) -> tuple[str, str]:
        """Endpoint and tracking, within which order holds."""
        return self.new.endpoint_id, self.new.tracking_id


class Model:
    """A store, what it should hold, and seeded dice."""

    def __init__(self, store: Store, seed: int, clock: FrozenClock) -> None:
        """``clock`` is the store's; it is set to the model's time."""
        self.store = store
        self.clock = clock
        self.dice = random.Random(seed)
        self.poll_dice = random.Random(seed)
        self.now: Instant = NOW
        self.trackings: dict[str, Tracking] = {}
        self.polls: dict[str, PollState] = {}
        self.pasts: dict[str, list[PastPoll]] = defaultdict(list)
        """In the order of their writing."""
        self.created: Counter[int] = Counter()
        self.events: dict[int, list[Event]] = defaultdict(list)
        self.endpoints: dict[str, Endpoint] = {}
        self.sent: dict[str, Sent] = {}
        self.skipped: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        self.answers: dict[tuple[int, str], bytes] = {}
        self.done: Counter[str] = Counter()

    # -- what must hold ---------------------------------------------------------------------

    async def check(self) -> None:
        for world_id in WORLDS:
            mine = sorted(
                (one for one in self.trackings.values() if one.world_id == world_id),
                key=lambda one: (one.created_at, one.id),
                reverse=True,
            )
            assert await self.store.count_created(world_id) == self.created[world_id]
            for is_archived in (None, True, False):
                where = TrackingFilter(is_archived=is_archived)
                kept = [one for one in mine if is_archived in (None, one.is_archived)]
                # Once from the counters, once counted: a bound that all satisfy is not plain.
                for one in (where, replace(where, created_min=0)):
                    assert await self.store.count_by_status(world_id, one) == {
                        status: sum(each.status is status for each in kept) for status in Status
                    }
                stored = await self.store.list_trackings(world_id, where, offset=0, limit=9_999)
                assert [one.tracking for one in stored] == kept
                assert [one.poll for one in stored] == [self.polls[one.id] for one in kept]
                paged: list[Stored] = []
                after: TrackingPlace | None = None
                while page := await self.store.page_trackings(world_id, where, after=after):
                    paged += page
                    after = TrackingPlace(page[-1].tracking.created_at, page[-1].tracking.id)
                assert paged == stored
                assert await self.store.list_renditions(world_id, where, offset=0, limit=9_999) == [
                    render(one) for one in kept
                ]
            events = await self.store.events_after(world_id, 0, 99_999)
            assert [event for _, event in events] == self.events[world_id]
            for parcel in mine:
                found = await self.store.events_of(world_id, parcel.id, limit=99_999)
                assert found == [one for one in events[::-1] if one[1].tracking_id == parcel.id]
                newest = list(reversed(self.pasts[parcel.id]))
                newest.sort(key=lambda one: one.at, reverse=True)
                assert await self.store.past_polls(parcel.id, limit=99) == newest
            first = await self.store.first_cursor(world_id)
            assert first == (events[0][0] if events else None)
            for message in (
                await self.store.list_messages(world_id, MessageFilter(), limit=99_999)
            ).messages:
                sent = self.sent[message.id]
                assert (message.state, message.attempts) == (sent.state, sent.attempts)
                assert message.payload == sent.new.payload
        waiting = [
            max(poll.due_at, poll.leased_until)
            for poll in self.polls.values()
            if poll.due_at is not None
        ]
        expected, said = min(waiting, default=None), await self.store.next_poll_due()
        # What is due already may be told by its due time or by the end of its old lease.
        assert said == expected or max(said or 0, expected or 0) <= self.now

    # -- the model's own hands --------------------------------------------------------------

    def _once(self, world_id: int) -> Once | None:
        if self.dice.random() < 0.7:
            return None
        return Once(
            world_id=world_id,
            key=f"key-{self.dice.randrange(40)}",
            fingerprint=b"f" * 32,
            at=self.now,
            answer=lambda result: (201, repr(result).encode()),
        )

    def _some_messages(self) -> MessageFilter:
        any_sent = self.dice.choice(list(self.sent.values())) if self.sent else None
        one = None if any_sent is None else any_sent.new
        return MessageFilter(
            endpoint_id=one.endpoint_id if one and self.dice.random() < 0.5 else None,
            tracking_id=one.tracking_id if one and self.dice.random() < 0.3 else None,
            states=self.dice.choice([(), (MessageState.DEAD,), tuple(MessageState)]),
            created_min=self.dice.choice([None, self.now - HOUR]),
            created_max=self.dice.choice([None, self.now - MINUTE]),
        )

    def _matching(self, world_id: int, where: MessageFilter) -> list[Sent]:
        """Return the messages that match, oldest first."""
        return sorted(
            (
                sent
                for sent in self.sent.values()
                if sent.new.world_id == world_id
                and where.endpoint_id in (None, sent.new.endpoint_id)
                and where.tracking_id in (None, sent.new.tracking_id)
                and (not where.states or sent.state in where.states)
                and (where.created_min is None or sent.new.created_at >= where.created_min)
                and (where.created_max is None or sent.new.created_at <= where.created_max)
            ),
            key=lambda sent: (sent.new.created_at, sent.new.id),
        )

    def _claimable(self) -> set[str]:
        lines: dict[tuple[str, str], list[Sent]] = defaultdict(list)
        for sent in self.sent.values():
            if sent.state is MessageState.PENDING:
                lines[sent.new.endpoint_id, sent.new.tracking_id].append(sent)
        return {
            head.new.id
            for (endpoint_id, _), line in lines.items()
            if self.endpoints[endpoint_id].is_enabled
            and not any(self.now < sent.leased_until <= self.now + HOUR for sent in line)
            and (head := min(line, key=lambda sent: sent.new.sequence)).due_at <= self.now
        }

    def _any_tracking(self) -> Tracking | None:
        return self.dice.choice(list(self.trackings.values())) if self.trackings else None

    def _named(self, world_id: int, number: str, courier_code: str) -> Tracking | None:
        for one in self.trackings.values():
            if (one.world_id, one.number, one.courier_code) == (world_id, number, courier_code):
                return one
        return None

    def _new(self, world_id: int) -> NewTracking:
        return make_new(
            f"N{self.dice.randrange(60):08d}",
            world_id=world_id,
            courier_code=self.dice.choice(COURIERS),
            created_at=self.now,
            due_at=self.dice.choice([None, self.now, self.now + MINUTE]),
            leased_until=self.dice.choice([0, self.now + LEASE]),
        )

    def _past(self, tracking_id: str) -> PastPoll | None:
        """Make what is remembered of a poll, or nothing, and remember it."""
        if self.poll_dice.random() < 0.3 or len(self.pasts[tracking_id]) >= 20:
            return None
        past = PastPoll(
            at=self.now,
            outcome=self.poll_dice.choice(["found", "unavailable"]),
            duration_ms=self.poll_dice.randrange(9_999),
            connector=self.poll_dice.choice(["", "dhl"]),
            has_changes=self.poll_dice.random() < 0.5,
            reason="on its way: every 4 hours",
        )
        self.pasts[tracking_id].append(past)
        return past

    def _poll(self) -> PollState:
        return PollState(
            due_at=self.dice.choice([None, self.now, self.now + MINUTE, self.now - MINUTE]),
            due_reason="random",
            checked_at=self.now,
            checks=self.dice.randrange(99),
        )
