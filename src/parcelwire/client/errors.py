"""Everything that can go wrong, as one tree.

::

    ParcelwireError
    ├── NetworkError                 no answer came; nobody knows whether the call was done
    │   └── RequestTimeoutError      ... within the time that was allowed
    ├── APIError                     the server answered with an error
    │   ├── AuthenticationError      the key is missing, wrong, revoked or expired
    │   ├── ForbiddenError           the key may not do this, or the account is suspended
    │   ├── NotFoundError            no such tracking, or no such page
    │   ├── InvalidRequestError      something about the request is wrong
    │   │   ├── ConflictError        the number is already tracked; ``existing`` says as what
    │   │   ├── EventsPrunedError    the feed's events after this cursor are no longer kept
    │   │   └── QuotaExceededError   the plan's number of parcels is used up
    │   ├── RateLimitError           too many calls; ``retry_after_seconds``
    │   └── ServerError              a fault over there
    ├── UnexpectedResponseError      what came is no answer of this API (a proxy's page, say)
    ├── AmbiguousTrackingError       more than one tracking has this number
    ├── UnsupportedError             this server has no such call
    ├── ClientClosedError            the client was closed before
    ├── WaitError                    what was waited for did not come
    └── WebhookVerificationError     the message is not to be trusted

Each has ``code`` (a number of TrackingMore's envelope, a word of Parcelwire's own API, None where
no answer came), ``message`` and ``request_id`` (None where no request was made). All of them can be
pickled, so they come back from worker processes as they were raised there, but for ``__cause__``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from parcelwire.client.models import Tracking, TrackingRef


class ParcelwireError(Exception):
    """The root of the tree: catch it to catch everything that this library raises by itself."""

    def __init__(
        self, message: str, *, code: int | str | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.request_id = request_id
        self.partial_result: CreateManyResult | None = None
        """What ``create_many`` had done when this error ended it."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Without __init__, whose arguments are not the same in all of the tree.
        return _bare, (type(self), self.args), self.__dict__


def _bare(kind: type[ParcelwireError], args: tuple[Any, ...]) -> ParcelwireError:
    error = kind.__new__(kind, *args)
    error.args = args  # an OSError, as TimeoutError is one, leaves them to its __init__
    return error


class NetworkError(ParcelwireError):
    """No answer came: no connection, or it broke. What was asked may have been done all the same.

    ``__cause__`` is the HTTP library's own error.
    """


class RequestTimeoutError(NetworkError, TimeoutError):
    """No answer came within ``timeout_seconds``."""


class APIError(ParcelwireError):
    """The server answered, and the answer is an error."""

    def __init__(
        self,
        message: str,
        *,
        code: int | str | None = None,
        request_id: str | None = None,
        status_code: int | None = None,
        data: Any = None,
    ) -> None:
        """``status_code`` is HTTP's; ``data`` what the envelope carried beside the error."""
        super().__init__(message, code=code, request_id=request_id)
        self.status_code = status_code
        self.data = data

    def __str__(self) -> str:
        return self.message if self.code is None else f"{self.message} (code {self.code})"


class AuthenticationError(APIError):
    """The API key is missing, wrong, revoked or expired (401)."""


class ForbiddenError(APIError):
    """The key may only read, or the account is suspended (403)."""


class NotFoundError(APIError):
    """There is no such tracking (4102, 4112), or no such call at this address (404)."""


class InvalidRequestError(APIError):
    """Something about the request is wrong; the message says what."""


class ConflictError(InvalidRequestError):
    """The number is tracked with this courier already (4101).

    ``existing`` names that tracking; None where the server did not say (only in old versions of
    the hosted service).
    """

    existing: TrackingRef | None = None


class EventsPrunedError(InvalidRequestError):
    """Events after this cursor are no longer kept, or no more those that followed it (410).

    The latter (``code`` is ``database-restored``) when the server's database was restored from a
    backup that is older than the cursor. Either way read the trackings anew, then go on with
    ``first_cursor``, the oldest place that is still kept.
    """

    first_cursor: str = ""


class QuotaExceededError(InvalidRequestError):
    """The plan's number of parcels is used up (4190)."""


class RateLimitError(APIError):
    """Too many calls (429), and waiting longer than ``max_retry_delay_seconds`` was not allowed."""

    retry_after_seconds: float | None = None
    """How long to keep silent, as the server said (or as its manual says); None: it did not."""


class ServerError(APIError):
    """A fault at the server, or its database is away (HTTP 500 and above)."""


class UnexpectedResponseError(ParcelwireError):
    """What came back is no answer of this API: usually something between here and the server.

    ``status_code`` is HTTP's, ``body`` the first kilobyte.
    """

    def __init__(
        self,
        message: str,
        *,
        request_id: str | None = None,
        status_code: int | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(message, request_id=request_id)
        self.status_code = status_code
        self.body = body[:1024]


class AmbiguousTrackingError(ParcelwireError):
    """One tracking was asked for and several have this number: say the courier too."""

    def __init__(self, message: str, matches: tuple[Tracking, ...]) -> None:
        super().__init__(message)
        self.matches = matches


class UnsupportedError(ParcelwireError, AttributeError):
    """This server has no such call. Nothing was sent.

    An ``AttributeError`` too: ``hasattr(client, "endpoints")`` tells whether there is one.
    """


class ClientClosedError(ParcelwireError, RuntimeError):
    """The client was closed before, or while its answer was waited for."""


class WaitError(ParcelwireError, TimeoutError):
    """The status that was waited for did not come in time, or cannot come any more.

    ``tracking`` is how it stood at the last look.
    """

    def __init__(self, message: str, tracking: Tracking) -> None:
        super().__init__(message)
        self.tracking = tracking


WebhookFailure = Literal[
    "missing_signature", "stale_timestamp", "invalid_signature", "invalid_body"
]


class WebhookVerificationError(ParcelwireError):
    """A webhook's signature is missing, wrong or too old, or its body cannot be read: answer 400.

    ``reason`` says which: ``missing_signature``, ``stale_timestamp``, ``invalid_signature`` or
    ``invalid_body``.
    """

    def __init__(self, message: str, reason: WebhookFailure) -> None:
        super().__init__(message)
        self.reason = reason


# An error that ends ``create_many`` has its result, and that has errors: so they stand together.


class CreateResult(msgspec.Struct, kw_only=True):
    """What became of one item."""

    index: int
    """Its place among what was handed in, from 0."""
    tracking_number: str
    """As it was handed in."""
    tracking: TrackingRef | None = None
    """The new tracking, or None."""
    error: ParcelwireError | None = None
    """Why there is none. A ``ConflictError`` carries the one that existed before."""

    @property
    def is_created(self) -> bool:
        """Whether the tracking was made by this call."""
        return self.tracking is not None


class CreateManyResult(msgspec.Struct, kw_only=True):
    """What became of each item, in the order they were handed in."""

    items: list[CreateResult]

    @property
    def created(self) -> list[TrackingRef]:
        """The trackings that were made."""
        return [item.tracking for item in self.items if item.tracking is not None]

    @property
    def failed(self) -> list[CreateResult]:
        """The items that were not created."""
        return [item for item in self.items if item.error is not None]

    def __iter__(self) -> Iterator[CreateResult]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)
