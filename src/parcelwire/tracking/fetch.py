"""Fetching from a carrier within a time limit, and letting everybody learn from its reports."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from parcelwire.domain.clock import Clock
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.ports import CarrierPolicy, Carriers, Throttle, TrackingStore

SLOT_SECONDS: Final = 2.0
"""How long a question waits for its slot among the conversations with its carrier, at most."""


class Fetcher:
    """Fetches reports on trackings that were admitted; pauses and gaps are noted here, once."""

    def __init__(
        self,
        store: TrackingStore,
        *,
        carriers: Carriers,
        throttle: Throttle,
        clock: Clock,
        timeout_seconds: float,
    ) -> None:
        """Whatever happens, waiting for ``carriers`` ends after ``timeout_seconds`` of real time.

        They break off their conversations by themselves, counted from where each begins: what is
        waited for before is our own queue, and no fault of the carrier's.
        """
        self._store = store
        self._carriers = carriers
        self._throttle = throttle
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    async def fetch(
        self,
        world_id: int,
        courier_code: str,
        trackings: Sequence[Tracking],
        policy: CarrierPolicy,
    ) -> list[CarrierReport | None]:
        """Return one report per tracking, in the same order; a timeout is an outage.

        ``courier_code`` is asked, whichever courier a tracking has. None: it could not be asked
        about now, for want of a slot. It costs no budget, and says nothing about the carrier.
        """
        trackings = [
            one if one.courier_code == courier_code else replace(one, courier_code=courier_code)
            for one in trackings
        ]
        asked_at = self._clock.now()
        answers: Sequence[CarrierReport | None]
        try:
            answers = await asyncio.wait_for(
                self._carriers.fetch(world_id, courier_code, trackings), self._timeout_seconds
            )
        except TimeoutError:
            answers = [
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
        answers = [
            None if one is None else replace(one, asked_at=asked_at, duration_ms=duration_ms)
            for one in answers
        ]
        reports = [one for one in answers if one is not None]
        if len(reports) < len(answers):
            await self._throttle.give_back(policy, len(answers) - len(reports))
        if reports:
            await self._throttle.record_results(policy, reports, now)
        for report in reports:
            if report.unmapped:
                await self._store.add_unmapped_codes(
                    report.connector, report.unmapped, report.fetched_at
                )
        return answers
