"""What merge found different, and the event that carries it to other systems."""

from __future__ import annotations

from typing import Final

import msgspec

from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import Instant
from parcelwire.domain.report import DeliveryWindow
from parcelwire.domain.status import Reason, Status, Substatus


class StatusChanged(
    msgspec.Struct, frozen=True, kw_only=True, tag="status_changed", tag_field="type"
):
    """The parcel stands elsewhere (or its finer code moved)."""

    from_status: Status
    from_substatus: Substatus | None
    to_status: Status
    to_substatus: Substatus | None
    reason: Reason | None = None


class CheckpointAdded(
    msgspec.Struct, frozen=True, kw_only=True, tag="checkpoint_added", tag_field="type"
):
    """A checkpoint nobody had told us before."""

    checkpoint: Checkpoint


class CheckpointCorrected(
    msgspec.Struct, frozen=True, kw_only=True, tag="checkpoint_corrected", tag_field="type"
):
    """The carrier words a known checkpoint differently now."""

    before: Checkpoint
    after: Checkpoint


class CheckpointWithdrawn(
    msgspec.Struct, frozen=True, kw_only=True, tag="checkpoint_withdrawn", tag_field="type"
):
    """The carrier took a checkpoint back."""

    checkpoint: Checkpoint


class DeliveryWindowChanged(
    msgspec.Struct, frozen=True, kw_only=True, tag="delivery_window_changed", tag_field="type"
):
    """The promised delivery time appeared, moved or went away."""

    before: DeliveryWindow | None
    after: DeliveryWindow | None


class CourierCorrected(
    msgspec.Struct, frozen=True, kw_only=True, tag="courier_corrected", tag_field="type"
):
    """The number turned out to be another courier's; the tracking and its id stay."""

    from_courier: str
    to_courier: str
    reason: str


Change = (
    StatusChanged
    | CheckpointAdded
    | CheckpointCorrected
    | CheckpointWithdrawn
    | DeliveryWindowChanged
    | CourierCorrected
)


STATUS_CHANGED: Final = "tracking.status_changed"
UPDATED: Final = "tracking.updated"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that changed in one go, under the next sequence number of its tracking (1, 2, 3
    ... without a gap).
    """

    id: str
    world_id: int
    tracking_id: str
    sequence: int
    at: Instant
    status: Status
    """The status after the changes."""
    substatus: Substatus | None
    changes: tuple[Change, ...]

    @property
    def type(self) -> str:
        """``tracking.status_changed`` when the status moved, else ``tracking.updated``."""
        if any(isinstance(change, StatusChanged) for change in self.changes):
            return STATUS_CHANGED
        return UPDATED
