"""All calls of the native API, in the order in which they are described."""

from __future__ import annotations

from typing import Final

from parcelwire.api.native import (
    accounts,
    couriers,
    endpoints,
    events,
    keys,
    messages,
    sending,
    tracking_actions,
    tracking_history,
    trackings,
)
from parcelwire.api.native.operations import Operation

ALL: Final[tuple[Operation, ...]] = (
    *trackings.OPERATIONS,
    *tracking_actions.OPERATIONS,
    *tracking_history.OPERATIONS,
    *events.OPERATIONS,
    *couriers.OPERATIONS,
    *endpoints.OPERATIONS,
    *sending.OPERATIONS,
    *messages.OPERATIONS,
    *keys.OPERATIONS,
    *accounts.OPERATIONS,
)
