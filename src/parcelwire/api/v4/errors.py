"""The codes of v4: HTTP status, message, and which mistake answers which.

Codes that TrackingMore publishes and that no state of this installation produces:

* 4102 (no such number): ``get`` answers an empty list, and ids have 4112.
* 4131 (label unknown): labels are free text here, there is no dashboard to define them first.
* 4162 to 4168 (batches of air waybills): no source knows the paths of those calls.
"""

from __future__ import annotations

from typing import Final

import msgspec

from parcelwire.api.wire import MISSING_FIELDS, Reply
from parcelwire.tracking.errors import (
    AlreadyExistsError,
    CourierUndetectedError,
    CourierUnknownError,
    FieldInvalidError,
    FieldsMissingError,
    NotFoundError,
    NumberInvalidError,
    NumberMissingError,
    OverQuotaError,
    RetrackNotAllowedError,
    TrackingBusyError,
    TrackingError,
    UnreadableDocumentError,
)

OK: Final = 200
WRONG_METHOD: Final = 400
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
UNKNOWN_PATH: Final = 404
TOO_MANY_REQUESTS: Final = 429
FAULT: Final = 511
STORE_UNAVAILABLE: Final = 512
TRACKING_BUSY: Final = 513
ALREADY_EXISTS: Final = 4101
TOO_MANY_ITEMS: Final = 4103
NUMBER_INVALID: Final = 4110
NUMBER_MISSING: Final = 4111
ID_INVALID: Final = 4112
RETRACK_NOT_ALLOWED: Final = 4113
COURIER_INVALID: Final = 4120
COURIER_UNDETECTED: Final = 4121
FIELDS_MISSING: Final = 4122
FORMAT_INVALID: Final = 4130
AWB_INVALID: Final = 4160
AWB_UNSUPPORTED: Final = 4161
OVER_QUOTA: Final = 4190

MESSAGES: Final = {
    OK: "Request response is successful",
    WRONG_METHOD: "Request type error. Please check the API documentation for the request type of "
    "this API.",
    UNAUTHORIZED: "Authentication failed or has no permission. Please check and ensure your API "
    "Key is correct.",
    FORBIDDEN: "Access prohibited. The request has been refused or access is not allowed.",
    UNKNOWN_PATH: "Page does not exist. Please check and ensure your link is correct.",
    TOO_MANY_REQUESTS: "Exceeded API request limits, please try again later. Please check the API "
    "documentation for the limit of this API.",
    FAULT: "Server error. Please try again later; the operator of this server finds the cause in "
    "its log.",
    STORE_UNAVAILABLE: "Server error. The database cannot be reached; please try again later.",
    TRACKING_BUSY: "Server error. Others are changing this tracking; please try again later.",
    ALREADY_EXISTS: "Tracking No. already exists.",
    TOO_MANY_ITEMS: "You have exceeded the shipment quantity of API call. The maximum quantity is "
    "40 shipments per call.",
    NUMBER_INVALID: "The value of tracking_number is invalid.",
    NUMBER_MISSING: "Tracking_number is required.",
    ID_INVALID: "Invalid Tracking ID.",
    RETRACK_NOT_ALLOWED: "Retrack is not allowed. You can only retrack an expired tracking.",
    COURIER_INVALID: "The value of courier_code is invalid.",
    COURIER_UNDETECTED: "Cannot detect courier.",
    FIELDS_MISSING: "Missing or invalid value of the special required fields for this courier.",
    # Published as "The format of Field name is invalid.": a blank to fill in, so it is filled in.
    FORMAT_INVALID: "The format of {field} is invalid.",
    # As published, misspelling included.
    AWB_INVALID: "The awb_number is required or invaild format.",
    AWB_UNSUPPORTED: "The awb airline does not support yet.",
    OVER_QUOTA: "You are reaching the maximum quota limitation, please upgrade your current plan.",
}

# Open in the sources: the published table knows HTTP 500 only, and does not tell 511, 512 and 513
# apart. Every client seen treats all of 5xx alike (Guzzle throws, the others read the body whatever
# the status), and load balancers and retry loops know that a 503 passes; so a store that cannot be
# reached and a tracking that others keep changing are a 503, with Retry-After.
_STATUSES: Final = {FAULT: 500, STORE_UNAVAILABLE: 503, TRACKING_BUSY: 503}
RETRY_LATER: Final = (b"retry-after", b"5")

NULL: Final = b"null"
EMPTY_LIST: Final = b"[]"

_encode: Final = msgspec.json.Encoder().encode
_SUCCESS: Final = b'{"meta":{"code":200,"message":' + _encode(MESSAGES[OK]) + b'},"data":'


class Refused(Exception):  # noqa: N818  (it says what happens to the call, like the codes do)
    """A call that is answered with an error code of v4. ``field`` is named by 4130."""

    def __init__(
        self,
        code: int,
        *,
        field: str = "Field name",
        data: bytes | None = None,
        missing: tuple[str, ...] = (),
        text: str = "",
    ) -> None:
        """``data`` None: the call's own empty form. ``missing``: fields that the courier wants.

        ``text``: says more than the message that goes with the code.
        """
        super().__init__(code)
        self._text = text
        self.missing = missing
        self.code = code
        self.field = field
        self.data = data

    @property
    def message(self) -> str:
        """The message of ``meta``."""
        return self._text or message_of(self.code, self.field)


def message_of(code: int, field: str = "Field name") -> str:
    """Return the message that goes with ``code``."""
    message = MESSAGES[code]
    return message.format(field=field) if code == FORMAT_INVALID else message


def status_of(code: int) -> int:
    """Return the HTTP status that goes with ``code``: v4 reports by both."""
    return _STATUSES.get(code, code if code < 500 else 400)


def success(data: bytes) -> Reply:
    """Return ``data`` (JSON) in the envelope of success."""
    return Reply(200, b"".join((_SUCCESS, data, b"}")))


def refusal(refused: Refused, empty: bytes = NULL) -> Reply:
    """Return the envelope of an error; ``empty`` is the call's empty ``data``."""
    data = empty if refused.data is None else refused.data
    meta = _encode({"code": refused.code, "message": refused.message})
    body = b'{"meta":%b,"data":%b}' % (meta, data)
    if status_of(refused.code) == 503:
        return Reply(503, body, (RETRY_LATER,))
    if refused.missing:
        named = ", ".join(refused.missing).encode()
        return Reply(status_of(refused.code), body, ((MISSING_FIELDS, named),))
    return Reply(status_of(refused.code), body)


UNREADABLE: Final = (
    "Server error. The stored document of this tracking cannot be read; nothing was changed. The"
    " operator can restore it, and the tracking can be deleted."
)

FIELD_OF: Final = {
    "postal_code": "tracking_postal_code",
    "ship_date": "tracking_ship_date",
    "account": "tracking_courier_account",
    "destination_country": "tracking_destination_country",
    "origin_country": "tracking_origin_country",
    "key": "tracking_key",
}
"""The registry's names of extra fields -> the wire's."""

_CODES: Final[dict[type[TrackingError], int]] = {
    NumberMissingError: NUMBER_MISSING,
    NumberInvalidError: NUMBER_INVALID,
    CourierUnknownError: COURIER_INVALID,
    CourierUndetectedError: COURIER_UNDETECTED,
    NotFoundError: ID_INVALID,
    OverQuotaError: OVER_QUOTA,
    RetrackNotAllowedError: RETRACK_NOT_ALLOWED,
    TrackingBusyError: TRACKING_BUSY,
}


def refused_for(error: TrackingError) -> Refused:
    """Translate a mistake of the asker into v4's code.

    Raises:
        TypeError: a kind of mistake without a code (a fault of ours).
    """
    if isinstance(error, AlreadyExistsError):
        existing = {
            "id": error.existing_id,
            "tracking_number": error.number,
            "courier_code": error.courier_code,
        }
        return Refused(ALREADY_EXISTS, data=_encode(existing))
    if isinstance(error, UnreadableDocumentError):
        return Refused(FAULT, text=UNREADABLE)
    if isinstance(error, FieldInvalidError):
        return Refused(FORMAT_INVALID, field=error.field)
    if isinstance(error, FieldsMissingError):
        named = tuple(FIELD_OF.get(name, name) for name in error.fields)
        return Refused(FIELDS_MISSING, missing=named)
    code = _CODES.get(type(error))
    if code is None:
        msg = f"no v4 code for {type(error).__name__}"
        raise TypeError(msg) from error
    return Refused(code)
