"""The codes of v4: HTTP status, message, and which mistake answers which.

Codes that TrackingMore publishes and that no state of this installation produces:

* 4102 (no such number): ``get`` answers an empty list, and ids have 4112.
* 4131 (label unknown): labels are free text here, there is no dashboard to define them first.
* 4162 to 4168 (batches of air waybills): no source knows the paths of those calls.
"""

from __future__ import annotations

from typing import Final

import msgspec

from parcelwire.api.trackingmore.refusals import RefusalReason, Refused
from parcelwire.api.trackingmore.routes import Route
from parcelwire.api.wire import Reply
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
RETRY_AFTER_SECONDS: Final = 5

NULL: Final = b"null"
EMPTY_LIST: Final = b"[]"

_encode: Final = msgspec.json.Encoder().encode
_SUCCESS: Final = b'{"meta":{"code":200,"message":' + _encode(MESSAGES[OK]) + b'},"data":'


def message_of(refused: Refused) -> str:
    """Return the message of ``meta``; 4130 names its field."""
    message = refused.message or MESSAGES[refused.code]
    if refused.code == FORMAT_INVALID:
        return message.format(field=refused.field or "Field name")
    return message


def status_of(code: int) -> int:
    """Return the HTTP status that goes with ``code``: v4 reports by both."""
    return _STATUSES.get(code, code if code < 500 else 400)


def success(data: bytes) -> Reply:
    """Return ``data`` (JSON) in the envelope of success."""
    return Reply(200, b"".join((_SUCCESS, data, b"}")))


def render_refusal(refused: Refused, route: Route | None) -> Reply:
    """Return the envelope of an error, with the call's own empty ``data``."""
    data = refused.data
    if data is None:
        data = EMPTY_LIST if route is not None and route.is_list else NULL
    meta = _encode({"code": refused.code, "message": message_of(refused)})
    body = b'{"meta":%b,"data":%b}' % (meta, data)
    status, seconds = status_of(refused.code), refused.retry_after_seconds
    if status == 503:
        seconds = RETRY_AFTER_SECONDS
    if seconds is None:
        return Reply(status, body)
    return Reply(status, body, ((b"retry-after", b"%d" % seconds),))


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

_CODE_OF_REASON: Final[dict[RefusalReason, int]] = {
    # v4 has one code for a missing, an unknown, a revoked and an expired key.
    RefusalReason.NO_KEY: UNAUTHORIZED,
    RefusalReason.UNKNOWN_KEY: UNAUTHORIZED,
    RefusalReason.REVOKED_KEY: UNAUTHORIZED,
    RefusalReason.EXPIRED_KEY: UNAUTHORIZED,
    RefusalReason.RATE_LIMITED: TOO_MANY_REQUESTS,
    RefusalReason.PAYMENT_REQUIRED: FORBIDDEN,
    RefusalReason.SUSPENDED: FORBIDDEN,
    RefusalReason.UNKNOWN_PATH: UNKNOWN_PATH,
    RefusalReason.WRONG_METHOD: WRONG_METHOD,
    RefusalReason.SCOPE_TOO_SMALL: FORBIDDEN,
    RefusalReason.DISABLED: FORBIDDEN,
    RefusalReason.SERVER_FAULT: FAULT,
    RefusalReason.STORE_UNAVAILABLE: STORE_UNAVAILABLE,
}

_CODE_OF_ERROR: Final[dict[type[TrackingError], int]] = {
    NumberMissingError: NUMBER_MISSING,
    NumberInvalidError: NUMBER_INVALID,
    CourierUnknownError: COURIER_INVALID,
    CourierUndetectedError: COURIER_UNDETECTED,
    NotFoundError: ID_INVALID,
    OverQuotaError: OVER_QUOTA,
    RetrackNotAllowedError: RETRACK_NOT_ALLOWED,
    TrackingBusyError: TRACKING_BUSY,
}


def refused_for(problem: RefusalReason | TrackingError) -> Refused:
    """Translate what is wrong with a call into v4's code.

    Raises:
        TypeError: a kind of mistake without a code (a fault of ours).
    """
    match problem:
        case RefusalReason.BODY_TOO_LARGE:
            # Open in the sources: v4 has no code for it. It is 4130, like any body that cannot be
            # understood.
            return Refused(FORMAT_INVALID, field="request body (it is too large)")
        case RefusalReason.TOO_MANY_AT_ONCE:
            return Refused(TOO_MANY_REQUESTS, retry_after_seconds=RETRY_AFTER_SECONDS)
        case RefusalReason():
            return Refused(_CODE_OF_REASON[problem])
        case AlreadyExistsError():
            existing = {
                "id": problem.existing_id,
                "tracking_number": problem.number,
                "courier_code": problem.courier_code,
            }
            return Refused(ALREADY_EXISTS, data=_encode(existing))
        case UnreadableDocumentError():
            return Refused(FAULT, message=UNREADABLE)
        case FieldInvalidError():
            return Refused(FORMAT_INVALID, field=problem.field)
        case FieldsMissingError():
            named = tuple(FIELD_OF.get(name, name) for name in problem.fields)
            return Refused(FIELDS_MISSING, missing=named)
    code = _CODE_OF_ERROR.get(type(problem))
    if code is None:
        msg = f"no v4 code for {type(problem).__name__}"
        raise TypeError(msg) from problem
    return Refused(code)
