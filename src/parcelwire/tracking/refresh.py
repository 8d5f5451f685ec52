"""From a carrier's answer to a durable change: merge, plan, word the event, one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from parcelwire.couriers.registry import Registry
from parcelwire.domain.changes import Event
from parcelwire.domain.clock import Clock, Instant
from parcelwire.domain.merge import Merged, expire, merge
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.courier_detection_retry import (
    NOT_KNOWN,
    CandidateFinder,
    CourierProbe,
)
from parcelwire.tracking.errors import TrackingBusyError
from parcelwire.tracking.ports import (
    CarrierPolicy,
    Composer,
    Identifiers,
    PastPoll,
    Planner,
    PollResult,
    RawResponse,
    Save,
    Stored,
    TrackingStore,
)

MAX_TRIES: Final = 50
"""How often a change is worked out again when somebody else saved first. Each time one of the
others got through, so that only a crowd at one tracking comes near it.
"""


class Refresher:
    """Works reports into trackings and stores what follows."""

    def __init__(
        self,
        store: TrackingStore,
        *,
        composer: Composer,
        planner: Planner,
        registry: Registry,
        identifiers: Identifiers,
        clock: Clock,
        notify: Callable[[], None] = lambda: None,
        finder: CandidateFinder | None = None,
    ) -> None:
        """``notify`` is called after a save that left messages to send.

        Without a ``finder``, no courier is ever corrected.
        """
        self._store = store
        self._composer = composer
        self._planner = planner
        self._registry = registry
        self._identifiers = identifiers
        self._clock = clock
        self._notify = notify
        self._finder = finder

    async def apply_report(
        self,
        stored: Stored,
        report: CarrierReport,
        policy: CarrierPolicy | None,
        *,
        may_expire: bool = True,
        may_probe: bool = False,
        why: str | None = None,
    ) -> Stored | PollResult | None:
        """Work ``report`` into ``stored``.

        Returns the tracking as it was saved; or, when the answer changed nothing, the poll result,
        which the caller stores (many at once); or None when the tracking is gone. A report of a
        courier that the tracking no longer has is dropped. Without ``may_expire`` the parcel's
        silence is not judged; with ``may_probe`` another courier may be asked next instead of its
        own. ``why`` says why it was asked, if not by plan.

        Raises:
            TrackingBusyError: others saved first, time after time; nothing was stored.
        """
        asked_courier = stored.tracking.courier_code
        past = poll_record(report, stored.poll.due_reason if why is None else why)
        for _ in range(MAX_TRIES):
            now = self._clock.now()
            before = stored.tracking
            merged = merge(before, _dated_after(before, report, now))
            if may_expire:
                merged = self._expire(merged, policy, now)
            probe = await self._next_probe(merged.tracking, report, now)
            after = stop_if_over(merged.tracking, report.outcome, is_searching=probe is not None)
            poll = self._planner.after(after, stored.poll, policy, report, now)
            if probe is not None and self._finder is not None and not after.is_stopped:
                is_second = may_probe and stored.poll.last_outcome in NOT_KNOWN
                poll = self._finder.schedule(poll, probe, own=policy, now=now, is_second=is_second)
            if after is before or after == before:
                is_worth_keeping = report.outcome is Outcome.NOT_UNDERSTOOD
                return PollResult(
                    tracking_id=after.id,
                    poll=poll,
                    past=past,
                    raw=raw_response(report) if is_worth_keeping else None,
                    lease=stored.poll.leased_until,
                )
            if after is not merged.tracking:
                merged = Merged(after, merged.changes, is_dirty=True)
            change = await self.build_save(before, merged, now)
            if past is not None and merged.changes:
                past = replace(past, has_changes=True)
            change = replace(change, poll=poll, past=past, raw=raw_response(report))
            if await self._store.save(change):
                if change.messages:
                    self._notify()
                return Stored(change.tracking, poll)
            fresh = await self._store.load(before.world_id, before.id)
            if fresh is None:
                return None
            if fresh.tracking.courier_code != asked_courier:
                return fresh
            stored = fresh
        raise TrackingBusyError(stored.tracking.id, MAX_TRIES)

    async def build_save(self, before: Tracking, merged: Merged, now: Instant) -> Save:
        """Return the save that turns ``before`` into what ``merged`` says, with event and
        messages.
        """
        is_told = bool(merged.changes)
        after = replace(
            merged.tracking,
            version=before.version + 1,
            sequence=before.sequence + is_told,
            updated_at=max(now, before.updated_at),
        )
        if not is_told:
            return Save(tracking=after, expected_version=before.version)
        event = Event(
            id=self._identifiers.new_id(now),
            world_id=after.world_id,
            tracking_id=after.id,
            sequence=after.sequence,
            at=now,
            status=after.status,
            substatus=after.substatus,
            changes=merged.changes,
        )
        endpoints = await self._store.list_endpoints(after.world_id)
        messages = self._composer.compose(event, after, endpoints) if endpoints else ()
        return Save(tracking=after, expected_version=before.version, event=event, messages=messages)

    def notify(self) -> None:
        """Tell the delivery worker that there is something to send."""
        self._notify()

    async def _next_probe(
        self, tracking: Tracking, report: CarrierReport, now: Instant
    ) -> CourierProbe | None:
        if self._finder is None or report.outcome not in NOT_KNOWN:
            return None
        return await self._finder.next_probe(tracking, now)

    def _expire(self, merged: Merged, policy: CarrierPolicy | None, now: Instant) -> Merged:
        tracking = merged.tracking
        courier = self._registry.get(tracking.courier_code)
        kind = courier.kind if courier is not None else "express"
        late = expire(tracking, _parcel_time(tracking, policy, now), kind)
        if late.tracking is tracking:
            return merged
        return Merged(
            late.tracking, merged.changes + late.changes, merged.is_dirty or late.is_dirty
        )


def _dated_after(tracking: Tracking, report: CarrierReport, now: Instant) -> CarrierReport:
    """Return ``report`` as learned after all that is known, where a clock that was ahead has dated
    that later than ``now``: of two wordings the one learned later stands.
    """
    known_at = max(
        tracking.facts_at,
        tracking.window.reported_at if tracking.window is not None else 0,
        *(one.received_at for one in tracking.checkpoints),
        0,
    )
    return report if known_at <= now else replace(report, fetched_at=known_at + 1)


def _parcel_time(tracking: Tracking, policy: CarrierPolicy | None, now: Instant) -> Instant:
    """Return what the parcel's own clock shows: a simulated parcel lives faster than the wall."""
    if policy is None or policy.time_scale == 1.0:
        return now
    began_at = max(tracking.created_at, tracking.retracked_at or 0)
    return began_at + round((now - began_at) * policy.time_scale)


def stop_if_over(
    tracking: Tracking, outcome: Outcome | None = None, *, is_searching: bool = False
) -> Tracking:
    """Return ``tracking`` stopped if its way is over, or going on if that is no longer so.

    ``outcome`` is the carrier's last. While another courier is looked for (``is_searching``), an
    invalid number does not stop it.
    """
    if tracking.is_final:
        why = "final"
    elif tracking.expired_at is not None:
        why = "expired"
    elif outcome is Outcome.INVALID_NUMBER and not is_searching:
        why = "invalid_number"
    elif tracking.is_stopped and tracking.stopped_reason in {"final", "expired"}:
        # New events ended what had stopped us: a withdrawn delivery, a scan after the silence.
        return replace(tracking, is_stopped=False, stopped_reason=None)
    else:
        return tracking
    if tracking.is_stopped:
        return tracking
    return replace(tracking, is_stopped=True, stopped_reason=why)


def poll_record(report: CarrierReport, why: str) -> PastPoll | None:
    """Return what is remembered of a poll that was made because of ``why``, as if it had changed
    nothing; None when nobody asked.
    """
    if not report.asked_at:
        return None
    return PastPoll(
        at=report.asked_at,
        outcome=report.outcome,
        duration_ms=report.duration_ms,
        connector=report.connector,
        reason=why,
        detail=report.detail,
    )


def raw_response(report: CarrierReport) -> RawResponse | None:
    """Return the carrier's answer for replay, where there is one."""
    if not report.raw:
        return None
    return RawResponse(
        at=report.fetched_at,
        connector=report.connector,
        outcome=report.outcome,
        body=report.raw,
    )
