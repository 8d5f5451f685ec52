"""Join what a carrier says now with what we knew: pure, and the same whatever the order of the
answers.

Checkpoints are joined by identity; of two wordings of one event the one learned later stands, so
that reports form a
join-semilattice: repeated, late, reordered and corrected answers end in the same set. Status,
milestones and the rest
are derived from the set alone, never from the order in which it was learned.

One thing depends on the order: the wording of an event that a carrier words A, then B, then A
again,
when the answer with B comes last. That A was heard again is not noted (a poll that brings no news
writes no tracking), so B looks like a correction.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from parcelwire.domain.changes import Change, CheckpointAdded, DeliveryWindowChanged, StatusChanged
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.checkpoint_sets import join_checkpoints
from parcelwire.domain.clock import DAY, Instant
from parcelwire.domain.report import CarrierReport, DeliveryWindow, Outcome, ParcelFacts
from parcelwire.domain.status import DEFAULT_SUBSTATUS, Reason, Status, Substatus, is_final
from parcelwire.domain.tracking import Milestones, Tracking

EXPIRY_DAYS: Final = {"express": 30, "globalpost": 60}
"""Days without an event after which a parcel counts as expired (TrackingMore.

30 for express, 60 for post).
"""


class Merged(msgspec.Struct, frozen=True):
    """The outcome of a merge. ``is_dirty`` without ``changes`` means.

    Worth saving, nothing worth telling.
    """

    tracking: Tracking
    changes: tuple[Change, ...]
    is_dirty: bool


def merge(tracking: Tracking, report: CarrierReport) -> Merged:
    """Return ``tracking`` with ``report`` worked in, and what changed by it.

    Only ``FOUND`` and ``UNKNOWN_NUMBER`` say something about the parcel; every other outcome says
    something about the
    carrier or the connection and leaves the tracking as it is.
    """
    if report.outcome is Outcome.UNKNOWN_NUMBER:
        if tracking.is_known_missing or tracking.checkpoints:
            return Merged(tracking, (), is_dirty=False)
        return _finish(tracking, replace(tracking, is_known_missing=True), [])
    if report.outcome is not Outcome.FOUND:
        return Merged(tracking, (), is_dirty=False)

    checkpoints, changes = join_checkpoints(tracking.checkpoints, report)
    facts, facts_at = _join_facts(tracking, report)
    window = _newer_window(tracking.window, report)
    if _window_words(window) != _window_words(tracking.window):
        changes.append(DeliveryWindowChanged(before=tracking.window, after=window))
    if (
        not changes
        and checkpoints is tracking.checkpoints
        and window == tracking.window
        and facts == tracking.facts
        and not (tracking.is_known_missing and checkpoints)
    ):
        # When the facts were last confirmed is not worth a new version of the tracking.
        return Merged(tracking, (), is_dirty=False)
    has_news = any(isinstance(change, CheckpointAdded) for change in changes)
    after = replace(
        tracking,
        checkpoints=checkpoints,
        facts=facts,
        facts_at=facts_at,
        window=window,
        # A new event ends the silence that let the tracking expire.
        expired_at=None if has_news else tracking.expired_at,
        is_known_missing=tracking.is_known_missing and not checkpoints,
    )
    return _finish(tracking, after, changes)


def restate(before: Tracking, edited: Tracking) -> Merged:
    """Derive status and milestones of ``edited`` again, after a hand-made change of ``before``."""
    return _finish(before, edited, [])


def expire(tracking: Tracking, now: Instant, courier_kind: str) -> Merged:
    """Let a tracking expire that has had no event for ``EXPIRY_DAYS`` of its courier's kind.

    One whose status a person set keeps that status: ``expired_at`` alone says that nobody asks
    about it any more.
    """
    limit = EXPIRY_DAYS.get(courier_kind, EXPIRY_DAYS["express"]) * DAY
    if tracking.is_final or tracking.expired_at is not None or now - quiet_since(tracking) < limit:
        return Merged(tracking, (), is_dirty=False)
    return _finish(tracking, replace(tracking, expired_at=now), [])


def quiet_since(tracking: Tracking) -> Instant:
    """Return when the parcel's silence began.

    Its last event, or its creation (or retrack) if that is later.
    """
    latest = tracking.latest_checkpoint
    started = max(tracking.created_at, tracking.retracked_at or 0)
    return max(started, latest.occurred_at) if latest is not None else started


def _join_facts(tracking: Tracking, report: CarrierReport) -> tuple[ParcelFacts | None, Instant]:
    if report.facts is None:
        return tracking.facts, tracking.facts_at
    if tracking.facts is None:
        return report.facts, report.fetched_at
    is_newer = report.fetched_at >= tracking.facts_at
    base, top = (tracking.facts, report.facts) if is_newer else (report.facts, tracking.facts)
    known = {
        name: value
        for name in ParcelFacts.__struct_fields__
        if (value := getattr(top, name)) is not None
    }
    return replace(base, **known), max(tracking.facts_at, report.fetched_at)


def _newer_window(known: DeliveryWindow | None, report: CarrierReport) -> DeliveryWindow | None:
    if report.window is None or not report.window.is_readable:
        return known
    said = replace(report.window, reported_at=report.window.reported_at or report.fetched_at)
    if known is None:
        return said
    if _window_words(known) == _window_words(said):
        return said if said.reported_at < known.reported_at else known
    if said.reported_at != known.reported_at:
        return said if said.reported_at > known.reported_at else known
    return max(known, said, key=msgspec.json.encode)


def _window_words(window: DeliveryWindow | None) -> tuple[str, str, str] | None:
    return None if window is None else (window.earliest, window.latest, window.source)


def _finish(before: Tracking, after: Tracking, changes: list[Change]) -> Merged:
    status, substatus, reason = derive_status(after)
    after = replace(
        after,
        status=status,
        substatus=substatus,
        reason=reason,
        milestones=before.milestones
        if after.checkpoints is before.checkpoints
        else derive_milestones(after.checkpoints),
    )
    if (status, substatus) != (before.status, before.substatus):
        changes.insert(
            0,
            StatusChanged(
                from_status=before.status,
                from_substatus=before.substatus,
                to_status=status,
                to_substatus=substatus,
                reason=reason,
            ),
        )
    return Merged(after, tuple(changes), is_dirty=after != before)


def derive_status(
    tracking: Tracking,
) -> tuple[Status, Substatus | None, Reason | None]:
    """Return status, substatus and reason that follow from what is known.

    The newest checkpoint with a stage counts, except that a final stage is not undone by a scan
    that comes after it
    (only "returned" follows "delivered"), and that data sent again does not take a moving parcel
    back to "announced".
    """
    status: Status | None = None
    substatus: Substatus | None = None
    reason: Reason | None = None
    for checkpoint in tracking.checkpoints:
        if checkpoint.is_withdrawn or checkpoint.status is None:
            continue
        if status is not None:
            said_final = is_final(checkpoint.status, checkpoint.substatus)
            if is_final(status, substatus) and not (
                said_final and substatus is not Substatus.EXCEPTION_RETURNED
            ):
                continue
            if checkpoint.status is Status.INFORECEIVED and status is not Status.INFORECEIVED:
                continue
        status = checkpoint.status
        substatus = checkpoint.substatus or DEFAULT_SUBSTATUS[status]
        reason = checkpoint.reason
    if status is not None and is_final(status, substatus):
        return status, substatus, reason
    override = tracking.status_override
    if override is not None and status is not override:
        return override, DEFAULT_SUBSTATUS[override], reason
    # The parcel's silence takes nothing back that a person said of it.
    if tracking.expired_at is not None and override is None:
        return Status.EXPIRED, Substatus.EXPIRED, None
    if status is not None:
        return status, substatus, reason
    if tracking.is_known_missing:
        return Status.NOTFOUND, Substatus.NOTFOUND, None
    return Status.PENDING, None, None


_MILESTONE_OF: Final[dict[Substatus, str]] = {
    Substatus.INFORECEIVED: "info_received",
    Substatus.TRANSIT_DISPATCHED: "dispatched",
    Substatus.TRANSIT_LEFT_AIRPORT: "departed_airport",
    Substatus.TRANSIT_IN_DESTINATION_COUNTRY: "arrived_abroad",
    Substatus.TRANSIT_CUSTOMS_CLEARED: "customs_cleared",
    Substatus.TRANSIT_AT_DELIVERY_FACILITY: "arrived_destination",
    Substatus.PICKUP_OUT_FOR_DELIVERY: "out_for_delivery",
    Substatus.PICKUP_READY_FOR_COLLECTION: "ready_for_collection",
    Substatus.EXCEPTION_RETURNING: "returning",
    Substatus.EXCEPTION_RETURNED: "returned",
}


def derive_milestones(checkpoints: tuple[Checkpoint, ...]) -> Milestones:
    """Return the first time of each stage among the checkpoints that stand (oldest first)."""
    found: dict[str, str] = {}
    for checkpoint in checkpoints:
        if checkpoint.is_withdrawn or checkpoint.status is None:
            continue
        for name in _milestones_of(checkpoint):
            if name not in found:
                found[name] = checkpoint.iso_time
    return Milestones(**found)


def _milestones_of(checkpoint: Checkpoint) -> Iterable[str]:
    if checkpoint.status is Status.TRANSIT:
        yield "accepted"
    elif checkpoint.status is Status.DELIVERED:
        yield "delivered"
    if checkpoint.substatus in _MILESTONE_OF:
        yield _MILESTONE_OF[checkpoint.substatus]
