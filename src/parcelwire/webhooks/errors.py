"""What can be wrong with a request about endpoints and messages.

    WebhookError
    ├── EndpointNotFoundError     this world has no such endpoint
    ├── MessageNotFoundError      this world has no such message
    ├── TooManyEndpointsError     the world has as many as it may have
    └── EndpointDisabledError     nothing is sent to it now: it is paused or disabled

What is wrong with a command's fields is an ``InvalidInputError`` (``domain.field_problems``). API,
pages and commands translate these; no message here reaches a wire by itself.
"""

from __future__ import annotations


class WebhookError(Exception):
    """A request about endpoints or messages cannot be carried out as asked."""


class EndpointNotFoundError(WebhookError):
    """The world has no such endpoint. The text, if any, says how that came about."""


class MessageNotFoundError(WebhookError):
    """The world has no such message."""


class TooManyEndpointsError(WebhookError):
    """The world has as many endpoints as it may have."""

    def __init__(self, limit: int) -> None:
        """``limit``: how many that is."""
        super().__init__(f"there are {limit} already")
        self.limit = limit


class EndpointDisabledError(WebhookError):
    """The endpoint is paused or disabled; the text says which, and why."""
