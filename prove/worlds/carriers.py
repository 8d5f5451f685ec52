"""Simulated carriers: they answer from the parcels' lives, through bad weather.

    gateway (the real one) -> WorldConnector -> Line -> Carriers -> parcels' lives

In fair weather an answer holds everything that is known, once, oldest first. In bad weather it is
shuffled, repeats itself, leaves things out or is a copy of some hours ago; or there is none.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from parcelwire.connectors.base import Connector, Manifest, Request, Response, Transport
from parcelwire.connectors.catalogue import Catalogue, Entry
from parcelwire.connectors.gateway import Gateway
from parcelwire.connectors.transport import Limits
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import HOUR, Clock
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.ports import CarrierPolicy
from prove.worlds import disk
from prove.worlds.connector import CREDENTIAL, Asked, Said, WorldConnector
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
    "outage": (Outcome.UNAVAILABLE, 503),
    "rate limit": (Outcome.RATE_LIMITED, 429),
    "auth failure": (Outcome.AUTH_FAILED, 401),
    "nonsense": (Outcome.NOT_UNDERSTOOD, 200),
}
_SLOW_SECONDS: Final = 40.0


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
            budget_key=code,
            batch_size=chance.choice((1, 1, 5)),
            requests_per_minute=chance.choice((2, 6, 60)),
            requests_per_day=chance.choice((None, None, 200)),
            home_zone="Europe/Zurich",
            quiet_from_hour=22 if has_nights else 0,
            quiet_to_hour=5 if has_nights else 0,
        )

    def catalogue(self) -> Catalogue:
        """Return the connectors to these carriers."""
        connectors = [WorldConnector(_manifest_of(one)) for one in self.policies.values()]
        return Catalogue([Entry(one.manifest, "world", _giving(one)) for one in connectors])

    def life(self, courier: str, number: str) -> Life | None:
        """Return the life of a parcel that this courier has."""
        if self.couriers_of.get(number) != courier:
            return None
        key = courier, number
        if key not in self._lives:
            self._lives[key] = life_of(f"{self._plan.seed} {number}", self._plan.active)
        return self._lives[key]

    def spell_at(self, courier: str, at: int) -> str:
        """Return what weather a carrier has at a true time; empty: fair."""
        if self._plan.is_quiet_at(at):
            return ""
        for start, end, kind in self.weather[courier]:
            if start <= at < end:
                return kind
        return ""

    async def answer(self, line: Line, request: Request, limits: Limits) -> Response:
        """Answer one request."""
        courier = request.url.removeprefix("https://").partition(".")[0]
        asked = msgspec.json.decode(request.body, type=list[Asked])
        ask = Ask(
            at=self._clock.true_ms(),
            courier=courier,
            budget_key=f"{courier}/{request.headers['authorization']}",
            wall=line.clock.now(),
            numbers=tuple(one.number for one in asked),
            trackings=tuple((one.number, one.created_at) for one in asked),
            conversations=1,
            by=line.by,
        )
        self._ledger.asks.append(ask)
        self._ledger.note("ask", line.by, ask.budget_key, *ask.numbers)
        kind = self.spell_at(courier, ask.at)
        is_late = False
        try:
            async with asyncio.timeout(limits.timeout_seconds):
                await asyncio.sleep(self._duration(kind))
        except TimeoutError:
            is_late = True
        finally:
            # Also when the asker dies or gives up.
            ask.ended_at = self._clock.true_ms()
        if not line.living.point("carrier asked"):
            line.living.check()
        if kind:
            self._ledger.fault(f"carrier: {kind}", courier)
        if is_late:
            ask.outcome = Outcome.UNAVAILABLE
            return Response(status=0, fault="timeout", received_at=line.clock.now())
        if kind in _MEANS:
            ask.outcome, status = _MEANS[kind]
            return self._refusal(kind, status, line)
        said = [self._said(courier, one.number) for one in asked]
        is_known = any(one.is_known for one in said)
        ask.outcome = Outcome.FOUND if is_known else Outcome.UNKNOWN_NUMBER
        self._ledger.note("answer", line.by, *((one.number, one.is_known) for one in said))
        return Response(status=200, body=msgspec.json.encode(said), received_at=line.clock.now())

    def _duration(self, kind: str) -> float:
        if kind == "slow":
            return self._chance.random() * _SLOW_SECONDS
        crowd = self._plan.crowd
        if crowd is not None and self._plan.is_crowded_at(self._clock.true_ms()):
            return self._chance.random() * crowd.slowest_seconds
        return self._chance.random() * self._chance.choice((0.3, 3.0))

    def _refusal(self, kind: str, status: int, line: Line) -> Response:
        self._ledger.note("answer", line.by, kind)
        headers = {}
        if kind == "rate limit" or (kind == "outage" and self._chance.random() < 0.3):
            headers["retry-after"] = str(self._chance.randint(60, 3_600))
        body = b"<html>busy</html>" if kind == "nonsense" else b""
        return Response(status=status, headers=headers, body=body, received_at=line.clock.now())

    def _said(self, courier: str, number: str) -> Said:
        now = self._clock.true_ms()
        life = self.life(courier, number)
        if life is None or now < life.known_at:
            return Said(number=number)
        is_untidy = now < self._plan.active and self._chance.random() < self._untidiness
        checkpoints = self._untidy(life, now) if is_untidy else life.checkpoints_at(now)
        return Said(
            number=number,
            is_known=True,
            checkpoints=tuple(checkpoints),
            facts=life.facts,
            window=life.window_at(now),
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


class Line:
    """The way from one process to the carriers; implements ``connectors.gateway.Sender``."""

    def __init__(self, carriers: Carriers, by: str, clock: Clock, living: disk.Life) -> None:
        """``by`` names the process, ``clock`` is its."""
        self._carriers = carriers
        self.by = by
        self.clock = clock
        self.living = living

    async def send(self, request: Request, limits: Limits) -> Response:
        """See ``connectors.gateway.Sender``."""
        self.living.check()
        return await self._carriers.answer(self, request, limits)


class HeardCarriers:
    """The gateway of one process; the ledger is told what it brought.

    Implements ``tracking.ports.Carriers``.
    """

    def __init__(self, gateway: Gateway, ledger: Ledger) -> None:
        """``gateway`` does all the work."""
        self._gateway = gateway
        self._ledger = ledger
        self.policy = gateway.policy
        self.phrase = gateway.phrase

    async def fetch(
        self, world_id: int, courier_code: str, trackings: Sequence[Tracking]
    ) -> list[CarrierReport | None]:
        """See ``tracking.ports.Carriers``."""
        reports = await self._gateway.fetch(world_id, courier_code, trackings)
        for tracking, report in zip(trackings, reports, strict=True):
            if report is not None and report.outcome is Outcome.FOUND:
                self._ledger.given[tracking.id].append(
                    Given(self._ledger.now(), courier_code, report.checkpoints)
                )
        return reports


def _manifest_of(policy: CarrierPolicy) -> Manifest:
    transports = [
        Transport(
            name=name,
            is_official=name == "api",
            credential_fields=(CREDENTIAL,) if name == "api" else (),
            batch_size=policy.batch_size,
            requests_per_minute=policy.requests_per_minute,
            requests_per_day=policy.requests_per_day,
        )
        for name in ("api", "web")
    ]
    return Manifest(
        code=policy.connector,
        courier_codes=(policy.connector,),
        name=policy.connector,
        home_zone=policy.home_zone,
        home_country="CH",
        languages=("en",),
        transports=tuple(transports),
        quiet_from_hour=policy.quiet_from_hour,
        quiet_to_hour=policy.quiet_to_hour,
    )


def _giving(connector: WorldConnector) -> Callable[[], Connector]:
    return lambda: connector
