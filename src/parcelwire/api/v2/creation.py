"""``trackings/post``, ``trackings/batch`` and ``trackings/realtime``."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from parcelwire.accounts.quotas import tracking_quota
from parcelwire.api.house import House
from parcelwire.api.v2.bodies import CreateRequest
from parcelwire.api.v2.errors import (
    CODES,
    CREATED,
    TOO_MANY_REQUESTS,
    Refused,
    answer,
    code_for,
    success,
)
from parcelwire.api.v2.models import BatchResult, ItemError, RealTimeResult
from parcelwire.api.v2.render import Renderer, short_item
from parcelwire.api.v2.requests import draft_of, fields_of, items_of, shaped
from parcelwire.api.wire import Call, Reply
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.errors import AlreadyExistsError, NotFoundError

_encode: Final = msgspec.json.Encoder().encode


class CreationCalls:
    """Takes numbers to follow."""

    def __init__(self, house: House, renderer: Renderer) -> None:
        self._service = house.service
        self._limiter = house.limiter
        self._clock = house.clock
        self._renderer = renderer

    async def create_tracking(self, call: Call) -> Reply:
        """Follow one number; its carrier is asked at once where there is a way.

        Raises:
            Refused: something about the request is wrong.
            TrackingError: the same, found by the use case.
        """
        draft = draft_of(shaped(fields_of(call), CreateRequest))
        stored = await self._service.create(
            call.world_id, draft, quota=tracking_quota(call.account, call.world_id)
        )
        return success(_encode(short_item(stored.tracking)))

    async def create_trackings(self, call: Call) -> Reply:
        """Follow up to 200 numbers; each has its own fate, and the call itself succeeds.

        Raises:
            Refused: there is no list, it is empty, or it is too long: then nothing is created.
        """
        items = items_of(call)
        drafts: list[Draft] = []
        errors: list[ItemError] = []
        for item in items:
            try:
                drafts.append(draft_of(shaped(item, CreateRequest)))
            except Refused as refused:
                errors.append(item_error(item, refused.code))
        # The call itself is counted already.
        self._limiter.charge(call.world_id, "create", len(drafts) - 1)
        outcomes = await self._service.create_many(
            call.world_id, drafts, quota=tracking_quota(call.account, call.world_id)
        )
        created = [
            short_item(outcome.tracking) for outcome in outcomes if outcome.tracking is not None
        ]
        for outcome in outcomes:
            if outcome.error is not None:
                asked = {
                    "tracking_number": outcome.draft.number,
                    "carrier_code": outcome.draft.courier_code,
                }
                errors.append(item_error(asked, code_for(outcome.error)))
        result = BatchResult(
            submitted=len(items), added=len(created), trackings=created, errors=errors
        )
        return answer(CREATED, result)

    async def read_real_time(self, call: Call) -> Reply:
        """Answer one number with what its carrier says now.

        A number that is not followed yet is created first (open in the sources: the call takes all
        the fields of create, and says nothing of a create before it).

        Raises:
            Refused: something about the request is wrong.
            TrackingError: the same, found by the use case.
        """
        draft = draft_of(
            shaped(fields_of(call, is_body_optional=call.method == "GET"), CreateRequest)
        )
        world_id = call.world_id
        try:
            if draft.courier_code is None:
                raise NotFoundError
            stored = await self._service.find(world_id, draft.number, draft.courier_code)
        except NotFoundError:
            if not self._limiter.take(world_id, "create").is_allowed:
                raise Refused(TOO_MANY_REQUESTS) from None
            try:
                stored = await self._service.create(
                    world_id, draft, quota=tracking_quota(call.account, call.world_id)
                )
            except AlreadyExistsError as error:
                # Its courier was found from the number, or somebody else was quicker.
                stored = await self._service.get(world_id, error.existing_id)
                stored = await self._service.refresh_now(stored)
        else:
            stored = await self._service.refresh_now(stored)
        item = self._renderer.full_item(stored.tracking, self._clock.now(), draft.details.language)
        return success(_encode(RealTimeResult(items=[item])))


def item_error(item: Any, code: int, message: str = "") -> ItemError:
    """Return what is said about one item of many that came to nothing.

    ``message``: another than the code's.
    """

    def said(field: str) -> str:
        value = item.get(field) if isinstance(item, dict) else None
        # What was sent is repeated so that the sender finds its item, but not at any length.
        return str(value)[:100] if isinstance(value, str | int | float) else ""

    return ItemError(
        tracking_number=said("tracking_number"),
        carrier_code=said("carrier_code"),
        code=code,
        message=message or CODES[code][1],
    )
