"""What is sent now for a message: address, headers and body, in the endpoint's dialect.

A message's payload is made once, when the event happens. Around it come, at every attempt, what
depends on the moment: the dialect's wrapper, the timestamp and the signatures. The bytes returned
here are the bytes signed and the bytes sent.

Where the reference leaves v4's wrapper and header names open, ``meta`` and ``data`` with the
headers ``timestamp`` and ``signature`` are what all published receivers can read.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from parcelwire import __version__
from parcelwire.domain.account import Account
from parcelwire.domain.clock import SECOND, Instant, iso_utc
from parcelwire.signatures.signing import sign_standard, sign_timestamp
from parcelwire.webhooks.headers import HeadersRefusedError, check_headers
from parcelwire.webhooks.notices import ENDPOINT_EVENT_TYPES
from parcelwire.webhooks.ports import ClaimedMessage

DIALECTS = ("native", "v4", "v2")
"""What an endpoint may choose from; the first is meant when it does not say."""

_USER_AGENT = f"Parcelwire/{__version__}"
_V2_META = b'{"meta":{"code":200,"type":"Success","message":"Success"},"data":'
_V4_META = b'{"meta":{"code":200,"message":"Request response is successful"},"data":'


class UnsendableError(Exception):
    """The message cannot be put into words or signed as things stand; the text says what is wrong.

    It names no secret.
    """


class WebhookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One POST. ``body`` is what was signed, byte by byte."""

    url: str
    headers: dict[str, str]
    body: bytes
    secrets: tuple[str, ...] = ()
    """Headers' values that no log may show, even where the receiver repeats them."""


def make_request(claimed: ClaimedMessage, account: Account | None, now: Instant) -> WebhookRequest:
    """Return the request to send at ``now``.

    ``account`` is the owner of the endpoint; only v2 needs it, whose signature's key is its e-mail
    address. While a new secret takes over from an old one, ``webhook-signature`` carries one
    signature for each, and v4's ``signature``, which can be only one, is the newest's.

    Raises:
        UnsendableError: unknown dialect, no account, a secret that is none, or headers of the
            owner's that could not have been stored by this version.
    """
    message, endpoint = claimed.message, claimed.endpoint
    timestamp = now // SECOND
    headers = {
        "content-type": "application/json",
        "user-agent": _USER_AGENT,
        "webhook-id": message.id,
        "webhook-timestamp": str(timestamp),
        "parcelwire-event": message.event_type,
    }
    if message.event_type in ENDPOINT_EVENT_TYPES:
        headers["parcelwire-endpoint-id"] = message.tracking_id
    else:
        headers["parcelwire-sequence"] = str(message.sequence)
        headers["parcelwire-tracking-id"] = message.tracking_id
        if claimed.skipped:
            headers["parcelwire-skipped"] = ",".join(str(one.sequence) for one in claimed.skipped)
    if endpoint.headers:
        try:
            headers |= _own_headers(tuple(endpoint.headers.items()))
        except HeadersRefusedError as error:
            msg = f"the endpoint's own headers: {error}"
            raise UnsendableError(msg) from error
    if endpoint.dialect == "v2":
        body = _v2_body(claimed, account, timestamp)
    elif endpoint.dialect == "v4":
        body = b"%s%s}" % (_V4_META, message.payload)
    elif endpoint.dialect == "native":
        body = _native_body(claimed)
    else:
        msg = f"no such dialect: {endpoint.dialect}"
        raise UnsendableError(msg)
    keys = endpoint.secrets_at(now)
    try:
        headers["webhook-signature"] = " ".join(
            [sign_standard(key, message.id, timestamp, body) for key in keys]
        )
        if endpoint.dialect == "v4":
            headers["timestamp"] = str(timestamp)
            headers["signature"] = sign_timestamp(keys[0], timestamp)
    except ValueError as error:
        msg = "the endpoint has no usable secret"
        raise UnsendableError(msg) from error
    return WebhookRequest(
        url=endpoint.url, headers=headers, body=body, secrets=tuple(endpoint.headers.values())
    )


@lru_cache(maxsize=1_024)
def _own_headers(items: tuple[tuple[str, str], ...]) -> dict[str, str]:
    # They were checked when the endpoint was made; a row that came about otherwise must not be
    # able to break out of its header.
    return check_headers(dict(items))


def _v2_body(claimed: ClaimedMessage, account: Account | None, timestamp: int) -> bytes:
    if account is None or not account.email:
        msg = "the endpoint's account is gone or has no e-mail address, v2's key"
        raise UnsendableError(msg)
    payload = claimed.message.payload
    if b"\n" in payload or b"\r" in payload:
        # TrackingMore's PHP receiver cuts the body out with a pattern that ends at a line break.
        # In JSON a raw line break can only be blank space between tokens.
        payload = payload.replace(b"\r", b"").replace(b"\n", b"")
    signature = sign_timestamp(account.email, timestamp)
    return b'%s%s,"verifyInfo":{"timeStr":%d,"signature":"%s"}}' % (
        _V2_META,
        payload,
        timestamp,
        signature.encode(),
    )


def _native_body(claimed: ClaimedMessage) -> bytes:
    message = claimed.message
    body: dict[str, Any] = {
        "id": message.event_id,
        "type": message.event_type,
        "timestamp": iso_utc(message.created_at),
    }
    if message.event_type not in ENDPOINT_EVENT_TYPES:
        body["tracking_id"] = message.tracking_id
        body["sequence"] = message.sequence
        if claimed.skipped:
            body["skipped"] = claimed.skipped
    body["data"] = msgspec.Raw(message.payload)
    return msgspec.json.encode(body)
