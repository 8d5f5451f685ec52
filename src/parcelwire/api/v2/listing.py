"""``trackings/get`` and ``trackings/getstatusnumber``: many trackings, and how many."""

from __future__ import annotations

import re
from typing import Any, Final, cast

import msgspec

from parcelwire.api.house import House
from parcelwire.api.trackingmore.bodies import read_switch
from parcelwire.api.trackingmore.refusals import Refused
from parcelwire.api.v2.dates import is_nothing
from parcelwire.api.v2.errors import (
    NO_CONTENT,
    NOT_UNDERSTOOD,
    NUMBER_INVALID,
    OVER_LIMIT,
    STATUS_INVALID,
    answer,
    success,
)
from parcelwire.api.v2.models import FullItem, ListResult, StatusCounts
from parcelwire.api.v2.render import STATUSES, Renderer, status_words, statuses_of
from parcelwire.api.v2.requests import bound_of, fields_of, word_of
from parcelwire.api.wire import Call, Reply
from parcelwire.couriers.number import is_other_number, normalise
from parcelwire.domain.status import Status
from parcelwire.tracking.ports import TrackingFilter
from parcelwire.tracking.slices import in_slices

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 2_000
MAX_NAMED: Final = 40
"""Numbers, and orders, that one list may ask for."""
MAX_PAGE: Final = 10**9

_WHOLE: Final = re.compile(r"([0-9]{1,10})(?:\.0*)?")
_encode: Final = msgspec.json.Encoder().encode


class _Place(msgspec.Struct, frozen=True):
    """Which page of which size."""

    page: int
    limit: int

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit


class ListingCalls:
    """Answers trackings that are there."""

    def __init__(self, house: House, renderer: Renderer) -> None:
        self._store = house.store
        self._reads = house.reads
        self._clock = house.clock
        self._renderer = renderer

    async def list_trackings(self, call: Call) -> Reply:
        """Answer one page, newest created first.

        More than 40 numbers or orders, or a page of more than 2000, are answered as far as the
        limit goes, with 202 ("successful, but over the limit") instead of 200. A list without any
        tracking is 4031, as the manual says; a page behind the last one is an empty page.

        Raises:
            Refused: a value is not of its form, or nothing was found.
        """
        fields = _fields_of(call)
        page = _whole_number(fields, "page", 1, MAX_PAGE)
        asked_limit = _whole_number(fields, "limit", DEFAULT_LIMIT, MAX_PAGE)
        limit = min(asked_limit, MAX_LIMIT)
        typed = fields.get("numbers")
        if any(map(is_other_number, typed if isinstance(typed, list) else (typed,))):
            raise Refused(NUMBER_INVALID)
        numbers, orders = _list(fields, "numbers"), _list(fields, "orders")
        named = max(len(numbers or ()), len(orders or ()))
        is_over = asked_limit > MAX_LIMIT or named > MAX_NAMED
        where = _filter_of(fields, numbers, orders)
        if where is None:
            raise Refused(NO_CONTENT)
        language = word_of(fields, "lang") or None
        place = _Place(page, limit)
        async with self._reads.for_page(call.world_id, where, limit, place.offset):
            result = await self._read(call.world_id, where, place, language)
        return answer(OVER_LIMIT, result) if is_over else success(_encode(result))

    async def _read(
        self, world_id: int, where: TrackingFilter, place: _Place, language: str | None
    ) -> ListResult:
        counts = await self._store.count_by_status(world_id, where)
        if counts.total == 0 and not counts.is_estimate:
            raise Refused(NO_CONTENT)
        found = await self._store.list_trackings(
            world_id, where, offset=place.offset, limit=place.limit
        )
        total = counts.total
        if counts.is_estimate and found:
            # Whoever reads page after page up to the total comes to the end.
            total = max(total, place.offset + len(found) + (len(found) == place.limit))
        now = self._clock.now()
        # Each is encoded in its slice: all at once, two thousand would take too long.
        items = await in_slices(
            lambda one: msgspec.Raw(_encode(self._renderer.full_item(one.tracking, now, language))),
            found,
        )
        return ListResult(
            page=place.page,
            limit=place.limit,
            total=str(total),
            count=len(items),
            items=cast("list[FullItem]", items),
        )

    async def count_statuses(self, call: Call) -> Reply:
        """Answer how many trackings there are of each of the eight statuses.

        Raises:
            Refused: a bound is not of its form.
        """
        fields = _fields_of(call)
        where = TrackingFilter(
            created_min=bound_of(fields, "created_at_min"),
            created_max=bound_of(fields, "created_at_max"),
            ordered_min=bound_of(fields, "order_created_time_min"),
            ordered_max=bound_of(fields, "order_created_time_max"),
        )
        async with self._reads.for_count(call.world_id, where):
            found = await self._store.count_by_status(call.world_id, where)
        counts = dict.fromkeys(STATUSES, 0)
        for status, count in found.items():
            counts[status_words(status, None)[0]] += count
        return success(_encode(StatusCounts(**counts)))


def _fields_of(call: Call) -> dict[str, Any]:
    # The body is what the PHP classes send, with POST; a body with GET is somebody's habit.
    return fields_of(call, is_body_optional=call.method != "POST")


def _filter_of(
    fields: dict[str, Any], typed_numbers: list[str] | None, typed_orders: list[str] | None
) -> TrackingFilter | None:
    """Return the filter, or None when it can match nothing."""
    numbers = orders = statuses = None
    if typed_numbers is not None:
        kept = typed_numbers[:MAX_NAMED]
        numbers = tuple(dict.fromkeys(filter(None, map(normalise, kept))))
    if typed_orders is not None:
        orders = tuple(dict.fromkeys(typed_orders[:MAX_NAMED]))
    if (words := _list(fields, "status")) is not None:
        statuses = _statuses(words)
    # Numbers were asked for and none of them can exist: that is no call for all trackings. Nor are
    # commas alone.
    if () in (numbers, orders, statuses):
        return None
    return TrackingFilter(
        numbers=numbers or (),
        order_ids=orders or (),
        statuses=statuses or (),
        created_min=bound_of(fields, "created_at_min"),
        created_max=bound_of(fields, "created_at_max"),
        updated_min=bound_of(fields, "update_time_min"),
        updated_max=bound_of(fields, "update_time_max"),
        ordered_min=bound_of(fields, "order_created_time_min"),
        ordered_max=bound_of(fields, "order_created_time_max"),
        # Whatever is no known word means both, as the manual says.
        is_archived=read_switch(word_of(fields, "archived")),
    )


def _statuses(asked: list[str]) -> tuple[Status, ...]:
    words = [word.lower() for word in asked]
    if any(word not in STATUSES for word in words):
        raise Refused(STATUS_INVALID)
    return tuple(dict.fromkeys(status for word in words for status in statuses_of(word)))


def _list(fields: dict[str, Any], name: str) -> list[str] | None:
    """Return the words between the commas; None where nothing was asked."""
    asked = word_of(fields, name)
    if is_nothing(asked):
        return None
    return [one.strip() for one in asked.split(",") if one.strip()]


def _whole_number(fields: dict[str, Any], name: str, default: int, maximum: int) -> int:
    text = word_of(fields, name)
    if is_nothing(text):
        return default
    match = _WHOLE.fullmatch(text)
    if match is None or not 1 <= int(match[1]) <= maximum:
        raise Refused(NOT_UNDERSTOOD)
    return int(match[1])
