"""A wrong courier corrects itself: while a parcel is unknown to its courier, others are asked.

    own courier: "unknown" -> CandidateFinder: who else? -> (next cycle) own courier: "unknown"
        -> CourierCorrector: ask the candidate -> found, and it fits? -> courier corrected, id stays
                                        -> else the try is kept: the next candidate's turn comes

Nobody is asked who was refused by hand, who has no way to be asked, who wants a field that is not
there, or who would go through the connector that has answered already. When nobody knows the
number, it stays with the courier it was given.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec.structs import replace

from parcelwire.couriers.detection import Candidate, Detector
from parcelwire.couriers.registry import Registry
from parcelwire.domain.changes import CourierCorrected
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import DAY, MINUTE, SECOND, Clock, Instant, iso_utc
from parcelwire.domain.merge import merge
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Correction, ProbeResult, Tracking
from parcelwire.tracking.drafts import hints_of, missing_fields
from parcelwire.tracking.fetch import Fetcher
from parcelwire.tracking.history import CourierHistory
from parcelwire.tracking.ports import (
    CarrierPolicy,
    Carriers,
    PastPoll,
    Planner,
    PollResult,
    PollState,
    Save,
    Stored,
    TrackingStore,
)
from parcelwire.tracking.refresh import (
    MAX_TRIES,
    CourierProbe,
    Refresher,
    poll_record,
    raw_answer,
    stop_if_over,
)

log = logging.getLogger(__name__)

NOT_KNOWN: Final = frozenset({Outcome.UNKNOWN_NUMBER, Outcome.INVALID_NUMBER})
"""What a carrier positively says when a number is not its own."""

MOST_CANDIDATES: Final = 5
"""Candidates looked at; what the detector ranks behind them is not worth a carrier's time."""

CYCLE: Final = 5 * MINUTE
"""From one courier's "unknown" to the question to the next one."""

TRY_AGAIN: Final = DAY
"""A candidate that did not know the number is asked again after this ..."""

TRY_FOR: Final = 7 * DAY
"""... until the tracking is this old. By then a parcel was handed over or never will be."""

ORDER_SLACK: Final = DAY
"""Order dates come without a time zone, and some carriers' times without an offset."""

CREATION_SLACK: Final = 30 * DAY
"""Without an order date, a first scan this long before the creation still counts as the parcel's:
shops import parcels that are under way, and carriers use a number again after months, not weeks.
"""

_SAYS_NOTHING: Final = frozenset(
    {
        Outcome.UNAVAILABLE,
        Outcome.RATE_LIMITED,
        Outcome.AUTH_FAILED,
        Outcome.NO_CONNECTION,
    }
)


class CandidateFinder:
    """Says who else could know a number. Implements ``tracking.refresh.Finder``."""

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

    async def next_search(self, tracking: Tracking, now: Instant) -> CourierProbe | None:
        """Return whose turn it is next, or None when there is nobody (more) to ask.

        Candidates never tried come first, the most probable one before all.
        """
        if not is_correctable(tracking):
            return None
        ready: list[tuple[bool, CourierProbe]] = []
        later: list[CourierProbe] = []
        for candidate, policy in await self._askable(tracking):
            trial = _trial_of(tracking, candidate.courier_code)
            if trial is None:
                ready.append((False, CourierProbe(candidate, policy, now)))
                continue
            if now - max(tracking.created_at, tracking.retracked_at or 0) >= TRY_FOR / self._speed:
                continue
            # A trial in the future was written by a clock that has jumped back since.
            at = min(trial.at, now) + round(TRY_AGAIN / self._speed)
            if at <= now:
                ready.append((True, CourierProbe(candidate, policy, at)))
            else:
                later.append(CourierProbe(candidate, policy, at))
        if ready:
            return min(ready, key=lambda one: one[0])[1]
        return min(later, key=lambda one: one.at, default=None)

    def bring_forward(
        self,
        poll: PollState,
        search: CourierProbe,
        *,
        own: CarrierPolicy | None,
        outcome: Outcome,
        now: Instant,
    ) -> PollState:
        """Return ``poll`` due when the candidate's turn has come.

        A courier that called the number invalid is not asked more often than that.
        """
        pause = max(SECOND // 4, round(CYCLE / self._speed))
        if own is not None:
            pause = max(pause, own.min_interval_seconds * SECOND)
        due_at = max(search.at, now + pause)
        if (
            outcome is not Outcome.INVALID_NUMBER
            and poll.due_at is not None
            and poll.due_at <= due_at
        ):
            return poll
        code = search.candidate.courier_code
        return replace(
            poll, due_at=due_at, due_reason=f"its courier does not know it: {code} is asked next"
        )

    async def _askable(self, tracking: Tracking) -> list[tuple[Candidate, CarrierPolicy]]:
        own = await self._carriers.policy(tracking.world_id, tracking.courier_code)
        connectors = {own.connector} if own is not None else set()
        refused = {one.from_courier for one in tracking.corrections if not one.is_automatic}
        hints = hints_of(tracking.details, await self._history.of(tracking.world_id))
        askable = []
        for candidate in self._detector.detect(tracking.number, hints, MOST_CANDIDATES):
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
            askable.append((candidate, policy))
        return askable


class Told(msgspec.Struct, frozen=True):
    """What the tracking's own courier has just said."""

    report: CarrierReport
    policy: CarrierPolicy | None


class CourierCorrector:
    """Asks candidates and, when one knows the parcel, gives the tracking to it."""

    def __init__(
        self,
        store: TrackingStore,
        *,
        finder: CandidateFinder,
        fetcher: Fetcher,
        planner: Planner,
        refresher: Refresher,
        clock: Clock,
    ) -> None:
        """All collaborators come in."""
        self._store = store
        self._finder = finder
        self._fetcher = fetcher
        self._planner = planner
        self._refresher = refresher
        self._clock = clock

    async def search_due(
        self, stored: Stored, report: CarrierReport, now: Instant
    ) -> CourierProbe | None:
        """Return whom to ask in this cycle: none in the first one, in which the own courier alone
        was asked. ``stored`` is as it stood before ``report``.
        """
        if report.outcome not in NOT_KNOWN or stored.poll.last_outcome not in NOT_KNOWN:
            return None
        search = await self._finder.next_search(stored.tracking, now)
        return search if search is not None and search.at <= now else None

    async def attempt(self, stored: Stored, search: CourierProbe, own: Told) -> Stored:
        """Ask the candidate of ``search``, which was let through; store what follows.

        ``stored`` is as it stands after the own courier's report, its lease held for this. Returns
        it as it stands afterwards, its lease ended.
        """
        code = search.candidate.courier_code
        held, given = stored.poll.leased_until, stored.tracking.courier_code
        asked = replace(stored.tracking, courier_code=code)
        (report,) = await self._fetcher.fetch(asked.world_id, code, [asked], search.policy)
        if report is None:
            return await self._end_lease(stored, None, held)
        past = poll_record(report, f"its courier does not know it: {code} is asked next")
        is_taken = False
        for _ in range(MAX_TRIES):
            now = self._clock.now()
            if report.outcome in _SAYS_NOTHING:
                break
            refusal = rejection_reason(stored.tracking, report)
            if refusal is None and not is_taken:
                change = await self._correction(stored, search, report, now)
            else:
                log.info("tracking %s is not %s's: %s", stored.tracking.id, code, refusal)
                change = await self._failure(stored, search, report, own, now)
            if past is not None:
                change = replace(change, past=replace(past, is_news=change.event is not None))
            result = await self._store.change_courier(change)
            if result == "saved":
                if change.messages:
                    self._refresher.notify()
                return Stored(change.tracking, change.poll or stored.poll)
            if result == "taken":
                # This world follows the number with that courier already: not a second time.
                is_taken = True
                continue
            fresh = await self._store.load(stored.tracking.world_id, stored.tracking.id)
            if fresh is None:
                return stored
            stored = fresh
            parcel = fresh.tracking
            if parcel.courier_code != given or not is_correctable(parcel):
                break
        return await self._end_lease(stored, past, held)

    async def _end_lease(self, stored: Stored, past: PastPoll | None, held: Instant) -> Stored:
        back = replace(stored.poll, leased_until=0)
        await self._store.save_polls(
            [PollResult(tracking_id=stored.tracking.id, poll=back, past=past, lease=held)]
        )
        return Stored(stored.tracking, back)

    async def _correction(
        self, stored: Stored, search: CourierProbe, report: CarrierReport, now: Instant
    ) -> Save:
        before, code = stored.tracking, search.candidate.courier_code
        why = f"{before.courier_code} does not know the number, {code} does"
        if search.candidate.reasons:
            why += f": {search.candidate.reasons[0]}"
        corrected = replace(
            before,
            courier_code=code,
            is_known_missing=False,
            is_stopped=False,
            stopped_why=None,
            corrections=(
                *before.corrections,
                Correction(
                    at=now,
                    from_courier=before.courier_code,
                    to_courier=code,
                    why=why,
                    is_automatic=True,
                ),
            ),
        )
        told = CourierCorrected(from_courier=before.courier_code, to_courier=code, why=why)
        merged = merge(corrected, report)
        after = stop_if_over(merged.tracking, report.outcome)
        merged = replace(merged, tracking=after, changes=(told, *merged.changes))
        change = await self._refresher.build_save(before, merged, now)
        poll = self._planner.after(change.tracking, stored.poll, search.policy, report, now)
        return replace(change, poll=poll, raw=raw_answer(report))

    async def _failure(
        self, stored: Stored, search: CourierProbe, report: CarrierReport, own: Told, now: Instant
    ) -> Save:
        before, code = stored.tracking, search.candidate.courier_code
        others = tuple(one for one in before.tried_couriers if one.courier_code != code)
        trial = ProbeResult(courier_code=code, at=now, outcome=report.outcome)
        # Nothing that a reader sees has changed: no event, and updated_at stays.
        after = replace(before, version=before.version + 1, tried_couriers=(*others, trial))
        poll = self._planner.after(after, stored.poll, own.policy, own.report, now)
        following = await self._finder.next_search(after, now)
        if following is not None:
            outcome = own.report.outcome
            poll = self._finder.bring_forward(
                poll, following, own=own.policy, outcome=outcome, now=now
            )
        return Save(
            tracking=after,
            expected_version=before.version,
            # The own courier's answer was counted when it was stored.
            poll=replace(poll, checks=stored.poll.checks),
            raw=raw_answer(report) if report.outcome is Outcome.NOT_UNDERSTOOD else None,
        )


def is_correctable(tracking: Tracking) -> bool:
    """Tell whether another courier may be looked for: the tracking has never had a checkpoint, and
    nobody forbade it or said where the parcel stands.
    """
    return (
        not tracking.checkpoints
        and not tracking.is_auto_correct_off
        and tracking.status_override is None
        and tracking.stopped_why not in {"by_user", "expired"}
    )


def rejection_reason(tracking: Tracking, report: CarrierReport) -> str | None:
    """Return why a candidate's answer does not make it the parcel's courier, or None if it does.

    Numbers are used again and carriers' numbers collide, so that "found" alone is not enough.
    """
    scans = [one for one in report.checkpoints if not one.is_withdrawn]
    if report.outcome is not Outcome.FOUND:
        return "it does not know the number"
    if not scans:
        return "it knows the number, but nothing has happened to it there"
    first = min(scan.occurred_at for scan in scans)
    if tracking.ordered_at is not None:
        earliest = tracking.ordered_at - ORDER_SLACK
    else:
        earliest = tracking.created_at - CREATION_SLACK
    if first < earliest:
        return f"its first scan ({iso_utc(first)}) was before the order"
    for what, ours, theirs in _countries(tracking, report, scans):
        if ours and theirs and ours.upper() != theirs.upper():
            return f"its parcel's {what} is {theirs.upper()}, not {ours.upper()}"
    return None


def _countries(
    tracking: Tracking, report: CarrierReport, scans: list[Checkpoint]
) -> Iterator[tuple[str, str | None, str | None]]:
    details, facts = tracking.details, report.facts
    origin = details.origin_country or details.asked_origin_country
    destination = details.destination_country or details.asked_destination_country
    if facts is not None:
        yield "origin", origin, facts.origin_country
        yield "destination", destination, facts.destination_country
    for scan in scans:
        if scan.status is Status.DELIVERED:
            yield "place of delivery", destination, scan.country


def _trial_of(tracking: Tracking, courier_code: str) -> ProbeResult | None:
    return next((one for one in tracking.tried_couriers if one.courier_code == courier_code), None)
