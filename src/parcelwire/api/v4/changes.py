"""``trackings/update``, ``trackings/delete`` and ``trackings/retrack``: calls about one id."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from parcelwire.api.house import House
from parcelwire.api.trackingmore.refusals import Refused
from parcelwire.api.v4.errors import FORMAT_INVALID, ID_INVALID, success
from parcelwire.api.v4.models import UpdateResult
from parcelwire.api.v4.render import ARCHIVED, NOT_ARCHIVED, identity_of
from parcelwire.api.v4.requests import (
    Body,
    UpdateRequest,
    content_of,
    details_of,
    ordered_at_of,
    read_archived,
    texts_of,
)
from parcelwire.api.wire import Call, Reply
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.ports import Stored

_encode: Final = msgspec.json.Encoder().encode


class ChangeCalls:
    """Changes and ends trackings."""

    def __init__(self, house: House) -> None:
        self._service = house.service
        self._body = Body.of(Any)

    async def update_tracking(self, call: Call) -> Reply:
        """Change what is given; empty fields change nothing.

        Raises:
            Refused: a value is not of its form; then nothing was changed.
            TrackingError: unknown id, unknown courier, one that wants more than is known of the
                parcel, or the number is followed with it already.
        """
        texts = texts_of(self._body.read(content_of(call.body)), UpdateRequest)
        details: dict[str, str | None] = {**details_of(texts)}
        ordered_at = ordered_at_of(texts)
        new_code = texts.get("courier_code_new")
        archived = texts.get("archived_status")
        is_archived = read_archived(archived)
        if archived is not None and is_archived is None:
            raise Refused(FORMAT_INVALID, field="archived_status")
        stored = before = await self._load(call)
        if new_code is not None:
            # First, because it alone can still fail.
            stored = await self._service.change_courier(stored, new_code, details=details)
        stored = await self._service.update(
            stored, details=details, is_archived=is_archived, ordered_at=ordered_at
        )
        return success(_encode(_update_result(before.tracking, stored.tracking)))

    async def delete_tracking(self, call: Call) -> Reply:
        """Delete a tracking for good; the answer says which it was.

        Raises:
            TrackingError: unknown id.
        """
        stored = await self._load(call)
        await self._service.delete(call.world_id, [stored.tracking.id])
        return success(_encode(identity_of(stored.tracking)))

    async def retrack(self, call: Call) -> Reply:
        """Take an expired tracking up again.

        Raises:
            TrackingError: unknown id, or not expired.
        """
        stored = await self._service.retrack(await self._load(call))
        return success(_encode(identity_of(stored.tracking)))

    async def _load(self, call: Call) -> Stored:
        tracking_id = call.segments[2].strip().lower() if len(call.segments) > 2 else ""
        # What cannot be an id (a tracking number, say) is not looked for.
        if len(tracking_id) != 32 or not tracking_id.isalnum():
            raise Refused(ID_INVALID)
        return await self._service.get(call.world_id, tracking_id)


def _update_result(before: Tracking, after: Tracking) -> UpdateResult:
    details = after.details
    is_moved = before.courier_code != after.courier_code
    return UpdateResult(
        id=after.id,
        tracking_number=after.number,
        # Open in the sources: whether courier_code is the courier before or after the change. It is
        # the one after, as in every other answer, so that a client reading either field is right.
        courier_code=after.courier_code,
        courier_code_new=after.courier_code if is_moved else None,
        order_number=details.order_number,
        order_date=details.order_date,
        order_id=details.order_id,
        destination_country=details.destination_country,
        origin_country=details.origin_country,
        tracking_postal_code=details.postal_code,
        tracking_ship_date=details.ship_date,
        tracking_courier_account=details.courier_account,
        tracking_destination_country=details.tracking_destination_country,
        tracking_origin_country=details.tracking_origin_country,
        tracking_key=details.key,
        customer_name=details.customer_name,
        customer_email=details.customer_email,
        customer_sms=details.customer_phone,
        recipient_postcode=details.recipient_postcode,
        title=details.title,
        logistics_channel=details.logistics_channel,
        note=details.note,
        label=details.label,
        archived_status=ARCHIVED if after.is_archived else NOT_ARCHIVED,
    )
