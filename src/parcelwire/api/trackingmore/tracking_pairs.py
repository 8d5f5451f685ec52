"""Trackings that are named by courier and number, as in all versions but v4, and their changes."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import msgspec

from parcelwire.api.trackingmore.routes import Path
from parcelwire.api.trackingmore.tracking_path import TrackingPath, read_tracking_path
from parcelwire.domain.clock import Instant
from parcelwire.domain.status import Status
from parcelwire.tracking.errors import (
    CourierUnknownError,
    NotFoundError,
    NumberInvalidError,
    NumberMissingError,
)
from parcelwire.tracking.ports import Stored
from parcelwire.tracking.service import TrackingService

_OVERRIDES: Final = {4: Status.DELIVERED, 7: Status.EXCEPTION}
AUTOMATIC: Final = 8
STATUS_FIGURES: Final = frozenset({*_OVERRIDES, AUTOMATIC})
"""4 delivered, 7 exception, 8 back to what the carrier says."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What an update asks for, read and found to be of its form. None changes nothing."""

    details: dict[str, str | None]
    is_archived: bool | None
    ordered_at: Instant | None
    status_figure: int | None
    """One of ``STATUS_FIGURES``."""


async def find_pair(
    service: TrackingService, world_id: int, number: str | None, courier_code: str | None
) -> Stored:
    """Return the tracking of a number and a courier.

    Raises:
        TrackingError: one of them is missing or wrong, or nobody follows that.
    """
    # The number is looked at first: its code comes before the courier's in the vendor's list.
    service.drafting.number(number)
    if courier_code is None:
        raise CourierUnknownError("")
    return await service.find(world_id, number, courier_code)


async def find_by_path(
    service: TrackingService, world_id: int, segments: Path, *, has_language: bool = False
) -> tuple[Stored, TrackingPath]:
    """Return the tracking that a path names, and as what it names it.

    ``has_language``: its last segment may be a language.

    Raises:
        TrackingError: number or courier is missing or wrong, or nobody follows that.
    """
    readings = read_tracking_path(segments, has_language=has_language)
    if not readings:
        raise NumberMissingError
    for named in readings[:-1]:
        with suppress(NotFoundError, NumberInvalidError):
            return await find_pair(service, world_id, named.number, named.courier_code), named
    named = readings[-1]
    return await find_pair(service, world_id, named.number, named.courier_code), named


async def apply_change(service: TrackingService, stored: Stored, change: Change) -> Stored:
    """Carry out an update.

    Raises:
        NotFoundError: the tracking was deleted meanwhile.
    """
    figure = change.status_figure
    return await service.update(
        stored,
        details=change.details,
        is_archived=change.is_archived,
        ordered_at=change.ordered_at,
        status_override=_OVERRIDES.get(figure) if figure is not None else None,
        clears_override=figure == AUTOMATIC,
    )
