"""Bugs in what a carrier's answer makes of a tracking."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from parcelwire.domain.changes import StatusChanged
from parcelwire.domain.clock import Instant
from parcelwire.domain.merge import Merged
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import DEFAULT_SUBSTATUS
from parcelwire.domain.tracking import Tracking
from parcelwire.polling.plan import PollPlanner
from parcelwire.tracking.ports import (
    CarrierPolicy,
    PollResult,
    PollState,
    Save,
    Stored,
)
from parcelwire.tracking.refresh import Refresher
from prove.worlds.planted.bug import Bug
from prove.worlds.process import Parts


class _UsesSequenceAgain(Refresher):
    """A change that leaves the status alone gets the number of the one before."""

    async def build_save(self, before: Tracking, merged: Merged, now: Instant) -> Save:
        change = await super().build_save(before, merged, now)
        event = change.event
        if event is None or before.sequence == 0:
            return change
        if any(isinstance(one, StatusChanged) for one in event.changes):
            return change
        return replace(
            change,
            tracking=replace(change.tracking, sequence=before.sequence),
            event=replace(event, sequence=before.sequence),
        )


class _UndoesDelivered(Refresher):
    """The newest scan decides, whatever stood before."""

    async def build_save(self, before: Tracking, merged: Merged, now: Instant) -> Save:
        after = merged.tracking
        said = [one for one in after.visible_checkpoints if one.status is not None]
        newest = said[-1] if said else None
        if newest is None or newest.status is None or not after.is_final:
            return await super().build_save(before, merged, now)
        substatus = newest.substatus or DEFAULT_SUBSTATUS[newest.status]
        undone = replace(after, status=newest.status, substatus=substatus, reason=newest.reason)
        others = tuple(one for one in merged.changes if not isinstance(one, StatusChanged))
        if (before.status, before.substatus) == (undone.status, undone.substatus):
            return await super().build_save(before, Merged(undone, others, is_dirty=True), now)
        told = StatusChanged(
            from_status=before.status,
            from_substatus=before.substatus,
            to_status=undone.status,
            to_substatus=undone.substatus,
            reason=undone.reason,
        )
        return await super().build_save(before, Merged(undone, (told, *others), is_dirty=True), now)


class _TakesRepeatsForNew(Refresher):
    """A scan is known by its place in the answer."""

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
        scans = tuple(
            replace(one, event_id=one.event_id or f"{place}")
            for place, one in enumerate(report.checkpoints)
        )
        report = replace(report, checkpoints=scans)
        return await super().apply_report(
            stored, report, policy, may_expire=may_expire, may_probe=may_probe, why=why
        )


class _ForgetsAfterOutage(PollPlanner):
    """After an outage nobody says when to ask again."""

    def after(
        self,
        tracking: Tracking,
        before: PollState,
        policy: CarrierPolicy | None,
        report: CarrierReport,
        now: Instant,
    ) -> PollState:
        poll = super().after(tracking, before, policy, report, now)
        return replace(poll, due_at=None) if report.outcome is Outcome.UNAVAILABLE else poll


BUGS: Final = (
    Bug("a sequence number used twice", Parts(refresher=_UsesSequenceAgain), 1),
    Bug("a delivery undone by a stray scan", Parts(refresher=_UndoesDelivered), 1),
    Bug("a repeated scan taken for a new one", Parts(refresher=_TakesRepeatsForNew), 1),
    Bug("the due time lost after an outage", Parts(planner=_ForgetsAfterOutage), 18),
)
