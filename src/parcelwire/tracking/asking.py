"""Asking a carrier within a time limit, and letting everybody learn from what it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from parcelwire.domain.clock import Clock
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.ports import CarrierPolicy, Carriers, TrackingStore, Turnstile


class Asker:
    """Asks about trackings that were let through; pauses and gaps are noted here, once."""

    def __init__(
        self,
        store: TrackingStore,
        *,
        carriers: Carriers,
        turnstile: Turnstile,
        clock: Clock,
        timeout_seconds: float,
    ) -> None:
        """A conversation is broken off after ``timeout_seconds`` of real time."""
        self._store = store
        self._carriers = carriers
        self._turnstile = turnstile
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    async def ask(
        self,
        world_id: int,
        courier_code: str,
        trackings: Sequence[Tracking],
        policy: CarrierPolicy,
    ) -> list[CarrierReport]:
        """Return one report per tracking, in the same order; a timeout is an outage."""
        asked_at = self._clock.now()
        try:
            reports = await asyncio.wait_for(
                self._carriers.ask(world_id, courier_code, trackings), self._timeout_seconds
            )
        except TimeoutError:
            reports = [
                CarrierReport(
                    number=tracking.number,
                    outcome=Outcome.UNAVAILABLE,
                    detail=f"no answer within {self._timeout_seconds:g} s",
                    fetched_at=self._clock.now(),
                    connector=policy.connector,
                )
                for tracking in trackings
            ]
        now = self._clock.now()
        duration_ms = max(0, now - asked_at)
        reports = [replace(one, asked_at=asked_at, duration_ms=duration_ms) for one in reports]
        await self._turnstile.note(policy, reports, now)
        for report in reports:
            if report.gaps:
                await self._store.add_gaps(report.connector, report.gaps, report.fetched_at)
        return reports
