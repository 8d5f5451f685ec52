"""Every call of the API that the resources make, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from parcelwire.client.call_attempts import Call, Repeat
from parcelwire.client.models import AirWaybill, Courier, Tracking, TrackingRef, UpdateResult
from parcelwire.client.reading import Model, read, read_many

_encode_json: Final = msgspec.json.Encoder().encode
_UNSENDABLE: Final = "a text holds half of a surrogate pair, which cannot be sent"


def encode(body: Any) -> bytes:
    """Return a body as JSON.

    Raises:
        ValueError: a text in it cannot be sent.
        TypeError: it is nothing that JSON has a form for.
    """
    try:
        return _encode_json(body)
    except UnicodeEncodeError:
        raise ValueError(_UNSENDABLE) from None


def query_of(pairs: Iterable[tuple[str, Any]]) -> str:
    """Return names and values as a query, without its question mark.

    Raises:
        ValueError: a text in it cannot be sent.
    """
    try:
        return urlencode([*pairs])
    except UnicodeEncodeError:
        raise ValueError(_UNSENDABLE) from None


class BatchError(Model, frozen=True, kw_only=True):
    """One item of a batch that was not created."""

    id: str | None = None
    tracking_number: str | None = None
    courier_code: str | None = None
    code: int = msgspec.field(name="errorCode")
    message: str = msgspec.field(default="", name="errorMessage")


class BatchAnswer(Model, frozen=True, kw_only=True):
    """What became of a batch."""

    success: tuple[TrackingRef, ...] | None = None
    error: tuple[BatchError, ...] | None = None


def create_tracking(fields: Mapping[str, str]) -> Call[Tracking]:
    """Start tracking one number."""
    return Call(
        method="POST",
        path="/v4/trackings/create",
        body=encode(fields),
        read=lambda data: read(Tracking, data),
        is_create=True,
    )


def create_batch(items: Sequence[Mapping[str, str]], part: int = 0) -> Call[BatchAnswer]:
    """Start tracking up to 40 numbers."""
    return Call(
        method="POST",
        path="/v4/trackings/batch",
        body=encode(items),
        read=lambda data: read(BatchAnswer, data),
        is_create=True,
        part=part,
    )


def list_trackings(query: Mapping[str, str | int]) -> Call[list[Tracking]]:
    """Answer one page of trackings."""
    return Call(
        method="GET",
        path="/v4/trackings/get?" + query_of((k, v) for k, v in query.items() if v != ""),
        read=lambda data: read_many(Tracking, data),
    )


def update_tracking(tracking_id: str, fields: Mapping[str, str]) -> Call[UpdateResult]:
    """Change what the shop says about a tracking, or its courier."""
    return Call(
        method="PUT",
        path=f"/v4/trackings/update/{segment(tracking_id)}",
        body=encode(fields),
        read=lambda data: read(UpdateResult, data),
    )


def delete_tracking(tracking_id: str) -> Call[TrackingRef]:
    """Delete a tracking."""
    return Call(
        method="DELETE",
        path=f"/v4/trackings/delete/{segment(tracking_id)}",
        read=lambda data: read(TrackingRef, data),
    )


def retrack(tracking_id: str) -> Call[TrackingRef]:
    """Take an expired tracking up again."""
    return Call(
        method="POST",
        path=f"/v4/trackings/retrack/{segment(tracking_id)}",
        read=lambda data: read(TrackingRef, data),
    )


def list_couriers() -> Call[list[Courier]]:
    """Answer every courier."""
    return Call(method="GET", path="/v4/couriers/all", read=lambda data: read_many(Courier, data))


def detect_couriers(tracking_number: str) -> Call[list[Courier]]:
    """Answer whose number it can be."""
    return Call(
        method="POST",
        path="/v4/couriers/detect",
        body=encode({"tracking_number": tracking_number}),
        read=lambda data: read_many(Courier, data),
    )


def read_air_waybill(awb_number: str) -> Call[AirWaybill]:
    """Answer one air waybill. The hosted service charges for each."""
    return Call(
        method="POST",
        path="/v4/awb",
        body=encode({"awb_number": awb_number}),
        read=lambda data: read(AirWaybill, data),
        repeat=Repeat.UNDONE,
    )


def call_of(
    method: str, path: str, body: Any = None, *, repeat: Repeat = Repeat.ALWAYS
) -> Call[Any]:
    """Return a call that has no method of its own here; its result is ``data`` as it came.

    Under ``/api/`` it is of Parcelwire's own API, and the result is the whole answer.
    """
    is_native = path.startswith("/api/")
    return Call(
        method=method,
        path=path,
        is_native=is_native,
        key_header="parcelwire-api-key" if is_native else "tracking-api-key",
        body=None if body is None else encode(body),
        read=lambda data: data,
        repeat=repeat,
    )


def segment(tracking_id: str) -> str:
    """Return an id as one segment of a path.

    Raises:
        ValueError: it is empty, or cannot be sent.
    """
    if not tracking_id:
        # An empty segment would be another path, which other calls answer.
        msg = "the id is empty"
        raise ValueError(msg)
    try:
        return quote(tracking_id, safe="")
    except UnicodeEncodeError:
        raise ValueError(_UNSENDABLE) from None
