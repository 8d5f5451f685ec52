"""How the old functions reach the client: one per key and address, answers as envelopes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeVar

import msgspec

from parcelwire.client.call_attempts import Call, CallAttempts
from parcelwire.client.details import fields_of
from parcelwire.client.errors import APIError, NetworkError, ParcelwireError
from parcelwire.client.settings import PARCELWIRE, TRACKINGMORE, TRACKINGMORE_URL
from parcelwire.client.sync.client import Parcelwire
from parcelwire.compat.trackingmore.exception import (
    TrackingMoreException,
    TrackingMoreNetworkException,
)

T = TypeVar("T")
Envelope = dict[str, Any]

_clients: dict[tuple[str, str | None, float], Parcelwire] = {}
_lock = Lock()

SUCCESS = {"code": 200, "message": "Request response is successful"}


def client() -> Parcelwire:
    """Return the client for the settings as they are now.

    Raises:
        TrackingMoreException: no key, or an address (of the server, of a proxy) that is none.
    """
    settings = sys.modules["parcelwire.compat.trackingmore"]
    if not settings.api_key:
        msg = "API Key is missing"
        raise TrackingMoreException(msg)
    wanted = (settings.api_key, settings.base_url, settings.timeout)
    with _lock:
        if wanted not in _clients:
            try:
                _clients[wanted] = _make_client(*wanted)
            except (ValueError, ParcelwireError) as error:
                raise TrackingMoreException(str(error)) from error
        return _clients[wanted]


def _make_client(api_key: str, base_url: str | None, timeout: float) -> Parcelwire:
    return Parcelwire(
        api_key,
        base_url or TRACKINGMORE_URL,
        backend=TRACKINGMORE if base_url is None else PARCELWIRE,
        timeout_seconds=timeout,
    )


def close() -> None:
    """Close all connections. The next call opens new ones."""
    with _lock:
        while _clients:
            _clients.popitem()[1].close()


def make_request(
    call: Call[T],
    *,
    resolve: Callable[[CallAttempts[T], APIError], Any] | None = None,
) -> Envelope:
    """Make a call and return the envelope that came, that of an error too.

    ``resolve`` may turn an error that an own lost try is the reason of into ``data``.

    Raises:
        TrackingMoreNetworkException: no answer came.
        TrackingMoreException: what came is no answer of this API.
    """
    attempts = client().engine.open(call)
    with old_errors():
        try:
            client().engine.run(attempts)
        except APIError as error:
            data = (
                resolve(attempts, error) if resolve is not None and attempts.maybe_applied else None
            )
            if data is not None:
                return {"meta": dict(SUCCESS), "data": data}
            if error.code is None:
                raise
    return envelope_of(attempts)


@contextmanager
def old_errors() -> Iterator[None]:
    """Raise the client's errors by their old names.

    Raises:
        TrackingMoreNetworkException: no answer came.
        TrackingMoreException: what came is no answer of this API.
    """
    try:
        yield
    except NetworkError as error:
        raise TrackingMoreNetworkException(str(error)) from error
    except ParcelwireError as error:
        raise TrackingMoreException(str(error)) from error


def envelope_of(attempts: CallAttempts[Any]) -> Envelope:
    """Return the last envelope that came."""
    assert attempts.response is not None  # noqa: S101  (there is a result, so there was an answer)
    envelope: Envelope = msgspec.json.decode(attempts.response.body)
    return envelope


def fields_or_raise(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields that are given, as text; dates in the form of their field.

    Raises:
        TrackingMoreException: a value is neither text, whole number nor date.
    """
    try:
        return fields_of(params)
    except (TypeError, ValueError) as error:
        raise TrackingMoreException(str(error)) from error


def built(make: Callable[..., Call[T]], *arguments: Any) -> Call[T]:
    """Return ``make(*arguments)``.

    Raises:
        TrackingMoreException: there is something in it that cannot be sent.
    """
    try:
        return make(*arguments)
    except ValueError as error:
        raise TrackingMoreException(str(error)) from error


def need(params: Mapping[str, Any], name: str, message: str) -> None:
    """Raise what the old library raises where ``name`` is not given."""
    if not params.get(name):
        raise TrackingMoreException(message)
