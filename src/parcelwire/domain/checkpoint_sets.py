"""Join the checkpoints that a carrier reports now with those that are known."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from parcelwire.domain.changes import (
    Change,
    CheckpointAdded,
    CheckpointCorrected,
    CheckpointWithdrawn,
)
from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.checkpoint_order import in_order, insert
from parcelwire.domain.report import CarrierReport

_DERIVED = frozenset({TimeSource.HOME, TimeSource.PLACE})


def join_checkpoints(
    known: tuple[Checkpoint, ...], report: CarrierReport
) -> tuple[tuple[Checkpoint, ...], list[Change]]:
    """Return the checkpoints with those of ``report`` worked in, and what there is to tell of it.

    Oldest first; ``known`` itself where the report brings nothing new.
    """
    news = _not_known(known, report)
    if not news:
        return known, []
    by_identity = {checkpoint.identity: checkpoint for checkpoint in known}
    times = {checkpoint.local_time for checkpoint in known}
    changes: list[Change] = []
    moved: list[tuple[Checkpoint | None, Checkpoint]] = []
    for reported in news:
        said = replace(reported, received_at=reported.received_at or report.fetched_at)
        before = by_identity.get(said.identity)
        if (
            before is None
            and said.local_time in times
            and (twins := _same_but_for_the_offset(by_identity.values(), said, report))
        ):
            if len(twins) > 1 and said.offset_minutes is None:
                # One of the two rounds of an hour; nothing tells which.
                continue
            before = twins[0]
        winner = said if before is None else _stronger(*_in_one_time(before, said))
        if winner is before:
            continue
        if before is not None:
            del by_identity[before.identity]
        by_identity[winner.identity] = winner
        times.add(winner.local_time)
        moved.append((before, winner))
        if before is not None and _words(before) == _words(winner):
            continue
        changes.extend(_told(before, winner))
    if not moved:
        return known, changes
    return insert(known, moved) or in_order(by_identity.values()), changes


def _not_known(known: tuple[Checkpoint, ...], report: CarrierReport) -> list[Checkpoint]:
    """Return what a report says that is not known in the same words already.

    Nearly all of an answer is what the one before it said; comparing is much cheaper than working
    out identities.
    """
    by_key = {
        (one.local_time, one.offset_minutes, one.raw_code, one.event_id): one for one in known
    }
    news = []
    for said in report.checkpoints:
        before = by_key.get((said.local_time, said.offset_minutes, said.raw_code, said.event_id))
        if (
            before is None
            or (said.received_at or report.fetched_at) < before.received_at
            or replace(said, received_at=before.received_at) != before
        ):
            news.append(said)
    return news


def _same_but_for_the_offset(
    known: Iterable[Checkpoint], said: Checkpoint, report: CarrierReport
) -> list[Checkpoint]:
    """Return which known checkpoints may be the event that ``said`` tells of, earliest first.

    A carrier that gives two offsets means two events, an hour apart in the night in which the
    clocks go back. Where one of the two is not the carrier's own word (we took it from a zone, or
    nobody knows it), they are one event, of which more is known now, or less; unless this very
    report tells of the other one beside it.
    """
    if said.event_id is not None:
        return []
    twins = [
        one
        for one in known
        if one.local_time == said.local_time
        and one.event_key == said.event_key
        and not (_is_certain(one) and _is_certain(said))
    ]
    if said.offset_minutes is not None and twins:
        beside = {
            one.offset_minutes
            for one in report.checkpoints
            if one.local_time == said.local_time and one.event_key == said.event_key
        } - {None}
        twins = [one for one in twins if one.offset_minutes not in beside]
    return sorted(twins, key=lambda one: (one.occurred_at, one.identity))


def _is_certain(checkpoint: Checkpoint) -> bool:
    """Tell whether the offset is the carrier's own word."""
    return checkpoint.offset_minutes is not None and checkpoint.time_source not in _DERIVED


def _in_one_time(known: Checkpoint, said: Checkpoint) -> tuple[Checkpoint, Checkpoint]:
    """Return both wordings of an event with the offset that its carrier gave in one of them."""
    if _is_certain(known) == _is_certain(said):
        return known, said
    if _is_certain(known):
        return known, _with_time_of(said, known)
    return _with_time_of(known, said), said


def _with_time_of(checkpoint: Checkpoint, other: Checkpoint) -> Checkpoint:
    return replace(checkpoint, offset_minutes=other.offset_minutes, time_source=other.time_source)


def _told(before: Checkpoint | None, after: Checkpoint) -> Iterable[Change]:
    if before is None:
        if not after.is_withdrawn:
            yield CheckpointAdded(checkpoint=after)
    elif after.is_withdrawn and not before.is_withdrawn:
        yield CheckpointWithdrawn(checkpoint=before)
    elif before.is_withdrawn and not after.is_withdrawn:
        yield CheckpointAdded(checkpoint=after)
    elif not after.is_withdrawn:
        yield CheckpointCorrected(before=before, after=after)


def _stronger(known: Checkpoint, said: Checkpoint) -> Checkpoint:
    """Of two wordings of one event: the later learned stands; equal words keep the earlier time.

    Ties go by content.
    """
    if _words(known) == _words(said):
        return said if said.received_at < known.received_at else known
    if known.received_at != said.received_at:
        return said if said.received_at > known.received_at else known
    return max(known, said, key=msgspec.json.encode)


def _words(checkpoint: Checkpoint) -> Checkpoint:
    return replace(checkpoint, received_at=0)
