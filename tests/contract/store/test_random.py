"""Random lives of a store beside a model in plain Python: what they answer must be the same."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import msgspec
import pytest
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.changes import Event
from parcelwire.domain.clock import HOUR, MINUTE, SECOND, Instant
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.store.port import Store
from parcelwire.tracking.ports import (
    AlreadyDoneError,
    Creation,
    NewMessage,
    NewTracking,
    Once,
    PollResult,
    PollState,
    Stored,
    TrackingFilter,
    TrackingPlace,
)
from parcelwire.webhooks.ports import Attempt, AttemptResult, MessageFilter, MessageState
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    WORLD,
    make_change,
    make_endpoint,
    make_message,
    make_new,
    new_id,
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


class Life:
    """A store, its model, and a seeded hand that does things to both."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store = store
        self.dice = random.Random(seed)
        self.now: Instant = NOW
        self.trackings: dict[str, Tracking] = {}
        self.polls: dict[str, PollState] = {}
        self.created: Counter[int] = Counter()
        self.events: dict[int, list[Event]] = defaultdict(list)
        self.endpoints: dict[str, Endpoint] = {}
        self.sent: dict[str, Sent] = {}
        self.skipped: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        self.answers: dict[tuple[int, str], bytes] = {}
        self.done: Counter[str] = Counter()

    # -- what is done -----------------------------------------------------------------------

    async def step(self) -> None:
        actions = {
            self.create: 6,
            self.save: 12,
            self.save_late: 2,
            self.change_courier: 2,
            self.delete: 2,
            self.poll: 4,
            self.claim_polls: 3,
            self.open_endpoint: 1,
            self.switch_endpoint: 1,
            self.close_endpoint: 0.3,
            self.claim_messages: 5,
            self.finish_messages: 6,
            self.resend: 2,
            self.replay: 2,
            self.prune_messages: 1,
            self.prune_events: 1,
            self.list_messages: 3,
            self.pass_time: 4,
        }
        (action,) = self.dice.choices(list(actions), list(actions.values()))
        if await action():
            self.done[action.__name__] += 1

    async def create(self) -> bool:
        world_id = self.dice.choice(WORLDS)
        items = [self._new(world_id) for _ in range(self.dice.randrange(1, 6))]
        quota = self.dice.choice([None, None, self.created[world_id] + 2])
        once = self._once(world_id)
        if once is not None and (world_id, once.key) in self.answers:
            with pytest.raises(AlreadyDoneError) as caught:
                await self.store.create_trackings(items, quota=quota, once=once)
            assert caught.value.record.body == self.answers[world_id, once.key]
            return False
        expected: list[Creation] = []
        for item in items:
            there = self._named(world_id, item.tracking.number, item.tracking.courier_code)
            if there is not None:
                expected.append(Creation(result="exists", existing_id=there.id))
            elif quota is not None and self.created[world_id] >= quota:
                expected.append(Creation(result="over_quota"))
            else:
                expected.append(Creation(result="created"))
                self.created[world_id] += 1
                self.trackings[item.tracking.id] = item.tracking
                self.polls[item.tracking.id] = PollState(
                    due_at=item.due_at, due_reason="new", leased_until=item.leased_until
                )
        assert await self.store.create_trackings(items, quota=quota, once=once) == expected
        if once is not None:
            self.answers[world_id, once.key] = repr(expected).encode()
        return True

    async def save(self) -> bool:
        before = self._any_tracking()
        if before is None:
            return False
        enabled = [one for one in self.endpoints.values() if one.world_id == before.world_id]
        chosen = [one for one in enabled if self.dice.random() < 0.7]
        messages = tuple(
            make_message(one, before.id, before.sequence + 1, self.now) for one in chosen
        )
        poll = self.dice.choice([None, self._poll()])
        change = make_change(
            before,
            messages=messages,
            poll=poll,
            status=self.dice.choice(list(Status)),
            is_archived=self.dice.random() < 0.3,
            updated_at=self.now,
        )
        assert await self.store.save(change)
        assert change.event is not None
        self.trackings[before.id] = change.tracking
        self.events[before.world_id].append(change.event)
        if poll is not None:
            self.polls[before.id] = poll
        for message in messages:
            self.sent[message.id] = Sent(message, due_at=message.created_at)
        return True

    async def save_late(self) -> bool:
        before = self._any_tracking()
        if before is None or before.version < 2:
            return False
        late = replace(before, version=before.version - 1)
        assert not await self.store.save(make_change(late, status=Status.EXPIRED))
        return True

    async def change_courier(self) -> bool:
        before = self._any_tracking()
        if before is None:
            return False
        courier_code = self.dice.choice(COURIERS)
        taken = self._named(before.world_id, before.number, courier_code)
        change = make_change(before, tells=False, courier_code=courier_code)
        result = await self.store.change_courier(change)
        if taken is not None and taken.id != before.id:
            assert result == "taken"
        else:
            assert result == "saved"
            self.trackings[before.id] = change.tracking
        return True

    async def delete(self) -> bool:
        ids = self.dice.sample(list(self.trackings), min(len(self.trackings), 2))
        world_id = self.dice.choice(WORLDS)
        mine = [one for one in ids if self.trackings[one].world_id == world_id]
        gone = await self.store.delete_trackings(world_id, [*ids, new_id()])
        assert sorted(gone) == sorted(mine)
        for one in mine:
            del self.trackings[one], self.polls[one]
        return bool(mine)

    async def poll(self) -> bool:
        chosen = self.dice.sample(list(self.trackings), min(len(self.trackings), 3))
        results = [PollResult(tracking_id=one, poll=self._poll()) for one in chosen]
        await self.store.save_polls(results)
        self.polls.update({one.tracking_id: one.poll for one in results})
        return bool(chosen)

    async def claim_polls(self) -> bool:
        free = {
            one: poll.due_at
            for one, poll in self.polls.items()
            if poll.due_at is not None
            and poll.due_at <= self.now
            and not self.now < poll.leased_until <= self.now + HOUR
        }
        limit = self.dice.randrange(1, 8)
        lease_until = self.now + LEASE
        claims = await self.store.claim_polls(self.now, lease_until=lease_until, limit=limit)
        taken = [claim.tracking_id for claim in claims]
        assert len(set(taken)) == len(taken) == min(limit, len(free))
        assert [free[one] for one in taken] == sorted(free.values())[:limit]
        for claim in claims:
            tracking = self.trackings[claim.tracking_id]
            assert claim.courier_code == tracking.courier_code
            assert claim.world_id == tracking.world_id
            self.polls[tracking.id] = replace(self.polls[tracking.id], leased_until=lease_until)
        return bool(claims)

    async def open_endpoint(self) -> bool:
        endpoint = make_endpoint(self.dice.choice(WORLDS))
        await self.store.add_endpoint(endpoint)
        self.endpoints[endpoint.id] = endpoint
        return True

    async def switch_endpoint(self) -> bool:
        if not self.endpoints:
            return False
        endpoint = self.dice.choice(list(self.endpoints.values()))
        before, endpoint = endpoint, replace(endpoint, is_enabled=not endpoint.is_enabled)
        if self.dice.random() < 0.5:
            # Somebody who has read it before other things happened to it changes this alone.
            before = replace(before, failing_since=NOW - HOUR, description="old")
            stale = replace(before, is_enabled=endpoint.is_enabled)
            assert await self.store.save_endpoint(stale, expected=before)
        else:
            assert await self.store.save_endpoint(endpoint)
        self.endpoints[endpoint.id] = endpoint
        return True

    async def close_endpoint(self) -> bool:
        if not self.endpoints:
            return False
        endpoint = self.endpoints.pop(self.dice.choice(list(self.endpoints)))
        assert await self.store.delete_endpoint(endpoint.world_id, endpoint.id)
        for sent in self.sent.values():
            if sent.new.endpoint_id == endpoint.id and sent.state is MessageState.PENDING:
                sent.state = MessageState.DEAD
        for line in [line for line in self.skipped if line[0] == endpoint.id]:
            del self.skipped[line]
        return True

    async def claim_messages(self) -> bool:
        heads = self._claimable()
        claimed = await self.store.claim_messages(
            self.now, lease_until=self.now + LEASE, limit=9, per_endpoint=3
        )
        for one in claimed:
            assert one.message.id in heads
            sent = self.sent[one.message.id]
            assert one.endpoint == self.endpoints[sent.new.endpoint_id]
            assert one.message.attempts == sent.attempts
            given_up = self.skipped[sent.line].items()
            before = sorted((n, each) for each, n in given_up if n < sent.new.sequence)
            assert [(each.sequence, each.message_id) for each in one.skipped] == before[-20:]
            sent.leased_until = self.now + LEASE
        per_endpoint = Counter(one.endpoint.id for one in claimed)
        assert all(count <= 3 for count in per_endpoint.values())
        wanted = Counter(self.sent[one].new.endpoint_id for one in heads)
        assert len(claimed) == min(9, sum(min(3, count) for count in wanted.values()))
        return bool(claimed)

    async def finish_messages(self) -> bool:
        leased = [
            sent
            for sent in self.sent.values()
            if sent.leased_until and sent.state is MessageState.PENDING
        ]
        chosen = self.dice.sample(leased, min(len(leased), 3))
        # No worker has two of one line under way.
        chosen = list({sent.line: sent for sent in chosen}.values())
        results = []
        for sent in chosen:
            state = self.dice.choice(list(MessageState))
            next_at = (
                self.now + self.dice.randrange(90) * SECOND
                if state is MessageState.PENDING
                else None
            )
            attempt = Attempt(
                id=new_id(), message_id=sent.new.id, at=self.now, duration_ms=1, status=500
            )
            result = AttemptResult(attempt=attempt, state=state, next_at=next_at)
            results.append(self._standing(sent, result))
            sent.state, sent.attempts, sent.leased_until = state, sent.attempts + 1, 0
            sent.due_at = sent.due_at if next_at is None else next_at
            line = self.skipped[sent.line]
            if state is MessageState.DEAD:
                line[sent.new.id] = sent.new.sequence
            elif state is MessageState.DELIVERED:
                for one in [one for one, n in line.items() if n <= sent.new.sequence]:
                    del line[one]
        await self.store.finish_attempts(results)
        if self.dice.random() < 0.3:  # its answer was lost: told again
            await self.store.finish_attempts(results)
        return bool(chosen)

    def _standing(self, sent: Sent, result: AttemptResult) -> AttemptResult:
        """Let an attempt say something about its endpoint."""
        endpoint = self.endpoints[sent.new.endpoint_id]
        kind = self.dice.choice(["nothing", "failing", "told", "recovered", "gone"])
        if kind == "failing":
            since = self.now - self.dice.randrange(60) * SECOND
            result = replace(result, failing_since=since)
            if endpoint.failing_since is None or since < endpoint.failing_since:
                endpoint = replace(endpoint, failing_since=since)
        elif kind == "told":
            result = replace(result, failing_told_at=self.now)
            endpoint = replace(endpoint, failing_told_at=self.now)
        elif kind == "recovered":
            result = replace(result, has_recovered=True)
            endpoint = replace(endpoint, failing_since=None, failing_told_at=None)
        elif kind == "gone" and self.dice.random() < 0.2:
            result = replace(result, disable_endpoint_why="410")
            endpoint = replace(endpoint, is_enabled=False, disabled_why="410")
        self.endpoints[endpoint.id] = endpoint
        return result

    async def resend(self) -> bool:
        if not self.sent:
            return False
        sent = self.dice.choice(list(self.sent.values()))
        done = await self.store.resend(sent.new.world_id, sent.new.id, self.now)
        assert done == (sent.new.endpoint_id in self.endpoints)
        if done:
            sent.state, sent.attempts, sent.due_at = MessageState.PENDING, 0, self.now
        return done

    async def replay(self) -> bool:
        world_id, where = self.dice.choice(WORLDS), self._some_messages()
        limit = self.dice.choice([3, 10_000])
        chosen = [
            sent
            for sent in self._matching(world_id, where)
            if sent.state is not MessageState.PENDING and sent.new.endpoint_id in self.endpoints
        ][:limit]
        assert await self.store.replay(world_id, where, self.now, limit=limit) == len(chosen)
        for sent in chosen:
            sent.state, sent.attempts, sent.due_at = MessageState.PENDING, 0, self.now
        return bool(chosen)

    async def prune_messages(self) -> bool:
        before = self.now - self.dice.randrange(12) * HOUR
        gone = [
            sent
            for sent in self.sent.values()
            if sent.state is not MessageState.PENDING and sent.new.created_at < before
        ]
        assert await self.store.prune_messages(before, limit=9_999) == len(gone)
        for sent in gone:
            del self.sent[sent.new.id]
            self.skipped[sent.line].pop(sent.new.id, None)
            assert await self.store.load_message(sent.new.world_id, sent.new.id) is None
            assert await self.store.list_attempts(sent.new.id) == []
        return bool(gone)

    async def prune_events(self) -> bool:
        before = self.now - self.dice.randrange(12) * HOUR
        count = sum(len(events) for events in self.events.values())
        for world_id, events in self.events.items():
            self.events[world_id] = [event for event in events if event.at >= before]
        count -= sum(len(events) for events in self.events.values())
        assert await self.store.prune_events(before, limit=9_999) == count
        return count > 0

    async def list_messages(self) -> bool:
        world_id, where = self.dice.choice(WORLDS), self._some_messages()
        expected = [sent.new.id for sent in reversed(self._matching(world_id, where))]
        found: list[str] = []
        before: str | None = None
        while page := await self.store.list_messages(world_id, where, before=before, limit=9):
            found += [one.id for one in page]
            before = found[-1]
        assert found == expected
        return bool(found)

    async def pass_time(self) -> bool:
        self.now += self.dice.choice([SECOND, 10 * SECOND, MINUTE, HOUR, -5 * SECOND])
        return True

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
            first = await self.store.first_cursor(world_id)
            assert first == (events[0][0] if events else None)
            for message in await self.store.list_messages(world_id, MessageFilter(), limit=99_999):
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

    def _poll(self) -> PollState:
        return PollState(
            due_at=self.dice.choice([None, self.now, self.now + MINUTE, self.now - MINUTE]),
            due_reason="random",
            checked_at=self.now,
            checks=self.dice.randrange(99),
        )


@pytest.mark.parametrize("seed", range(6))
async def test_a_random_life_is_what_the_model_says(store: Store, seed: int) -> None:
    life = Life(store, seed)
    for _ in range(5):
        for _ in range(100):
            await life.step()
        await life.check()
    # A life in which something never happened would prove nothing about it.
    missing = {"create", "save", "delete", "claim_polls", "claim_messages", "finish_messages"}
    assert not missing - set(life.done), life.done
    assert life.done["resend"] + life.done["change_courier"] > 3
    assert life.done["replay"] + life.done["prune_messages"] + life.done["prune_events"] > 1
    assert life.done["list_messages"] > 0
    assert len(life.answers) > 5
