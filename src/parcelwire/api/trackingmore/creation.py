"""Numbers to follow, whatever the words they came in."""

from __future__ import annotations

from parcelwire.accounts.quotas import tracking_quota
from parcelwire.api.house import House
from parcelwire.api.trackingmore.refusals import CallRefusedError, RefusalReason
from parcelwire.api.wire import Call
from parcelwire.couriers.registry import Courier
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.errors import (
    AlreadyExistsError,
    CourierUndetectedError,
    NotFoundError,
)
from parcelwire.tracking.ports import Stored


async def detect_couriers(context: House, world_id: int, number: str) -> list[Courier]:
    """Return the couriers that a number (as ``Drafting.number`` returns it) can belong to.

    The best guess comes first.

    Raises:
        CourierUndetectedError: there is none.
    """
    registry = context.registry
    found = [
        courier
        for candidate in await context.service.drafting.candidates(world_id, number)
        if (courier := registry.get(candidate.courier_code)) is not None
    ]
    if not found:
        raise CourierUndetectedError
    return found


async def ask_now(context: House, call: Call, draft: Draft) -> Stored:
    """Return a number's tracking with what its carrier says now.

    A number that is not followed yet is created first, which the rate limit of creates counts.

    Raises:
        CallRefusedError: the rate limit does not allow that.
        TrackingError: something about the draft is wrong.
    """
    service, world_id = context.service, call.world_id
    try:
        if draft.courier_code is None:
            raise NotFoundError
        stored = await service.find(world_id, draft.number, draft.courier_code)
    except NotFoundError:
        if not context.limiter.take(world_id, "create").is_allowed:
            raise CallRefusedError(RefusalReason.RATE_LIMITED) from None
        try:
            return await service.create(
                world_id, draft, quota=tracking_quota(call.account, call.world_id)
            )
        except AlreadyExistsError as error:
            # Its courier was found from the number, or somebody else was quicker.
            stored = await service.get(world_id, error.existing_id)
    return await service.refresh_now(stored)
