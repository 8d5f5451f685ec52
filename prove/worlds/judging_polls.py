"""Whether carriers were asked as they want to be, and every live tracking is asked about again."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND
from parcelwire.domain.report import Outcome
from parcelwire.polling.budget import burst, refill
from parcelwire.polling.worker import LONGEST_WAIT
from parcelwire.tracking.ports import CarrierPolicy, Stored
from prove.worlds.crowds import judge_crowd
from prove.worlds.ledger import Ask
from prove.worlds.process import Ground

LONGEST_SILENCE: Final = 36 * HOUR
"""No plan leaves a live parcel alone for longer: once a day, a tenth more, and a night."""

TOLERANCE: Final = 0.01
"""Of a budget, what clocks that go too slow may add to it."""

WAITING: Final = 10 * SECOND
"""How long a question that was let through may wait for its place."""

LONGEST_ANSWER: Final = 14 * SECOND
"""A carrier that takes longer is no healthy one."""

_TROUBLE: Final = {Outcome.UNAVAILABLE, Outcome.RATE_LIMITED, Outcome.AUTH_FAILED}


def judge_due(ground: Ground, stored: Stored) -> list[str]:
    """A tracking that is followed has a due time; one that is not has a reason."""
    tracking, poll = stored.tracking, stored.poll
    name = f"tracking {tracking.id} ({tracking.number})"
    now = ground.clock.now()
    found = []
    if tracking.is_stopped:
        if not tracking.stopped_reason:
            found.append(f"{name}: stopped without a reason")
        if poll.due_at is not None:
            found.append(f"{name}: stopped ({tracking.stopped_reason}) and still due")
        return found
    if poll.due_at is None:
        return [f"{name}: is followed ({tracking.status}) and never due again"]
    if poll.due_at > now + LONGEST_WAIT:
        found.append(f"{name}: is due only in {(poll.due_at - now) / DAY:.1f} days")
    if not poll.due_reason:
        found.append(f"{name}: nobody says why it is due then")
    if tracking.courier_code in ground.carriers.policies:
        asked = [one.at for one in ground.ledger.asks if tracking.number in one.numbers]
        true_now = ground.ledger.now()
        last = max(asked, default=0)
        if true_now - last > LONGEST_SILENCE:
            found.append(f"{name}: was not asked about for {(true_now - last) / HOUR:.0f} hours")
    return found


def judge_asks(ground: Ground) -> list[str]:
    """Budgets are kept, outages back off, and no two ask about one parcel at a time."""
    found = []
    by_customer: dict[tuple[str, str], list[Ask]] = defaultdict(list)
    by_courier: dict[str, list[Ask]] = defaultdict(list)
    for ask in ground.ledger.asks:
        by_customer[ask.courier, ask.budget_key].append(ask)
        by_courier[ask.courier].append(ask)
    for (code, key), asks in by_customer.items():
        policy = replace(ground.carriers.policies[code], budget_key=key)
        found += _judge_minutes(ground, policy, asks)
        found += _judge_days(policy, asks)
        for start, end, kind in ground.carriers.weather[code]:
            if kind == "outage":
                during = [one for one in asks if start <= one.at < end]
                found += _judge_outage(ground, policy, during, start, end)
    for code, asks in by_courier.items():
        found += _judge_leases(ground, code, asks)
    found += _judge_pauses(ground, by_courier)
    return found + judge_crowd(ground.plan, ground.carriers, ground.ledger)


def _judge_pauses(ground: Ground, by_courier: dict[str, list[Ask]]) -> list[str]:
    """No carrier is to blame that has answered: what we wait for ourselves is no outage."""
    found = []
    for at, key, why in ground.ledger.pauses:
        code = key.partition(":")[0]
        if not any(_is_trouble(ask) for ask in by_courier[code] if _ends_near(ask, at)):
            found.append(f"{key} was paused at {at} ({why}), and has answered all questions")
    return found


def _is_trouble(ask: Ask) -> bool:
    return ask.outcome in _TROUBLE or (
        # Broken off: it took longer than it may.
        ask.outcome is None and ask.ended_at is not None and ask.ended_at - ask.at > LONGEST_ANSWER
    )


def _ends_near(ask: Ask, at: int) -> bool:
    return ask.ended_at is not None and at - MINUTE <= ask.ended_at <= at


def _judge_minutes(ground: Ground, policy: CarrierPolicy, asks: list[Ask]) -> list[str]:
    """Over any time at most a full bucket and what flows into it; a jump may fill it anew."""
    flow = refill(policy.requests_per_minute) * (1 + TOLERANCE) / MINUTE
    full = burst(policy.requests_per_minute)
    most = full + 1 + flow * WAITING
    ledger = ground.ledger
    filled = sorted([at for at, _ in ledger.jumps])
    level = 0.0
    before = 0
    for place, ask in enumerate(asks):
        # Who was let through just before a jump, and who just after it.
        jumps = sum(before <= at + WAITING and at <= ask.at for at in filled)
        level = max(0.0, level - flow * (ask.at - before) - 2 * full * jumps) + ask.conversations
        before = ask.at
        if any(start <= ask.at <= end for start, end in ledger.wrong_clocks):
            level = 0.0
        if level > most:
            return [
                f"{policy.budget_key}: conversations came faster than its budget, by"
                f" {level - most:.1f} (ending with question {place})"
            ]
    return []


def _judge_days(policy: CarrierPolicy, asks: list[Ask]) -> list[str]:
    """As many a day as the carrier allows, by the date that the service's clock shows."""
    if policy.requests_per_day is None or not asks:
        return []
    total = asks[0].conversations
    for before, ask in pairwise(asks):
        # A question may wait some seconds, and be asked on the next day.
        if (before.wall - WAITING) // DAY != ask.wall // DAY:
            total = 0
        total += ask.conversations
        if total > policy.requests_per_day + policy.requests_per_minute:
            return [f"{policy.budget_key}: {total} conversations in one day"]
    return []


def _judge_leases(ground: Ground, code: str, asks: list[Ask]) -> list[str]:
    """Nobody asks about a parcel while somebody else does."""
    found = []
    latest: dict[tuple[str, int], Ask] = {}
    for ask in asks:
        for one in ask.trackings:
            before = latest.get(one)
            if (
                before is not None
                and (before.ended_at is None or ask.at < before.ended_at)
                and not ground.ledger.may_have_lost_leases(before.at, ask.at)
            ):
                found.append(
                    f"{code}: {one[0]} was asked about twice, at {before.at} by {before.by} and at"
                    f" {ask.at} by {ask.by}"
                )
            latest[one] = ask
    return found


def _judge_outage(
    ground: Ground, policy: CarrierPolicy, asks: list[Ask], start: int, end: int
) -> list[str]:
    """While nothing is answered, questions grow rare: after the first minutes, one an hour."""
    later = [one for one in asks if one.at >= start + 2 * MINUTE]
    jumps = sum(start <= at < end for at, _ in ground.ledger.jumps)
    deaths = sum(start <= at < end for at in ground.ledger.deaths)
    # Half a minute, doubled up to an hour: eight steps, then hours. Each process tries by itself
    # whether the carrier is back; a new one, and a clock that moved, begin anew. Some outages name
    # a time within the hour.
    rounds = 8 + 1.5 * (end - start) / HOUR
    allowed = (ground.plan.processes + deaths) * rounds * (1 + jumps) + policy.requests_per_minute
    count = sum(one.outcome is Outcome.UNAVAILABLE for one in later)
    if count > allowed:
        return [
            f"{policy.budget_key}: {count} questions during an outage of"
            f" {(end - start) / HOUR:.1f} hours, from {start}"
        ]
    return []
