"""On which occasions a customer gets a mail: one a status, and one when the parcel can be fetched.

Pure. An occasion's name is a status's value or a finer code; a parcel has it at most once for each
recipient.
"""

from __future__ import annotations

from typing import Final

from parcelwire.domain.changes import Event, StatusChanged
from parcelwire.domain.status import Status, Substatus

TOLD: Final = frozenset(
    {
        Status.INFORECEIVED,
        Status.TRANSIT,
        Status.PICKUP,
        Status.DELIVERED,
        Status.UNDELIVERED,
        Status.EXCEPTION,
        Status.EXPIRED,
    }
)
"""Waiting for a first scan is no news."""

FINER: Final = frozenset({Substatus.PICKUP_READY_FOR_COLLECTION, Substatus.EXCEPTION_RETURNED})
"""What is told again although the status was told: there is something to do, or it has ended."""

URGENT: Final = frozenset(
    {
        Status.DELIVERED.value,
        Status.UNDELIVERED.value,
        Status.EXCEPTION.value,
        *(one.value for one in FINER),
    }
)
"""What does not wait for the pause between two mails to one person."""


def occasion_of(status: Status, substatus: Substatus | None) -> str | None:
    """Return the occasion of a parcel that stands so; None: nobody is told."""
    if substatus is not None and substatus in FINER:
        return substatus.value
    return status.value if status in TOLD else None


def occasion_of_event(event: Event) -> str | None:
    """Return the occasion of an event: only a change of the status is one."""
    if any(isinstance(change, StatusChanged) for change in event.changes):
        return occasion_of(event.status, event.substatus)
    return None
