"""All calls of the native API, in the order in which they are described."""

from __future__ import annotations

from typing import Final

from parcelwire.api.native import couriers
from parcelwire.api.native.operations import Operation

ALL: Final[tuple[Operation, ...]] = (*couriers.OPERATIONS,)
