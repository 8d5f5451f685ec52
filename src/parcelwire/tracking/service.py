"""The use cases: what a shop can ask of Parcelwire, whatever dialect it speaks.

    dialect --Draft/patch--> TrackingService --Save--> store
                                  |
                                  +--on demand--> throttle -> carriers -> Refresher -> store

Writes return when they are durable. Asking on demand comes after that and is bounded in time: a
slow carrier delays the answer by at most ``fetch_wait_seconds``; the question then goes on behind
it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from parcelwire.couriers.registry import Registry
from parcelwire.domain.account import is_test_world
from parcelwire.domain.clock import Clock, Instant
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.creating import Outcome, outcome_of, refusal_of, told_as
from parcelwire.tracking.drafts import Draft, Drafting, check_fields
from parcelwire.tracking.editing import Editor
from parcelwire.tracking.errors import NotFoundError, RetrackNotAllowedError, TrackingError
from parcelwire.tracking.living import LivingQuota
from parcelwire.tracking.on_demand_refresh import OnDemandRefresh, ServiceSettings
from parcelwire.tracking.ports import (
    CarrierPolicy,
    Carriers,
    Creation,
    NewTracking,
    Once,
    Planner,
    Stored,
    Throttle,
    TrackingStore,
)
from parcelwire.tracking.refresh import Refresher
from parcelwire.tracking.slices import SLICE

__all__ = ["Outcome", "ServiceSettings", "TrackingService"]


class TrackingService:
    """Create, read, change and end trackings of one world at a time."""

    def __init__(
        self,
        store: TrackingStore,
        *,
        carriers: Carriers,
        throttle: Throttle,
        planner: Planner,
        refresher: Refresher,
        drafting: Drafting,
        registry: Registry,
        clock: Clock,
        settings: ServiceSettings,
        wake_polls: Callable[[], None] = lambda: None,
    ) -> None:
        """``wake_polls`` is called when something became due at once."""
        self.store = store
        self.carriers = carriers
        self.drafting = drafting
        self.registry = registry
        self._planner = planner
        self._clock = clock
        self._settings = settings
        self._wake_polls = wake_polls
        self._living = LivingQuota(store, clock, settings.test_trackings)
        self.editor = Editor(
            store,
            carriers=carriers,
            planner=planner,
            refresher=refresher,
            clock=clock,
            wake_polls=wake_polls,
        )
        self._on_demand = OnDemandRefresh(
            store,
            carriers=carriers,
            throttle=throttle,
            refresher=refresher,
            clock=clock,
            settings=settings,
            wake_polls=wake_polls,
        )

    # -- create ---------------------------------------------------------------------------------

    async def create(
        self,
        world_id: int,
        draft: Draft,
        *,
        quota: int | None = None,
        is_waiting: bool = True,
        once: Once | None = None,
    ) -> Stored:
        """Follow one number; ask its carrier at once when there is a way, and return what is known
        then.

        Without ``is_waiting`` the question goes on behind the answer, which is the tracking as it
        was stored. ``once.answer`` is given that tracking (``Stored``), or the error that is raised
        afterwards.

        Raises:
            AlreadyDoneError: ``once`` says that this has happened before.
            AlreadyExistsError: the world follows it already.
            OverQuotaError: the account's quota is used up, or its test world is full.
            TrackingError: the draft itself is wrong; nothing was stored.
        """
        now = self._clock.now()
        tracking = await self.drafting.tracking(world_id, draft, now)
        policy = await self.carriers.policy(world_id, tracking.courier_code)
        poll = self._planner.first(tracking, policy, now)
        will_ask = self._settings.fetch_on_create and policy is not None
        lease = self._on_demand.lease_from(now) if will_ask else 0
        new = NewTracking(
            tracking=tracking, due_at=poll.due_at, due_reason=poll.due_reason, leased_until=lease
        )
        stored = Stored(tracking, replace(poll, leased_until=lease) if lease else poll)

        def result_of(creations: list[Creation]) -> Stored | TrackingError:
            return refusal_of(creations[0], tracking) or stored

        told = told_as(once, result_of)
        if is_test_world(world_id):
            async with self._living.room(world_id, 1) as has_room:
                (creation,) = await self.store.create_trackings(
                    [new], quota=quota if has_room else 0, once=told
                )
        else:
            (creation,) = await self.store.create_trackings([new], quota=quota, once=told)
        if error := refusal_of(creation, tracking):
            raise error
        if not will_ask or policy is None:
            self._wake_polls()
        elif is_waiting:
            return await self._on_demand.fetch(stored, policy)
        else:
            self._on_demand.start(stored, policy)
        return stored

    async def create_many(
        self,
        world_id: int,
        drafts: Sequence[Draft],
        *,
        quota: int | None = None,
        once: Once | None = None,
    ) -> list[Outcome]:
        """Follow many numbers in one transaction; each draft has its own outcome, in order.

        Carriers are asked soon after. ``once.answer`` is given the outcomes. A batch for which a
        test world has no room any more is refused as a whole.

        Raises:
            AlreadyDoneError: ``once`` says that this has happened before.
        """
        now = self._clock.now()
        outcomes: list[Outcome | None] = []
        new: list[NewTracking] = []
        policies: dict[str, CarrierPolicy | None] = {}
        for index, draft in enumerate(drafts):
            if index % SLICE == SLICE - 1:
                # Finding a courier is work of the loop's: others have their turn in between.
                await asyncio.sleep(0)
            try:
                tracking = await self.drafting.tracking(world_id, draft, now)
            except TrackingError as error:
                outcomes.append(Outcome(draft=draft, error=error))
                continue
            code = tracking.courier_code
            if code not in policies:
                policies[code] = await self.carriers.policy(world_id, code)
            poll = self._planner.first(tracking, policies[code], now)
            new.append(
                NewTracking(tracking=tracking, due_at=poll.due_at, due_reason=poll.due_reason)
            )
            outcomes.append(None)

        def results_of(creations: Sequence[Creation]) -> list[Outcome]:
            made = iter(zip(new, creations, strict=True))
            return [
                outcome or outcome_of(draft, *next(made))
                for draft, outcome in zip(drafts, outcomes, strict=True)
            ]

        if not new and once is None:
            return results_of(())
        async with self._living.room(world_id, len(new)) as has_room:
            creations = await self.store.create_trackings(
                new, quota=quota if has_room else 0, once=told_as(once, results_of)
            )
        self._wake_polls()
        return results_of(creations)

    # -- read -----------------------------------------------------------------------------------

    async def get(self, world_id: int, tracking_id: str) -> Stored:
        """Return one tracking by id.

        Raises:
            NotFoundError: the world has none with this id.
        """
        stored = await self.store.load(world_id, tracking_id)
        if stored is None:
            raise NotFoundError(tracking_id)
        return stored

    async def find(self, world_id: int, typed_number: str | None, courier_code: str) -> Stored:
        """Return one tracking by number and courier.

        Raises:
            NotFoundError: the world follows no such number with that courier.
            TrackingError: the number or the courier is wrong in itself.
        """
        number = self.drafting.number(typed_number)
        code = self.drafting.courier(courier_code).code
        found = await self.store.find(world_id, number, code)
        if not found:
            raise NotFoundError(number)
        return found[0]

    # -- ask now --------------------------------------------------------------------------------

    async def refresh_now(self, stored: Stored) -> Stored:
        """Ask the carrier now and return what is known then.

        Answers from the store when the last check is fresh, when nobody configured a way to ask, or
        when the carrier's budget is spent; ``poll`` of the result tells when it was last checked.
        When somebody asks at this very moment, their answer is waited for.
        """
        return await self._on_demand.refresh(stored)

    # -- change ---------------------------------------------------------------------------------

    async def update(
        self,
        stored: Stored,
        *,
        details: Mapping[str, Any] | None = None,
        is_archived: bool | None = None,
        ordered_at: Instant | None = None,
        status_override: Status | None = None,
        clears_override: bool = False,
    ) -> Stored:
        """Change what the shop says about a tracking; only what is given changes.

        ``details`` maps names of ``Details`` to new values. ``status_override`` (delivered or
        exception) wins over the
        carrier until ``clears_override``.

        Raises:
            NotFoundError: it was deleted meanwhile.
            TrackingBusyError: others changed it first, time after time; nothing was stored.
        """

        def edit(tracking: Tracking) -> Tracking:
            return replace(
                tracking,
                details=replace(tracking.details, **(details or {}))
                if details
                else tracking.details,
                is_archived=tracking.is_archived if is_archived is None else is_archived,
                # The first moment of 1970 is a time like any other, and false to Python.
                ordered_at=tracking.ordered_at if ordered_at is None else ordered_at,
                status_override=None
                if clears_override
                else status_override or tracking.status_override,
            )

        return await self.editor.edit(stored, edit)

    async def stop(self, stored: Stored, *, once: Once | None = None) -> Stored:
        """Ask the carrier no more. ``once.answer`` is given the tracking as it is then.

        Raises:
            NotFoundError, TrackingBusyError: as for ``update``.
        """
        return await self.editor.edit(
            stored,
            lambda tracking: replace(tracking, is_stopped=True, stopped_reason="by_user"),
            once=once,
        )

    async def retrack(self, stored: Stored, *, once: Once | None = None) -> Stored:
        """Take an expired tracking up again, one with a status set by hand included.

        ``once`` as for ``stop``.

        Raises:
            RetrackNotAllowedError: it is not expired.
            NotFoundError, TrackingBusyError: as for ``update``.
        """
        if not stored.tracking.is_expired:
            raise RetrackNotAllowedError(stored.tracking)
        now = self._clock.now()
        return await self.editor.edit(
            stored,
            lambda tracking: replace(
                tracking,
                expired_at=None,
                retracked_at=now,
                is_stopped=False,
                stopped_reason=None,
                is_known_missing=False,
            ),
            is_due_now=True,
            once=once,
        )

    async def change_courier(
        self,
        stored: Stored,
        new_code: str,
        why: str = "by request",
        *,
        details: Mapping[str, Any] | None = None,
        once: Once | None = None,
    ) -> Stored:
        """Give the tracking another courier. ``once`` as for ``stop``.

        Its id stays, what the wrong courier said goes, the new one is asked soon. ``details``: what
        the caller is going to store by ``update``, and the new courier may want.

        Raises:
            CourierUnknownError: there is no such courier.
            FieldsMissingError: it wants more than is known of the parcel; nothing was stored.
            AlreadyExistsError: the number is followed with that courier already.
            NotFoundError, TrackingBusyError: as for ``update``.
        """
        courier = self.drafting.courier(new_code)
        if courier.code == stored.tracking.courier_code:
            return await self.editor.leave(stored, once=once)
        check_fields(courier, replace(stored.tracking.details, **(details or {})))
        return await self.editor.move(stored, courier.code, why, once=once)

    async def delete(self, world_id: int, tracking_ids: Sequence[str]) -> list[str]:
        """Delete trackings for good; return the ids that were there."""
        return await self.store.delete_trackings(world_id, tracking_ids)

    async def leave(self, stored: Stored, *, once: Once | None) -> Stored:
        """Change nothing, and record so under ``once``."""
        return await self.editor.leave(stored, once=once)

    async def drain(self) -> None:
        """Wait for questions that go on behind their answers (at shutdown)."""
        await self._on_demand.drain()
        await self.drafting.history.drain()
