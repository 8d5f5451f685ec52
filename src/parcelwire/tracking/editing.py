"""One change of a tracking, worked out again until it is stored on what it was worked out from."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from parcelwire.domain.changes import CourierCorrected
from parcelwire.domain.clock import Clock, Instant
from parcelwire.domain.merge import Merged, restate
from parcelwire.domain.tracking import Correction, Tracking
from parcelwire.tracking.creating import told_as
from parcelwire.tracking.errors import AlreadyExistsError, NotFoundError, TrackingBusyError
from parcelwire.tracking.ports import Carriers, Once, Planner, Stored, TrackingStore
from parcelwire.tracking.refresh import MAX_TRIES, Refresher, stop_if_over


class Editor:
    """Changes what is stored, with its event, its messages and its next due time.

    Whoever saved meanwhile is not overwritten: the change is made anew, of what is stored then.
    """

    def __init__(
        self,
        store: TrackingStore,
        *,
        carriers: Carriers,
        planner: Planner,
        refresher: Refresher,
        clock: Clock,
        wake_polls: Callable[[], None],
    ) -> None:
        """``wake_polls`` is called when another due time was stored."""
        self.store = store
        self._carriers = carriers
        self._planner = planner
        self._refresher = refresher
        self._clock = clock
        self._wake_polls = wake_polls

    async def edit(
        self,
        stored: Stored,
        edit: Callable[[Tracking], Tracking],
        *,
        is_due_now: bool = False,
        once: Once | None = None,
    ) -> Stored:
        """Store what ``edit`` makes of the tracking; return it. ``edit`` may be called again.

        With ``is_due_now`` the carrier is asked as if the tracking were new.

        Raises:
            NotFoundError: it was deleted meanwhile.
            TrackingBusyError: others changed it first, time after time; nothing was stored.
        """
        for _ in range(MAX_TRIES):
            before = stored.tracking
            now = self._clock.now()
            edited = edit(before)
            if edited == before:
                return await self.leave(stored, once=once)
            restated = restate(before, edited)
            # What a person says of its status can end a parcel's way, or open it again.
            edited = stop_if_over(restated.tracking)
            restated = replace(restated, tracking=edited)
            change = await self._refresher.build_save(before, restated, now)
            if edited.is_stopped != before.is_stopped or is_due_now:
                policy = await self._carriers.policy(before.world_id, before.courier_code)
                first = self._planner.first(change.tracking, policy, now)
                poll = replace(
                    stored.poll,
                    due_at=first.due_at,
                    due_reason=first.due_reason,
                    leased_until=0,
                    probe_courier="",
                )
                change = replace(change, poll=poll)
            after = Stored(change.tracking, change.poll or stored.poll)
            if await self.store.save(change, once=_told(once, after)):
                if change.messages:
                    self._refresher.notify()
                if change.poll is not None:
                    self._wake_polls()
                return after
            stored = await self._load_again(stored)
        raise TrackingBusyError(stored.tracking.id, MAX_TRIES)

    async def move(
        self, stored: Stored, courier_code: str, why: str, *, once: Once | None = None
    ) -> Stored:
        """Store the tracking as one of the courier ``courier_code``, which knows nothing of it yet.

        Raises:
            AlreadyExistsError: the number is followed with that courier already.
            NotFoundError, TrackingBusyError: as for ``edit``.
        """
        for _ in range(MAX_TRIES):
            now = self._clock.now()
            before = stored.tracking
            moved = _moved(before, courier_code, why, now)
            change = await self._refresher.build_save(before, moved, now)
            policy = await self._carriers.policy(before.world_id, courier_code)
            poll = self._planner.first(change.tracking, policy, now)
            after = Stored(change.tracking, poll)
            result = await self.store.change_courier(
                replace(change, poll=poll), once=_told(once, after)
            )
            if result == "saved":
                self._refresher.notify()
                self._wake_polls()
                return after
            if result == "taken":
                existing = await self.store.find(before.world_id, before.number, courier_code)
                if existing:
                    raise AlreadyExistsError(existing[0].tracking.id, before.number, courier_code)
                # It was deleted in between.
            stored = await self._load_again(stored)
            if stored.tracking.courier_code == courier_code:
                return await self.leave(stored, once=once)
        raise TrackingBusyError(stored.tracking.id, MAX_TRIES)

    async def leave(self, stored: Stored, *, once: Once | None) -> Stored:
        """Change nothing, and record so under ``once``."""
        if once is not None:
            await self.store.create_trackings([], once=_told(once, stored))
        return stored

    async def _load_again(self, stored: Stored) -> Stored:
        tracking = stored.tracking
        fresh = await self.store.load(tracking.world_id, tracking.id)
        if fresh is None:
            raise NotFoundError(tracking.id)
        return fresh


def _moved(before: Tracking, courier_code: str, why: str, now: Instant) -> Merged:
    """Return ``before`` with another courier: what the wrong one said goes."""
    correction = Correction(
        at=now, from_courier=before.courier_code, to_courier=courier_code, reason=why
    )
    moved = restate(
        before,
        replace(
            before,
            courier_code=courier_code,
            checkpoints=(),
            facts=None,
            facts_at=0,
            window=None,
            is_known_missing=False,
            expired_at=None,
            is_stopped=False,
            stopped_reason=None,
            corrections=(*before.corrections, correction),
        ),
    )
    told = CourierCorrected(from_courier=before.courier_code, to_courier=courier_code, reason=why)
    return replace(moved, changes=(told, *moved.changes))


def _told(once: Once | None, stored: Stored) -> Once | None:
    """Return ``once`` with an answer that is made of the tracking, whatever a write returns."""
    return told_as(once, lambda _: stored)
