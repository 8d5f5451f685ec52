"""Webhooks as a receiver takes them, made by the room that sends them."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx2
import msgspec
import pytest
from django.http.request import HttpHeaders  # type: ignore[import-untyped]  # Django has no types
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from starlette.datastructures import Headers as StarletteHeaders
from werkzeug.datastructures import EnvironHeaders
from werkzeug.datastructures import Headers as WerkzeugHeaders

from parcelwire.client import Parcelwire, WebhookVerificationError, unwrap
from parcelwire.signatures.signing import make_secret, sign_standard, sign_timestamp

TIME = 1_772_359_200
SECRET = make_secret(bytes(range(32)))
TRACKING = {
    "id": "badc8f47c16c6b595ed8541d109dbbc2",
    "tracking_number": "1",
    "courier_code": "usps",
    "delivery_status": "delivered",
}
V4_BODY = json.dumps(
    {"meta": {"code": 200}, "data": {**TRACKING, "sequence": 3, "event_type": "tracking.updated"}}
).encode()

NAMES = st.sampled_from(
    [
        *("type", "data", "tracking_id", "sequence", "tracking", "id", "event_type"),
        *("delivery_status", "tracking_number", "number", "courier_code", "status", "checkpoints"),
        *(
            "details",
            "shipment",
            "delivery_window",
            "proof",
            "latest",
            "ship_date",
            "leg",
            "created_at",
        ),
        *("is_archived", "is_stopped", "updated_at", "origin_info", "trackinfo", "occurred_at"),
    ]
)


def headers(body: bytes = V4_BODY) -> dict[str, str]:
    return {
        "Webhook-Id": "msg1",
        "Webhook-Timestamp": str(TIME),
        "Webhook-Signature": sign_standard(SECRET, "msg1", TIME, body),
        "Timestamp": str(TIME),
        "Signature": sign_timestamp(SECRET, TIME),
    }


def v2_body(timestamp: int = TIME) -> bytes:
    signature = sign_timestamp("shop@example.com", timestamp)
    verify = {"timeStr": timestamp, "signature": signature}
    return json.dumps({"data": {"id": "7", "status": "transit"}, "verifyInfo": verify}).encode()


def test_standard() -> None:
    event = unwrap(V4_BODY, headers(), SECRET, now=TIME)
    assert (event.scheme, event.message_id, event.timestamp) == ("standard", "msg1", TIME)
    assert (event.type, event.sequence, event.tracking_id) == (
        "tracking.updated",
        3,
        TRACKING["id"],
    )
    assert event.tracking is not None
    assert event.tracking.status == "delivered"
    assert event.tracking.extra == {"sequence": 3, "event_type": "tracking.updated"}
    assert event.data["sequence"] == 3
    assert unwrap(V4_BODY, headers(), [make_secret(bytes(32)), SECRET], now=TIME) == event


def test_native_body() -> None:
    body = json.dumps(
        {"id": "e1", "type": "tracking.updated", "tracking_id": "t1", "sequence": 9, "data": {}}
    ).encode()
    event = unwrap(body, headers(body), SECRET, now=TIME)
    assert (event.type, event.tracking_id, event.sequence) == ("tracking.updated", "t1", 9)
    assert event.tracking is None


def test_v4_and_v2() -> None:
    only_v4 = {name: headers()[name] for name in ("Timestamp", "Signature")}
    event = unwrap(V4_BODY, only_v4, SECRET, scheme="v4", now=TIME)
    assert (event.scheme, event.timestamp, event.message_id) == ("v4", TIME, None)
    assert event.tracking is not None
    event = unwrap(
        v2_body(), {"Parcelwire-Sequence": "4"}, "shop@example.com", scheme="v2", now=TIME
    )
    assert (event.scheme, event.timestamp, event.sequence) == ("v2", TIME, 4)
    assert event.data["status"] == "transit"


def test_headers_of_frameworks() -> None:
    """Flask's are no mapping; Starlette's and Django's are, and tell names apart in their way."""
    said = headers()
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in said.items()}
    for carried in (
        EnvironHeaders(environ),
        WerkzeugHeaders(said),
        StarletteHeaders(said),
        HttpHeaders(environ),
        CIMultiDict(said),
        httpx2.Headers(said),
    ):
        assert unwrap(V4_BODY, carried, SECRET, now=TIME).message_id == "msg1"
        assert unwrap(V4_BODY, carried, SECRET, scheme="v4", now=TIME).timestamp == TIME
        client = Parcelwire("key").webhooks
        with pytest.raises(WebhookVerificationError):
            client.unwrap(V4_BODY, carried, SECRET)


def test_a_weaker_signature_is_not_enough() -> None:
    weaker = {name: headers()[name] for name in ("Timestamp", "Signature")}
    with pytest.raises(WebhookVerificationError) as caught:
        unwrap(V4_BODY, weaker, SECRET, now=TIME)
    assert caught.value.reason == "missing_signature"
    with pytest.raises(WebhookVerificationError) as caught:
        unwrap(v2_body(), weaker, SECRET, now=TIME)
    assert caught.value.reason == "missing_signature"


@pytest.mark.parametrize(
    ("body", "given", "now", "reason"),
    [
        (V4_BODY + b" ", headers(), TIME, "invalid_signature"),
        (V4_BODY, {**headers(), "Webhook-Id": "msg2"}, TIME, "invalid_signature"),
        (V4_BODY, headers(), TIME + 301, "stale_timestamp"),
        (V4_BODY, headers(), TIME - 301, "stale_timestamp"),
        (V4_BODY, headers(), float("nan"), "stale_timestamp"),
        (V4_BODY, {}, TIME, "missing_signature"),
        (b"no json", headers(b"no json"), TIME, "invalid_body"),
        (b"[]", headers(b"[]"), TIME, "invalid_body"),
        (b"\xff", headers(b"\xff"), TIME, "invalid_body"),
        (
            b'{"data":{"delivery_status":1}}',
            headers(b'{"data":{"delivery_status":1}}'),
            TIME,
            "invalid_body",
        ),
    ],
)
def test_what_is_not_to_be_trusted(
    body: bytes, given: dict[str, str], now: float, reason: str
) -> None:
    with pytest.raises(WebhookVerificationError) as caught:
        unwrap(body, given, SECRET, now=now)
    assert caught.value.reason == reason
    assert SECRET not in str(caught.value)


def test_what_no_encoding_takes_is_not_to_be_trusted() -> None:
    lone = "\ud800"
    verify = json.dumps({"data": {}, "verifyInfo": {"timeStr": TIME, "signature": lone}}).encode()
    for body, carried, key, scheme in (
        (verify, {}, "shop@example.com", "v2"),
        (V4_BODY, {**headers(), "Signature": lone}, SECRET, "v4"),
        (V4_BODY, {**headers(), "Webhook-Signature": f"v1,{lone}"}, SECRET, "standard"),
        (V4_BODY, {**headers(), "Webhook-Id": lone}, SECRET, "standard"),
        (lone, headers(), SECRET, "standard"),
    ):
        with pytest.raises(WebhookVerificationError) as caught:
            unwrap(body, carried, key, scheme=scheme, now=TIME)  # type: ignore[arg-type]  # mypy sees str
        assert caught.value.reason == "invalid_signature"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(NAMES, JSON, max_size=6), st.dictionaries(NAMES, JSON, max_size=8))
def test_any_body_is_an_event_or_refused(body: dict[str, Any], tracking: dict[str, Any]) -> None:
    for data in (body, {**body, "data": tracking}, {**body, "data": {"tracking": tracking}}):
        raw = msgspec.json.encode(data)
        carried = {**headers(raw), "parcelwire-sequence": "9" * 5_000}
        try:
            event = unwrap(raw, carried, SECRET, now=TIME)
        except WebhookVerificationError as error:
            assert error.reason == "invalid_body"  # noqa: PT017  (both ends are right)
        else:
            assert event.body == data
            assert hash(event) == hash(unwrap(raw, carried, SECRET, now=TIME))


def test_a_body_that_is_nested_too_deeply() -> None:
    for depth in (400, 900, 5_000):
        body = b'{"data":' + b"[" * depth + b"]" * depth + b"}"
        try:
            assert unwrap(body, headers(body), SECRET, now=TIME).data == {}
        except WebhookVerificationError as error:
            assert error.reason == "invalid_body"  # noqa: PT017  (where the limit is, is Python's matter)


@pytest.mark.parametrize(
    ("secret", "scheme"),
    [("", "standard"), ([], "standard"), ("whsec_", "v4"), (["a@b.c"], "v2"), (SECRET, "v9")],
)
def test_faults_of_the_receiver_itself(secret: Any, scheme: Any) -> None:
    with pytest.raises(ValueError, match=r"secret|e-mail|scheme"):
        unwrap(V4_BODY, headers(), secret, scheme=scheme, now=TIME)


def test_a_client_knows_which_signature_its_server_sends() -> None:
    now = int(time.time())
    fresh = {"timestamp": str(now), "signature": sign_timestamp("plain-secret", now)}
    hosted = Parcelwire.for_trackingmore("key").webhooks
    assert hosted.unwrap(V4_BODY, fresh, "plain-secret").scheme == "v4"
    own = Parcelwire("key").webhooks
    with pytest.raises(WebhookVerificationError):
        own.unwrap(V4_BODY, fresh, "plain-secret")
    assert own.unwrap(V4_BODY, fresh, "plain-secret", scheme="v4").tracking is not None
