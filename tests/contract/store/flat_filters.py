"""What lists, pages and counts may be asked for, as far as it tells one walk from another."""

from __future__ import annotations

from typing import Final

from parcelwire.domain.clock import DAY, HOUR
from parcelwire.domain.status import Status
from parcelwire.tracking.ports import TrackingFilter
from parcelwire.webhooks.ports import MessageFilter, MessageState
from tests.contract.store.bulk_rows import (
    BIG,
    BUSY,
    COURIER,
    EVENT_TYPE,
    LATER,
    OFF,
    RARE_COURIER,
    RARE_STATUS,
    RARE_TYPE,
    TIDY,
)
from tests.contract.store.samples import NOW

NOWHERE: Final = Status.INFORECEIVED
"""No tracking is of this status."""

_MONTH: Final = NOW - 30 * DAY
_TEN_DAYS: Final = NOW - 10 * DAY
_LONG_AGO: Final = NOW - 2_000 * DAY
_NUMBERS: Final = tuple(f"RA{number:09d}CH" for number in range(0, 4_000, 100))
_ORDERS: Final = tuple(f"order-{number}" for number in range(0, 6_000, 300))

TRACKING_FILTERS: Final[dict[str, tuple[int, TrackingFilter]]] = {
    "all": (BIG, TrackingFilter()),
    "archived": (BIG, TrackingFilter(is_archived=True)),
    "not archived": (BIG, TrackingFilter(is_archived=False)),
    "archived, none there": (TIDY, TrackingFilter(is_archived=True)),
    "status": (BIG, TrackingFilter(statuses=(Status.DELIVERED,))),
    "rare status": (BIG, TrackingFilter(statuses=(RARE_STATUS,))),
    "status, none there": (BIG, TrackingFilter(statuses=(NOWHERE,))),
    "statuses": (
        BIG,
        TrackingFilter(statuses=(Status.DELIVERED, RARE_STATUS, NOWHERE), is_archived=False),
    ),
    "status, archived, none there": (
        TIDY,
        TrackingFilter(statuses=(Status.DELIVERED,), is_archived=True),
    ),
    "courier": (BIG, TrackingFilter(courier_code=COURIER)),
    "rare courier": (BIG, TrackingFilter(courier_code=RARE_COURIER, is_archived=False)),
    "courier, none there": (BIG, TrackingFilter(courier_code="nobody-post")),
    "courier, archived, none there": (TIDY, TrackingFilter(courier_code=COURIER, is_archived=True)),
    "courier and status": (
        BIG,
        TrackingFilter(courier_code=COURIER, statuses=(Status.DELIVERED, Status.TRANSIT)),
    ),
    "courier and status, few": (
        BIG,
        TrackingFilter(courier_code=RARE_COURIER, statuses=(RARE_STATUS,)),
    ),
    "courier and status, none there": (
        BIG,
        TrackingFilter(courier_code=COURIER, statuses=(RARE_STATUS,)),
    ),
    "number": (BIG, TrackingFilter(numbers=_NUMBERS[:1])),
    "numbers": (BIG, TrackingFilter(numbers=_NUMBERS, is_archived=False)),
    "number of a courier": (
        BIG,
        TrackingFilter(numbers=_NUMBERS[:1], courier_code=RARE_COURIER, statuses=(RARE_STATUS,)),
    ),
    "orders": (BIG, TrackingFilter(order_ids=_ORDERS)),
    "beginning of few numbers": (BIG, TrackingFilter(number_prefix="RA0000012")),
    "beginning of all numbers": (BIG, TrackingFilter(number_prefix="RA0")),
    "beginning of all numbers, courier": (
        BIG,
        TrackingFilter(number_prefix="RA0", courier_code=RARE_COURIER),
    ),
    "beginning of all numbers, status": (
        BIG,
        TrackingFilter(number_prefix="RA0", statuses=(RARE_STATUS,), is_archived=False),
    ),
    "created in 30 days": (BIG, TrackingFilter(created_min=_MONTH)),
    "created in a month long ago": (
        BIG,
        TrackingFilter(created_min=_MONTH - 300 * DAY, created_max=_MONTH - 270 * DAY),
    ),
    "created before all": (BIG, TrackingFilter(created_max=_LONG_AGO)),
    "created in 30 days, status": (
        BIG,
        TrackingFilter(created_min=_MONTH, statuses=(RARE_STATUS,), is_archived=False),
    ),
    "created in 30 days, courier": (
        BIG,
        TrackingFilter(created_min=_MONTH, courier_code=RARE_COURIER, is_archived=False),
    ),
    "updated in ten days": (BIG, TrackingFilter(updated_min=_TEN_DAYS)),
    "updated in an hour": (BIG, TrackingFilter(updated_min=NOW - HOUR)),
    "updated before all": (BIG, TrackingFilter(updated_max=_LONG_AGO)),
    "updated in ten days long ago": (
        BIG,
        TrackingFilter(updated_min=_TEN_DAYS - 300 * DAY, updated_max=_TEN_DAYS - 290 * DAY),
    ),
    "updated in ten days, rare status": (
        BIG,
        TrackingFilter(updated_min=_TEN_DAYS, statuses=(RARE_STATUS,)),
    ),
    "updated in ten days, rare courier": (
        BIG,
        TrackingFilter(updated_min=_TEN_DAYS, courier_code=RARE_COURIER),
    ),
    "ordered in 30 days": (BIG, TrackingFilter(ordered_min=_MONTH)),
    "updated in a year": (BIG, TrackingFilter(updated_min=NOW - 365 * DAY)),
    "ordered in a year": (BIG, TrackingFilter(ordered_min=NOW - 365 * DAY)),
    "ordered before all": (BIG, TrackingFilter(ordered_max=_LONG_AGO)),
    "ordered in a day": (BIG, TrackingFilter(ordered_min=_MONTH, ordered_max=_MONTH + HOUR)),
    "ordered in 30 days, rare status": (
        BIG,
        TrackingFilter(ordered_min=_MONTH, statuses=(RARE_STATUS,)),
    ),
}
"""World and filter, by what it asks for."""

WIDE: Final = frozenset(
    {
        "beginning of all numbers",
        "beginning of all numbers, courier",
        "beginning of all numbers, status",
        "updated in a year",
        "ordered in a year",
    }
)
"""Filters with a condition that more than 10,000 trackings satisfy and that no index holds in the
order of the list. Their pages are found by looking at one tracking after the other, until one is
full: the last one looks at all that are left, so only the first ones are flat.
"""

MESSAGE_FILTERS: Final[dict[str, MessageFilter]] = {
    "all": MessageFilter(),
    "state": MessageFilter(states=(MessageState.DELIVERED,)),
    "dead": MessageFilter(states=(MessageState.DEAD,)),
    "states": MessageFilter(states=(MessageState.DEAD, MessageState.PENDING)),
    "endpoint": MessageFilter(endpoint_id=BUSY.id),
    "endpoint and state, few": MessageFilter(endpoint_id=BUSY.id, states=(MessageState.DEAD,)),
    "endpoint and state, none there": MessageFilter(
        endpoint_id=BUSY.id, states=(MessageState.PENDING,)
    ),
    "endpoint and dead, none there": MessageFilter(
        endpoint_id=LATER.id, states=(MessageState.DEAD,)
    ),
    "switched off endpoint, not pending": MessageFilter(
        endpoint_id=OFF.id, states=(MessageState.DELIVERED, MessageState.DEAD)
    ),
    "type": MessageFilter(event_types=(EVENT_TYPE,)),
    "type, none there": MessageFilter(event_types=(RARE_TYPE,)),
    "type and state, none there": MessageFilter(
        event_types=(RARE_TYPE,), states=(MessageState.DELIVERED,)
    ),
    "type of an endpoint, none there": MessageFilter(endpoint_id=BUSY.id, event_types=(RARE_TYPE,)),
    "created in 30 days": MessageFilter(created_min=_MONTH),
    "created in 30 days, state, none there": MessageFilter(
        created_min=_MONTH, endpoint_id=BUSY.id, states=(MessageState.PENDING,)
    ),
    "created before all": MessageFilter(created_max=_LONG_AGO),
    "tracking": MessageFilter(tracking_id=f"{1:032x}"),
}
"""Of the messages of ``BIG``."""
