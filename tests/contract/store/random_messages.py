"""What random lives do with endpoints and messages, to a store and to its model."""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace

from parcelwire.domain.account import without_failures
from parcelwire.domain.clock import HOUR, SECOND
from parcelwire.webhooks.failing import note_failure
from parcelwire.webhooks.ports import Attempt, AttemptResult, MessageState
from tests.contract.store.model import LEASE, WORLDS, Model, Sent
from tests.contract.store.samples import (
    NOW,
    make_endpoint,
    new_id,
)
from tests.contract.store.sending import failure_at, walk


class MessageLife(Model):
    """Opens, switches and closes endpoints; claims, finishes, resends, replays, prunes messages."""

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
            failure = failure_at(since)
            result, endpoint = replace(result, failure=failure), note_failure(endpoint, failure)
        elif kind == "told":
            result = replace(result, failing_reported_at=self.now)
            endpoint = replace(endpoint, failing_reported_at=self.now)
        elif kind == "recovered":
            result = replace(result, has_recovered=True)
            endpoint = replace(without_failures(endpoint), failing_reported_at=None)
        elif kind == "gone" and self.dice.random() < 0.2:
            result = replace(result, disable_endpoint_reason="410")
            endpoint = replace(endpoint, is_enabled=False, disabled_reason="410")
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
        found = [one.id for one in await walk(self.store, where, world_id=world_id, limit=9)]
        assert found == expected
        return bool(found)
