"""``trackings/create`` and ``trackings/batch``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from parcelwire.accounts.quotas import tracking_quota
from parcelwire.api.house import House
from parcelwire.api.trackingmore.batches import Batches, ItemFailure
from parcelwire.api.trackingmore.bodies import read_switch
from parcelwire.api.trackingmore.refusals import Refused
from parcelwire.api.v4.errors import (
    FORMAT_INVALID,
    NUMBER_MISSING,
    TOO_MANY_ITEMS,
    message_of,
    refused_for,
    success,
)
from parcelwire.api.v4.models import BatchError, BatchResult
from parcelwire.api.v4.render import Renderer, identity_of
from parcelwire.api.v4.requests import Body, content_of, details_of, ordered_at_of, texts_of
from parcelwire.api.wire import Call, Reply
from parcelwire.domain.tracking import Details
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.errors import AlreadyExistsError

MAX_BATCH: Final = 40

_encode: Final = msgspec.json.Encoder().encode


class CreationCalls:
    """Takes numbers to follow."""

    def __init__(self, house: House, renderer: Renderer) -> None:
        self._service = house.service
        self._batches = Batches(house, courier_field="courier_code", refused_for=refused_for)
        self._renderer = renderer
        self._body = Body.of(Any)

    async def create_tracking(self, call: Call) -> Reply:
        """Follow one number; answer it with what its carrier says at once.

        Raises:
            Refused: something about the request is wrong.
            TrackingError: the same, found by the use case.
        """
        draft = draft_of(self._body.read(content_of(call.body)))
        stored = await self._service.create(
            call.world_id, draft, quota=tracking_quota(call.account, call.world_id)
        )
        return success(self._renderer.tracking(stored.tracking))

    async def create_trackings(self, call: Call) -> Reply:
        """Follow up to 40 numbers; each has its own fate, and the call itself succeeds.

        Raises:
            Refused: there is no list, it is empty, or it is too long: then nothing is created.
        """
        items = self._items(call.body)
        if not items:
            raise Refused(NUMBER_MISSING)
        if len(items) > MAX_BATCH:
            raise Refused(TOO_MANY_ITEMS)
        created, failures = await self._batches.create(call, items, draft_of)
        result = BatchResult(
            success=[identity_of(tracking) for tracking in created],
            error=[_item_error(one) for one in failures],
        )
        return success(_encode(result))

    def _items(self, body: bytes) -> Sequence[Any]:
        raw = content_of(body)
        if raw == b"{}":
            return ()
        decoded = self._body.read(raw)
        # One client in the wild wraps the list.
        items = decoded.get("trackings") if isinstance(decoded, dict) else decoded
        if not isinstance(items, list):
            raise Refused(FORMAT_INVALID, field="request body")
        return items


def draft_of(item: Any) -> Draft:
    """Return what an item (decoded JSON, see ``CreateRequest``) asks to have followed.

    Open in the sources: v4 documents ``courier_code`` as required. Left out, the courier is found
    from the number here, and 4121 says when it cannot be.

    Raises:
        Refused: a value is not of its form.
    """
    texts = texts_of(item)
    return Draft(
        number=texts.get("tracking_number"),
        courier_code=texts.get("courier_code"),
        details=Details(**details_of(texts)),
        ordered_at=ordered_at_of(texts),
        # In v2, where the field comes from, 1 forbids the correction; no source says otherwise
        # about v4.
        is_auto_correct_disabled=bool(read_switch(texts.get("auto_correct"))),
    )


def _item_error(failure: ItemFailure) -> BatchError:
    code, message = failure.refused.code, message_of(failure.refused)
    existing = failure.error
    if isinstance(existing, AlreadyExistsError):
        return BatchError(
            id=existing.existing_id,
            tracking_number=existing.number,
            courier_code=existing.courier_code,
            errorCode=code,
            errorMessage=message,
        )
    return BatchError(
        id=None,
        tracking_number=failure.number,
        courier_code=failure.courier_code,
        errorCode=code,
        errorMessage=message,
    )
