"""A wrong courier corrects itself: what another courier says of a number that is not its own's.

    probe due -> claim, group, admit, fetch -> CourierCorrector.apply_report
        -> found, and it fits? -> courier corrected, the id stays
        -> not known there?    -> the result is kept: the next candidate's turn comes
        -> no word of it?      -> as if nobody had been asked, but less and less often

When nobody knows the number, it stays with the courier it was given.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from parcelwire.domain.changes import CourierCorrected
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import DAY, Clock, Instant, iso_utc
from parcelwire.domain.merge import merge
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Correction, ProbeResult, Tracking
from parcelwire.tracking.courier_detection_retry import (
    CandidateFinder,
    is_correctable,
    probe_reason,
)
from parcelwire.tracking.ports import (
    CarrierPolicy,
    Carriers,
    Planner,
    PollResult,
    Save,
    Stored,
    TrackingStore,
)
from parcelwire.tracking.refresh import (
    MAX_TRIES,
    Refresher,
    poll_record,
    raw_response,
    stop_if_over,
)

log = logging.getLogger(__name__)

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


class CourierCorrector:
    """Works reports of probed couriers into trackings, as ``Refresher`` does the own couriers'."""

    def __init__(
        self,
        store: TrackingStore,
        *,
        finder: CandidateFinder,
        carriers: Carriers,
        planner: Planner,
        refresher: Refresher,
        clock: Clock,
    ) -> None:
        """All collaborators come in."""
        self._store = store
        self._finder = finder
        self._carriers = carriers
        self._planner = planner
        self._refresher = refresher
        self._clock = clock

    async def apply_report(
        self, stored: Stored, report: CarrierReport, policy: CarrierPolicy | None
    ) -> Stored | PollResult | None:
        """Work the report of ``stored.poll.probe_courier`` into ``stored``; its lease is ours.

        ``policy`` is the probed courier's. Returns as ``Refresher.apply_report`` does: the tracking
        as it was saved, or a poll result for the caller to store, or None when it is gone.
        """
        code, lease = stored.poll.probe_courier, stored.poll.leased_until
        own = await self._carriers.policy(stored.tracking.world_id, stored.tracking.courier_code)
        past = poll_record(report, stored.poll.due_reason)
        is_taken = False
        for _ in range(MAX_TRIES):
            before = stored.tracking
            # Without our lease (stopped, moved, asked about by others) nothing is written below.
            is_ours = stored.poll.leased_until == lease
            if not is_ours or not is_correctable(before) or report.outcome in _SAYS_NOTHING:
                break
            now = self._clock.now()
            rejection = rejection_reason(before, report)
            if rejection is None and not is_taken:
                change = await self._correction(stored, code, report, policy, now)
            else:
                log.info("tracking %s is not %s's: %s", before.id, code, rejection)
                change = await self._failure(stored, code, report, own, now)
            if past is not None:
                change = replace(change, past=replace(past, has_changes=change.event is not None))
            result = await self._store.change_courier(change)
            if result == "saved":
                if change.messages:
                    self._refresher.notify()
                return Stored(change.tracking, change.poll or stored.poll)
            if result == "taken":
                # This world follows the number with that courier already: not a second time.
                is_taken = True
                continue
            fresh = await self._store.load(before.world_id, before.id)
            if fresh is None:
                return None
            stored = fresh
        now = self._clock.now()
        poll = replace(
            stored.poll,
            due_at=now + self._finder.cycle_after_silence(stored.tracking, own, now),
            due_reason=probe_reason(code),
            leased_until=0,
            probe_courier="",
        )
        return PollResult(tracking_id=stored.tracking.id, poll=poll, past=past, lease=lease)

    async def _correction(
        self,
        stored: Stored,
        code: str,
        report: CarrierReport,
        policy: CarrierPolicy | None,
        now: Instant,
    ) -> Save:
        before = stored.tracking
        why = f"{before.courier_code} does not know the number, {code} does"
        reasons = await self._finder.reasons(before, code)
        if reasons:
            why += f": {reasons[0]}"
        corrected = replace(
            before,
            courier_code=code,
            is_known_missing=False,
            is_stopped=False,
            stopped_reason=None,
            corrections=(
                *before.corrections,
                Correction(
                    at=now,
                    from_courier=before.courier_code,
                    to_courier=code,
                    reason=why,
                    is_automatic=True,
                ),
            ),
        )
        told = CourierCorrected(from_courier=before.courier_code, to_courier=code, reason=why)
        merged = merge(corrected, report)
        after = stop_if_over(merged.tracking, report.outcome)
        merged = replace(merged, tracking=after, changes=(told, *merged.changes))
        change = await self._refresher.build_save(before, merged, now)
        poll = self._planner.after(change.tracking, stored.poll, policy, report, now)
        return replace(change, poll=poll, raw=raw_response(report))

    async def _failure(
        self,
        stored: Stored,
        code: str,
        report: CarrierReport,
        own: CarrierPolicy | None,
        now: Instant,
    ) -> Save:
        before = stored.tracking
        others = tuple(one for one in before.tried_couriers if one.courier_code != code)
        result = ProbeResult(courier_code=code, at=now, outcome=report.outcome)
        # Nothing that a reader sees has changed: no event, and updated_at stays.
        after = replace(before, version=before.version + 1, tried_couriers=(*others, result))
        poll = self._planner.after(after, stored.poll, own, _own_result(stored), now)
        following = await self._finder.next_probe(after, now)
        if following is not None:
            poll = self._finder.bring_forward(poll, following, own=own, now=now)
        return Save(
            tracking=after,
            expected_version=before.version,
            # The own courier's answer was counted when it was stored.
            poll=replace(poll, checks=stored.poll.checks, checked_at=stored.poll.checked_at),
            raw=raw_response(report) if report.outcome is Outcome.NOT_UNDERSTOOD else None,
        )


def _own_result(stored: Stored) -> CarrierReport:
    """Return what the own courier said last, as far as the plan needs it."""
    return CarrierReport(
        number=stored.tracking.number,
        outcome=Outcome(stored.poll.last_outcome),
        detail=stored.poll.last_detail,
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
    origin = details.origin_country or details.tracking_origin_country
    destination = details.destination_country or details.tracking_destination_country
    if facts is not None:
        yield "origin", origin, facts.origin_country
        yield "destination", destination, facts.destination_country
    for scan in scans:
        if scan.status is Status.DELIVERED:
            yield "place of delivery", destination, scan.country
