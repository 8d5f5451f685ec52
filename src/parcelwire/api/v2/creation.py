"""``trackings/post``, ``trackings/batch`` and ``trackings/realtime``."""

from __future__ import annotations

from typing import Final

import msgspec

from parcelwire.accounts.quotas import tracking_quota
from parcelwire.api.house import House
from parcelwire.api.trackingmore.batches import Batches, ItemFailure
from parcelwire.api.trackingmore.creation import ask_now
from parcelwire.api.v2.bodies import CreateRequest
from parcelwire.api.v2.errors import CREATED, answer, message_of, refused_for, success
from parcelwire.api.v2.models import BatchResult, ItemError, RealTimeResult
from parcelwire.api.v2.render import Renderer, short_item
from parcelwire.api.v2.requests import draft_of, fields_of, items_of, shaped
from parcelwire.api.wire import Call, Reply

_encode: Final = msgspec.json.Encoder().encode


class CreationCalls:
    """Takes numbers to follow."""

    def __init__(self, house: House, renderer: Renderer) -> None:
        self._house = house
        self._batches = batches_of(house)
        self._renderer = renderer

    async def create_tracking(self, call: Call) -> Reply:
        """Follow one number; its carrier is asked at once where there is a way.

        Raises:
            Refused: something about the request is wrong.
            TrackingError: the same, found by the use case.
        """
        draft = draft_of(shaped(fields_of(call), CreateRequest))
        stored = await self._house.service.create(
            call.world_id, draft, quota=tracking_quota(call.account, call.world_id)
        )
        return success(_encode(short_item(stored.tracking)))

    async def create_trackings(self, call: Call) -> Reply:
        """Follow up to 200 numbers; each has its own fate, and the call itself succeeds.

        Raises:
            Refused: there is no list, it is empty, or it is too long: then nothing is created.
        """
        items = items_of(call)
        created, failures = await self._batches.create(
            call, items, lambda item: draft_of(shaped(item, CreateRequest))
        )
        result = BatchResult(
            submitted=len(items),
            added=len(created),
            trackings=[short_item(tracking) for tracking in created],
            errors=[item_error(one) for one in failures],
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
        stored = await ask_now(self._house, call, draft)
        now, language = self._house.clock.now(), draft.details.language
        item = self._renderer.full_item(stored.tracking, now, language)
        return success(_encode(RealTimeResult(items=[item])))


def batches_of(house: House) -> Batches:
    """Return what does many items with one call, in v2's codes."""
    return Batches(house, courier_field="carrier_code", refused_for=refused_for)


def item_error(failure: ItemFailure) -> ItemError:
    """Return what is said about one item of many that came to nothing."""
    return ItemError(
        tracking_number=failure.number,
        carrier_code=failure.courier_code,
        code=failure.refused.code,
        message=message_of(failure.refused),
    )
