"""How the signatures of webhooks are checked: what ``parcelwire.client.unwrap`` is made from.

Receivers use ``unwrap``. This module imports nothing but the standard library and reads no clock:
the caller says what time it is, and hands over the body as received, before any JSON parser touched
it.

``verify_standard`` is the only one of the three whose signature covers the body and the message id;
``verify_v2`` and ``verify_v4`` check TrackingMore's.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from parcelwire.signatures.signing import key_of, sign_standard, sign_timestamp

TOLERANCE_SECONDS = 300
"""How far a message's time may be from the receiver's, either way (Standard Webhooks)."""


class Headers(Protocol):
    """A request's headers as any framework has them: a mapping, or Flask's, which is none."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Return names, in whatever case, and values."""


class VerificationError(Exception):
    """The message is not to be trusted; the subclass says why."""


class MissingSignatureError(VerificationError):
    """What is needed to check is not there, or has not the form it must have."""


class StaleTimestampError(VerificationError):
    """The signed time is too far from now: an old message played again, or a wrong clock."""


class WrongSignatureError(VerificationError):
    """The signature does not fit: another secret, or something was changed on the way."""


class Delivery(NamedTuple):
    """What a checked message says about itself."""

    message_id: str
    """Constant over retries: use it to recognise a message that comes a second time."""
    timestamp: int
    """When this attempt was signed, in seconds since 1970 UTC."""


def verify_standard(
    body: bytes | str,
    headers: Headers,
    secrets: str | Sequence[str],
    *,
    now: float,
    tolerance_seconds: float = TOLERANCE_SECONDS,
) -> Delivery:
    """Check the headers ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``.

    ``secrets`` is the endpoint's secret, or several while one is being replaced. Any of the
    signatures in the header may fit any of them.

    Raises:
        MissingSignatureError: a header is missing or malformed.
        StaleTimestampError: ``webhook-timestamp`` is not within the tolerance around ``now``.
        WrongSignatureError: no signature fits.
        ValueError: a secret is unusable.
    """
    given = _lower(headers)
    message_id = given.get("webhook-id", "")
    signatures = given.get("webhook-signature", "")
    if not message_id or not signatures:
        msg = "webhook-id or webhook-signature is missing"
        raise MissingSignatureError(msg)
    timestamp = _read_timestamp(given.get("webhook-timestamp"), "webhook-timestamp")
    _check_age(timestamp, now, tolerance_seconds)
    # The sender signs UTF-8: what has no form in it, as half of a surrogate pair, was never signed.
    raw = _encoded(body) if isinstance(body, str) else body
    if raw is None or _encoded(message_id) is None:
        msg = "webhook-id or the body holds characters that nobody can have signed"
        raise WrongSignatureError(msg)
    offered = [_decode(part[3:]) for part in signatures.split() if part.startswith("v1,")]
    fits = False
    for secret in _as_list(secrets):
        expected = _decode(sign_standard(secret, message_id, timestamp, raw)[3:])
        for signature in offered:
            # No early exit: how long it takes must not tell which one was nearly right.
            fits |= hmac.compare_digest(expected, signature)
    if not fits:
        msg = "no signature in webhook-signature fits"
        raise WrongSignatureError(msg)
    return Delivery(message_id, timestamp)


def verify_v4(
    headers: Headers,
    secrets: str | Sequence[str],
    *,
    now: float,
    tolerance_seconds: float = TOLERANCE_SECONDS,
) -> int:
    """Check the headers ``timestamp`` and ``signature`` of TrackingMore's v4; return the timestamp.

    The body is not covered by this signature: whoever has seen one message can put another body
    under it for as long as the tolerance lasts.

    Raises:
        MissingSignatureError: a header is missing or malformed.
        StaleTimestampError: ``timestamp`` is not within the tolerance around ``now``.
        WrongSignatureError: the signature does not fit.
    """
    given = _lower(headers)
    timestamp = _read_timestamp(given.get("timestamp"), "timestamp")
    _check_age(timestamp, now, tolerance_seconds)
    _check_hex(given.get("signature"), _as_list(secrets), timestamp)
    return timestamp


def verify_v2(
    body: bytes | str,
    email: str,
    *,
    now: float,
    tolerance_seconds: float = TOLERANCE_SECONDS,
) -> dict[str, Any]:
    """Check ``verifyInfo`` in the body of TrackingMore's v2 and return the body as an object.

    The key is the e-mail address of the account, which is no secret worth the name, and ``data``
    is not covered. Use ``verify_standard`` on the same request where you can.

    Raises:
        MissingSignatureError: the body is no JSON object or has no usable ``verifyInfo``.
        StaleTimestampError: ``timeStr`` is not within the tolerance around ``now``.
        WrongSignatureError: the signature does not fit.
        ValueError: ``email`` is empty.
    """
    if not email:
        msg = "no e-mail address was given"
        raise ValueError(msg)
    if _encoded(email) is None:
        msg = "the e-mail address holds characters that cannot be encoded"
        raise ValueError(msg)
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("verifyInfo"), dict):
        msg = "the body is not a JSON object with verifyInfo"
        raise MissingSignatureError(msg)
    said = content["verifyInfo"]
    time_text = said.get("timeStr")
    if isinstance(time_text, int) and not isinstance(time_text, bool):
        time_text = str(time_text)
    timestamp = _read_timestamp(time_text, "timeStr")
    _check_age(timestamp, now, tolerance_seconds)
    _check_hex(said.get("signature"), [email], timestamp)
    return content


def _lower(headers: Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _as_list(secrets: str | Sequence[str]) -> list[str]:
    listed = [secrets] if isinstance(secrets, str) else list(secrets)
    if not listed:
        msg = "no secret was given"
        raise ValueError(msg)
    for secret in listed:
        key_of(secret)  # an unusable secret is the caller's fault, not the sender's
    return listed


def _read_timestamp(text: object, name: str) -> int:
    # int() also takes blanks, signs, underscores and foreign digits; the sender writes none.
    if not isinstance(text, str) or not (text.isascii() and text.isdigit() and len(text) <= 12):
        msg = f"{name} is missing or not a number of seconds"
        raise MissingSignatureError(msg)
    return int(text)


def _check_age(timestamp: int, now: float, tolerance_seconds: float) -> None:
    # Written so that a tolerance or time that is not a number refuses instead of passing.
    if not abs(now - timestamp) <= tolerance_seconds:
        side = "old" if timestamp < now else "far in the future"
        msg = f"the message's timestamp is too {side}"
        raise StaleTimestampError(msg)


def _check_hex(signature: object, keys: Sequence[str], timestamp: int) -> None:
    if not isinstance(signature, str) or not signature:
        msg = "the signature is missing"
        raise MissingSignatureError(msg)
    # What is not ASCII is not hexadecimal, and may be what no encoding takes.
    offered = signature.lower().encode("ascii", "replace")
    fits = False
    for key in keys:
        fits |= hmac.compare_digest(sign_timestamp(key, timestamp).encode(), offered)
    if not fits:
        msg = "the signature does not fit"
        raise WrongSignatureError(msg)


def _encoded(text: str) -> bytes | None:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
