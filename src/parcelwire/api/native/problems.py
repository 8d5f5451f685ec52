"""Problems (RFC 9457): every refusal of the native API, one shape, each kind with a name."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from parcelwire.accounts.authentication import AuthFailure

CONTENT_TYPE: Final = "application/problem+json"

KINDS: Final[dict[str, tuple[int, str]]] = {
    "invalid-json": (400, "Invalid JSON"),
    "invalid-query": (400, "Invalid query parameters"),
    "invalid-cursor": (400, "Invalid cursor"),
    "invalid-idempotency-key": (400, "Invalid idempotency key"),
    "api-key-missing": (401, "API key missing"),
    "invalid-api-key": (401, "Invalid API key"),
    "api-key-revoked": (401, "API key revoked"),
    "api-key-expired": (401, "API key expired"),
    "account-suspended": (403, "Account suspended"),
    "insufficient-scope": (403, "Insufficient scope"),
    "test-key-not-allowed": (403, "Test key not allowed"),
    "operator-required": (403, "Operator access required"),
    "quota-exceeded": (403, "Tracking quota exceeded"),
    "path-not-found": (404, "Path not found"),
    "courier-not-found": (404, "Courier not found"),
    "tracking-not-found": (404, "Tracking not found"),
    "endpoint-not-found": (404, "Endpoint not found"),
    "message-not-found": (404, "Message not found"),
    "key-not-found": (404, "Key not found"),
    "account-not-found": (404, "Account not found"),
    "method-not-allowed": (405, "Method not allowed"),
    "tracking-already-exists": (409, "Tracking already exists"),
    "tracking-not-expired": (409, "Tracking not expired"),
    "tracking-unreadable": (409, "Stored tracking cannot be read"),
    "endpoint-disabled": (409, "Endpoint disabled"),
    "too-many-endpoints": (409, "Too many endpoints"),
    "cannot-revoke-current-key": (409, "Cannot revoke the key used for this request"),
    "cannot-suspend-own-account": (409, "Cannot suspend your own account"),
    "account-already-exists": (409, "Account already exists"),
    "events-pruned": (410, "Events after this cursor are no longer kept"),
    "database-restored": (410, "The database was restored from a backup older than this cursor"),
    "body-too-large": (413, "Request body too large"),
    "validation-failed": (422, "Validation failed"),
    "invalid-tracking-number": (422, "Invalid tracking number"),
    "courier-not-detected": (422, "Courier not detected"),
    "missing-required-fields": (422, "Missing required fields"),
    "invalid-expiry": (422, "Expiry must be in the future"),
    "url-not-allowed": (422, "URL not allowed"),
    "headers-not-allowed": (422, "Headers not allowed"),
    "idempotency-key-reused": (422, "Idempotency key reused for another request"),
    "too-many-requests": (429, "Too many requests"),
    "internal-error": (500, "Internal server error"),
    "tracking-busy": (503, "Tracking is being changed by another request"),
    "database-unavailable": (503, "Database unavailable"),
}
"""Kind -> HTTP status and title. Kinds are for programs and never change their meaning."""

RETRY_AFTER: Final = "5"
"""Seconds after which a call that was answered 503 may be sent again, for the header."""

KINDS_OF_AUTH_FAILURES: Final = {
    AuthFailure.NO_KEY: "api-key-missing",
    AuthFailure.UNKNOWN_KEY: "invalid-api-key",
    AuthFailure.REVOKED_KEY: "api-key-revoked",
    AuthFailure.EXPIRED_KEY: "api-key-expired",
}


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field. ``field`` is empty where it is the whole."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a call was refused. ``type`` and ``code`` name the kind, ``detail`` this very case."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: tuple[FieldError, ...] = ()
    existing_id: str | msgspec.UnsetType = msgspec.UNSET
    """The id of what is there already."""
    first_cursor: str | msgspec.UnsetType = msgspec.UNSET
    """The oldest place that is still kept."""


class ProblemError(Exception):
    """Raised to answer with a problem of ``kind``, which has to be one of ``KINDS``."""

    def __init__(
        self,
        kind: str,
        detail: str = "",
        *,
        errors: tuple[FieldError, ...] = (),
        headers: dict[str, str] | None = None,
        **members: str,
    ) -> None:
        """``detail`` is a sentence about this very case; without one the title says it all.

        ``members`` are further members of ``Problem``.
        """
        status, title = KINDS[kind]
        super().__init__(detail or title)
        self.headers = headers or {}
        self.problem = Problem(
            type=f"urn:parcelwire:problem:{kind}",
            title=title,
            status=status,
            detail=detail or title,
            code=kind,
            errors=errors,
            **members,
        )


def field_problem(kind: str, *errors: FieldError) -> ProblemError:
    """Return the problem with fields of a call; its detail is about the first of them."""
    first = errors[0]
    detail = f"{first.field}: {first.message}" if first.field else first.message
    return ProblemError(kind, detail, errors=errors)


_AT: Final = re.compile(r"(?P<message>.*) - at `\$\.?(?P<field>.*)`\Z", re.DOTALL)
_NAMED: Final = re.compile(r"Object (?:contains unknown|missing required) field `(?P<field>.*)`")


def invalid(kind: str, error: msgspec.ValidationError) -> ProblemError:
    """Return the problem that says which field does not fit, and why."""
    text = str(error)
    field = ""
    if located := _AT.match(text):
        text, field = located["message"], located["field"]
    if named := _NAMED.match(text):
        field = f"{field}.{named['field']}" if field else named["field"]
    return field_problem(kind, FieldError(field, text))
