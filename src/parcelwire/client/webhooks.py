"""Webhooks on the receiving side: verify, read, recognise repetitions. No I/O."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

import msgspec

from parcelwire.client.errors import WebhookVerificationError
from parcelwire.client.frozen import FrozenDict, freeze
from parcelwire.client.models import Tracking, WebhookEvent
from parcelwire.client.reading import read
from parcelwire.client.settings import Scheme
from parcelwire.signatures.verify import (
    TOLERANCE_SECONDS,
    Headers,
    MissingSignatureError,
    StaleTimestampError,
    VerificationError,
    verify_standard,
    verify_v2,
    verify_v4,
)

_MOST_DIGITS: Final = 18
"""Of a number that a header counts with; int() raises for some thousand."""


def unwrap(
    body: bytes | str,
    headers: Headers,
    secret: str | Sequence[str],
    *,
    scheme: Scheme = "standard",
    tolerance_seconds: float = TOLERANCE_SECONDS,
    now: float | None = None,
) -> WebhookEvent:
    """Check a webhook and return what it says.

    ``body`` is the request's body as it came, before any JSON parser; ``headers`` a mapping, or
    whatever has names and values as ``items()``, as Flask's. ``secret`` is the endpoint's,
    or several while one is being replaced; for ``scheme="v2"`` it is the account's e-mail address.

    Exactly the named signature is checked, and it must be there. ``standard`` is on every webhook
    of Parcelwire and is the only one that covers the body; TrackingMore's own webhooks have ``v4``
    or ``v2``. To take whichever a request happens to carry would let its sender choose the weakest.

    ``now``: seconds since 1970 UTC; None: this machine's clock.

    Raises:
        WebhookVerificationError: it is not to be trusted, or not to be read. Answer 400.
        ValueError: the secret is unusable.
    """
    if scheme not in get_args(Scheme):
        msg = f"no such scheme: {scheme}"
        raise ValueError(msg)
    at = time.time() if now is None else now
    given = {name.lower(): value for name, value in headers.items()}
    message_id: str | None = given.get("webhook-id")
    try:
        if scheme == "standard":
            message_id, timestamp = verify_standard(
                body, given, secret, now=at, tolerance_seconds=tolerance_seconds
            )
        elif scheme == "v4":
            timestamp = verify_v4(given, secret, now=at, tolerance_seconds=tolerance_seconds)
        else:
            timestamp = _check_v2(body, secret, at, tolerance_seconds)
    except MissingSignatureError as error:
        raise WebhookVerificationError(str(error), "missing_signature") from error
    except StaleTimestampError as error:
        raise WebhookVerificationError(str(error), "stale_timestamp") from error
    except VerificationError as error:
        raise WebhookVerificationError(str(error), "invalid_signature") from error
    content = _content(body)
    return WebhookEvent(
        scheme=scheme,
        timestamp=timestamp,
        body=content,
        message_id=message_id,
        **_said(content, given),
    )


class Webhooks:
    """The ``webhooks`` of a client: ``unwrap`` with the signature that its server sends."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme

    def unwrap(
        self,
        body: bytes | str,
        headers: Headers,
        secret: str | Sequence[str],
        *,
        scheme: Scheme | None = None,
        tolerance_seconds: float = TOLERANCE_SECONDS,
    ) -> WebhookEvent:
        """Check a webhook and return what it says; see ``parcelwire.client.unwrap``.

        ``scheme`` None: ``standard`` for Parcelwire, ``v4`` for TrackingMore's hosted service.

        Raises:
            WebhookVerificationError: it is not to be trusted, or not to be read. Answer 400.
            ValueError: the secret is unusable.
        """
        return unwrap(
            body,
            headers,
            secret,
            scheme=scheme or self._scheme,
            tolerance_seconds=tolerance_seconds,
        )


class SeenIds:
    """Remembers message ids in this process, bounded in time and number.

    Retries of one message come for up to 4.3 days, and a receiver of several processes needs a
    memory that they share: keep the ids in your database then (a unique column, written in the
    transaction that handles the message), and use this for one process or in tests.
    """

    def __init__(self, *, keep_seconds: float = 432_000, most: int = 100_000) -> None:
        """Keep ids for ``keep_seconds``, the newest ``most`` at most.

        Raises:
            ValueError: when one of the two is not positive.
        """
        if not (keep_seconds > 0 and most > 0):
            msg = "keep_seconds and most must be more than 0"
            raise ValueError(msg)
        self._keep_seconds = keep_seconds
        self._most = most
        self._until: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def is_new(self, message_id: str | None, *, now: float) -> bool:
        """Tell whether this id was not added within the time. A message without one is always new.

        It is not added: do that once the message is stored, so that a crash between the two does
        not make the next try look like a repetition.
        """
        until = None if message_id is None else self._until.get(message_id)
        return until is None or until <= now

    def add(self, message_id: str | None, *, now: float) -> None:
        """Remember an id from ``now`` (seconds since 1970) on."""
        if message_id is None:
            return
        self._until.pop(message_id, None)
        self._until[message_id] = now + self._keep_seconds
        while self._until:
            oldest, until = next(iter(self._until.items()))
            if len(self._until) <= self._most and until > now:
                break
            del self._until[oldest]


def _check_v2(
    body: bytes | str, email: str | Sequence[str], now: float, tolerance_seconds: float
) -> int:
    if not isinstance(email, str):
        msg = "v2 has one key: the account's e-mail address"
        raise ValueError(msg)
    content = verify_v2(body, email, now=now, tolerance_seconds=tolerance_seconds)
    return int(content["verifyInfo"]["timeStr"])


def _content(body: bytes | str) -> FrozenDict:
    try:
        content = freeze(msgspec.json.decode(body))
    except (msgspec.DecodeError, ValueError, RecursionError):
        content = None
    if not isinstance(content, FrozenDict):
        msg = "the body is not a JSON object"
        raise WebhookVerificationError(msg, "invalid_body")
    return content


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def _said(content: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    """Return what body and headers say about the event, whatever the dialect."""
    data = content.get("data")
    data = data if isinstance(data, dict) else {}
    tracking: Tracking | None = None
    own = data.get("tracking")
    try:
        if "delivery_status" in data:
            tracking = read(Tracking, data)
        elif isinstance(own, dict):
            from parcelwire.client.native_tracking import tracking_of

            tracking = tracking_of(own)
    except msgspec.ValidationError as error:
        msg = f"the tracking in the body cannot be read: {error}"
        raise WebhookVerificationError(msg, "invalid_body") from error

    def first(kind: type, *candidates: Any) -> Any:
        return next((one for one in candidates if isinstance(one, kind) and one != ""), None)

    sequence = headers.get("parcelwire-sequence", "")
    return {
        "tracking": tracking,
        "type": first(
            str, content.get("type"), data.get("event_type"), headers.get("parcelwire-event")
        ),
        "tracking_id": first(
            str, content.get("tracking_id"), data.get("id"), headers.get("parcelwire-tracking-id")
        ),
        "sequence": first(
            int,
            content.get("sequence"),
            data.get("sequence"),
            int(sequence) if _is_count(sequence) else None,
        ),
    }
