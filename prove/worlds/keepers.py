"""Who looks after the endpoints of an account."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import DAY, HOUR, SECOND
from parcelwire.store.port import StoreUnavailableError
from parcelwire.tracking.ports import AlreadyDoneError, Once
from parcelwire.webhooks import standing
from parcelwire.webhooks.ports import MessageFilter, MessageState
from prove.worlds.ledger import Ledger, Setting, Span, Standing
from prove.worlds.process import Process, UnknownOutcomeError
from prove.worlds.sky import Plan, WorldClock, WorldIdentifiers
from prove.worlds.users import Alive, answered

T = TypeVar("T")

SECRET: Final = "whsec_cGFyY2Vsd2lyZSBzaW11bGF0ZWQgd29ybGRz"
_FILTERS: Final = (
    (),
    (),
    ("delivered", "exception"),
    ("transit", "pickup", "delivered"),
)
_PATIENCE: Final = 100
LONG: Final = 20 * DAY
"""In a world that is longer somebody looks after every endpoint once a day."""
_LOYALTY: Final = 0.97
"""How often a keeper of a long world asks the process that was asked before, as where requests of
one client go to one server: then the other process hears little of an endpoint for days.
"""


class Keeper:
    """Looks after one account's endpoints."""

    def __init__(
        self,
        plan: Plan,
        clock: WorldClock,
        ledger: Ledger,
        *,
        alive: Alive,
        identifiers: WorldIdentifiers,
        account: int,
        chance: random.Random,
    ) -> None:
        """``account`` is the number of the account; its live world is looked after."""
        self._plan = plan
        self._clock = clock
        self._ledger = ledger
        self._alive = alive
        self._identifiers = identifiers
        self._world_id = account * 2
        self._chance = chance
        self._keys = 0
        self._asked: Process | None = None
        self.endpoint_ids: list[str] = []
        """Those that were made and not deleted."""
        self.all_ids: list[str] = []
        """Those that were ever made."""
        self.tests: list[str] = []
        """The endpoints to which a test event was sent, one entry for each."""

    @property
    def world_id(self) -> int:
        """The world whose endpoints these are."""
        return self._world_id

    async def run(self, endpoints: int) -> None:
        """Make endpoints, change them now and then."""
        for _ in range(endpoints):
            await self._add()
        chance, active = self._chance, self._plan.active
        looks = {at + chance.randrange(HOUR) for at in range(DAY, active, DAY)}
        looks = looks if active > LONG else set()
        acts = {chance.randrange(active) for _ in range(chance.randint(4, 16))}
        for at in sorted(acts | looks):
            await self._until(at)
            if at in looks:
                await self._look_after_all()
                continue
            if not self.endpoint_ids:
                await self._add()
                continue
            endpoint_id = self._chance.choice(self.endpoint_ids)
            act = self._chance.choices(
                (
                    self._pause,
                    self._enable,
                    self._filter,
                    self._rotate,
                    self._replay,
                    self._test,
                    self._replace,
                ),
                (3, 4, 2, 1, 3, 6, 1),
            )[0]
            await act(endpoint_id)

    async def open_all(self) -> None:
        """Enable what is switched off, as everybody does in the end; leave some paused."""
        for endpoint_id in list(self.endpoint_ids):
            if self._chance.random() < 0.9:
                await self._enable(endpoint_id)

    async def _look_after_all(self) -> None:
        """Try every endpoint, and what may help those that have failed for days."""
        for endpoint_id in list(self.endpoint_ids):
            endpoint = await self._load(endpoint_id)
            if not endpoint.is_enabled:
                if self._chance.random() < 0.3:
                    await self._enable(endpoint_id)
            elif endpoint.failing_ms > 3 * DAY and self._chance.random() < 0.25:
                await self._pause(endpoint_id)
                await self._enable(endpoint_id)
            await self._test(endpoint_id)

    async def _until(self, at: int) -> None:
        await asyncio.sleep(max(0, at - self._clock.true_ms()) / SECOND)

    # -- what is done ---------------------------------------------------------------------------

    async def _add(self) -> None:
        statuses = self._chance.choice(_FILTERS)
        dialect = self._chance.choice(("native", "v4", "v2"))
        start = self._ledger.now()

        def add(once: Once, new_id: str) -> Callable[[Process], Awaitable[None]]:
            endpoint = Endpoint(
                id=new_id,
                world_id=self._world_id,
                url=f"https://shop.example/{new_id}",
                dialect=dialect,
                secret=SECRET,
                statuses=statuses,
                created_at=self._clock.now(),
            )
            return lambda one: one.store.add_endpoint(endpoint, once=once)

        endpoint_id = await self._once(add)
        self._ledger.note("keeper: endpoint", endpoint_id, dialect, *statuses)
        self.endpoint_ids.append(endpoint_id)
        self.all_ids.append(endpoint_id)
        span = Span(start, self._ledger.now())
        self._ledger.settings[endpoint_id].append(Setting(span, statuses))

    async def _test(self, endpoint_id: str) -> None:
        endpoint = await self._load(endpoint_id)

        def send(once: Once, new_id: str) -> Callable[[Process], Awaitable[None]]:
            async def sending(one: Process) -> None:
                message = one.composer.compose_test(endpoint, self._clock.now())
                await one.store.add_messages([replace(message, id=new_id)], once=once)
                one.delivery.notify()

            return sending

        await self._once(send)
        self._ledger.note("keeper: test", endpoint_id)
        self.tests.append(endpoint_id)

    async def _pause(self, endpoint_id: str) -> None:
        span = await self._save(
            endpoint_id, "paused", lambda one: standing.pause(one) if one.is_enabled else one
        )
        self._ledger.pausings[endpoint_id].append(span)

    async def _enable(self, endpoint_id: str) -> None:
        span = await self._save(endpoint_id, "enabled", standing.enable)
        self._ledger.enablings[endpoint_id].append(span)

    async def _filter(self, endpoint_id: str) -> None:
        statuses = self._chance.choice(_FILTERS)
        await self._save(endpoint_id, "filtered", lambda one: replace(one, statuses=statuses))

    async def _rotate(self, endpoint_id: str) -> None:
        until = self._clock.now() + DAY
        await self._save(
            endpoint_id,
            "rotated",
            lambda one: replace(one, previous_secret=SECRET, previous_secret_until=until),
        )

    async def _replace(self, endpoint_id: str) -> None:
        """Delete an endpoint and make another one."""
        start = self._ledger.now()
        await self._sure(lambda one: one.store.delete_endpoint(self._world_id, endpoint_id))
        self._ledger.note("keeper: deleted", endpoint_id)
        self.endpoint_ids.remove(endpoint_id)
        span = Span(start, self._ledger.now())
        self._ledger.settings[endpoint_id].append(Setting(span, exists=False))
        await self._add()

    async def _replay(self, endpoint_id: str) -> None:
        states = self._chance.choice(
            ((), (MessageState.DEAD,), (MessageState.DELIVERED, MessageState.DEAD))
        )
        where = MessageFilter(endpoint_id=endpoint_id, states=states)
        span = Span(self._ledger.now())
        self._ledger.replays.append((span, endpoint_id))

        def replay(once: Once, _: str) -> Callable[[Process], Awaitable[None]]:
            async def replaying(one: Process) -> None:
                now = self._clock.now()
                await one.store.replay(self._world_id, where, now, limit=50, once=once)
                one.delivery.notify()

            return replaying

        await self._once(replay)
        span.end = self._ledger.now()
        self._ledger.note("keeper: replay", endpoint_id, *states)

    # -- how it is done -------------------------------------------------------------------------

    async def _load(self, endpoint_id: str) -> Endpoint:
        endpoint = await self._sure(
            lambda one: one.store.load_endpoint(self._world_id, endpoint_id)
        )
        if endpoint is None:
            self._ledger.wrong(f"endpoint {endpoint_id} was created and is gone")
            raise RuntimeError(endpoint_id)
        found = Standing(
            at=self._ledger.now(),
            is_enabled=endpoint.is_enabled,
            is_paused=endpoint.is_paused,
            why=endpoint.disabled_reason,
        )
        self._ledger.standings[endpoint_id].append(found)
        return endpoint

    async def _save(
        self, endpoint_id: str, what: str, change: Callable[[Endpoint], Endpoint]
    ) -> Span:
        """Change an endpoint; return when."""
        before = await self._load(endpoint_id)
        after = change(before)
        start = self._ledger.now()

        async def saving(one: Process) -> None:
            await one.store.save_endpoint(after, expected=before)
            one.delivery.notify()

        await self._sure(saving)
        self._ledger.note(f"keeper: {what}", endpoint_id)
        span = Span(start, self._ledger.now())
        self._ledger.settings[endpoint_id].append(Setting(span, after.statuses))
        return span

    async def _once(self, make: Callable[[Once, str], Callable[[Process], Awaitable[None]]]) -> str:
        """Have something done under one idempotency key, however often it takes to ask.

        Return the id that the effect was given: each request brings one of its own.
        """
        self._keys += 1
        key = f"{self._world_id}-{self._keys}"
        for _ in range(_PATIENCE):
            new_id = self._identifiers.new_id(self._clock.now())
            made = (201, new_id.encode())
            once = Once(
                world_id=self._world_id,
                key=key,
                fingerprint=hashlib.sha256(key.encode()).digest(),
                at=self._clock.now(),
                answer=_saying(made),
            )
            try:
                await (await self._process()).call(make(once, new_id))
            except AlreadyDoneError as error:
                self._ledger.note("keeper: done before", key)
                return error.record.body.decode()
            except (UnknownOutcomeError, StoreUnavailableError):
                self._ledger.note("keeper: again", key)
                await asyncio.sleep(60)
            else:
                return new_id
        msg = "nobody answers"
        raise RuntimeError(msg)

    async def _process(self) -> Process:
        known = self._asked
        is_loyal = self._plan.active > LONG and self._chance.random() < _LOYALTY
        if known is None or not known.is_alive or not is_loyal:
            known = self._asked = await self._alive()
        return known

    async def _sure(self, work: Callable[[Process], Awaitable[T]]) -> T:
        """Do something that may be done twice until there is an answer."""

        async def ask() -> T:
            return await (await self._process()).call(work)

        return await answered(ask, _PATIENCE)


def _saying(made: tuple[int, bytes]) -> Callable[[object], tuple[int, bytes]]:
    return lambda _: made
