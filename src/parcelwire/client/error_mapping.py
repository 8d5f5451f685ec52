"""Which code of an answer is which error."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from parcelwire.client.errors import (
    APIError,
    AuthenticationError,
    ConflictError,
    EventsPrunedError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)
from parcelwire.client.models import TrackingRef
from parcelwire.client.reading import read

NOT_DETECTED: Final = 4121
RETRACK_NOT_ALLOWED: Final = 4113

_KINDS: Final[dict[int, type[APIError]]] = {
    401: AuthenticationError,
    403: ForbiddenError,
    404: NotFoundError,
    429: RateLimitError,
    4101: ConflictError,
    4102: NotFoundError,
    4112: NotFoundError,
    4190: QuotaExceededError,
    # v2's, for the one call that v4 lacks.
    402: QuotaExceededError,
    4001: AuthenticationError,
    4002: AuthenticationError,
    4017: NotFoundError,
    4019: QuotaExceededError,
    4021: QuotaExceededError,
}


_WORDS: Final[dict[str, type[APIError]]] = {
    "quota-exceeded": QuotaExceededError,
    "tracking-already-exists": ConflictError,
    "events-pruned": EventsPrunedError,
    "database-restored": EventsPrunedError,
}
"""Codes of Parcelwire's own API whose error is not that of their status."""
_STATUSES: Final[dict[int, type[APIError]]] = {
    401: AuthenticationError,
    403: ForbiddenError,
    404: NotFoundError,
    429: RateLimitError,
}


class _Problem(msgspec.Struct):
    """What the own API says of a refusal (RFC 9457); ``code`` is what makes it one of ours."""

    code: str
    title: str
    detail: str = ""
    existing_id: str = ""
    first_cursor: str = ""


_read_problem: Final = msgspec.json.Decoder(_Problem).decode


def problem_for(body: bytes, *, status: int, request_id: str | None = None) -> APIError:
    """Return the error that an answer of Parcelwire's own API tells.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is no such answer.
    """
    problem = _read_problem(body)
    kind = _WORDS.get(problem.code) or _STATUSES.get(status)
    if kind is None:
        kind = ServerError if status >= 500 else InvalidRequestError
    error = kind(
        problem.detail or problem.title,
        code=problem.code,
        request_id=request_id,
        status_code=status,
        data=msgspec.json.decode(body),
    )
    if isinstance(error, ConflictError) and problem.existing_id:
        error.existing = TrackingRef(id=problem.existing_id)
    if isinstance(error, EventsPrunedError):
        error.first_cursor = problem.first_cursor
    return error


def error_for(
    code: int, message: str, *, status: int, request_id: str | None = None, data: Any = None
) -> APIError:
    """Return the error that an envelope tells. ``status`` is HTTP's."""
    kind = _KINDS.get(code)
    if kind is None:
        kind = ServerError if status >= 500 or 500 <= code < 600 else InvalidRequestError
    error = kind(message, code=code, request_id=request_id, status_code=status, data=data)
    if isinstance(error, ConflictError):
        error.existing = _ref(data)
    return error


def _ref(data: Any) -> TrackingRef | None:
    try:
        return read(TrackingRef, data)
    except msgspec.ValidationError:
        return None
