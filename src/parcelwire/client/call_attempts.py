"""One call and all its tries, without I/O: what is sent, what an answer means, whether to go on.

::

    Call ──> CallAttempts.headers() ──> (engine sends) ──> on_response() ──> Done | Wait | raises
                       ^                     └── no answer ──> on_network_error() ──> Wait | raises
                       └──────────────── after Wait.seconds ───────────────────────────┘

``maybe_applied`` decides what "already exists" means afterwards: an earlier attempt at this very
call may have taken effect although its response never came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from enum import Enum, auto
from random import Random
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from parcelwire.client.error_mapping import error_for, problem_for
from parcelwire.client.errors import (
    APIError,
    NetworkError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
    UnexpectedResponseError,
)
from parcelwire.client.settings import Settings

T = TypeVar("T")

BASE_SECONDS: Final = 0.5
"""Before the first retry; doubled before each further one."""
CAP_SECONDS: Final = 10.0
SLACK_SECONDS: Final = 30.0
"""How far the clocks of several server machines may be apart (and Date has whole seconds)."""

_TEMPORARY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_UNDONE: Final = frozenset({425, 429})
"""Statuses that say that the call was not done."""
_UNREADABLE: Final = (ValueError, OverflowError, RecursionError)
"""What reading raises beside msgspec's own: bad UTF-8, a number too long, too many brackets."""


class Repeat(Enum):
    """When a call may be sent again."""

    ALWAYS = auto()
    """Doing it twice is doing it once, or the second time is refused and that is understood."""
    UNDONE = auto()
    """Only when it certainly was not done: it costs something each time."""


class Call(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One call of the API. ``read`` turns the envelope's ``data`` into the result."""

    method: str
    path: str
    """With its query, encoded."""
    read: Callable[[Any], T]
    body: bytes | None = None
    repeat: Repeat = Repeat.ALWAYS
    is_create: bool = False
    """An Idempotency-Key goes with it."""
    part: int = 0
    """Which part of a create that needs several calls, from 0: each part has a key of its own."""
    key_header: str = "tracking-api-key"
    is_native: bool = False
    """Of Parcelwire's own API: the answer is the result or a problem, without an envelope."""
    wait_seconds: float = 0.0
    """How long the server may keep silent on purpose, beside ``timeout_seconds``."""


class HttpResponse(NamedTuple):
    """One HTTP answer; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Done(NamedTuple, Generic[T]):
    """The call is over."""

    value: T


class Wait(NamedTuple):
    """Try again after this pause."""

    seconds: float


class _Meta(msgspec.Struct):
    code: int
    message: str | None = None


class _Envelope(msgspec.Struct):
    meta: _Meta
    data: Any = None


_read_json: Final = msgspec.json.Decoder().decode
_read_envelope: Final = msgspec.json.Decoder(_Envelope).decode


class CallAttempts(Generic[T]):
    """All tries of one call."""

    def __init__(
        self,
        call: Call[T],
        settings: Settings,
        randomness: Random,
        monotonic: Callable[[], float],
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """``clock`` (seconds since 1970) helps where a server says until when, but not the time."""
        self.call = call
        self.maybe_applied = False
        """An earlier try may have been done although its answer did not come."""
        self.response: HttpResponse | None = None
        """The last one that came."""
        self._settings = settings
        self._options = settings.options
        self._random = randomness
        self.request_id = self._draw()
        self._monotonic = monotonic
        self._clock = clock
        self._tries = 0
        self._began = monotonic()
        self._began_at: float | None = None
        self._key = _part_of(self._options.idempotency_key, call.part) or self._draw()

    def _draw(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def headers(self) -> dict[str, str]:
        """Return the headers of every try: the same ones, so that the server can know it again."""
        headers = {
            self.call.key_header: self._settings.api_key,
            "accept": "application/json",
            "x-request-id": self.request_id,
        }
        if self._settings.authorization:
            headers["authorization"] = self._settings.authorization
        if self.call.body is not None:
            headers["content-type"] = "application/json"
        if self.call.is_create:
            headers["idempotency-key"] = self._key
        headers.update((name.lower(), value) for name, value in self._options.headers)
        return headers

    def on_network_error(self, fault: Exception, *, was_sent: bool, is_timeout: bool) -> Wait:
        """Take a try without an answer.

        Raises:
            NetworkError: there will be no further try.
        """
        self.maybe_applied = self.maybe_applied or was_sent
        if not was_sent or self.call.repeat is Repeat.ALWAYS:
            pause = self._pause(None)
            if pause is not None:
                return pause
        kind = RequestTimeoutError if is_timeout else NetworkError
        said = str(fault) or type(fault).__name__
        msg = f"no answer from {self._settings.base_url}: {said}"
        raise kind(msg, request_id=self.request_id) from fault

    def on_response(self, response: HttpResponse) -> Done[T] | Wait:
        """Take an answer.

        Raises:
            APIError: it is an error, and there will be no further try.
            UnexpectedResponseError: it is none of this API's.
        """
        self.response = response
        self._note_time(response)
        request_id = response.headers.get("x-request-id") or self.request_id
        try:
            data = self._data(response, request_id)
        except APIError as error:
            pause = self._pause_after(response, error)
            if pause is None:
                raise
            return pause
        try:
            return Done(self.call.read(data))
        except (msgspec.ValidationError, *_UNREADABLE) as error:
            msg = f"the answer has not the expected shape: {error}"
            raise UnexpectedResponseError(
                msg, request_id=request_id, status_code=response.status, body=response.body
            ) from error

    def may_have_created(self, created_at: float | None) -> bool:
        """Tell whether what exists can be what an earlier try of this call made.

        ``created_at``: seconds since 1970 by the server's clock. What is older than the first try
        was there before. Where the times are not known, a cut try is taken to be the reason.
        """
        if not self.maybe_applied:
            return False
        if created_at is None or self._began_at is None:
            return True
        return created_at >= self._began_at - SLACK_SECONDS

    def _note_time(self, response: HttpResponse) -> None:
        # When the first try began, by the server's clock: this machine's may be wrong.
        if not self.call.is_create or (date := response.headers.get("date")) is None:
            return
        if (now := http_date(date)) is not None:
            self._began_at = now - (self._monotonic() - self._began)

    def _data(self, response: HttpResponse, request_id: str) -> Any:
        if self.call.is_native:
            return self._native_data(response, request_id)
        try:
            envelope = _read_envelope(response.body)
        except (msgspec.DecodeError, *_UNREADABLE) as error:
            raise self._foreign(response, request_id) from error
        code = envelope.meta.code
        if 200 <= code < 300 and 200 <= response.status < 300:
            return envelope.data
        raise error_for(
            code,
            envelope.meta.message or f"HTTP status {response.status}",
            status=response.status,
            request_id=request_id,
            data=envelope.data,
        )

    def _native_data(self, response: HttpResponse, request_id: str) -> Any:
        try:
            if 200 <= response.status < 300:
                return _read_json(response.body) if response.body else None
            raise problem_for(response.body, status=response.status, request_id=request_id)
        except (msgspec.DecodeError, *_UNREADABLE) as error:
            raise self._foreign(response, request_id) from error

    def _foreign(self, response: HttpResponse, request_id: str) -> Exception:
        """Return the error for an answer without this API's envelope, a proxy's for instance."""
        said = f"HTTP status {response.status}, and no answer of this API"
        if response.status == 429:
            return RateLimitError(said, status_code=429, request_id=request_id)
        if response.status >= 500 or response.status in _TEMPORARY:
            return ServerError(said, status_code=response.status, request_id=request_id)
        msg = f"{said} from {self._settings.base_url}: is that the server's address?"
        return UnexpectedResponseError(
            msg, request_id=request_id, status_code=response.status, body=response.body
        )

    def _pause_after(self, response: HttpResponse, error: APIError) -> Wait | None:
        asked = self._asked(response)
        if isinstance(error, RateLimitError):
            if asked is None:
                asked = self._settings.backend.pause_seconds
            error.retry_after_seconds = asked
            return self._pause(asked)
        if response.status not in _TEMPORARY and not isinstance(error, ServerError):
            return None
        if response.status not in _UNDONE:
            self.maybe_applied = True
            if self.call.repeat is not Repeat.ALWAYS:
                return None
        return self._pause(asked)

    def _asked(self, response: HttpResponse) -> float | None:
        """Return for how many seconds Retry-After asks, as a number of them or as a date."""
        text = response.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        until = http_date(text)
        if until is None:
            return None
        # By the server's own clock, where it says the time: this machine's may be wrong.
        now = http_date(response.headers.get("date", ""))
        if now is None and self._clock is not None:
            now = self._clock()
        return None if now is None else max(0.0, until - now)

    def _pause(self, asked: float | None) -> Wait | None:
        if self._tries >= self._options.max_retries:
            return None
        # Half of it is left to chance, so that clients that were cut together do not return so.
        delay = min(CAP_SECONDS, BASE_SECONDS * 2**self._tries) * self._random.uniform(0.5, 1.0)
        self._tries += 1
        if asked is not None:
            if asked > self._options.max_retry_delay_seconds:
                return None
            delay = max(delay, asked)
        return Wait(min(delay, self._options.max_retry_delay_seconds))


def _part_of(key: str | None, part: int) -> str | None:
    return f"{key}-{part}" if key and part else key


def http_date(text: str) -> float | None:
    """Return the seconds since 1970 of a date as HTTP's headers have it; None: it is none."""
    from email.utils import parsedate_to_datetime

    try:
        at = parsedate_to_datetime(text)
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
