"""What became of each parcel in a few figures, for counting: one narrow row a parcel.

    events feed -> JourneyKeeper -> journey_of -> save_journeys        (behind the saves, in bulk)
    analytics   -> count_journeys

The rows are kept beside the path of saving, so that no poll pays for a chart. They lag behind by
seconds and can be made anew from the trackings at any time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Final, Literal, Protocol, get_args

import msgspec

from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import Clock, to_datetime
from parcelwire.domain.lane import lane_of
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.following import DATA_FAULTS, FeedStore, Follower
from parcelwire.tracking.periodic_task import PeriodicTask
from parcelwire.tracking.ports import Stored, TrackingFilter, TrackingPlace

TROUBLE: Final = frozenset({Status.UNDELIVERED, Status.EXCEPTION})
"""What counts as something that went wrong on the way."""

MOST_TOLD: Final = 1_000
"""Of which the log tells one by one."""


_log: Final = logging.getLogger(__name__)


class Journey(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one parcel. Days are ``YYYY-MM-DD``."""

    tracking_id: str
    world_id: int
    version: int
    """Of the tracking; an older one never replaces a newer."""
    created_on: str
    """UTC."""
    courier_code: str
    origin: str | None = None
    """ISO 3166 alpha-2."""
    destination: str | None = None
    status: Status
    ended_on: str | None = None
    """Local day of the delivery, or of the return to the sender."""
    transit_days: int | None = None
    """See ``domain.lane``; only of delivered ones."""
    promised_on: str | None = None
    """The last day of the window that the carrier named last."""
    is_on_time: bool | None = None
    """None: not delivered, or nothing was promised."""
    is_first_attempt: bool | None = None
    """Delivered without having been undeliverable before; None: not delivered."""
    reason: str | None = None
    """The newest reason why something went wrong."""
    had_exception: bool = False
    """Something went wrong on the way, however it ended."""


JourneyColumn = Literal[
    "created_on",
    "courier_code",
    "origin",
    "destination",
    "status",
    "ended_on",
    "transit_days",
    "promised_on",
    "is_on_time",
    "is_first_attempt",
    "reason",
    "had_exception",
]
"""What journeys can be counted by."""

JOURNEY_COLUMNS: Final[tuple[JourneyColumn, ...]] = get_args(JourneyColumn)

JourneyCount = tuple[tuple[str | int | bool | None, ...], int]
"""One value for each column that was asked for, and how many journeys have these."""


MOST_COUNTED: Final = 100_000
"""So many journeys are counted at a time: those of the newest parcels."""


class JourneyCounts(list[JourneyCount]):
    """How many journeys have which values, in no given order."""

    def __init__(self, counts: Iterable[JourneyCount] = (), *, is_cut: bool = False) -> None:
        """Take what was counted."""
        super().__init__(counts)
        self.is_cut = is_cut
        """There are ``MOST_COUNTED`` or more in these days: only the newest are counted."""


class JourneyFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which journeys to count; None = no condition. Days inclusive, ``YYYY-MM-DD``, UTC."""

    since_on: str | None = None
    """Compared with ``created_on``."""
    until_on: str | None = None
    courier_code: str | None = None
    origin: str | None = None
    destination: str | None = None


def journey_of(tracking: Tracking) -> Journey | None:
    """Return what became of a parcel; None while its carrier has told nothing about it."""
    if not tracking.checkpoints:
        return None
    lane = lane_of(tracking)
    visible = tracking.visible_checkpoints
    went_wrong = [checkpoint for checkpoint in visible if checkpoint.status in TROUBLE]
    is_delivered = tracking.status is Status.DELIVERED
    ended_on = _ended_on(tracking)
    promised_on = tracking.promise.latest[:10] if tracking.promise is not None else None
    is_promised = is_delivered and promised_on is not None and ended_on is not None
    return Journey(
        tracking_id=tracking.id,
        world_id=tracking.world_id,
        version=tracking.version,
        created_on=to_datetime(tracking.created_at).date().isoformat(),
        courier_code=tracking.courier_code,
        origin=lane.origin,
        destination=lane.destination,
        status=tracking.status,
        ended_on=ended_on,
        transit_days=lane.transit_days,
        promised_on=promised_on,
        is_on_time=(ended_on or "") <= (promised_on or "") if is_promised else None,
        is_first_attempt=_is_first_attempt(visible) if is_delivered else None,
        reason=_reason(tracking, visible),
        had_exception=bool(went_wrong) or tracking.status in TROUBLE,
    )


def _ended_on(tracking: Tracking) -> str | None:
    milestones = tracking.milestones
    if tracking.status is Status.DELIVERED:
        return milestones.delivered[:10] if milestones.delivered else None
    if tracking.substatus is Substatus.EXCEPTION_RETURNED:
        return milestones.returned[:10] if milestones.returned else None
    return None


def _is_first_attempt(visible: Iterable[Checkpoint]) -> bool:
    return all(checkpoint.status is not Status.UNDELIVERED for checkpoint in visible)


def _reason(tracking: Tracking, visible: Sequence[Checkpoint]) -> str | None:
    if tracking.reason is not None:
        return tracking.reason.value
    for checkpoint in reversed(visible):
        if checkpoint.reason is not None:
            return checkpoint.reason.value
    return None


class JourneyStore(Protocol):
    """Keeps journeys. They go when their tracking is deleted."""

    async def save_journeys(self, rows: Sequence[Journey]) -> int:
        """Store journeys, each in place of an older one; return how many were stored.

        Left out are those whose tracking is gone, and those older than what is there.
        """
        ...

    async def count_journeys(
        self, world_id: int, where: JourneyFilter, by: Sequence[JourneyColumn]
    ) -> JourneyCounts:
        """Count the journeys of a world by their values of some columns.

        Of the days of ``where``, at most the newest ``MOST_COUNTED`` are looked at.

        Raises:
            ValueError: no column, one that is not there, or a day that is none.
        """
        ...


class KeeperStore(FeedStore, JourneyStore, Protocol):
    """What the keeper needs."""

    async def load_many(self, tracking_ids: Sequence[str]) -> list[Stored]:
        """Return those that exist."""
        ...

    async def page_trackings(
        self,
        world_id: int,
        where: TrackingFilter,
        *,
        after: TrackingPlace | None = None,
        limit: int = 50,
    ) -> list[Stored]:
        """Return what follows ``after``, newest created first."""
        ...


class JourneyKeeper(PeriodicTask):
    """Keeps the journeys of all worlds up to date."""

    def __init__(
        self, store: KeeperStore, *, clock: Clock, batch: int = 200, idle_seconds: float = 10
    ) -> None:
        """``batch``: trackings looked at in one go."""
        super().__init__("journeys", clock=clock, idle_seconds=idle_seconds)
        self._store = store
        self._batch = batch
        self._follower = Follower("journeys", store, clock, batch=batch)
        self._told: set[str] = set()

    async def step(self) -> int:
        """Take in one batch of every world; return how many events and trackings were seen."""
        seen = 0
        for world_id in await self._follower.worlds():
            try:
                seen += await self._take_in(world_id)
            except DATA_FAULTS as error:
                # What is wrong with one world's data is no reason to leave the others out.
                self._tell(f"of world {world_id}", error)
        return seen

    async def _take_in(self, world_id: int) -> int:
        mark = await self._follower.mark(world_id)
        return await (self._follow(world_id) if mark.is_filled else self._fill(world_id))

    async def _fill(self, world_id: int) -> int:
        """Take in what was there before anybody followed."""
        mark = await self._follower.mark(world_id)
        page = await self._store.page_trackings(
            world_id, TrackingFilter(), after=mark.place, limit=self._batch
        )
        await self._save(page)
        place = None
        if len(page) == self._batch:
            last = page[-1].tracking
            place = TrackingPlace(last.created_at, last.id)
        await self._follower.fill(world_id, place)
        # Even an empty world is worth another look: its events come next.
        return len(page)

    async def _follow(self, world_id: int) -> int:
        events = await self._follower.read(world_id)
        if not events:
            return 0
        wanted = dict.fromkeys(event.tracking_id for _, event in events)
        await self._save(await self._store.load_many(list(wanted)))
        await self._follower.advance(world_id, events[-1][0])
        return len(events)

    async def _save(self, found: Iterable[Stored]) -> None:
        rows = []
        for stored in found:
            try:
                row = journey_of(stored.tracking)
            except DATA_FAULTS as error:
                self._tell(f"of tracking {stored.tracking.id}", error)
                continue
            if row is not None:
                rows.append(row)
        if not rows:
            return
        try:
            await self._store.save_journeys(rows)
        except DATA_FAULTS:
            for row in rows:
                try:
                    await self._store.save_journeys([row])
                except DATA_FAULTS as error:
                    self._tell(f"of tracking {row.tracking_id}", error)

    def _tell(self, whose: str, error: Exception) -> None:
        """Log, once, that a journey is left out."""
        if whose not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(whose)
            _log.error("journeys: what is stored %s is left out", whose, exc_info=error)
