"""What can be wrong with a request about trackings, named after what the asker must change.

    TrackingError
    ├── NumberMissingError          no tracking number given
    ├── NumberInvalidError          too short, too long, or characters no number has
    ├── CourierUnknownError         no courier has this code
    ├── CourierUndetectedError      no courier given, and the number fits none
    ├── FieldsMissingError          this courier wants more than the number (``fields``)
    ├── FieldInvalidError           a value is not of its form (``field``)
    ├── AlreadyExistsError          this world follows that number with that courier (``existing``)
    ├── NotFoundError               no such tracking in this world
    ├── OverQuotaError              the account may create no more
    ├── RetrackNotAllowedError      only an expired tracking can be taken up again
    ├── TrackingBusyError           nothing: others were faster too often; ask again soon
    └── UnreadableDocumentError     nothing: what is stored of it has to be restored or deleted

Dialects translate these; no message here reaches a wire by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parcelwire.domain.tracking import Tracking


class TrackingError(Exception):
    """A request about a tracking cannot be carried out as asked."""


class NumberMissingError(TrackingError):
    """No tracking number was given."""


class NumberInvalidError(TrackingError):
    """The value cannot be a tracking number."""


class CourierUnknownError(TrackingError):
    """No courier has this code."""


class CourierUndetectedError(TrackingError):
    """No courier was given, and the number fits none."""


class FieldsMissingError(TrackingError):
    """This courier wants more than the number."""

    def __init__(self, courier_code: str, fields: tuple[str, ...]) -> None:
        """Name the courier and the missing fields (names of ``Details``)."""
        super().__init__(f"{courier_code} needs {', '.join(fields)}")
        self.courier_code = courier_code
        self.fields = fields


class FieldInvalidError(TrackingError):
    """A value is not of its form."""

    def __init__(self, field: str) -> None:
        """Name the field as the dialect calls it."""
        super().__init__(field)
        self.field = field


class AlreadyExistsError(TrackingError):
    """The number is followed with that courier already."""

    def __init__(self, existing_id: str, number: str, courier_code: str) -> None:
        """Name the tracking that is there."""
        super().__init__(f"{number} ({courier_code}) exists")
        self.existing_id = existing_id
        self.number = number
        self.courier_code = courier_code


class NotFoundError(TrackingError):
    """There is no such tracking in this world."""


class OverQuotaError(TrackingError):
    """The account's quota is used up."""


class RetrackNotAllowedError(TrackingError):
    """Only an expired tracking can be taken up again."""

    def __init__(self, tracking: Tracking) -> None:
        """Name the tracking that is not expired."""
        super().__init__(tracking.status)
        self.tracking = tracking


class TrackingBusyError(TrackingError):
    """Others change the tracking so fast that this change never got its turn; nothing was stored.

    Nothing is wrong with what was asked: it can be asked again, soon.
    """

    def __init__(self, tracking_id: str, tries: int) -> None:
        """Name the tracking, and how often the change was tried."""
        super().__init__(f"tracking {tracking_id} changed {tries} times during one change of it")


class UnreadableDocumentError(TrackingError):
    """A tracking's document cannot be read, so nothing is written over it.

    Nothing is wrong with what was asked. It can be asked again when the document is restored; until
    then the tracking can be shown as far as it is known, and deleted.
    """

    def __init__(self, tracking_id: str) -> None:
        """Name the tracking."""
        super().__init__(
            f"the stored document of tracking {tracking_id} cannot be read: it is left as it is"
        )
