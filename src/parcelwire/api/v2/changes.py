"""Calls about one tracking by courier and number: read, change, delete, another courier."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import msgspec

from parcelwire.api.house import House
from parcelwire.api.v2.bodies import ChangeCourierRequest, UpdateRequest
from parcelwire.api.v2.errors import CONFLICT, COURIER_INVALID, Refused, success
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
from parcelwire.api.v2.tracking_path import TrackingPath, read_tracking_path
from parcelwire.api.wire import Call, Reply
from parcelwire.domain.status import Status
from parcelwire.tracking.errors import (
    AlreadyExistsError,
    CourierUnknownError,
    NotFoundError,
    NumberInvalidError,
    NumberMissingError,
)
from parcelwire.tracking.ports import Stored

EMPTY: Final = b"[]"
_OVERRIDES: Final = {4: Status.DELIVERED, 7: Status.EXCEPTION}
AUTOMATIC: Final = 8

_encode: Final = msgspec.json.Encoder().encode


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What an update asks for, read and found to be of its form."""

    details: dict[str, str | None]
    is_archived: bool | None
    ordered_at: int | None
    status_figure: int | None

    @classmethod
    def of(cls, request: UpdateRequest) -> Change:
        """Read ``request``.

        Raises:
            Refused: a value is not of its form.
        """
        return cls(
            details=details_of(request),
            is_archived=archived_of(request),
            ordered_at=ordered_at_of(request),
            status_figure=status_figure_of(request),
        )


class Changing:
    """Finds and changes trackings for the calls about one and about many."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def find(self, world_id: int, number: str | None, code: str | None) -> Stored:
        """Return the tracking of a number and a courier.

        Raises:
            TrackingError: one of them is missing or wrong, or nobody follows that (4017).
        """
        service = self._house.service
        # The number is looked at first: 4013 comes before 4015 in the vendor's list as well.
        service.drafting.number(number)
        if code is None:
            raise CourierUnknownError("")
        return await service.find(world_id, number, code)

    async def apply(self, stored: Stored, change: Change) -> Stored:
        """Carry out an update.

        Raises:
            NotFoundError: it was deleted meanwhile.
        """
        figure = change.status_figure
        return await self._house.service.update(
            stored,
            details=change.details,
            is_archived=change.is_archived,
            ordered_at=change.ordered_at,
            status_override=_OVERRIDES.get(figure) if figure is not None else None,
            clears_override=figure == AUTOMATIC,
        )


class SingleCalls:
    """Answers and changes one tracking."""

    def __init__(self, house: House, renderer: Renderer, changing: Changing) -> None:
        self._service = house.service
        self._clock = house.clock
        self._renderer = renderer
        self._changing = changing

    async def read_tracking(self, call: Call) -> Reply:
        """Answer one tracking, in the language of the path's last segment or of ``lang``.

        Raises:
            TrackingError: wrong number or courier, or not followed (4017: the number is not known,
                where 4031 speaks of a list).
        """
        stored, named = await self._of_path(call, has_language=True)
        language = named.language or call.query().get("lang")
        item = self._renderer.full_item(stored.tracking, self._clock.now(), language)
        return success(_encode(item))

    async def update_tracking(self, call: Call) -> Reply:
        """Change what is given; an empty body changes nothing.

        Raises:
            Refused: a value is not of its form; then nothing was changed.
            TrackingError: wrong number or courier, or not followed.
        """
        change = Change.of(shaped(fields_of(call), UpdateRequest))
        found, _ = await self._of_path(call)
        stored = await self._changing.apply(found, change)
        return success(_encode(updated_item(stored.tracking)))

    async def delete_tracking(self, call: Call) -> Reply:
        """Delete a tracking for good.

        Raises:
            TrackingError: wrong number or courier, or not followed.
        """
        stored, _ = await self._of_path(call)
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
        stored = await self._changing.find(call.world_id, number, courier_of(request.carrier_code))
        if new_code is None:
            raise Refused(COURIER_INVALID)
        try:
            await self._service.change_courier(stored, new_code)
        except AlreadyExistsError as error:
            raise Refused(CONFLICT) from error
        return success(_encode(CourierChanged()))

    async def _of_path(
        self, call: Call, *, has_language: bool = False
    ) -> tuple[Stored, TrackingPath]:
        """Return the tracking that the path names, and as what it names it."""
        readings = read_tracking_path(call.segments, has_language=has_language)
        if not readings:
            raise NumberMissingError
        for named in readings[:-1]:
            with suppress(NotFoundError, NumberInvalidError):
                return await self._find(call, named), named
        return await self._find(call, readings[-1]), readings[-1]

    async def _find(self, call: Call, named: TrackingPath) -> Stored:
        return await self._changing.find(call.world_id, named.number, named.courier_code)
