"""Simulated carriers: they answer from the parcels' lives, through bad weather.

In fair weather an answer holds everything that is known, once, oldest first. In bad weather it is
shuffled, repeats itself, leaves things out or is a copy of some hours ago; or there is none.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import HOUR, MINUTE
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.ports import CarrierPolicy
from prove.worlds import disk
from prove.worlds.ledger import Ask, Given, Ledger
from prove.worlds.lives import Life, life_of
from prove.worlds.sky import Plan, WorldClock, spells

FIRST: Final = "swiss-post"
SECOND: Final = "poste-italiane"
NOBODY: Final = "ups"
"""A courier that no connection leads to."""

_WEATHER: Final = {
    "outage": 5.0,
    "rate limit": 3.0,
    "auth failure": 1.0,
    "nonsense": 2.0,
    "slow": 2.0,
}
_MEANS: Final = {
    "outage": Outcome.UNAVAILABLE,
    "rate limit": Outcome.RATE_LIMITED,
    "auth failure": Outcome.AUTH_FAILED,
    "nonsense": Outcome.NOT_UNDERSTOOD,
}


class Carriers:
    """All carriers of a world."""

    def __init__(self, plan: Plan, clock: WorldClock, ledger: Ledger) -> None:
        """Draw their manners and their weather from the plan's seed."""
        self._plan = plan
        self._clock = clock
        self._ledger = ledger
        self._chance = random.Random(f"carriers {plan.seed}")  # repeatable
        self._lives: dict[tuple[str, str], Life] = {}
        self.couriers_of: dict[str, str] = {}
        """Which courier really carries a number."""
        couriers = (FIRST, SECOND) if plan.has_second_courier else (FIRST,)
        self.policies = {code: self._policy_of(code) for code in couriers}
        self.weather = {
            code: spells(self._chance, plan.active, _WEATHER, most=4, longest=12 * 3_600)
            for code in couriers
        }
        self._untidiness = self._chance.choice((0.0, 0.2, 0.6))

    def _policy_of(self, code: str) -> CarrierPolicy:
        chance = self._chance
        has_nights = chance.random() < 0.3
        return CarrierPolicy(
            connector=code,
            budget_key=f"{code}/1",
            batch_size=chance.choice((1, 1, 5)),
            requests_per_minute=chance.choice((2, 6, 60)),
            requests_per_day=chance.choice((None, None, 200)),
            home_zone="Europe/Zurich",
            quiet_from_hour=22 if has_nights else 0,
            quiet_to_hour=5 if has_nights else 0,
        )

    def life(self, courier: str, number: str) -> Life | None:
        """Return the life of a parcel that this courier has."""
        if self.couriers_of.get(number) != courier:
            return None
        key = courier, number
        if key not in self._lives:
            self._lives[key] = life_of(f"{self._plan.seed} {number}", self._plan.active)
        return self._lives[key]

    def at_door(self, by: str, living: disk.Life) -> CarriersDoor:
        """Return the carriers as one part of one process sees them."""
        return CarriersDoor(self, by, living)

    async def answer(
        self, by: str, living: disk.Life, courier: str, trackings: Sequence[Tracking]
    ) -> list[CarrierReport]:
        """Hold the conversations about ``trackings``."""
        policy = self.policies[courier]
        ask = Ask(
            at=self._clock.true_ms(),
            budget_key=policy.budget_key,
            wall=self._clock.now(),
            numbers=tuple(tracking.number for tracking in trackings),
            conversations=-(-len(trackings) // policy.batch_size),
            by=by,
        )
        self._ledger.asks.append(ask)
        self._ledger.note("ask", by, courier, *ask.numbers)
        kind = self._spell(courier)
        slowest = 40.0 if kind == "slow" else self._chance.choice((0.3, 3.0))
        try:
            await asyncio.sleep(self._chance.random() * slowest)
        finally:
            # Also when the asker dies or gives up.
            ask.ended_at = self._clock.true_ms()
        if not living.point("carrier asked"):
            living.check()
        reports = [self._report(courier, tracking, kind) for tracking in trackings]
        ask.outcome = reports[0].outcome
        if kind:
            self._ledger.fault(f"carrier: {kind}", courier)
        for tracking, report in zip(trackings, reports, strict=True):
            self._ledger.note("answer", by, tracking.number, report.outcome.value)
            if report.outcome is Outcome.FOUND:
                self._ledger.given[tracking.id].append(
                    Given(self._clock.true_ms(), courier, report.checkpoints)
                )
        return reports

    def _spell(self, courier: str) -> str:
        now = self._clock.true_ms()
        for start, end, kind in self.weather[courier]:
            if start <= now < end:
                return kind
        return ""

    def _report(self, courier: str, tracking: Tracking, kind: str) -> CarrierReport:
        now = self._clock.true_ms()
        base = CarrierReport(
            number=tracking.number,
            outcome=Outcome.UNKNOWN_NUMBER,
            fetched_at=self._clock.now(),
            connector=courier,
        )
        if kind in _MEANS:
            retry_at = None
            if kind == "rate limit" or (kind == "outage" and self._chance.random() < 0.3):
                retry_at = self._clock.now() + self._chance.randint(MINUTE, HOUR)
            raw = b"<html>busy</html>" if kind == "nonsense" else b""
            return replace(base, outcome=_MEANS[kind], retry_at=retry_at, detail=kind, raw=raw)
        life = self.life(courier, tracking.number)
        if life is None or now < life.known_at:
            return base
        is_untidy = now < self._plan.active and self._chance.random() < self._untidiness
        checkpoints = self._untidy(life, now) if is_untidy else life.checkpoints_at(now)
        return replace(
            base,
            outcome=Outcome.FOUND,
            checkpoints=tuple(checkpoints),
            facts=life.facts,
            window=life.window_at(now),
            raw=b'{"found": true}',
        )

    def _untidy(self, life: Life, now: int) -> list[Checkpoint]:
        chance = self._chance
        how = chance.choice(("repeat", "shuffle", "gap", "old"))
        self._ledger.fault(f"answer: {how}")
        if how == "old":
            return life.checkpoints_at(now - chance.randrange(6 * HOUR))
        known = life.checkpoints_at(now)
        if how == "repeat" and known:
            known += chance.choices(known, k=chance.randint(1, 4))
        elif how == "gap" and known:
            known = chance.sample(known, chance.randrange(len(known)))
        if how != "old":
            chance.shuffle(known)
        return known


class CarriersDoor:
    """The carriers as one part of one process sees them. Implements ``tracking.ports.Carriers``."""

    def __init__(self, carriers: Carriers, by: str, living: disk.Life) -> None:
        """``by`` names process and part."""
        self._carriers = carriers
        self._by = by
        self._living = living

    async def policy(self, world_id: int, courier_code: str) -> CarrierPolicy | None:
        """See ``tracking.ports.Carriers``."""
        return self._carriers.policies.get(courier_code)

    async def ask(
        self, world_id: int, courier_code: str, trackings: Sequence[Tracking]
    ) -> list[CarrierReport]:
        """See ``tracking.ports.Carriers``."""
        self._living.check()
        return await self._carriers.answer(self._by, self._living, courier_code, trackings)

    def phrase(self, courier_code: str, raw_code: str, language: str) -> str | None:
        """See ``tracking.ports.Carriers``."""
        return None
