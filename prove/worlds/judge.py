"""Compares what a world's people saw with what the service has stored at the end.

Three parts: the trackings themselves (here), how carriers were asked (``judging_polls``) and what
receivers got (``judging_messages``). Every finding is one line that names what to look for in the
trace.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from typing import Final

import msgspec
from msgspec.structs import replace

from parcelwire.domain.changes import (
    CheckpointAdded,
    CheckpointCorrected,
    CheckpointWithdrawn,
    CourierCorrected,
    DeliveryWindowChanged,
    Event,
    StatusChanged,
)
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import MINUTE
from parcelwire.domain.merge import derive_milestones, derive_status
from parcelwire.domain.report import DeliveryWindow
from parcelwire.domain.status import Status, is_final
from parcelwire.domain.tracking import Tracking
from parcelwire.store.sqlite.store import SqliteStore
from parcelwire.tracking.journeys import JOURNEY_COLUMNS, JourneyFilter, journey_of
from parcelwire.tracking.ports import Stored, TrackingFilter
from parcelwire.webhooks.ports import MessageFilter
from prove.worlds.judging_deletions import judge_deletions, judge_late
from prove.worlds.judging_feed import judge_kept
from prove.worlds.judging_messages import judge_messages
from prove.worlds.judging_polls import judge_asks, judge_due
from prove.worlds.keepers import Keeper
from prove.worlds.ledger import Given, Parcel
from prove.worlds.process import Ground

Known = dict[tuple[str, ...], Checkpoint]
"""Checkpoints by identity, without the time at which they were learned."""

ALL: Final = 100_000
MOST_WAYS: Final = 64


class Judge:
    """Judges one world."""

    def __init__(self, ground: Ground, keepers: list[Keeper]) -> None:
        """Everything that was seen is in the ground's ledger."""
        self._ground = ground
        self._keepers = keepers
        self.found: list[str] = []
        self.events = 0

    async def judge(self, store: SqliteStore) -> list[str]:
        """Return every broken promise that the stored state shows."""
        ledger = self._ground.ledger
        for keeper in self._keepers:
            world_id = keeper.world_id
            stored = await store.list_trackings(world_id, TrackingFilter(), offset=0, limit=ALL)
            kept = await store.events_after(world_id, 0, ALL)
            self.found += judge_kept(self._ground, world_id, kept)
            events = sorted((ledger.pruned[world_id] | dict(kept)).items())
            self.events += len(events)
            told: dict[str, list[Event]] = defaultdict(list)
            for _, event in events:
                told[event.tracking_id].append(event)
            self._judge_feed(world_id, events, dict(kept))
            self._judge_users(world_id, {one.tracking.id: one for one in stored})
            for tracking_id, its in told.items():
                self._judge_events(tracking_id, its)
            sound = [one for one in stored if one.tracking.id not in ledger.damaged]
            for one in sound:
                self._judge_tracking(one.tracking, told[one.tracking.id])
                self.found += judge_due(self._ground, one)
            # Of a parcel that has no event there is nothing to tell.
            moved = [one for one in sound if told[one.tracking.id]]
            await self._judge_journeys(store, world_id, moved)
            await self._judge_counters(store, world_id, stored)
            messages = (await store.list_messages(world_id, MessageFilter(), limit=ALL)).messages
            self.found += await judge_messages(
                self._ground, store, keeper, messages, [event for _, event in events]
            )
            self.found += judge_late(ledger, [event for _, event in events], messages)
            # Two runs of one seed must end in the same bytes.
            state = msgspec.json.encode((stored, events, messages))
            ledger.note("state", world_id, hashlib.sha256(state).hexdigest())
        self.found += await judge_deletions(ledger, store)
        self.found += judge_asks(self._ground)
        ledger.note("end", *(line for line in self.found))
        return self.found

    # -- users ----------------------------------------------------------------------------------

    def _judge_users(self, world_id: int, stored: dict[str, Stored]) -> None:
        for parcel in self._ground.ledger.parcels:
            if parcel.world_id != world_id:
                continue
            is_there = parcel.id in stored
            if is_there not in parcel.is_there:
                was = "deleted and is there" if is_there else "created and is gone"
                self.found.append(f"{parcel.number} ({parcel.id}) was {was}")
            if is_there:
                self._judge_wishes(parcel, stored[parcel.id].tracking)
        known = {parcel.id for parcel in self._ground.ledger.parcels}
        self.found += [
            f"tracking {one} is there, and nobody created it" for one in stored if one not in known
        ]

    def _judge_wishes(self, parcel: Parcel, tracking: Tracking) -> None:
        for what, value, possible in (
            ("note", tracking.details.note, parcel.notes),
            ("archived", tracking.is_archived, parcel.archived),
            ("override", tracking.status_override, parcel.overrides),
            ("ordered_at", tracking.ordered_at, parcel.ordered),
        ):
            if value not in possible:
                self.found.append(
                    f"{parcel.number} ({parcel.id}): {what} is {value!r}, was set to {possible}"
                )
        # Nothing but the end of its way takes back what was said of a parcel by hand.
        by_hand = next(iter(parcel.overrides)) if len(parcel.overrides) == 1 else None
        if by_hand is not None and tracking.status != by_hand and not tracking.is_final:
            self.found.append(
                f"{parcel.number} ({parcel.id}): stands at {tracking.status}, and was set to"
                f" {by_hand} by hand"
            )

    # -- events ---------------------------------------------------------------------------------

    def _judge_feed(
        self, world_id: int, events: list[tuple[int, Event]], kept: dict[int, Event]
    ) -> None:
        """Who follows the feed sees every event once, unless it is pruned before."""
        seen = self._ground.ledger.followed[world_id]
        cursors = {at for at, _ in seen}
        if seen != [(at, event) for at, event in events if at in cursors or at in kept]:
            missed = [(at, event.id) for at, event in events if at not in cursors and at in kept]
            self.found.append(
                f"the feed of world {world_id} showed {len(seen)} of {len(events)} events; first"
                f" missed: {missed[:1]}"
            )

    def _judge_events(self, tracking_id: str, events: list[Event]) -> None:
        numbers = [event.sequence for event in events]
        if numbers != list(range(1, len(numbers) + 1)):
            self.found.append(f"tracking {tracking_id}: its events are numbered {numbers}")
        status, substatus = Status.PENDING, None
        for event in events:
            if not event.changes:
                self.found.append(f"tracking {tracking_id}: event {event.sequence} tells nothing")
            was_final = is_final(status, substatus)
            for change in event.changes:
                if isinstance(change, StatusChanged):
                    if (change.from_status, change.from_substatus) != (status, substatus):
                        self.found.append(
                            f"tracking {tracking_id}: event {event.sequence} leaves"
                            f" {change.from_status}, and it stood at {status}"
                        )
                    status, substatus = change.to_status, change.to_substatus
            if (event.status, event.substatus) != (status, substatus):
                self.found.append(
                    f"tracking {tracking_id}: event {event.sequence} says {event.status}, its"
                    f" changes {status}"
                )
            if was_final and not is_final(status, substatus) and not _may_reopen(event):
                self.found.append(
                    f"tracking {tracking_id}: event {event.sequence} takes it back from a final"
                    f" status to {status}"
                )

    def _judge_tracking(self, tracking: Tracking, events: list[Event]) -> None:
        name = f"tracking {tracking.id} ({tracking.number})"
        if tracking.sequence != len(events):
            self.found.append(
                f"{name}: {len(events)} events are stored, its sequence is {tracking.sequence}"
            )
        visible = {one.identity: _words(one) for one in tracking.visible_checkpoints}
        told, faults = _retold(events)
        self.found += [f"{name}: {fault}" for fault in faults]
        if told != visible:
            self.found.append(f"{name}: its events do not tell how its checkpoints came about")
        if events and (events[-1].status, events[-1].substatus) != (
            tracking.status,
            tracking.substatus,
        ):
            self.found.append(
                f"{name}: stands at {tracking.status}, its last event says {events[-1].status}"
            )
        if derive_status(tracking) != (tracking.status, tracking.substatus, tracking.reason):
            self.found.append(f"{name}: {tracking.status} does not follow from what is stored")
        if derive_milestones(tracking.checkpoints) != tracking.milestones:
            self.found.append(f"{name}: its milestones do not follow from its checkpoints")
        self._judge_truth(name, tracking, visible)

    def _judge_truth(self, name: str, tracking: Tracking, visible: Known) -> None:
        """The stored checkpoints are those of the answers, the last wording of each."""
        ledger = self._ground.ledger
        given = ledger.given[tracking.id]
        ways = _ways_of(given, tracking.courier_code, [self._may_be_lost(one) for one in given])
        if tracking.is_stopped:
            if not any(visible == _visible(one) for way in ways for one in way):
                self.found.append(f"{name}: its checkpoints are none that its carrier reported")
            return
        if not any(visible == _visible(way[-1]) for way in ways):
            self.found.append(f"{name}: its checkpoints are not those of its carrier's answers")
        life = self._ground.carriers.life(tracking.courier_code, tracking.number)
        if life is None or tracking.courier_code not in self._ground.carriers.policies:
            return
        truth = {
            one.identity: _words(one)
            for one in life.checkpoints_at(ledger.now())
            if not one.is_withdrawn
        }
        if visible != truth:
            self.found.append(f"{name}: is not what its carrier has said for 40 hours")

    def _may_be_lost(self, answer: Given) -> bool:
        """Whether who heard an answer died, or could not write, before it was stored."""
        start, end = answer.at, answer.at + MINUTE
        return any(start <= at <= end for at in self._ground.ledger.deaths) or any(
            since <= end and start <= until for since, until in self._ground.plan.full_disks
        )

    async def _judge_journeys(
        self, store: SqliteStore, world_id: int, stored: list[Stored]
    ) -> None:
        """What became of each parcel is told by its journey, too."""
        counted = await store.count_journeys(world_id, JourneyFilter(), JOURNEY_COLUMNS)
        there = Counter(dict(counted))
        for one in stored:
            journey = journey_of(one.tracking)
            # A scan that is withdrawn when it is first heard of makes no event, and so no journey.
            if journey is None or not one.tracking.visible_checkpoints:
                continue
            row = tuple(getattr(journey, name) for name in JOURNEY_COLUMNS)
            if there[row] < 1:
                self.found.append(f"{one.tracking.number}: its journey is missing, or an old one")
            there[row] -= 1

    # -- counters -------------------------------------------------------------------------------

    async def _judge_counters(
        self, store: SqliteStore, world_id: int, stored: list[Stored]
    ) -> None:
        counted = await store.count_by_status(world_id, TrackingFilter())
        real = Counter(one.tracking.status for one in stored)
        if {key: value for key, value in counted.items() if value} != dict(real):
            self.found.append(f"world {world_id}: counted by status {counted}, there are {real}")
        for is_archived in (True, False):
            where = TrackingFilter(is_archived=is_archived)
            total = await store.count_trackings(world_id, where)
            there = sum(one.tracking.is_archived == is_archived for one in stored)
            if total != there:
                self.found.append(
                    f"world {world_id}: {total} counted with archived={is_archived}, {there} there"
                )
        created = await store.count_created(world_id)
        if created != self._ground.ledger.created[world_id]:
            self.found.append(
                f"world {world_id}: {created} counted as created,"
                f" {self._ground.ledger.created[world_id]} were"
            )


def _words(checkpoint: Checkpoint) -> Checkpoint:
    return replace(checkpoint, received_at=0)


def _may_reopen(event: Event) -> bool:
    """Tell whether an event can rightly end a final status: not by a new scan."""
    return any(
        isinstance(change, CheckpointWithdrawn | CheckpointCorrected | CourierCorrected)
        for change in event.changes
    ) or not any(isinstance(change, CheckpointAdded) for change in event.changes)


def _days_of(window: DeliveryWindow | None) -> tuple[str, str] | None:
    return None if window is None else (window.earliest, window.latest)


def _retold(events: list[Event]) -> tuple[Known, list[str]]:
    """Return the checkpoints that the events tell of, and where they contradict themselves."""
    visible: Known = {}
    window: tuple[str, str] | None = None
    faults = []
    for event in events:
        where = f"event {event.sequence}"
        for change in event.changes:
            if isinstance(change, CheckpointAdded):
                if change.checkpoint.identity in visible:
                    faults.append(f"{where} tells a checkpoint a second time")
                visible[change.checkpoint.identity] = _words(change.checkpoint)
            elif isinstance(change, CheckpointWithdrawn):
                if visible.pop(change.checkpoint.identity, None) is None:
                    faults.append(f"{where} withdraws what was not told")
            elif isinstance(change, CheckpointCorrected):
                if visible.get(change.before.identity) != _words(change.before):
                    faults.append(f"{where} corrects what was not told so")
                # Its identity moves when its offset becomes known.
                visible.pop(change.before.identity, None)
                visible[change.after.identity] = _words(change.after)
            elif isinstance(change, DeliveryWindowChanged):
                if _days_of(change.before) != window:
                    faults.append(f"{where} moves a window that did not stand so")
                window = _days_of(change.after)
            elif isinstance(change, CourierCorrected):
                visible, window = {}, None
    return visible, faults


def _ways_of(given: list[Given], courier: str, may_be_lost: list[bool]) -> list[list[Known]]:
    """Return what a courier's answers made of a tracking, one state after the other.

    Every answer that may be lost doubles the ways that it can have gone.
    """
    ways: list[list[Known]] = [[{}]]
    for answer, is_doubtful in zip(given, may_be_lost, strict=True):
        if answer.courier == courier:
            said = {one.identity: _words(one) for one in answer.checkpoints}
            heard = [[*way, {**way[-1], **said}] for way in ways]
        else:
            # Another courier's parcel: what it said before counts no more.
            heard = [[*way, {}] for way in ways]
        ways = [*heard, *ways][:MOST_WAYS] if is_doubtful else heard
    return ways


def _visible(known: Known) -> Known:
    return {key: one for key, one in known.items() if not one.is_withdrawn}
