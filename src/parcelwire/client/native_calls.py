"""Every call of Parcelwire's own API that the resources make, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypedDict, TypeVar

from msgspec.structs import replace

from parcelwire.client.call_attempts import Call
from parcelwire.client.calls import encode, query_of, segment
from parcelwire.client.models import Tracking, TrackingRef
from parcelwire.client.native_models import (
    Account,
    ApiKey,
    ApiKeyWithSecret,
    Attempt,
    CourierCandidate,
    Endpoint,
    EndpointWithSecret,
    EventPage,
    Message,
    MessageDetail,
    MessagePage,
    PollHistory,
    ReplayResult,
    TestResult,
    TrackingEventPage,
    TrackingRefPage,
)
from parcelwire.client.native_tracking import tracking_of
from parcelwire.client.reading import Model, read, read_many

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound=Model)

NATIVE_KEY_HEADER: Final = "parcelwire-api-key"

Dialect = Literal["native", "v2", "v4"]
"""The form of a webhook's body: Parcelwire's own, or one of TrackingMore's."""


class EndpointCreateParams(TypedDict, total=False):
    """What may be said about an endpoint beside its URL. None takes a limit away."""

    dialect: Dialect
    """On create only: messages that wait are worded in it."""
    statuses: Sequence[str]
    """Only events with one of these statuses; empty: all."""
    event_types: Sequence[str]
    headers: Mapping[str, str]
    """Sent with every message; answers show their names alone."""
    rate_per_second: float | None
    concurrency: int | None
    description: str


class EndpointUpdateParams(TypedDict, total=False):
    """What may be changed of an endpoint. What is not given stays."""

    url: str
    statuses: Sequence[str]
    event_types: Sequence[str]
    headers: Mapping[str, str]
    rate_per_second: float | None
    concurrency: int | None
    description: str


def native_call(
    method: str,
    path: str,
    read_answer: Callable[[Any], T],
    *,
    body: Any = None,
    wait_seconds: float = 0.0,
    is_read: bool = False,
) -> Call[T]:
    """Return a call; a POST gets an Idempotency-Key, so that doing it twice is doing it once.

    ``is_read``: it changes nothing, whatever its method, and takes no such key.
    """
    return Call(
        method=method,
        path=path,
        body=None if body is None else encode(body),
        read=read_answer,
        is_create=method == "POST" and not is_read,
        key_header=NATIVE_KEY_HEADER,
        is_native=True,
        wait_seconds=wait_seconds,
    )


def _one(model: type[ModelT]) -> Callable[[Any], ModelT]:
    return lambda data: read(model, data)


def _listed(model: type[ModelT], name: str) -> Callable[[Any], list[ModelT]]:
    return lambda data: read_many(model, data.get(name) if isinstance(data, dict) else data)


def _nothing(_: Any) -> None:
    return None


def _query(given: Mapping[str, Any]) -> str:
    """Return the query with its question mark; what is None or empty is left out."""
    pairs = [
        (name, str(one))
        for name, value in given.items()
        if value not in (None, "", ())
        for one in (value if isinstance(value, list | tuple) else [value])
    ]
    return f"?{query_of(pairs)}" if pairs else ""


# --- trackings --------------------------------------------------------------------------------


def read_tracking(tracking_id: str) -> Call[Tracking]:
    """Return one tracking."""
    return native_call("GET", f"/api/trackings/{segment(tracking_id)}", tracking_of)


def find_trackings(query: Mapping[str, Any]) -> Call[TrackingRefPage]:
    """Return one page of trackings, by name only."""

    def page_of(data: Any) -> TrackingRefPage:
        said = data if isinstance(data, dict) else {}
        listed = said.get("items")
        if not isinstance(listed, list):
            return read(TrackingRefPage, data)
        page = read(TrackingRefPage, {**said, "items": []})
        return replace(page, items=tuple(map(_ref_of, listed)))

    return native_call("GET", f"/api/trackings{_query(query)}", page_of)


def refresh_tracking(tracking_id: str) -> Call[TrackingRef]:
    """Query the carrier now. Waits for its response as long as the server is configured to."""
    return native_call("POST", f"/api/trackings/{segment(tracking_id)}/refresh", _ref_of)


def _ref_of(data: Any) -> TrackingRef:
    said = data if isinstance(data, dict) else {}
    return read(
        TrackingRef,
        {
            "id": said.get("id"),
            "tracking_number": said.get("number"),
            "courier_code": said.get("courier_code"),
        },
    )


def detect_candidates(given: Mapping[str, Any]) -> Call[list[CourierCandidate]]:
    """Return the couriers a number may belong to."""
    read_answer = _listed(CourierCandidate, "candidates")
    return native_call("POST", "/api/couriers/detect", read_answer, body=given, is_read=True)


# --- endpoints --------------------------------------------------------------------------------


def list_endpoints() -> Call[list[Endpoint]]:
    """Answer all endpoints."""
    return native_call("GET", "/api/endpoints", _listed(Endpoint, "items"))


def create_endpoint(draft: Mapping[str, Any]) -> Call[EndpointWithSecret]:
    """Make an endpoint."""
    return native_call("POST", "/api/endpoints", _one(EndpointWithSecret), body=draft)


def read_endpoint(endpoint_id: str) -> Call[Endpoint]:
    """Answer one endpoint."""
    return native_call("GET", _endpoint(endpoint_id), _one(Endpoint))


def update_endpoint(endpoint_id: str, changes: Mapping[str, Any]) -> Call[Endpoint]:
    """Change what is named."""
    return native_call("PATCH", _endpoint(endpoint_id), _one(Endpoint), body=changes)


def delete_endpoint(endpoint_id: str) -> Call[None]:
    """Delete an endpoint."""
    return native_call("DELETE", _endpoint(endpoint_id), _nothing)


def switch_endpoint(endpoint_id: str, verb: str) -> Call[Endpoint]:
    """``pause`` or ``enable``."""
    return native_call("POST", f"{_endpoint(endpoint_id)}/{verb}", _one(Endpoint))


def rotate_secret(endpoint_id: str, overlap_seconds: int | None) -> Call[EndpointWithSecret]:
    """Replace the secret."""
    body = {} if overlap_seconds is None else {"overlap_seconds": overlap_seconds}
    path = f"{_endpoint(endpoint_id)}/rotate-secret"
    return native_call("POST", path, _one(EndpointWithSecret), body=body)


def test_endpoint(endpoint_id: str) -> Call[TestResult]:
    """Send a made-up event."""
    return native_call("POST", f"{_endpoint(endpoint_id)}/test", _one(TestResult))


def replay(endpoint_id: str, which: Mapping[str, Any]) -> Call[ReplayResult]:
    """Send messages again."""
    path = f"{_endpoint(endpoint_id)}/replay"
    return native_call("POST", path, _one(ReplayResult), body=which)


def _endpoint(endpoint_id: str) -> str:
    return f"/api/endpoints/{segment(endpoint_id)}"


# --- one tracking's history ---------------------------------------------------------------------


def list_tracking_events(tracking_id: str, query: Mapping[str, Any]) -> Call[TrackingEventPage]:
    """Answer one page of a tracking's events."""
    path = f"/api/trackings/{segment(tracking_id)}/events{_query(query)}"
    return native_call("GET", path, _one(TrackingEventPage))


def read_polls(tracking_id: str) -> Call[PollHistory]:
    """Answer how a tracking's carrier was asked of late."""
    return native_call("GET", f"/api/trackings/{segment(tracking_id)}/polls", _one(PollHistory))


# --- messages and events ----------------------------------------------------------------------


def list_messages(query: Mapping[str, Any]) -> Call[MessagePage]:
    """Answer one page of messages."""
    return native_call("GET", f"/api/messages{_query(query)}", _one(MessagePage))


def read_message(message_id: str) -> Call[MessageDetail]:
    """Answer one message."""
    return native_call("GET", f"/api/messages/{segment(message_id)}", _one(MessageDetail))


def list_attempts(message_id: str) -> Call[list[Attempt]]:
    """Return the attempts at one message."""
    path = f"/api/messages/{segment(message_id)}/attempts"
    return native_call("GET", path, _listed(Attempt, "items"))


def resend(message_id: str) -> Call[Message]:
    """Send one message once more."""
    return native_call("POST", f"/api/messages/{segment(message_id)}/resend", _one(Message))


def read_events(query: Mapping[str, Any]) -> Call[EventPage]:
    """Answer one page of the feed, waiting for it when that is asked for."""
    path = f"/api/events{_query(query)}"
    return native_call(
        "GET", path, _one(EventPage), wait_seconds=float(query.get("wait_seconds") or 0)
    )


# --- keys and accounts ------------------------------------------------------------------------


def list_keys() -> Call[list[ApiKey]]:
    """Answer the account's keys."""
    return native_call("GET", "/api/keys", _listed(ApiKey, "items"))


def create_key(draft: Mapping[str, Any]) -> Call[ApiKeyWithSecret]:
    """Make a key."""
    return native_call("POST", "/api/keys", _one(ApiKeyWithSecret), body=draft)


def revoke_key(prefix: str, *, allow_current: bool) -> Call[None]:
    """Revoke a key for good."""
    query = _query({"allow_current": "true" if allow_current else None})
    return native_call("DELETE", f"/api/keys/{segment(prefix)}{query}", _nothing)


def read_account() -> Call[Account]:
    """Answer the key's account."""
    return native_call("GET", "/api/account", _one(Account))


def update_account(changes: Mapping[str, Any]) -> Call[Account]:
    """Change name and phone number."""
    return native_call("PATCH", "/api/account", _one(Account), body=changes)
