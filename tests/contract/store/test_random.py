"""Random lives of a store beside a model in plain Python: what they answer must be the same."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from parcelwire.domain.clock import HOUR, MINUTE, SECOND, FrozenClock
from parcelwire.domain.status import Status
from parcelwire.store.port import Store
from parcelwire.tracking.ports import (
    AlreadyDoneError,
    Creation,
    PollResult,
    PollState,
)
from tests.contract.store.model import COURIERS, LEASE, WORLDS, Sent
from tests.contract.store.random_messages import MessageLife
from tests.contract.store.samples import (
    make_change,
    make_message,
    new_id,
)


class Life(MessageLife):
    """Does things to a store and to its model, as the dice say."""

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
        past = None if poll is None else self._past(before.id)
        change = make_change(
            before,
            messages=messages,
            poll=poll,
            status=self.dice.choice(list(Status)),
            is_archived=self.dice.random() < 0.3,
            updated_at=self.now,
        )
        assert await self.store.save(replace(change, past=past))
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
            self.pasts.pop(one, None)
        return bool(mine)

    async def poll(self) -> bool:
        chosen = self.dice.sample(list(self.trackings), min(len(self.trackings), 3))
        results = [
            PollResult(tracking_id=one, poll=self._poll(), past=self._past(one)) for one in chosen
        ]
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
        times = [free[one] for one in taken]
        assert times == sorted(times)
        # Half of a claim are those that are due longest; the others come from the worlds in turn.
        longest = sorted(free.values())[: -(-limit // 2)]
        assert times[: len(longest)] == longest
        for claim in claims:
            tracking = self.trackings[claim.tracking_id]
            assert claim.courier_code == tracking.courier_code
            assert claim.world_id == tracking.world_id
            self.polls[tracking.id] = replace(self.polls[tracking.id], leased_until=lease_until)
        return bool(claims)

    async def pass_time(self) -> bool:
        self.now += self.dice.choice([SECOND, 10 * SECOND, MINUTE, HOUR, -5 * SECOND])
        self.clock.set(self.now)
        return True


@pytest.mark.parametrize("seed", range(6))
async def test_a_random_life_is_what_the_model_says(
    store: Store, seed: int, clock: FrozenClock
) -> None:
    life = Life(store, seed, clock)
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
