"""A life of the store in small: everything that writes, in a seeded order, several at a time.

Every write is told twice to whoever takes notes: before it is asked for, with a question to the
database that is answered with 1 once the effect is there, and when the store has acknowledged it.
The same seed lives the same life.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

from parcelwire.domain.account import ApiKey, Endpoint
from parcelwire.domain.clock import MINUTE, SECOND, FrozenClock
from parcelwire.domain.tracking import Tracking
from parcelwire.polling.ports import Pause
from parcelwire.proofs.making import WORLD, Maker
from parcelwire.store.port import Store
from parcelwire.store.sqlite.ids import id_value
from parcelwire.tracking.ports import (
    Once,
    PollResult,
)
from parcelwire.webhooks.ports import Attempt, AttemptResult, ClaimedMessage, MessageState

LEASE = 30 * SECOND
ENDPOINTS = 3


class Effect(NamedTuple):
    """What a write does, as a question that the database answers with 1 once it is done."""

    what: str
    sql: str
    bindings: tuple[Any, ...]


class Notes(Protocol):
    """Takes down what was asked for and what was acknowledged, in order."""

    def begin(self, effect: Effect) -> int:
        """Note that a write is about to be asked for; return its number."""
        ...

    def acknowledge(self, number: int) -> None:
        """Note that a write was acknowledged."""
        ...


class LifeError(Exception):
    """The store answered what it must not answer, with no fault thrown at it."""


class StoreLife:
    """Does things to a store, round by round; what happens in one round happens at once."""

    def __init__(
        self,
        store: Store,
        notes: Notes,
        clock: FrozenClock,
        dice: random.Random,
        *,
        first_number: int = 0,
    ) -> None:
        """``first_number``: where names begin; a second life in one database needs others."""
        self._store = store
        self._notes = notes
        self._clock = clock
        self._dice = dice
        self._maker = Maker(clock, dice, first_number)
        self._trackings: dict[str, Tracking] = {}
        self._endpoints: list[Endpoint] = []
        self._claimed: list[ClaimedMessage] = []
        self._finished: list[str] = []
        self._busy: set[str] = set()
        self.told: dict[str, tuple[str, ...]] = {}
        """Of every event, the messages that belong to it."""

    async def run(self, rounds: int) -> None:
        """Live for so many rounds.

        Raises:
            LifeError: the store answered wrongly.
        """
        for _ in range(ENDPOINTS):
            await self._open_endpoint()
        await self._create()
        actions: dict[Callable[[], Awaitable[None]], float] = {
            self._create: 4,
            self._save: 10,
            self._save_polls: 3,
            self._claim_polls: 1,
            self._claim_messages: 4,
            self._finish_attempts: 4,
            self._resend: 1,
            self._delete: 1,
            self._set_pause: 0.5,
            self._take_budget: 0.5,
            self._add_owner: 0.5,
        }
        for _ in range(rounds):
            self._busy.clear()
            count = self._dice.choice((1, 1, 2, 3, 5, 8))
            chosen = self._dice.choices(list(actions), list(actions.values()), k=count)
            await asyncio.gather(*(action() for action in chosen))
            self._clock.advance(self._dice.choice((0, 1, 5, 40)))

    # -- trackings ------------------------------------------------------------------------------

    async def _create(self) -> None:
        items = [self._maker.new_tracking() for _ in range(self._dice.randrange(1, 4))]
        ids = [id_value(item.tracking.id) for item in items]
        marks = ", ".join("?" * len(ids))
        sql = (
            "SELECT count(*) = ? FROM tracking t JOIN doc d ON d.key = t.key"  # noqa: S608  # ours
            f" JOIN poll p ON p.key = t.key WHERE t.id IN ({marks})"
        )
        bindings: tuple[Any, ...] = (len(ids), *ids)
        once = None
        if self._dice.random() < 0.4:
            key = f"key-{self._maker.number()}"
            sql = f"SELECT ({sql}) AND EXISTS (SELECT 1 FROM idempotency_record WHERE key = ?)"  # noqa: S608
            bindings = (*bindings, key)
            once = Once(
                world_id=WORLD,
                key=key,
                fingerprint=hashlib.sha256(key.encode()).digest(),
                at=self._clock.now(),
                answer=lambda creations: (200, str(creations).encode()),
            )
        creations = await self._do(
            self._store.create_trackings(items, once=once), Effect("create", sql, bindings)
        )
        if [one.result for one in creations] != ["created"] * len(items):
            msg = f"created: {creations}"
            raise LifeError(msg)
        self._trackings.update({item.tracking.id: item.tracking for item in items})

    async def _save(self) -> None:
        before = self._any_tracking()
        if before is None:
            return
        change = self._maker.change(before, self._endpoints)
        assert change.event is not None  # noqa: S101  # it was made with one
        self.told[change.event.id] = tuple(one.id for one in change.messages)
        ids = [id_value(one.id) for one in change.messages]
        marks = ", ".join("?" * len(ids))
        effect = Effect(
            "save",
            "SELECT (SELECT count(*) FROM tracking WHERE id = ? AND version >= ?) = 1"  # noqa: S608
            f" AND (SELECT count(*) FROM message WHERE id IN ({marks})) = ?",
            (id_value(before.id), change.tracking.version, *ids, len(ids)),
        )
        if not await self._do(self._store.save(change), effect):
            msg = f"version {change.tracking.version} of {before.id} was not taken"
            raise LifeError(msg)
        self._trackings[before.id] = change.tracking

    async def _save_polls(self) -> None:
        tracking = self._any_tracking()
        if tracking is None:
            return
        poll = self._maker.poll()
        result = PollResult(tracking_id=tracking.id, poll=poll, raw=self._maker.raw_response())
        await self._do(
            self._store.save_polls([result]),
            Effect(
                "poll",
                "SELECT 1 FROM poll JOIN tracking USING (key) WHERE id = ? AND checks = ?",
                (id_value(tracking.id), poll.checks),
            ),
        )

    async def _delete(self) -> None:
        tracking = self._any_tracking()
        if tracking is None or len(self._trackings) < 4:
            return
        gone = await self._do(
            self._store.delete_trackings(WORLD, [tracking.id]),
            Effect(
                "delete",
                "SELECT NOT EXISTS (SELECT 1 FROM tracking WHERE id = ?)",
                (id_value(tracking.id),),
            ),
        )
        if gone != [tracking.id]:
            msg = f"deleted: {gone}"
            raise LifeError(msg)
        del self._trackings[tracking.id]

    async def _claim_polls(self) -> None:
        if not self._take("polls"):
            return
        # A claim may find nothing due, so there is nothing to ask the database for.
        now = self._clock.now()
        await self._store.claim_polls(now, lease_until=now + LEASE, limit=5)

    # -- messages -------------------------------------------------------------------------------

    async def _open_endpoint(self) -> None:
        endpoint = Endpoint(
            id=self._maker.new_id(),
            world_id=WORLD,
            url="https://shop.example/hook",
            dialect="native",
            secret="whsec_c3ludGhldGlj",  # noqa: S106  # no secret: "synthetic"
            created_at=self._clock.now(),
        )
        await self._do(
            self._store.add_endpoint(endpoint),
            Effect("endpoint", "SELECT 1 FROM endpoint WHERE id = ?", (id_value(endpoint.id),)),
        )
        self._endpoints.append(endpoint)

    async def _claim_messages(self) -> None:
        if not self._take("messages"):
            return
        now = self._clock.now()
        claimed = await self._store.claim_messages(
            now, lease_until=now + LEASE, limit=6, per_endpoint=3
        )
        self._claimed += claimed

    async def _finish_attempts(self) -> None:
        if not self._claimed or not self._take("attempts"):
            return
        claimed, self._claimed = self._claimed[:4], self._claimed[4:]
        states = self._dice.choices(list(MessageState), (3, 6, 1), k=len(claimed))
        results = [self._result(one, state) for one, state in zip(claimed, states, strict=True)]
        ids = [id_value(one.attempt.id) for one in results]
        marks = ", ".join("?" * len(ids))
        await self._do(
            self._store.finish_attempts(results),
            Effect(
                "attempts",
                f"SELECT count(*) = ? FROM attempt WHERE id IN ({marks})",  # noqa: S608  # ours
                (len(ids), *ids),
            ),
        )
        self._finished += [
            one.attempt.message_id for one in results if one.state is not MessageState.PENDING
        ]

    def _result(self, claimed: ClaimedMessage, state: MessageState) -> AttemptResult:
        now = self._clock.now()
        attempt = Attempt(
            id=self._maker.new_id(),
            message_id=claimed.message.id,
            at=now,
            duration_ms=self._dice.randrange(900),
            status=200 if state is MessageState.DELIVERED else 503,
            response_body=self._maker.text(300),
        )
        next_at = now + 10 * SECOND if state is MessageState.PENDING else None
        return AttemptResult(attempt=attempt, state=state, next_at=next_at)

    async def _resend(self) -> None:
        if not self._finished or not self._take("attempts"):
            return
        message_id = self._finished.pop(self._dice.randrange(len(self._finished)))
        await self._do(
            self._store.resend(WORLD, message_id, self._clock.now()),
            Effect(
                "resend",
                "SELECT 1 FROM message WHERE id = ? AND state = 'pending'",
                (id_value(message_id),),
            ),
        )

    # -- beside them ----------------------------------------------------------------------------

    async def _set_pause(self) -> None:
        key = f"carrier-{self._maker.number()}"
        pause = Pause(until=self._clock.now() + MINUTE, failures=1, reason="outage", since=0)
        await self._do(
            self._store.set_pause(key, pause),
            Effect("pause", "SELECT 1 FROM pause WHERE key = ?", (key,)),
        )

    async def _take_budget(self) -> None:
        key = f"budget-{self._maker.number()}"
        await self._do(
            self._store.take_budget(
                key, now=self._clock.now(), wanted=3, per_minute=60, per_day=None
            ),
            Effect("budget", "SELECT 1 FROM budget WHERE key = ? AND used_today = 3", (key,)),
        )

    async def _add_owner(self) -> None:
        now, email = self._clock.now(), f"owner-{self._maker.number()}@shop.example"
        owner = await self._do(
            self._store.add_account(email, now=now),
            Effect("account", "SELECT 1 FROM account WHERE email = ?", (email,)),
        )
        digest = hashlib.sha256(email.encode()).digest()
        key = ApiKey(digest=digest, prefix=email[:12], account_number=owner.number, is_test=False)
        await self._do(
            self._store.add_key(key),
            Effect("key", "SELECT 1 FROM api_key WHERE digest = ?", (digest,)),
        )

    # -- beneath all this ----------------------------------------------------------------------

    async def _do(self, write: Awaitable[Any], effect: Effect) -> Any:
        number = self._notes.begin(effect)
        result = await write
        self._notes.acknowledge(number)
        return result

    def _take(self, what: str) -> bool:
        """Take something that only one may have in a round."""
        if what in self._busy:
            return False
        self._busy.add(what)
        return True

    def _any_tracking(self) -> Tracking | None:
        if not self._trackings:
            return None
        tracking = self._trackings[self._dice.choice(list(self._trackings))]
        return tracking if self._take(tracking.id) else None
