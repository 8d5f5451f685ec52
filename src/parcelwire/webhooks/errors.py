"""What can be wrong with a request about endpoints and messages.

    WebhookError
    ├── EndpointNotFoundError     this world has no such endpoint
    ├── MessageNotFoundError      this world has no such message
    ├── EndpointInvalidError      values that no endpoint may have (``fields``)
    ├── TooManyEndpointsError     the world has as many as it may have
    ├── EndpointDisabledError     nothing is sent to it now: it is paused or disabled
    └── ReplayUnboundedError      the replay names no condition

API, pages and commands translate these; no message here reaches a wire by itself.
"""

from __future__ import annotations

import msgspec


class InvalidField(msgspec.Struct, frozen=True):
    """A field of a command, and in a few words why its value is refused."""

    field: str
    reason: str


class WebhookError(Exception):
    """A request about endpoints or messages cannot be carried out as asked."""


class EndpointNotFoundError(WebhookError):
    """The world has no such endpoint. The text, if any, says how that came about."""


class MessageNotFoundError(WebhookError):
    """The world has no such message."""


class EndpointInvalidError(WebhookError):
    """An endpoint may not have these values."""

    def __init__(self, *fields: InvalidField) -> None:
        """``fields``: all that were found, at least one."""
        super().__init__("; ".join(f"{one.field}: {one.reason}" for one in fields))
        self.fields = fields


class TooManyEndpointsError(WebhookError):
    """The world has as many endpoints as it may have."""

    def __init__(self, limit: int) -> None:
        """``limit``: how many that is."""
        super().__init__(f"there are {limit} already")
        self.limit = limit


class EndpointDisabledError(WebhookError):
    """The endpoint is paused or disabled; the text says which, and why."""


class ReplayUnboundedError(WebhookError):
    """A replay has to name at least one condition."""
