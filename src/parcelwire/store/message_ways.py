"""By which index messages are sought, alike on both engines, and how far in one step.

Messages are read in the order of one index, and those are shown that fulfil the conditions which
it does not know. Where few do, that could be a walk over the whole log: so one step looks at a
bounded stretch of the index and says where it ended.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from msgspec.structs import replace

from parcelwire.webhooks.ports import MessageFilter, MessageState

MESSAGES_LOOKED_AT: Final = 2_000
"""Messages in one stretch."""

FEW_WAITING: Final = 1_000
"""So many pending messages are fetched and sorted; of more, many are among the newest."""


def size_of(limit: int) -> int:
    """Return how many messages there are in the stretch that is looked at for ``limit``."""
    return max(limit, MESSAGES_LOOKED_AT)


ABOUT_ENDPOINT: Final = "endpoint."
"""How the types of messages about an endpoint begin, which are few among those about parcels."""


class Way(Enum):
    """What a stretch consists of; each in the order of time."""

    WORLD = auto()
    ENDPOINT = auto()
    TRACKING = auto()
    DEAD = auto()
    """The dead ones of a world."""
    ABOUT_ENDPOINTS = auto()
    """Those of a world that are about an endpoint."""
    WAITING = auto()
    """The few pending ones of a world, or of one of its endpoints."""


def may_be_few(where: MessageFilter) -> bool:
    """Tell whether it is worth counting what waits: it may be the shortest way."""
    is_for_these = way_of(where) in (Way.WORLD, Way.ENDPOINT)
    return is_for_these and where.states == (MessageState.PENDING,)


def way_of(where: MessageFilter, *, few_wait: bool = False) -> Way:
    """Return the way that leads to what is looked for.

    ``few_wait``: by ``may_be_few`` it was worth counting, and ``FEW_WAITING`` at most wait.
    """
    if where.tracking_id is not None:
        return Way.TRACKING
    if where.event_types and all(one.startswith(ABOUT_ENDPOINT) for one in where.event_types):
        return Way.ABOUT_ENDPOINTS
    if where.states == (MessageState.DEAD,):
        return Way.DEAD
    if few_wait:
        return Way.WAITING
    return Way.WORLD if where.endpoint_id is None else Way.ENDPOINT


def rest_of(where: MessageFilter, way: Way) -> MessageFilter:
    """Return the conditions on each message of a stretch; empty: all are shown.

    Bounds of time belong to the stretch.
    """
    knows_endpoint = way in (Way.ENDPOINT, Way.WAITING)
    knows_states = way in (Way.DEAD, Way.WAITING)
    return MessageFilter(
        endpoint_id=None if knows_endpoint else where.endpoint_id,
        states=() if knows_states else where.states,
        event_types=where.event_types,
    )


class Search:
    """What both engines know of a search for the messages of a filter."""

    def __init__(
        self, world_id: int, where: MessageFilter, way: Way, *, oldest_first: bool = False
    ) -> None:
        """``way`` is one that leads to them, see ``way_of``."""
        self._world_id = world_id
        self._where = where
        self._way = way
        self._rest = rest_of(where, way)
        self._order, self._after, self._until = (
            ("ASC", ">", "<=") if oldest_first else ("DESC", "<", ">=")
        )

    @property
    def may_pass_over(self) -> bool:
        """Whether it may be a long way from one message to the next: not among the few that wait,
        which are all looked at.
        """
        return self._way is not Way.WAITING and self._rest != MessageFilter()


def replayed(where: MessageFilter) -> MessageFilter | None:
    """Return a filter without pending messages, which a replay passes over; None: none is left."""
    states = tuple(state for state in where.states if state is not MessageState.PENDING)
    if where.states and not states:
        return None
    return replace(where, states=states)
