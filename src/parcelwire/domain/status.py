"""The nine states of a parcel, their finer codes, and why something went wrong.

Codes and meanings are TrackingMore's (nine statuses and their substatuses, version 4); the axis
``Reason`` is ours.
Lifecycle (stopped, archived) is deliberately no status.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """Where a parcel stands."""

    PENDING = "pending"
    NOTFOUND = "notfound"
    INFORECEIVED = "inforeceived"
    TRANSIT = "transit"
    PICKUP = "pickup"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    EXCEPTION = "exception"
    EXPIRED = "expired"


class Substatus(StrEnum):
    """The finer code; its first letters are always the status it refines."""

    NOTFOUND_LABEL_ONLY = "notfound001"
    NOTFOUND = "notfound002"
    INFORECEIVED = "inforeceived001"
    TRANSIT = "transit001"
    TRANSIT_AT_HUB = "transit002"
    TRANSIT_AT_DELIVERY_FACILITY = "transit003"
    TRANSIT_IN_DESTINATION_COUNTRY = "transit004"
    TRANSIT_CUSTOMS_CLEARED = "transit005"
    TRANSIT_DISPATCHED = "transit006"
    TRANSIT_LEFT_AIRPORT = "transit007"
    PICKUP_OUT_FOR_DELIVERY = "pickup001"
    PICKUP_READY_FOR_COLLECTION = "pickup002"
    PICKUP_CUSTOMER_CONTACTED = "pickup003"
    DELIVERED = "delivered001"
    DELIVERED_COLLECTED = "delivered002"
    DELIVERED_SIGNED = "delivered003"
    DELIVERED_SAFE_PLACE_OR_NEIGHBOUR = "delivered004"
    UNDELIVERED_ADDRESS = "undelivered001"
    UNDELIVERED_NOBODY_HOME = "undelivered002"
    UNDELIVERED_ADDRESSEE_NOT_FOUND = "undelivered003"
    UNDELIVERED_OTHER = "undelivered004"
    EXCEPTION_UNCLAIMED = "exception004"
    EXCEPTION_OTHER = "exception005"
    EXCEPTION_CUSTOMS_HOLD = "exception006"
    EXCEPTION_LOST_OR_DAMAGED = "exception007"
    EXCEPTION_CANCELLED = "exception008"
    EXCEPTION_REFUSED = "exception009"
    EXCEPTION_RETURNED = "exception010"
    EXCEPTION_RETURNING = "exception011"
    EXPIRED = "expired001"

    @property
    def status(self) -> Status:
        """The status this code refines."""
        return Status(self.value[:-3])


class Reason(StrEnum):
    """Why a parcel is in trouble, as an axis of its own.

    The word before the dot names whose side it is on.
    """

    RECIPIENT_ABSENT = "recipient.absent"
    RECIPIENT_REFUSED = "recipient.refused"
    RECIPIENT_UNKNOWN = "recipient.unknown"
    RECIPIENT_MOVED = "recipient.moved"
    RECIPIENT_DECEASED = "recipient.deceased"
    RECIPIENT_NOT_COLLECTED = "recipient.not_collected"
    RECIPIENT_INSTRUCTION = "recipient.instruction"
    ADDRESS_INVALID = "address.invalid"
    SENDER_CANCELLED = "sender.cancelled"
    SENDER_FORBIDDEN_GOODS = "sender.forbidden_goods"
    CUSTOMS_HOLD = "customs.hold"
    CUSTOMS_PAYMENT = "customs.payment"
    CARRIER_DAMAGED = "carrier.damaged"
    CARRIER_LOST = "carrier.lost"
    CARRIER_MISROUTED = "carrier.misrouted"
    CARRIER_DELAYED = "carrier.delayed"
    CARRIER_INVESTIGATION = "carrier.investigation"


CONFIRMED_STATUSES: Final = (
    Status.INFORECEIVED,
    Status.TRANSIT,
    Status.PICKUP,
    Status.DELIVERED,
    Status.UNDELIVERED,
    Status.EXCEPTION,
)
"""What a parcel only becomes when its carrier knows the number. An expired one may never have been
known to anybody.
"""

DEFAULT_SUBSTATUS: Final[dict[Status, Substatus | None]] = {
    Status.PENDING: None,
    Status.NOTFOUND: Substatus.NOTFOUND,
    Status.INFORECEIVED: Substatus.INFORECEIVED,
    Status.TRANSIT: Substatus.TRANSIT,
    Status.PICKUP: Substatus.PICKUP_OUT_FOR_DELIVERY,
    Status.DELIVERED: Substatus.DELIVERED,
    Status.UNDELIVERED: Substatus.UNDELIVERED_OTHER,
    Status.EXCEPTION: Substatus.EXCEPTION_OTHER,
    Status.EXPIRED: Substatus.EXPIRED,
}
"""What a status means when a carrier says nothing finer."""


def is_final(status: Status, substatus: Substatus | None) -> bool:
    """Tell whether nothing more is expected: delivered or returned to the sender."""
    return status is Status.DELIVERED or substatus is Substatus.EXCEPTION_RETURNED
