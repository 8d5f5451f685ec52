"""Calls about one tracking by courier and number: read, change, delete, another courier."""

from __future__ import annotations

from typing import Final

import msgspec

from parcelwire.api.house import House
from parcelwire.api.trackingmore.refusals import Refused
from parcelwire.api.trackingmore.tracking_pairs import (
    Change,
    apply_change,
    find_by_path,
    find_pair,
)
from parcelwire.api.v2.bodies import ChangeCourierRequest, UpdateRequest
from parcelwire.api.v2.errors import CONFLICT, COURIER_INVALID, success
from parcelwire.api.v2.models import CourierChanged
from parcelwire.api.v2.render import Renderer, updated_item
from parcelwire.api.v2.requests import (
    archived_of,
    courier_of,
    details_of,
    fields_of,
    number_of,
    ordered_at_of,
    shaped,
    status_figure_of,
)
from parcelwire.api.wire import Call, Reply
from parcelwire.tracking.errors import AlreadyExistsError, NotFoundError

EMPTY: Final = b"[]"

_encode: Final = msgspec.json.Encoder().encode


def change_of(request: UpdateRequest) -> Change:
    """Read what an update asks for.

    Raises:
        Refused: a value is not of its form.
    """
    return Change(
        details=details_of(request),
        is_archived=archived_of(request),
        ordered_at=ordered_at_of(request),
        status_figure=status_figure_of(request),
    )


class SingleCalls:
    """Answers and changes one tracking."""

    def __init__(self, house: House, renderer: Renderer) -> None:
        self._service = house.service
        self._clock = house.clock
        self._renderer = renderer

    async def read_tracking(self, call: Call) -> Reply:
        """Answer one tracking, in the language of the path's last segment or of ``lang``.

        Raises:
            TrackingError: wrong number or courier, or not followed (4017: the number is not known,
                where 4031 speaks of a list).
        """
        stored, named = await find_by_path(
            self._service, call.world_id, call.segments, has_language=True
        )
        language = named.language or call.query().get("lang")
        item = self._renderer.full_item(stored.tracking, self._clock.now(), language)
        return success(_encode(item))

    async def update_tracking(self, call: Call) -> Reply:
        """Change what is given; an empty body changes nothing.

        Raises:
            Refused: a value is not of its form; then nothing was changed.
            TrackingError: wrong number or courier, or not followed.
        """
        change = change_of(shaped(fields_of(call), UpdateRequest))
        found, _ = await find_by_path(self._service, call.world_id, call.segments)
        stored = await apply_change(self._service, found, change)
        return success(_encode(updated_item(stored.tracking)))

    async def delete_tracking(self, call: Call) -> Reply:
        """Delete a tracking for good.

        Raises:
            TrackingError: wrong number or courier, or not followed.
        """
        stored, _ = await find_by_path(self._service, call.world_id, call.segments)
        if not await self._service.delete(call.world_id, [stored.tracking.id]):
            raise NotFoundError(stored.tracking.id)
        return success(EMPTY)

    async def change_courier(self, call: Call) -> Reply:
        """Give a tracking another courier.

        Raises:
            Refused: 409 when the number is followed with that courier as well: two trackings
                cannot become one.
            TrackingError: wrong number or courier, not followed, or the new courier wants more than
                is known of the parcel.
        """
        request = shaped(fields_of(call), ChangeCourierRequest)
        number = number_of(request.tracking_number)
        new_code = courier_of(request.update_carrier_code)
        code = courier_of(request.carrier_code)
        stored = await find_pair(self._service, call.world_id, number, code)
        if new_code is None:
            raise Refused(COURIER_INVALID)
        try:
            await self._service.change_courier(stored, new_code)
        except AlreadyExistsError as error:
            raise Refused(CONFLICT) from error
        return success(_encode(CourierChanged()))
