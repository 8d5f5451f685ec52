"""Admits questions to a carrier within its budget and outside its pauses, for all processes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from parcelwire.domain.clock import HOUR, MINUTE, SECOND, Clock, Instant
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.polling.ports import Pause, PollStore
from parcelwire.tracking.ports import CarrierPolicy

log = logging.getLogger(__name__)

LONGEST_PAUSE: Final = HOUR
LONGEST_NAMED: Final = 24 * HOUR
"""A longer time that a carrier names (``Retry-After``) is not believed."""
HALF_OPEN: Final = MINUTE // 2
"""How long one question has to find out whether a carrier is back."""
PAUSES_CACHE: Final = SECOND
"""How long the table of pauses is believed; pauses are minutes long."""


class CarrierThrottle:
    """Implements ``tracking.ports.Throttle`` on the store's shared budgets and pauses."""

    def __init__(self, store: PollStore, clock: Clock) -> None:
        """Share budgets through ``store``."""
        self._store = store
        self._clock = clock
        self._pauses: dict[str, Pause] = {}
        self._read_at: Instant | None = None
        self._half_open_at: dict[str, Instant] = {}

    async def pause_of(self, policy: CarrierPolicy, now: Instant) -> Pause | None:
        """Return the pause that keeps this carrier from being asked now, or None."""
        pause = (await self._known_pauses(now)).get(policy.budget_key)
        return pause if pause is not None and _is_live(pause, now) else None

    async def admit(self, policy: CarrierPolicy, wanted: int, now: Instant) -> int:
        """Return how many numbers of ``wanted`` may be asked about now; they count as asked.

        After a pause one conversation finds out whether the carrier is back; until it has, nobody
        else in this process is let through.
        """
        if wanted <= 0:
            return 0
        key = policy.budget_key
        pause = (await self._known_pauses(now)).get(key)
        if pause is not None:
            if (
                _is_live(pause, now)
                or 0 <= now - self._half_open_at.get(key, -HALF_OPEN) < HALF_OPEN
            ):
                return 0
            wanted = min(wanted, policy.batch_size)
        conversations = -(-wanted // policy.batch_size)
        granted = await self._store.take_budget(
            key,
            now=now,
            wanted=conversations,
            per_minute=policy.requests_per_minute,
            per_day=policy.requests_per_day,
        )
        if pause is not None and granted:
            self._half_open_at[key] = now
        return min(wanted, granted * policy.batch_size)

    async def give_back(self, policy: CarrierPolicy, numbers: int) -> None:
        """Take back what ``admit`` granted for numbers that were not asked about after all."""
        conversations = -(-numbers // policy.batch_size)
        await self._store.return_budget(
            policy.budget_key, count=conversations, per_minute=policy.requests_per_minute
        )
        # Nobody has found out yet whether a carrier that was paused is back.
        self._half_open_at.pop(policy.budget_key, None)

    async def record_results(
        self, policy: CarrierPolicy, reports: Sequence[CarrierReport], now: Instant
    ) -> None:
        """Pause the carrier after an outage, a rate limit or refused credentials.

        End the pause after a good answer.
        """
        key = policy.budget_key
        known = (await self._known_pauses(now)).get(key)
        trouble = _trouble_of(reports)
        if trouble is None:
            if known is not None and any(report.outcome in _HEALTHY for report in reports):
                await self._set(key, None)
                log.info("%s answers again after %d s", key, (now - known.since) // SECOND)
            return
        self._half_open_at.pop(key, None)
        if known is not None and _is_live(known, now):
            # Asked before the pause began: the same trouble, not one more. Only a later time that
            # the carrier names itself counts.
            until = max(known.until, _named_time(trouble, now) or 0)
            pause = replace(known, until=until)
        else:
            failures = known.failures + 1 if known is not None else 1
            pause = Pause(
                until=_until(trouble, failures, now),
                failures=failures,
                reason=trouble.detail or trouble.outcome,
                since=known.since if known is not None else now,
            )
        if pause != known:
            await self._set(key, pause)
        if known is None:
            log.warning("%s is paused: %s", key, pause.reason)

    async def _known_pauses(self, now: Instant) -> dict[str, Pause]:
        if self._read_at is None or not 0 <= now - self._read_at < PAUSES_CACHE:
            self._pauses = await self._store.pauses()
            self._read_at = now
        return self._pauses

    async def _set(self, key: str, pause: Pause | None) -> None:
        await self._store.set_pause(key, pause)
        if pause is None:
            self._pauses.pop(key, None)
        else:
            self._pauses[key] = pause


_TROUBLE: Final = {Outcome.UNAVAILABLE, Outcome.RATE_LIMITED, Outcome.AUTH_FAILED}
_HEALTHY: Final = {Outcome.FOUND, Outcome.UNKNOWN_NUMBER, Outcome.INVALID_NUMBER}


def _is_live(pause: Pause, now: Instant) -> bool:
    # One that began later than now, or reaches further than any we set, was written by a clock
    # that has jumped back since.
    return now < pause.until <= now + LONGEST_NAMED + HOUR and pause.since <= now + MINUTE


def _trouble_of(reports: Sequence[CarrierReport]) -> CarrierReport | None:
    """Return the report that makes the carrier pause, if any.

    A number that the carrier stumbles over beside others that it answers is no outage.
    """
    is_healthy = any(report.outcome in _HEALTHY for report in reports)
    for report in reports:
        if report.outcome in _TROUBLE and not (
            is_healthy and report.outcome is Outcome.UNAVAILABLE
        ):
            return report
    return None


def _named_time(report: CarrierReport, now: Instant) -> Instant | None:
    if report.retry_at is None:
        return None
    return max(now + SECOND, min(report.retry_at, now + LONGEST_NAMED))


def _until(report: CarrierReport, failures: int, now: Instant) -> Instant:
    named = _named_time(report, now)
    if named is not None:
        return named
    if report.outcome is Outcome.AUTH_FAILED:
        return now + LONGEST_PAUSE
    return now + min(LONGEST_PAUSE, (MINUTE // 2) << min(failures - 1, 10))
