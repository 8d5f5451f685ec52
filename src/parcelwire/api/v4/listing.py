"""``trackings/get``: by number or by filter, one page at a time."""

from __future__ import annotations

from typing import Any, Final

from parcelwire.api.house import House
from parcelwire.api.trackingmore.refusals import Refused
from parcelwire.api.v4.dates import read_instant
from parcelwire.api.v4.errors import EMPTY_LIST, FORMAT_INVALID, TOO_MANY_ITEMS, success
from parcelwire.api.v4.render import Renderer
from parcelwire.api.v4.requests import read_archived
from parcelwire.api.wire import Call, Reply
from parcelwire.couriers.number import normalise
from parcelwire.domain.clock import Instant
from parcelwire.domain.languages import language_of
from parcelwire.domain.status import Status
from parcelwire.tracking.ports import TrackingFilter
from parcelwire.tracking.slices import in_slices

MAX_NUMBERS: Final = 40
DEFAULT_ITEMS: Final = 100
MAX_ITEMS: Final = 200
MAX_PAGE: Final = 10**9

_BOUNDS: Final = {
    "created_date_min": "created_min",
    "created_date_max": "created_max",
    "updated_date_min": "updated_min",
    "updated_date_max": "updated_max",
}

_STATUSES: Final = {status.value: status for status in Status}


class ListingCalls:
    """Answers trackings that are there."""

    def __init__(self, house: House, renderer: Renderer) -> None:
        self._service = house.service
        self._store = house.store
        self._reads = house.reads
        self._renderer = renderer

    async def list_trackings(self, call: Call) -> Reply:
        """Answer one page, newest created first; nothing found is an empty page.

        The pages come as the store's own bytes, unless the reader asks for another language than
        the one a tracking was created with.

        Raises:
            Refused: a value of the query is not of its form, or too many numbers are asked for.
        """
        query = call.query()
        if len(query) == 1 and (asked := query.get("tracking_numbers")):
            # The most frequent call of all: numbers, and nothing else to read.
            numbers = _numbers(asked)
            where = TrackingFilter(numbers=numbers) if numbers else None
            return await self._copy(call.world_id, where, 0, DEFAULT_ITEMS)
        where = self._filter(query)
        page = _whole_number(query, "pages_amount", 1, MAX_PAGE)
        limit = _whole_number(query, "items_amount", DEFAULT_ITEMS, MAX_ITEMS)
        offset = (page - 1) * limit
        language = language_of(query.get("lang"))
        if where is None:
            return await self._copy(call.world_id, None, offset, limit)
        async with self._reads.for_page(call.world_id, where, limit, offset):
            if language is None:
                return await self._copy(call.world_id, where, offset, limit)
            stored = await self._store.list_trackings(
                call.world_id, where, offset=offset, limit=limit
            )
            found = await in_slices(
                lambda one: self._renderer.tracking(one.tracking, language), stored
            )
        return success(b"[%b]" % b",".join(found))

    async def _copy(
        self, world_id: int, where: TrackingFilter | None, offset: int, limit: int
    ) -> Reply:
        """Answer a page as the store keeps it. ``where`` None matches nothing."""
        if where is None:
            return success(EMPTY_LIST)
        found = await self._store.list_renditions(world_id, where, offset=offset, limit=limit)
        return success(b"[%b]" % b",".join(found))

    def _filter(self, query: dict[str, str]) -> TrackingFilter | None:
        """Return the filter, or None when it can match nothing."""
        conditions: dict[str, Any] = {}
        for name, value in query.items():
            if not (value := value.strip()):
                continue
            if name == "tracking_numbers":
                numbers = _numbers(value)
                if not numbers:
                    return None
                conditions["numbers"] = numbers
            elif name == "courier_code":
                conditions["courier_code"] = self._service.drafting.courier(value).code
            elif name == "delivery_status":
                statuses = _statuses(value)
                if not statuses:
                    return None
                conditions["statuses"] = statuses
            elif name == "archived_status":
                # Whatever is no known word means both, as in v2.
                conditions["is_archived"] = read_archived(value)
            elif name in _BOUNDS:
                conditions[_BOUNDS[name]] = _instant(name, value)
        return TrackingFilter(**conditions)


def _numbers(asked: str) -> tuple[str, ...]:
    """Return the compact forms of the numbers that are asked for.

    Empty when none of them can exist: that is no call for all trackings.
    """
    typed = [number for number in asked.split(",") if number.strip()]
    if len(typed) > MAX_NUMBERS:
        raise Refused(TOO_MANY_ITEMS)
    return tuple(dict.fromkeys(filter(None, map(normalise, typed))))


def _statuses(asked: str) -> tuple[Status, ...]:
    """Return the statuses that are asked for. Empty: commas alone, which is no call for all."""
    words = [word.strip().lower() for word in asked.split(",") if word.strip()]
    try:
        return tuple(dict.fromkeys(_STATUSES[word] for word in words))
    except KeyError as error:
        raise Refused(FORMAT_INVALID, field="delivery_status") from error


def _instant(field: str, text: str) -> Instant:
    instant = read_instant(text, is_end=field.endswith("_max"))
    if instant is None:
        raise Refused(FORMAT_INVALID, field=field)
    return instant


def _whole_number(query: dict[str, str], field: str, default: int, maximum: int) -> int:
    # A page size above 200 is refused rather than cut: a client that got fewer items than it asked
    # for would take the page for the last one.
    text = query.get(field, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= maximum):
        raise Refused(FORMAT_INVALID, field=field)
    return int(text)
