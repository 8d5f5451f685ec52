"""The codes of v2: type, message, HTTP status, and which mistake answers which.

Every failure is HTTP 200 with the code in ``meta``: no source shows a v2 answer with a 4xx, the
founding client would raise on one before it reads ``meta``, and the vendor's comparison says that
v2 reports by code alone. What is open in the sources is decided here, in one place:

* 429, 500 and 503 are HTTP 200 as well: clients of v2 raise on any status above 399 and would never
  see the code. A proxy that wants to see trouble has ``/readyz``.
* 401 is a missing key, 4001 an unknown one, 4002 a revoked or expired one; a key that may only
  read gets 403 from a call that writes.
* 402 is an account that the operator suspended, or an installation that asks for payment.
* 4012 is also a body that is larger than the server takes, and a courier's own field that is
  missing; 4015 is also a body that is not JSON (so documented).
* 4017 is the answer for a number that is not followed (GET, PUT, DELETE, update); 4031 for a list
  without any tracking, and for tables and queries that are right and have nothing to say.
* 4018 is a call that the operator switched off, or that has nobody to ask.
* 4020 comes above 200 items, as its message says; batches up to 200 are taken.
* 202 is a list that was cut to a limit of the manual: 40 numbers, 40 orders, 2000 on a page.
* 503 is a store that cannot be reached, and a tracking that others change so fast that this change
  never got its turn: in both cases nothing was stored, and the same call is right a moment later.
* 409 is a change of courier to one with which the number is followed already: two trackings cannot
  become one. It is also a change of a tracking whose stored document cannot be read, with a message
  of its own.
"""

from __future__ import annotations

from typing import Any, Final

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
    TrackingBusyError,
    TrackingError,
    UnreadableDocumentError,
)

OK: Final = 200
CREATED: Final = 201
OVER_LIMIT: Final = 202
UNAUTHORIZED: Final = 401
PAYMENT_REQUIRED: Final = 402
FORBIDDEN: Final = 403
UNKNOWN_PATH: Final = 404
WRONG_METHOD: Final = 405
CONFLICT: Final = 409
TOO_MANY_REQUESTS: Final = 429
FAULT: Final = 500
UNAVAILABLE: Final = 503
KEY_INVALID: Final = 4001
KEY_DELETED: Final = 4002
NOT_UNDERSTOOD: Final = 4012
NUMBER_MISSING: Final = 4013
NUMBER_INVALID: Final = 4014
COURIER_INVALID: Final = 4015
ALREADY_EXISTS: Final = 4016
NOT_FOUND: Final = 4017
NEEDS_ACTIVATION: Final = 4018
TOO_MANY_ITEMS: Final = 4020
OVER_QUOTA: Final = 4021
NO_CONTENT: Final = 4031
UNDETECTED: Final = 4032
STATUS_INVALID: Final = 4033

CODES: Final[dict[int, tuple[str, str]]] = {
    OK: ("Success", "Success"),
    CREATED: ("Created", "The request was successful and a resource was created."),
    OVER_LIMIT: ("Bad Request", "The request was successful, but it is over the limit."),
    UNAUTHORIZED: ("Unauthorized", "Authentication failed or has no permission."),
    PAYMENT_REQUIRED: ("Payment Required", "Payment is required."),
    FORBIDDEN: ("Forbidden", "The request is understood, but it has been refused."),
    UNKNOWN_PATH: ("Not Found", "The URI requested is invalid or the resource does not exist."),
    WRONG_METHOD: ("Method Not Allowed", "The method is not allowed for this URI."),
    CONFLICT: ("Conflict", "The number is followed with that carrier already."),
    TOO_MANY_REQUESTS: (
        "Too Many Requests",
        "API call limits have been exceeded. Please pause and try again after two minutes.",
    ),
    FAULT: ("Server error", "Something went wrong on this server."),
    UNAVAILABLE: ("Service Unavailable", "The service is unavailable; please try again later."),
    KEY_INVALID: ("Unauthorized", "Invalid API key."),
    KEY_DELETED: ("Unauthorized", "API key has been deleted."),
    NOT_UNDERSTOOD: (
        "Bad Request",
        "The request was not understood, or required parameters are missing.",
    ),
    NUMBER_MISSING: ("Bad Request", "Tracking_number is required."),
    NUMBER_INVALID: ("Bad Request", "The value of `tracking_number` is invalid."),
    COURIER_INVALID: ("Bad Request", "The value of `carrier_code` is invalid."),
    ALREADY_EXISTS: ("Bad Request", "Tracking already exists."),
    NOT_FOUND: ("Bad Request", "Tracking does not exist."),
    NEEDS_ACTIVATION: ("Bad Request", "This feature needs to be activated by the operator."),
    TOO_MANY_ITEMS: ("Bad Request", "Up to 200 items at a time."),
    OVER_QUOTA: ("Bad Request", "The quota of this account is used up."),
    NO_CONTENT: ("No Content", "The request was successful, but there is nothing to return."),
    UNDETECTED: ("No Content", "Cannot detect courier."),
    STATUS_INVALID: ("No Content", "The value of `status` is invalid."),
}
"""Code -> type and message."""

RETRY_AFTER_SECONDS: Final = 120
"""What the vendor advises after 429."""

_encode: Final = msgspec.json.Encoder().encode
_SUCCESS: Final = b'{"meta":{"code":200,"type":"Success","message":"Success"},"data":'


def success(data: bytes) -> Reply:
    """Return ``data`` (JSON) in the envelope of success, on one line."""
    return Reply(200, b"".join((_SUCCESS, data, b"}")))


def answer(code: int, data: Any, message: str = "") -> Reply:
    """Return ``data`` under ``code``, e.g. 201 for a batch; ``message``: another than its own."""
    kind, usual = CODES[code]
    meta = {"code": code, "type": kind, "message": message or usual}
    return Reply(200, _encode({"meta": meta, "data": data}))


def render_refusal(refused: Refused, _: Route | None = None) -> Reply:
    """Return the envelope of an error: ``data`` is always ``[]``."""
    reply = answer(refused.code, [], refused.message)
    if refused.code in (TOO_MANY_REQUESTS, UNAVAILABLE):
        return Reply(200, reply.body, ((b"retry-after", b"%d" % RETRY_AFTER_SECONDS),))
    return reply


def message_of(refused: Refused) -> str:
    """Return what is said beside the code."""
    return refused.message or CODES[refused.code][1]


FIELD_OF: Final = {
    "postal_code": "tracking_postal_code",
    "ship_date": "tracking_ship_date",
    "account": "tracking_account_number",
    "destination_country": "tracking_destination_country",
    "origin_country": "tracking_origin_country",
    "key": "tracking_key",
}
"""The registry's names of extra fields -> the wire's."""

_CODE_OF_REASON: Final[dict[RefusalReason, int]] = {
    RefusalReason.NO_KEY: UNAUTHORIZED,
    RefusalReason.UNKNOWN_KEY: KEY_INVALID,
    RefusalReason.REVOKED_KEY: KEY_DELETED,
    RefusalReason.EXPIRED_KEY: KEY_DELETED,
    RefusalReason.RATE_LIMITED: TOO_MANY_REQUESTS,
    RefusalReason.TOO_MANY_AT_ONCE: TOO_MANY_REQUESTS,
    RefusalReason.PAYMENT_REQUIRED: PAYMENT_REQUIRED,
    RefusalReason.SUSPENDED: PAYMENT_REQUIRED,
    RefusalReason.UNKNOWN_PATH: UNKNOWN_PATH,
    RefusalReason.WRONG_METHOD: WRONG_METHOD,
    RefusalReason.SCOPE_TOO_SMALL: FORBIDDEN,
    RefusalReason.DISABLED: NEEDS_ACTIVATION,
    RefusalReason.BODY_TOO_LARGE: NOT_UNDERSTOOD,
    RefusalReason.SERVER_FAULT: FAULT,
    RefusalReason.STORE_UNAVAILABLE: UNAVAILABLE,
}

_CODE_OF_ERROR: Final[dict[type[TrackingError], int]] = {
    NumberMissingError: NUMBER_MISSING,
    NumberInvalidError: NUMBER_INVALID,
    CourierUnknownError: COURIER_INVALID,
    CourierUndetectedError: UNDETECTED,
    FieldsMissingError: NOT_UNDERSTOOD,
    FieldInvalidError: NOT_UNDERSTOOD,
    AlreadyExistsError: ALREADY_EXISTS,
    NotFoundError: NOT_FOUND,
    OverQuotaError: OVER_QUOTA,
    TrackingBusyError: UNAVAILABLE,
    UnreadableDocumentError: CONFLICT,
}

UNREADABLE: Final = (
    "The stored document of this tracking cannot be read; nothing was changed. The operator can"
    " restore it, and the tracking can be deleted."
)


def refused_for(problem: RefusalReason | TrackingError) -> Refused:
    """Translate what is wrong with a call into v2's code.

    Raises:
        TypeError: a kind of mistake without a code (a fault of ours).
    """
    if isinstance(problem, RefusalReason):
        return Refused(_CODE_OF_REASON[problem])
    code = _CODE_OF_ERROR.get(type(problem))
    if code is None:
        msg = f"no v2 code for {type(problem).__name__}"
        raise TypeError(msg) from problem
    if isinstance(problem, FieldsMissingError):
        return Refused(code, missing=tuple(FIELD_OF.get(name, name) for name in problem.fields))
    is_unreadable = isinstance(problem, UnreadableDocumentError)
    return Refused(code, message=UNREADABLE if is_unreadable else "")
