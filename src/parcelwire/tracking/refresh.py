"""From a carrier's answer to a durable change: merge, plan, word the event, one transaction."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from parcelwire.couriers.registry import Registry
from parcelwire.domain.changes import Event
from parcelwire.domain.clock import Clock, Instant
from parcelwire.domain.merge import Merged, expire, merge
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.ports import (
    CarrierPolicy,
    Composer,
    Identifiers,
    Planner,
    PollResult,
    RawAnswer,
    Save,
    Stored,
    TrackingStore,
)

MAX_TRIES = 8
"""How often a change is worked out again when somebody else saved first."""


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
    ) -> None:
        """``notify`` is called after a save that left messages to send."""
        self._store = store
        self._composer = composer
        self._planner = planner
        self._registry = registry
        self._identifiers = identifiers
        self._clock = clock
        self._notify = notify

    async def apply(
        self, stored: Stored, report: CarrierReport, policy: CarrierPolicy | None
    ) -> Stored | PollResult | None:
        """Work ``report`` into ``stored``.

        Returns the tracking as it was saved; or, when the answer changed nothing, the poll result,
        which the caller
        stores (many at once); or None when the tracking is gone.
        """
        for _ in range(MAX_TRIES):
            now = self._clock.now()
            merged = self._merge(
                stored.tracking, report, _parcel_time(stored.tracking, policy, now)
            )
            after = _stop_if_over(merged.tracking, report)
            poll = self._planner.after(after, stored.poll, policy, report, now)
            raw = _raw(report)
            if after == stored.tracking:
                is_worth_keeping = report.outcome is Outcome.NOT_UNDERSTOOD
                return PollResult(
                    tracking_id=after.id, poll=poll, raw=raw if is_worth_keeping else None
                )
            change = await self.change_of(stored.tracking, replace(merged, tracking=after), now)
            change = replace(change, poll=poll, raw=raw)
            if await self._store.save(change):
                if change.messages:
                    self._notify()
                return Stored(change.tracking, poll)
            fresh = await self._store.load(stored.tracking.world_id, stored.tracking.id)
            if fresh is None:
                return None
            stored = fresh
        msg = f"tracking {stored.tracking.id} changed {MAX_TRIES} times while one answer was stored"
        raise RuntimeError(msg)

    async def change_of(self, before: Tracking, merged: Merged, now: Instant) -> Save:
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

    def _merge(self, tracking: Tracking, report: CarrierReport, now: Instant) -> Merged:
        merged = merge(tracking, report)
        courier = self._registry.get(tracking.courier_code)
        late = expire(merged.tracking, now, courier.kind if courier is not None else "express")
        return Merged(
            late.tracking, merged.changes + late.changes, merged.is_dirty or late.is_dirty
        )


def _parcel_time(tracking: Tracking, policy: CarrierPolicy | None, now: Instant) -> Instant:
    """Return what the parcel's own clock shows: a simulated parcel lives faster than the wall."""
    if policy is None or policy.time_scale == 1.0:
        return now
    began_at = max(tracking.created_at, tracking.retracked_at or 0)
    return began_at + round((now - began_at) * policy.time_scale)


def _stop_if_over(tracking: Tracking, report: CarrierReport) -> Tracking:
    if tracking.is_final:
        why = "final"
    elif tracking.expired_at is not None:
        why = "expired"
    elif report.outcome is Outcome.INVALID_NUMBER:
        why = "invalid_number"
    elif tracking.is_stopped and tracking.stopped_why in {"final", "expired"}:
        # New events ended what had stopped us: a withdrawn delivery, a scan after the silence.
        return replace(tracking, is_stopped=False, stopped_why=None)
    else:
        return tracking
    if tracking.is_stopped:
        return tracking
    return replace(tracking, is_stopped=True, stopped_why=why)


def _raw(report: CarrierReport) -> RawAnswer | None:
    if not report.raw:
        return None
    return RawAnswer(
        at=report.fetched_at,
        connector=report.connector,
        outcome=report.outcome,
        body=report.raw,
    )
