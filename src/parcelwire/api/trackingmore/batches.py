"""Calls with many items: each item has its own outcome, and the call itself succeeds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from parcelwire.accounts.quotas import tracking_quota
from parcelwire.api.house import House
from parcelwire.api.trackingmore.bodies import ECHOED, echo_of
from parcelwire.api.trackingmore.declaration import RefusedFor
from parcelwire.api.trackingmore.refusals import Refused
from parcelwire.api.wire import Call
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.errors import TrackingError
from parcelwire.tracking.ports import Stored


class ItemFailure(msgspec.Struct, frozen=True, kw_only=True):
    """One item that came to nothing, to be told in a version's own words."""

    number: str
    """As it was sent, cut to 100 characters; ``""``: there was none."""
    courier_code: str
    """Likewise."""
    refused: Refused
    error: TrackingError | None = None
    """What the use case said, where it was the use case that refused."""


class Batches:
    """Does the items of a call one by one; what is refused does not keep the others back."""

    def __init__(
        self,
        context: House,
        *,
        number_field: str = "tracking_number",
        courier_field: str,
        refused_for: RefusedFor,
    ) -> None:
        """``number_field``, ``courier_field``: the version's names of them in an item."""
        self._service = context.service
        self._limiter = context.limiter
        self._number_field = number_field
        self._courier_field = courier_field
        self._refused_for = refused_for

    async def create(
        self, call: Call, items: Sequence[Any], read: Callable[[Any], Draft]
    ) -> tuple[list[Tracking], list[ItemFailure]]:
        """Follow the numbers of ``items``, in one transaction; return what was created, and what
        was not: first the items that could not be read, then those that were refused.

        ``read`` may raise ``Refused``. Every item that could be read counts towards the rate limit
        of creates.
        """
        drafts: list[Draft] = []
        failures: list[ItemFailure] = []
        for item in items:
            try:
                drafts.append(read(item))
            except Refused as refused:
                failures.append(self.failure(item, refused))
        # The call itself is counted already.
        self._limiter.charge(call.world_id, "create", len(drafts) - 1)
        outcomes = await self._service.create_many(
            call.world_id, drafts, quota=tracking_quota(call.account, call.world_id)
        )
        created: list[Tracking] = []
        for outcome in outcomes:
            if outcome.tracking is not None:
                created.append(outcome.tracking)
            if outcome.error is not None:
                failures.append(self._failed_draft(outcome.draft, outcome.error))
        return created, failures

    async def each(
        self, items: Sequence[Any], work: Callable[[Any], Awaitable[Stored]]
    ) -> tuple[list[tuple[Any, Stored]], list[ItemFailure]]:
        """Do ``work`` with each item in turn; return those that it was done with, and the others.

        ``work`` may raise ``Refused`` or ``TrackingError``.
        """
        done: list[tuple[Any, Stored]] = []
        failures: list[ItemFailure] = []
        for item in items:
            try:
                stored = await work(item)
            except Refused as refused:
                failures.append(self.failure(item, refused))
            except TrackingError as error:
                failures.append(self.failure(item, self._refused_for(error), error))
            else:
                done.append((item, stored))
        return done, failures

    def failure(
        self, item: Any, refused: Refused, error: TrackingError | None = None
    ) -> ItemFailure:
        """Return what is said of an item (decoded JSON, whatever it is)."""
        return ItemFailure(
            number=echo_of(item, self._number_field),
            courier_code=echo_of(item, self._courier_field),
            refused=refused,
            error=error,
        )

    def _failed_draft(self, draft: Draft, error: TrackingError) -> ItemFailure:
        return ItemFailure(
            number=(draft.number or "")[:ECHOED],
            courier_code=(draft.courier_code or "")[:ECHOED],
            refused=self._refused_for(error),
            error=error,
        )
