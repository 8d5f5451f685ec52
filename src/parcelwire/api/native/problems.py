"""Problems (RFC 9457): every refusal of the native API, one shape, each kind with a name."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from parcelwire.api.gate import Refusal

CONTENT_TYPE: Final = "application/problem+json"

KINDS: Final[dict[str, tuple[int, str]]] = {
    "invalid-json": (400, "The body is not JSON"),
    "invalid-query": (400, "The query is not what this call takes"),
    "invalid-cursor": (400, "The cursor is none of this list"),
    "invalid-idempotency-key": (400, "This cannot be an idempotency key"),
    "api-key-missing": (401, "An API key is needed"),
    "invalid-api-key": (401, "There is no such API key"),
    "api-key-revoked": (401, "The API key was revoked"),
    "api-key-expired": (401, "The API key has expired"),
    "account-suspended": (403, "The account is suspended"),
    "insufficient-scope": (403, "The API key is not good for this call"),
    "test-key-not-allowed": (403, "A test key is not good for this call"),
    "operator-required": (403, "Only operators of the installation may do this"),
    "quota-exceeded": (403, "The account may create no more trackings"),
    "path-not-found": (404, "There is nothing under this path"),
    "courier-not-found": (404, "There is no such courier"),
    "tracking-not-found": (404, "There is no such tracking"),
    "endpoint-not-found": (404, "There is no such endpoint"),
    "message-not-found": (404, "There is no such message"),
    "key-not-found": (404, "There is no key with this prefix"),
    "account-not-found": (404, "There is no such account"),
    "method-not-allowed": (405, "This path does not take this method"),
    "tracking-already-exists": (409, "The number is followed with that courier already"),
    "tracking-not-expired": (409, "Only an expired tracking can be taken up again"),
    "tracking-unreadable": (409, "Its stored document cannot be read"),
    "endpoint-disabled": (409, "The endpoint is switched off"),
    "too-many-endpoints": (409, "There can be no more endpoints"),
    "cannot-revoke-current-key": (409, "It is the very key that asks"),
    "cannot-suspend-own-account": (409, "An account cannot suspend itself"),
    "account-already-exists": (409, "The e-mail address has an account already"),
    "events-pruned": (410, "Events after this cursor are no longer kept"),
    "database-restored": (410, "The database was restored from a backup older than this cursor"),
    "body-too-large": (413, "The body is too large"),
    "validation-failed": (422, "The body is not what this call takes"),
    "invalid-tracking-number": (422, "This cannot be a tracking number"),
    "courier-not-detected": (422, "No courier was given, and the number fits none"),
    "missing-required-fields": (422, "The courier wants more than the number"),
    "invalid-expiry": (422, "A key has to expire in the future"),
    "url-not-allowed": (422, "Messages may not be sent there"),
    "headers-not-allowed": (422, "An endpoint cannot have these headers"),
    "idempotency-key-reused": (422, "The idempotency key was used for another call"),
    "too-many-requests": (429, "Too many calls"),
    "internal-error": (500, "A fault of the server"),
    "tracking-busy": (503, "Others are changing this tracking; try again"),
    "database-unavailable": (503, "The database cannot be reached"),
}
"""Kind -> HTTP status and title. Kinds are for programs and never change their meaning."""

RETRY_AFTER: Final = "5"
"""Seconds after which a call that was answered 503 may be sent again, for the header."""

REFUSALS: Final = {
    Refusal.NO_KEY: "api-key-missing",
    Refusal.UNKNOWN_KEY: "invalid-api-key",
    Refusal.REVOKED_KEY: "api-key-revoked",
    Refusal.EXPIRED_KEY: "api-key-expired",
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
    detail = f"{field}: {text}" if field else text
    return ProblemError(kind, detail, errors=(FieldError(field, text),))
