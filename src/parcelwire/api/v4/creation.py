"""``trackings/create`` and ``trackings/batch``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from parcelwire.accounts.quotas import tracking_quota
from parcelwire.api.house import House
from parcelwire.api.v4.errors import (
    ALREADY_EXISTS,
    FORMAT_INVALID,
    NUMBER_MISSING,
    TOO_MANY_ITEMS,
    Refused,
    refused_for,
    success,
)
from parcelwire.api.v4.models import BatchError, BatchResult, Identity
from parcelwire.api.v4.render import Renderer
from parcelwire.api.v4.requests import (
    Body,
    content_of,
    details_of,
    is_yes,
    ordered_at_of,
    texts_of,
)
from parcelwire.api.wire import Call, Reply
from parcelwire.domain.tracking import Details
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.errors import AlreadyExistsError
from parcelwire.tracking.service import Outcome

MAX_BATCH: Final = 40

_encode: Final = msgspec.json.Encoder().encode


class CreationCalls:
    """Takes numbers to follow."""

    def __init__(self, house: House, renderer: Renderer) -> None:
        self._service = house.service
        self._limiter = house.limiter
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
        drafts: list[Draft] = []
        errors: list[BatchError] = []
        items = self._items(call.body)
        if not items:
            raise Refused(NUMBER_MISSING)
        if len(items) > MAX_BATCH:
            raise Refused(TOO_MANY_ITEMS)
        for item in items:
            try:
                drafts.append(draft_of(item))
            except Refused as refused:
                errors.append(_item_error(item, refused))
        # The call itself is counted already.
        self._limiter.charge(call.world_id, "create", len(drafts) - 1)
        outcomes = await self._service.create_many(
            call.world_id, drafts, quota=tracking_quota(call.account, call.world_id)
        )
        created = [
            Identity(
                id=outcome.tracking.id,
                tracking_number=outcome.tracking.number,
                courier_code=outcome.tracking.courier_code,
            )
            for outcome in outcomes
            if outcome.tracking is not None
        ]
        errors.extend(_outcome_error(outcome) for outcome in outcomes if outcome.error is not None)
        return success(_encode(BatchResult(success=created, error=errors)))

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
        is_auto_correct_off=bool(is_yes(texts.get("auto_correct"))),
    )


def _item_error(item: Any, refused: Refused) -> BatchError:
    def said(field: str) -> str:
        value = item.get(field) if isinstance(item, dict) else None
        # What was sent is repeated so that the sender finds its item, but not at any length.
        return str(value)[:100] if isinstance(value, str | int | float) else ""

    return BatchError(
        id=None,
        tracking_number=said("tracking_number"),
        courier_code=said("courier_code"),
        errorCode=refused.code,
        errorMessage=refused.message,
    )


def _outcome_error(outcome: Outcome) -> BatchError:
    error, draft = outcome.error, outcome.draft
    assert error is not None  # noqa: S101  (the caller chose outcomes with an error)
    refused = refused_for(error)
    if isinstance(error, AlreadyExistsError):
        return BatchError(
            id=error.existing_id,
            tracking_number=error.number,
            courier_code=error.courier_code,
            errorCode=ALREADY_EXISTS,
            errorMessage=refused.message,
        )
    return BatchError(
        id=None,
        tracking_number=(draft.number or "")[:100],
        courier_code=(draft.courier_code or "")[:100],
        errorCode=refused.code,
        errorMessage=refused.message,
    )
