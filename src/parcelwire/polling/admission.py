"""What of the claimed trackings is asked about now, and when the turn of the rest is.

batches of one source -> paused? -> capacity, in equal shares -> budget -> admitted
                            |                 |                    |
                            +-----------------+--------------------+-> deferred
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from operator import add
from typing import Final

import msgspec
from msgspec.structs import replace

from parcelwire.domain.account import account_of, is_test_world
from parcelwire.domain.clock import Instant
from parcelwire.polling.carrier_throttle import CarrierThrottle
from parcelwire.polling.concurrency import CarrierConcurrency
from parcelwire.polling.ports import Claim, PollStore
from parcelwire.tracking.courier_detection_retry import CandidateFinder, probe_reason
from parcelwire.tracking.fair_slots import share_out
from parcelwire.tracking.ports import CarrierPolicy, Carriers, Stored

QUEUED: Final = "waiting for its turn in the carrier's budget"
MISSED: Final = "waiting for its next turn in the carrier's budget"
TURNS: Final = frozenset({QUEUED, MISSED})
"""Why a poll is due that was deferred to a turn of its own, for the first time or once more."""

UNREADABLE: Final = "its stored document cannot be read"


class PollBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Some trackings of one world about which one courier is asked, claimed together."""

    world_id: int
    courier_code: str
    ids: Sequence[str]
    probes: Mapping[str, str]
    """Those of ``ids`` that have another courier, which does not know the number, and that one."""
    queued: frozenset[str] = frozenset()
    """Those of ``ids`` whose turn this is: they were deferred before, for want of budget or a slot.
    """
    missed: int = 0
    """How many of ``ids``, in front, have missed a turn before."""
    policy: CarrierPolicy | None
    lease: Instant

    @property
    def account(self) -> int:
        """The number of the account that is asked for."""
        return account_of(self.world_id)


def group_claims(claims: Sequence[Claim], lease: Instant) -> list[PollBatch]:
    """Return what was claimed in batches of one courier in one world, as yet without a policy.

    Live worlds first: whatever one group has to wait for, the next waits for, too. In a group, who
    has missed a turn already comes before who has the first one.
    """
    groups: dict[tuple[bool, int, str], list[str]] = defaultdict(list)
    probes: dict[str, str] = {}
    for one in sorted(claims, key=lambda one: one.due_reason != MISSED):
        is_test = is_test_world(one.world_id)
        asked = one.probe_courier or one.courier_code
        groups[is_test, one.world_id, asked].append(one.tracking_id)
        if one.probe_courier:
            probes[one.tracking_id] = one.courier_code
    queued = frozenset(one.tracking_id for one in claims if one.due_reason in TURNS)
    missed = frozenset(one.tracking_id for one in claims if one.due_reason == MISSED)
    return [
        PollBatch(
            world_id=world_id,
            courier_code=courier_code,
            ids=ids,
            probes={one: probes[one] for one in ids if one in probes} if probes else probes,
            queued=queued.intersection(ids),
            missed=len(missed.intersection(ids)),
            policy=None,
            lease=lease,
        )
        for (_, world_id, courier_code), ids in sorted(
            groups.items(), key=lambda group: group[0][0]
        )
    ]


def shares(rooms: Mapping[int, int], missed: Mapping[int, int], total: int) -> dict[int, int]:
    """Return how many of ``total`` conversations each account gets of those it has room for.

    Whoever has missed a turn goes before all others; beyond that the shares are equal.
    """
    first = share_out([min(room, missed.get(one, 0)) for one, room in rooms.items()], total)
    rest = [room - given for room, given in zip(rooms.values(), first, strict=True)]
    more = share_out(rest, total - sum(first))
    return dict(zip(rooms, map(add, first, more), strict=True))


class Admission:
    """Admits batches within their carrier's budget and capacity; accounts have equal shares."""

    def __init__(
        self,
        store: PollStore,
        *,
        carriers: Carriers,
        throttle: CarrierThrottle,
        concurrency: CarrierConcurrency,
        finder: CandidateFinder,
    ) -> None:
        """All collaborators come in."""
        self._store = store
        self._carriers = carriers
        self._throttle = throttle
        self._concurrency = concurrency
        self._finder = finder

    async def admit(self, batches: Sequence[PollBatch], now: Instant) -> list[PollBatch]:
        """Return what may begin of ``batches``, each small enough for one conversation.

        The others are deferred. All are of one budget.
        """
        policy = batches[0].policy
        assert policy is not None  # noqa: S101  # who has none needs no budget
        pause = await self._throttle.pause_of(policy, now)
        if pause is not None:
            for batch in batches:
                await self._drop_probes(batch, batch.ids, now)
            await self._store.postpone_polls(
                [one for batch in batches for one in batch.ids if one not in batch.probes],
                due_at=pause.until,
                due_reason=f"the carrier is paused: {pause.reason}"[:300],
                at=now,
            )
            return []
        size = policy.batch_size
        wanted: Counter[int] = Counter()
        missed: Counter[int] = Counter()
        for batch in batches:
            wanted[batch.account] += -(-len(batch.ids) // size)
            missed[batch.account] += -(-batch.missed // size)
        rooms = self._concurrency.capacity(policy, wanted)
        admitted = await self._throttle.admit(policy, sum(rooms.values()) * size, now)
        left = shares(rooms, missed, -(-admitted // size))
        begun: list[PollBatch] = []
        for batch in batches:
            count = min(left[batch.account], -(-len(batch.ids) // size))
            left[batch.account] -= count
            begun += [
                replace(batch, ids=batch.ids[start : start + size])
                for start in range(0, count * size, size)
            ]
            await self.defer(batch, batch.ids[count * size :], now)
        return begun

    async def defer(self, batch: PollBatch, ids: Sequence[str], now: Instant) -> None:
        """Give back, each with a turn of its own in the carrier's budget.

        Who has missed a turn has the next ones, before those that wait for their first. Probes
        wait for no turn: they are dropped.
        """
        assert batch.policy is not None  # noqa: S101  # who has none needs no budget
        await self._drop_probes(batch, ids, now)
        ids = [one for one in ids if one not in batch.probes]
        for is_again, reason in ((True, MISSED), (False, QUEUED)):
            some = [one for one in ids if (one in batch.queued) is is_again]
            turns = self._concurrency.schedule_deferred(
                batch.policy, some, now, account=batch.account, is_again=is_again
            )
            await asyncio.gather(
                *(
                    self._store.postpone_polls(group, due_at=at, due_reason=reason, at=now)
                    for at, group in turns
                )
            )

    async def _drop_probes(self, batch: PollBatch, ids: Sequence[str], now: Instant) -> None:
        """Give probes back: while a candidate cannot be asked, the own courier is, every cycle."""
        by_courier: dict[str, list[str]] = defaultdict(list)
        for one in ids:
            if one in batch.probes:
                by_courier[batch.probes[one]].append(one)
        for courier_code, probed in by_courier.items():
            policy = await self._carriers.policy(batch.world_id, courier_code)
            await self._store.postpone_polls(
                probed,
                due_at=now + self._finder.cycle(policy),
                due_reason=probe_reason(batch.courier_code),
            )

    async def set_aside(
        self, batch: PollBatch, loaded: Sequence[Stored], now: Instant, wait: Instant
    ) -> None:
        """Leave alone for ``wait`` what was claimed and cannot be read; ``loaded`` could be.

        Claimed again and again, it would stand in front of all others. What was deleted meanwhile
        is gone, and costs no budget either.
        """
        readable = {one.tracking.id for one in loaded}
        unreadable = [one for one in batch.ids if one not in readable]
        await self._store.postpone_polls(
            unreadable, due_at=now + wait, due_reason=UNREADABLE, at=now
        )
        if batch.policy is not None:
            await self._throttle.give_back(batch.policy, len(unreadable))
