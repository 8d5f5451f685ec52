"""What can be done with a tracking beside reading and changing it: ask, stop, take up, correct."""

from __future__ import annotations

import base64
from typing import Any, Final

from parcelwire.api.house import House
from parcelwire.api.native.operations import Asked, Operation
from parcelwire.api.native.tracking_requests import CourierCorrectionRequest
from parcelwire.api.native.tracking_shapes import (
    RawResponseList,
    RawResponseObject,
    TrackingObject,
    tracking_object,
)
from parcelwire.api.native.trackings import PATH_TEXTS, load
from parcelwire.api.native.use_case_errors import LOCATION
from parcelwire.domain.access import WorldRule
from parcelwire.domain.clock import to_datetime
from parcelwire.tracking.errors import RetrackNotAllowedError
from parcelwire.tracking.ports import Once, RawResponse, Stored


async def refresh_tracking(house: House, asked: Asked) -> Any:
    """Ask the carrier now; answer what is known then."""
    return tracking_object(house, await house.service.refresh_now(await load(house, asked)))


async def stop_tracking(house: House, asked: Asked) -> Any:
    """Ask the carrier no more."""
    stored = await load(house, asked)
    return tracking_object(house, await house.service.stop(stored, once=_once(house, asked)))


async def retrack_tracking(house: House, asked: Asked) -> Any:
    """Take an expired tracking up again."""
    stored = await load(house, asked)
    return tracking_object(house, await _retrack(house, stored, _once(house, asked)))


async def correct_courier(house: House, asked: Asked) -> Any:
    """Give a tracking another courier."""
    request: CourierCorrectionRequest = asked.body
    stored = await load(house, asked)
    once = _once(house, asked)
    changed = await house.service.change_courier(stored, request.courier_code, once=once)
    return tracking_object(house, changed)


async def list_raw_responses(house: House, asked: Asked) -> RawResponseList:
    """Answer what the carrier sent."""
    stored = await load(house, asked)
    answers = await house.store.raw_responses(stored.tracking.id)
    return RawResponseList(items=[_raw_response(one) for one in answers])


async def _retrack(house: House, stored: Stored, once: Once | None) -> Stored:
    try:
        return await house.service.retrack(stored, once=once)
    except RetrackNotAllowedError as error:
        if error.tracking.retracked_at is None:
            raise
        # The call came again; the first time did it.
        return await house.service.leave(stored, once=once)


def _once(house: House, asked: Asked) -> Once | None:
    return asked.once(200, lambda stored: tracking_object(house, stored))


def _raw_response(answer: RawResponse) -> RawResponseObject:
    try:
        body, is_text = answer.body.decode(), True
    except UnicodeDecodeError:
        body, is_text = base64.b64encode(answer.body).decode(), False
    return RawResponseObject(
        received_at=to_datetime(answer.at),
        connector=answer.connector,
        outcome=answer.outcome,
        body=body,
        body_encoding="utf-8" if is_text else "base64",
    )


OPERATIONS: Final = (
    Operation(
        name="refresh_tracking",
        method="POST",
        path="/trackings/{id}/refresh",
        summary="Ask the carrier now, and answer what is known then",
        text="Waits some seconds for the carrier. `freshness` tells when it was last asked: a check"
        " that is a minute young, a spent budget or a slow carrier answer from the store.",
        handler=refresh_tracking,
        answer=TrackingObject,
        scope="write",
        world=WorldRule.OWN,
        path_texts=PATH_TEXTS,
        problems=("tracking-not-found",),
    ),
    Operation(
        name="stop_tracking",
        method="POST",
        path="/trackings/{id}/stop",
        summary="Ask the carrier no more",
        text="Stopping a tracking again changes nothing. One that ended by itself (delivered, for"
        " example) is marked as stopped by you (`stopped_reason` is `by_user`): its carrier is not"
        " asked again even if the delivery is withdrawn.",
        handler=stop_tracking,
        takes_idempotency_key=True,
        answer=TrackingObject,
        scope="write",
        world=WorldRule.OWN,
        path_texts=PATH_TEXTS,
        problems=("tracking-not-found", "tracking-unreadable", "tracking-busy"),
    ),
    Operation(
        name="retrack_tracking",
        method="POST",
        path="/trackings/{id}/retrack",
        summary="Take an expired tracking up again",
        text="Of one that was taken up again before it changes nothing.",
        handler=retrack_tracking,
        takes_idempotency_key=True,
        answer=TrackingObject,
        scope="write",
        world=WorldRule.OWN,
        path_texts=PATH_TEXTS,
        problems=(
            "tracking-not-found",
            "tracking-not-expired",
            "tracking-unreadable",
            "tracking-busy",
        ),
    ),
    Operation(
        name="correct_courier",
        method="POST",
        path="/trackings/{id}/correct-courier",
        summary="Give a tracking another courier",
        text="Its id stays; what the wrong courier said goes; the new one is asked soon. The fields"
        " that it requires must be known, as for a new tracking: set them in `details` first.",
        handler=correct_courier,
        takes_idempotency_key=True,
        answer=TrackingObject,
        scope="write",
        world=WorldRule.OWN,
        path_texts=PATH_TEXTS,
        request=CourierCorrectionRequest,
        problems=(
            "tracking-not-found",
            "courier-not-found",
            "missing-required-fields",
            "tracking-already-exists",
            "tracking-unreadable",
            "tracking-busy",
        ),
        location=LOCATION,
        example={"courier_code": "dhl"},
    ),
    Operation(
        name="list_raw_responses",
        method="GET",
        path="/trackings/{id}/raw-responses",
        summary="What the carrier sent lately, but for secrets",
        handler=list_raw_responses,
        scope="read",
        world=WorldRule.OWN,
        answer=RawResponseList,
        path_texts=PATH_TEXTS,
        problems=("tracking-not-found",),
    ),
)
