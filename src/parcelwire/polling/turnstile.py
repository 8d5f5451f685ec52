"""Lets questions through to a carrier.

Within its budget, outside its pauses, the same for all processes.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from parcelwire.domain.clock import HOUR, MINUTE, SECOND, Clock, Instant
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.polling.ports import Pause, PollStore
from parcelwire.tracking.ports import CarrierPolicy

log = logging.getLogger(__name__)

LONGEST_PAUSE: Final = HOUR
PAUSES_CACHE: Final = SECOND
"""How long the table of pauses is believed; pauses are minutes long."""


class CarrierTurnstile:
    """Implements ``tracking.ports.Turnstile`` on the store's shared budgets and pauses."""

    def __init__(self, store: PollStore, clock: Clock) -> None:
        """Share budgets through ``store``."""
        self._store = store
        self._clock = clock
        self._pauses: dict[str, Pause] = {}
        self._read_at: Instant | None = None

    async def pause_of(self, policy: CarrierPolicy, now: Instant) -> Pause | None:
        """Return the pause that keeps this carrier from being asked now, or None."""
        pause = (await self._known_pauses(now)).get(policy.budget_key)
        # A pause that reaches further than any we set was written by a clock that has jumped back
        # since.
        if pause is None or not now < pause.until <= now + 25 * LONGEST_PAUSE:
            return None
        return pause

    async def admit(self, policy: CarrierPolicy, wanted: int, now: Instant) -> int:
        """Return how many numbers of ``wanted`` may be asked about now; they count as asked."""
        if wanted <= 0 or await self.pause_of(policy, now) is not None:
            return 0
        conversations = -(-wanted // policy.batch_size)
        granted = await self._store.take_budget(
            policy.budget_key,
            now=now,
            wanted=conversations,
            per_minute=policy.requests_per_minute,
            per_day=policy.requests_per_day,
        )
        return min(wanted, granted * policy.batch_size)

    async def note(
        self, policy: CarrierPolicy, reports: Sequence[CarrierReport], now: Instant
    ) -> None:
        """Pause the carrier after an outage, a rate limit or refused credentials.

        End the pause after a good answer.
        """
        known = (await self._known_pauses(now)).get(policy.budget_key)
        trouble = next((report for report in reports if report.outcome in _TROUBLE), None)
        if trouble is None:
            if known is not None and any(report.outcome in _HEALTHY for report in reports):
                await self._set(policy.budget_key, None)
                log.info(
                    "%s answers again after %d s",
                    policy.budget_key,
                    (now - known.since) // SECOND,
                )
            return
        failures = known.failures + 1 if known is not None else 1
        pause = Pause(
            until=_until(trouble, failures, now),
            failures=failures,
            why=trouble.detail or trouble.outcome,
            since=known.since if known is not None else now,
        )
        await self._set(policy.budget_key, pause)
        if known is None:
            log.warning("%s is paused: %s", policy.budget_key, pause.why)

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


def _until(report: CarrierReport, failures: int, now: Instant) -> Instant:
    if report.outcome is Outcome.AUTH_FAILED:
        return now + LONGEST_PAUSE
    back_off = min(LONGEST_PAUSE, (MINUTE // 2) << min(failures - 1, 10))
    if report.retry_at is not None:
        return max(now + SECOND, min(report.retry_at, now + 24 * HOUR))
    return now + back_off
