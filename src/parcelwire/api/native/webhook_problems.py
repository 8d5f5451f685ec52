"""What the use cases of webhooks find wrong, as problems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from parcelwire.api.native.problems import FieldError, ProblemError
from parcelwire.webhooks.errors import (
    EndpointDisabledError,
    EndpointInvalidError,
    EndpointNotFoundError,
    MessageNotFoundError,
    ReplayUnboundedError,
    TooManyEndpointsError,
    WebhookError,
)

_KINDS: Final[dict[type[WebhookError], str]] = {
    EndpointNotFoundError: "endpoint-not-found",
    MessageNotFoundError: "message-not-found",
    TooManyEndpointsError: "too-many-endpoints",
    EndpointDisabledError: "endpoint-disabled",
}
_KINDS_OF_FIELDS: Final = {"url": "url-not-allowed", "headers": "headers-not-allowed"}


def webhook_problem(error: WebhookError) -> ProblemError:
    """Return what the native API answers for what a use case found wrong."""
    match error:
        case EndpointInvalidError():
            first = error.fields[0]
            return ProblemError(
                _KINDS_OF_FIELDS.get(first.field, "validation-failed"),
                f"{first.field}: {first.reason}",
                errors=(FieldError(first.field, first.reason),),
            )
        case ReplayUnboundedError():
            text = str(error)
            return ProblemError("validation-failed", text, errors=(FieldError("", text),))
        case _:
            return ProblemError(_KINDS[type(error)], str(error))


def shaped(shape: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what ``Asked.once`` encodes with: a use case's result in its shape, or a problem."""

    def encode(result: Any) -> Any:
        if isinstance(result, WebhookError):
            raise webhook_problem(result)
        return shape(result)

    return encode
