"""B3 in the store: the wall clock jumps by up to ten years while leases and waits are under way.

Two processes claim from one store. Beside the wall clock, which jumps, runs the true time, which
does not: by it, a lease that no jump has touched keeps everybody else away until it ends, and
nothing is lost. A jump back lets a wait begin anew, at most. A lease that ends further ahead than
any can is taken for ended; but in a step's time it may come so near that it passes for one that was
just given, and lasts. (Workers bring polls and messages back when they
see the clock go back, as is done here.)
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND, Instant
from parcelwire.store.port import Store
from parcelwire.store.rules import LONGEST_LEASE
from parcelwire.tracking.ports import PollResult, PollState
from parcelwire.webhooks.ports import MessageState
from tests.contract.store.samples import NOW, WORLD, create, make_endpoint, make_message
from tests.contract.store.sending import result_of

LEASE = 30 * SECOND
LONGEST_WAIT = 20 * MINUTE
STEPS = 150
PIECES = 8
ALL = PIECES + 1
"""No claim is cut short, so that what it leaves was not to be had."""
LONGEST_STEP = 50 * MINUTE
JUMPS = (HOUR, -HOUR, DAY, -DAY, 3_650 * DAY, -3_650 * DAY)

OpenAnother = Callable[[], Awaitable[Store]]


class Piece(msgspec.Struct):
    """A poll or a message, as the true time has it."""

    id: str
    may_begin_at: Instant = 0
    """Not before this, unless the clock jumps."""
    leased_until: Instant = 0
    """By the true time; 0: nobody works on it."""
    lease_ends_at: Instant = 0
    """The same by the wall clock that gave it."""
    is_jumped: bool = False
    """The clock jumped since: its lease and its wait may count as ended."""
    wait: int = 0
    must_begin_by: Instant = 0


class Storm:
    """Claims, results and jumps, in a seeded order."""

    def __init__(self, stores: list[Store], seed: int) -> None:
        self.stores = stores
        self.dice = random.Random(seed)
        self.true: Instant = NOW
        self.jumped: Instant = 0
        self.polls: dict[str, Piece] = {}
        self.messages: dict[str, Piece] = {}
        self.counts: Counter[str] = Counter()

    @property
    def wall(self) -> Instant:
        return self.true + self.jumped

    @property
    def store(self) -> Store:
        return self.dice.choice(self.stores)

    async def furnish(self) -> None:
        endpoint = make_endpoint(WORLD)
        await self.store.add_endpoint(endpoint)
        for number in range(PIECES):
            tracking = await create(self.store, f"JUMP{number:05d}", due_at=NOW)
            message = make_message(endpoint, tracking.id, 1)
            await self.store.add_messages([message])
            self.polls[tracking.id] = Piece(tracking.id, must_begin_by=NOW + LEASE)
            self.messages[message.id] = Piece(message.id, must_begin_by=NOW + LEASE)

    async def step(self) -> None:
        if self.dice.random() < 0.12:
            await self.jump(self.dice.choice(JUMPS))
        self.true += self.dice.choice(
            (0, SECOND, 7 * SECOND, 31 * SECOND, 5 * MINUTE, LONGEST_STEP)
        )
        await self.claim()
        await self.finish()

    async def jump(self, by: int) -> None:
        self.jumped += by
        self.counts["jumps"] += 1
        for piece in (*self.polls.values(), *self.messages.values()):
            piece.is_jumped = True
            if by < 0:
                longest = piece.wait
                if piece.leased_until:
                    longest = min(piece.lease_ends_at - self.wall, LONGEST_LEASE + LONGEST_STEP)
                piece.must_begin_by = max(piece.must_begin_by, self.true + longest)
        if by < 0:
            # What a worker does that sees the clock go back.
            beyond = self.wall + LONGEST_WAIT
            await self.store.recall_polls(self.wall, beyond=beyond)
            await self.store.recall_messages(self.wall, beyond=beyond)

    async def claim(self) -> None:
        claims = await self.store.claim_polls(self.wall, lease_until=self.wall + LEASE, limit=ALL)
        self.take("poll", [self.polls[one.tracking_id] for one in claims], limit=ALL)
        claimed = await self.store.claim_messages(
            self.wall, lease_until=self.wall + LEASE, limit=ALL, per_endpoint=ALL
        )
        self.take("message", [self.messages[one.message.id] for one in claimed], limit=ALL)

    def take(self, what: str, pieces: list[Piece], limit: int) -> None:
        for piece in pieces:
            if not piece.is_jumped:
                assert self.true >= piece.leased_until, f"{what} {piece.id} was leased"
                assert self.true >= piece.may_begin_at, f"{what} {piece.id} had to wait"
            self.counts[what] += 1
            self.counts["again after a jump"] += self.true < piece.leased_until
            piece.leased_until, piece.is_jumped = self.true + LEASE, False
            piece.lease_ends_at = self.wall + LEASE
            piece.may_begin_at = 0
            piece.must_begin_by = self.true + LEASE
        if len(pieces) < limit:
            everything = self.polls if what == "poll" else self.messages
            for piece in everything.values():
                assert self.true <= piece.must_begin_by or piece in pieces, (
                    f"{what} {piece.id} is overdue by {(self.true - piece.must_begin_by) // SECOND}"
                    " s, and nobody got it"
                )

    async def finish(self) -> None:
        for piece in self.dice.sample(list(self.polls.values()), 2):
            if self.is_mine(piece):
                wait = self.dice.choice((0, MINUTE, LONGEST_WAIT))
                poll = PollState(due_at=self.wall + wait, checked_at=self.wall, checks=1)
                result = PollResult(tracking_id=piece.id, poll=poll)
                await self.store.save_polls([result])
                self.wait(piece, wait)
        for piece in self.dice.sample(list(self.messages.values()), 2):
            if self.is_mine(piece):
                wait = self.dice.choice((SECOND, MINUTE, LONGEST_WAIT))
                failed = result_of(
                    piece.id, MessageState.PENDING, at=self.wall, next_at=self.wall + wait
                )
                await self.store.finish_attempts([failed])
                self.wait(piece, wait)

    def is_mine(self, piece: Piece) -> bool:
        return not piece.is_jumped and self.true < piece.leased_until

    def wait(self, piece: Piece, wait: int) -> None:
        self.counts["finished"] += 1
        piece.leased_until, piece.wait = 0, wait
        piece.may_begin_at = self.true + wait
        piece.must_begin_by = self.true + wait


@pytest.mark.parametrize("seed", range(4))
async def test_jumps_harm_no_lease_and_lose_no_wait(
    store: Store, open_another: OpenAnother, seed: int
) -> None:
    storm = Storm([store, await open_another()], seed)
    await storm.furnish()
    for _ in range(STEPS):
        await storm.step()
    assert storm.counts["jumps"] > 5
    assert storm.counts["poll"] > 50
    assert storm.counts["message"] > 50
    assert storm.counts["finished"] > 50


async def test_the_judge_sees_a_store_that_forgets_leases_and_one_that_recalls_nothing(
    store: Store, open_another: OpenAnother
) -> None:
    for spoilt in (Forgetful, NeverRecalling):
        seen = 0
        for seed in range(4):
            storm = spoilt([store, await open_another()], 100 + seed)
            await storm.furnish()
            try:
                for _ in range(STEPS):
                    await storm.step()
            except AssertionError:
                seen += 1
            # The next one begins with nothing due.
            await store.delete_trackings(WORLD, list(storm.polls))
            for endpoint in await store.list_endpoints(WORLD):
                await store.delete_endpoint(WORLD, endpoint.id)
        assert seen, spoilt


class Forgetful(Storm):
    """Claims under a lease that ends at once."""

    async def claim(self) -> None:
        claims = await self.store.claim_polls(self.wall, lease_until=self.wall, limit=ALL)
        self.take("poll", [self.polls[one.tracking_id] for one in claims], limit=ALL)


class NeverRecalling(Storm):
    """Brings nothing back when the clock goes back."""

    async def jump(self, by: int) -> None:
        self.jumped += by
        for piece in (*self.polls.values(), *self.messages.values()):
            piece.is_jumped = True
