"""What the use cases refuse, as problems: the one place that knows both."""

from __future__ import annotations

from typing import Final

from parcelwire.accounts.errors import (
    AccountExistsError,
    AccountNotFoundError,
    AccountsError,
    AccountSuspendedError,
    CurrentKeyError,
    KeyNotFoundError,
    OwnSuspensionError,
)
from parcelwire.api.native.problems import RETRY_AFTER, FieldError, ProblemError, field_problem
from parcelwire.couriers.number import LONGEST, SHORTEST
from parcelwire.domain.field_problems import InvalidInputError
from parcelwire.tracking.errors import (
    AlreadyExistsError,
    CourierUndetectedError,
    CourierUnknownError,
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
from parcelwire.webhooks.errors import (
    EndpointDisabledError,
    EndpointNotFoundError,
    MessageNotFoundError,
    TooManyEndpointsError,
    WebhookError,
)

UseCaseError = AccountsError | InvalidInputError | TrackingError | WebhookError
USE_CASE_ERRORS: Final = (AccountsError, InvalidInputError, TrackingError, WebhookError)

LOCATION: Final = "/trackings/{id}"
"""Of a tracking, after ``/api``."""

_KINDS: Final[dict[type[Exception], str]] = {
    AccountExistsError: "account-already-exists",
    AccountNotFoundError: "account-not-found",
    # Suspended after the key was checked. The reason is for operators only.
    AccountSuspendedError: "account-suspended",
    KeyNotFoundError: "key-not-found",
    NotFoundError: "tracking-not-found",
    OverQuotaError: "quota-exceeded",
}
"""Refusals whose problem's title says it all."""
_WEBHOOK_KINDS: Final[dict[type[WebhookError], str]] = {
    EndpointDisabledError: "endpoint-disabled",
    EndpointNotFoundError: "endpoint-not-found",
    MessageNotFoundError: "message-not-found",
    TooManyEndpointsError: "too-many-endpoints",
}
"""Refusals whose own text is the detail."""
_FIELD_KINDS: Final = {
    "expires_at": "invalid-expiry",
    "headers": "headers-not-allowed",
    "url": "url-not-allowed",
}
"""Fields whose refusal is a problem of its own."""


def problem_of(error: UseCaseError) -> ProblemError:
    """Return the problem that a refusal is answered with.

    Raises:
        UseCaseError: the very error: no call of the native API can meet it.
    """
    match error:
        case InvalidInputError():
            return _invalid_input(error)
        case WebhookError() if kind := _WEBHOOK_KINDS.get(type(error)):
            return ProblemError(kind, str(error))
        case OwnSuspensionError():
            return ProblemError("cannot-suspend-own-account", "ask another operator")
        case CurrentKeyError():
            return ProblemError(
                "cannot-revoke-current-key",
                "to revoke the key used for this request, send ?allow_current=true",
            )
        case AlreadyExistsError():
            return ProblemError(
                "tracking-already-exists",
                f"{error.number} of {error.courier_code} is followed already",
                headers={"location": "/api" + LOCATION.format(id=error.existing_id)},
                existing_id=error.existing_id,
            )
        case RetrackNotAllowedError():
            return ProblemError("tracking-not-expired", f"its status is {error.tracking.status}")
        case TrackingBusyError():
            return ProblemError("tracking-busy", headers={"retry-after": RETRY_AFTER})
        case UnreadableDocumentError():
            return ProblemError(
                "tracking-unreadable",
                "its stored document cannot be read: the operator can restore it, and the tracking"
                " can be deleted",
            )
        case CourierUnknownError():
            message = f"there is no courier {error}"
            return field_problem("courier-not-found", FieldError("courier_code", message))
        case CourierUndetectedError():
            return field_problem(
                "courier-not-detected", FieldError("courier_code", "name the courier")
            )
        case FieldsMissingError():
            message = f"{error.courier_code} needs it"
            errors = tuple(FieldError(f"details.{field}", message) for field in error.fields)
            names = ", ".join(one.field for one in errors)
            return ProblemError(
                "missing-required-fields", f"{error.courier_code} needs {names}", errors=errors
            )
        case NumberMissingError() | NumberInvalidError():
            message = (
                f"a tracking number has {SHORTEST} to {LONGEST} letters A-Z and digits, one digit"
                " at least"
            )
            return field_problem("invalid-tracking-number", FieldError("number", message))
        case _ if kind := _KINDS.get(type(error)):
            return ProblemError(kind)
        case _:
            raise error


def _invalid_input(error: InvalidInputError) -> ProblemError:
    first = error.problems[0]
    if first.field == "is_test":
        return ProblemError("test-key-not-allowed", "a test key makes test keys only")
    kind = _FIELD_KINDS.get(first.field, "validation-failed")
    return field_problem(kind, *(FieldError(one.field, one.message) for one in error.problems))
