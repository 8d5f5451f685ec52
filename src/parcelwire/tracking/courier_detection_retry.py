"""Who else could know a number that its own courier does not know, and when they are asked.

    own courier: "unknown", twice in a row -> CandidateFinder: who else? -> a probe is due
        -> the poll worker asks the candidate -> ``courier_correction`` applies its report

A probe is a due poll like any other (claimed, leased, stored with its due time), only that another
courier is asked. Nobody is asked who was refused by hand, who has no way to be asked, who wants a
field that is not there, or who would go through the connector that has answered already.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from parcelwire.couriers.detection import Candidate, Detector
from parcelwire.couriers.registry import Registry
from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND, Instant
from parcelwire.domain.report import Outcome
from parcelwire.domain.tracking import ProbeResult, Tracking
from parcelwire.tracking.drafts import hints_of, missing_fields
from parcelwire.tracking.history import CourierHistory
from parcelwire.tracking.ports import CarrierPolicy, Carriers, PollState

NOT_KNOWN: Final = frozenset({Outcome.UNKNOWN_NUMBER, Outcome.INVALID_NUMBER})
"""What a carrier positively says when a number is not its own."""

MOST_CANDIDATES: Final = 5
"""Candidates looked at; what the detector ranks behind them is not worth a carrier's time."""

CYCLE: Final = 5 * MINUTE
"""From one courier's "unknown" to the question to the next one."""

LONGEST_CYCLE: Final = HOUR
"""The same at most, when a candidate was asked and said nothing."""

TRY_AGAIN: Final = DAY
"""A candidate that did not know the number is asked again after this ..."""

TRY_FOR: Final = 7 * DAY
"""... until the tracking is this old. By then a parcel was handed over or never will be."""


class CourierProbe(msgspec.Struct, frozen=True):
    """Which courier is asked next whether a number is its own, and from when on."""

    courier_code: str
    at: Instant


class CandidateFinder:
    """Says who else could know a number, and when their turn is."""

    def __init__(
        self,
        detector: Detector,
        registry: Registry,
        carriers: Carriers,
        *,
        history: CourierHistory,
        speed: float = 1.0,
    ) -> None:
        """``history`` ranks as it does at create; ``speed`` divides the waits, as it does those of
        the poll plan.
        """
        self._history = history
        self._detector = detector
        self._registry = registry
        self._carriers = carriers
        self._speed = speed

    async def next_probe(self, tracking: Tracking, now: Instant) -> CourierProbe | None:
        """Return whose turn it is next, or None when there is nobody (more) to ask.

        Candidates never tried come first, the most probable one before all.
        """
        if not is_correctable(tracking):
            return None
        ready: list[tuple[bool, CourierProbe]] = []
        later: list[CourierProbe] = []
        for code in await self._askable(tracking):
            result = _result_of(tracking, code)
            if result is None:
                ready.append((False, CourierProbe(code, now)))
                continue
            if _age(tracking, now) >= TRY_FOR / self._speed:
                continue
            # A result in the future was written by a clock that has jumped back since.
            at = min(result.at, now) + round(TRY_AGAIN / self._speed)
            if at <= now:
                ready.append((True, CourierProbe(code, at)))
            else:
                later.append(CourierProbe(code, at))
        if ready:
            return min(ready, key=lambda one: one[0])[1]
        return min(later, key=lambda one: one.at, default=None)

    def schedule(
        self,
        poll: PollState,
        probe: CourierProbe,
        *,
        own: CarrierPolicy | None,
        now: Instant,
        is_second: bool,
    ) -> PollState:
        """Return ``poll``, which follows from the own courier's "unknown", with ``probe`` in sight.

        ``is_second``: the own courier did not know the number the time before, either. Then the
        candidate is asked now, if its turn has come; else the own courier is asked again first.
        """
        if is_second and probe.at <= now:
            return replace(
                poll,
                due_at=now,
                due_reason=probe_reason(probe.courier_code),
                probe_courier=probe.courier_code,
            )
        return self.bring_forward(poll, probe, own=own, now=now)

    def bring_forward(
        self, poll: PollState, probe: CourierProbe, *, own: CarrierPolicy | None, now: Instant
    ) -> PollState:
        """Return ``poll`` with the own courier due a cycle from now, or when the probe is.

        A courier that called the number invalid is not asked more often than that.
        """
        due_at = max(probe.at, now + self.cycle(own))
        if (
            poll.last_outcome != Outcome.INVALID_NUMBER
            and poll.due_at is not None
            and poll.due_at <= due_at
        ):
            return poll
        return replace(poll, due_at=due_at, due_reason=probe_reason(probe.courier_code))

    def cycle(self, own: CarrierPolicy | None) -> int:
        """Return how many milliseconds the own courier is left alone between two probes."""
        pause = max(SECOND // 4, round(CYCLE / self._speed))
        return pause if own is None else max(pause, own.min_interval_seconds * SECOND)

    def cycle_after_silence(
        self, tracking: Tracking, own: CarrierPolicy | None, now: Instant
    ) -> int:
        """Return the ``cycle`` after a candidate was asked and said nothing: an ever longer one.

        A carrier that is down is paused for all; but it may stumble over this number alone, and
        answer all others. Half the time that the number has been unknown for is waited again.
        """
        longest = round(LONGEST_CYCLE / self._speed)
        return max(self.cycle(own), min(_age(tracking, now) // 2, longest))

    async def reasons(self, tracking: Tracking, courier_code: str) -> tuple[str, ...]:
        """Return why a courier could know the number, the weightiest reason first."""
        for candidate in await self._candidates(tracking):
            if candidate.courier_code == courier_code:
                return tuple(candidate.reasons)
        return ()

    async def _candidates(self, tracking: Tracking) -> list[Candidate]:
        hints = hints_of(tracking.details, await self._history.of(tracking.world_id))
        return self._detector.detect(tracking.number, hints, MOST_CANDIDATES)

    async def _askable(self, tracking: Tracking) -> list[str]:
        own = await self._carriers.policy(tracking.world_id, tracking.courier_code)
        connectors = {own.connector} if own is not None else set()
        refused = {one.from_courier for one in tracking.corrections if not one.is_automatic}
        askable = []
        for candidate in await self._candidates(tracking):
            code = candidate.courier_code
            courier = self._registry.get(code)
            if code == tracking.courier_code or code in refused or courier is None:
                continue
            if missing_fields(courier, tracking.details):
                continue
            policy = await self._carriers.policy(tracking.world_id, code)
            if policy is None or policy.connector in connectors:
                continue
            connectors.add(policy.connector)
            askable.append(code)
        return askable


def probe_reason(courier_code: str) -> str:
    """Return the sentence that says why a poll is due when a courier is probed with it or next."""
    return f"its courier does not know it: {courier_code} is asked next"


def is_correctable(tracking: Tracking) -> bool:
    """Tell whether another courier may be looked for: the tracking has never had a checkpoint, and
    nobody forbade it or said where the parcel stands.
    """
    return (
        not tracking.checkpoints
        and not tracking.is_auto_correct_disabled
        and tracking.status_override is None
        and tracking.stopped_reason not in {"by_user", "expired"}
    )


def _age(tracking: Tracking, now: Instant) -> int:
    return now - max(tracking.created_at, tracking.retracked_at or 0)


def _result_of(tracking: Tracking, courier_code: str) -> ProbeResult | None:
    return next((one for one in tracking.tried_couriers if one.courier_code == courier_code), None)
