"""``trackingmore.tracking``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from parcelwire.client import calls
from parcelwire.client.bulk_create import CHUNK, Chunk, plan
from parcelwire.client.call_attempts import CallAttempts
from parcelwire.client.details import instant_text
from parcelwire.client.error_mapping import RETRACK_NOT_ALLOWED
from parcelwire.client.errors import APIError, ConflictError, NotFoundError
from parcelwire.client.models import Tracking, TrackingRef
from parcelwire.compat.trackingmore.exception import (
    TrackingMoreException,
)
from parcelwire.compat.trackingmore.request import (
    Envelope,
    built,
    client,
    envelope_of,
    fields_or_raise,
    make_request,
    need,
    old_errors,
)

__all__ = [
    "batch_create_trackings",
    "create_tracking",
    "delete_tracking_by_id",
    "get_tracking_results",
    "retrack_tracking_by_id",
    "update_tracking_by_id",
]

_NO_NUMBER = "Tracking number cannot be empty"
_NO_COURIER = "Courier Code cannot be empty"
_NO_ID = "Id cannot be empty"


def create_tracking(params: Mapping[str, Any]) -> Envelope:
    """Follow one number.

    Raises:
        TrackingMoreException: number or courier is missing, or there is no answer.
    """
    need(params, "tracking_number", _NO_NUMBER)
    need(params, "courier_code", _NO_COURIER)
    fields = fields_or_raise(params)

    def resolve(attempts: CallAttempts[Tracking], error: APIError) -> Any:
        if not isinstance(error, ConflictError):
            return None
        own = client().trackings.recover_created(attempts, error, fields)
        return own.to_dict() if own is not None else None

    return make_request(calls.create_tracking(fields), resolve=resolve)


def batch_create_trackings(params: Sequence[Mapping[str, Any]]) -> Envelope:
    """Follow up to 40 numbers.

    Raises:
        TrackingMoreException: too many, number or courier is missing, or there is no answer.
    """
    if len(params) > CHUNK:
        msg = "Max. 40 tracking numbers create in one call"
        raise TrackingMoreException(msg)
    for item in params:
        need(item, "tracking_number", _NO_NUMBER)
        need(item, "courier_code", _NO_COURIER)
    try:
        _, chunks = plan(params)
    except (TypeError, ValueError) as error:
        raise TrackingMoreException(str(error)) from error
    if not chunks:
        return make_request(calls.create_batch([]))
    with old_errors():
        try:
            attempts = client().trackings.create_chunk(chunks[0])
        except APIError as error:
            if error.code is None:
                raise
            meta = {"code": error.code, "message": error.message}
            return {"meta": meta, "data": error.data}
    envelope = envelope_of(attempts)
    if attempts.maybe_applied:
        envelope["data"] = _fates(chunks[0])
    return envelope


def get_tracking_results(params: Mapping[str, Any] | None = None) -> Envelope:
    """Return one page of trackings. Dates may be ``datetime`` or ``date`` objects, too.

    A ``datetime`` without offset is sent as it is, and the server reads it as UTC.

    Raises:
        TrackingMoreException: there is no answer that could be returned, or a number has a
            fraction or is negative.
    """
    query = {
        name: _condition(name, value) for name, value in (params or {}).items() if value is not None
    }
    return make_request(built(calls.list_trackings, query))


def update_tracking_by_id(id_string: str, params: Mapping[str, Any]) -> Envelope:
    """Change what is given.

    Raises:
        TrackingMoreException: no id, or there is no answer that could be returned.
    """
    _need_id(id_string)
    return make_request(built(calls.update_tracking, id_string, fields_or_raise(params)))


def delete_tracking_by_id(id_string: str) -> Envelope:
    """Delete a tracking.

    Raises:
        TrackingMoreException: no id, or there is no answer that could be returned.
    """
    _need_id(id_string)

    def resolve(_: CallAttempts[TrackingRef], error: APIError) -> Any:
        return {"id": id_string} if isinstance(error, NotFoundError) else None

    return make_request(built(calls.delete_tracking, id_string), resolve=resolve)


def retrack_tracking_by_id(id_string: str) -> Envelope:
    """Take an expired tracking up again.

    Raises:
        TrackingMoreException: no id, or there is no answer that could be returned.
    """
    _need_id(id_string)

    def resolve(_: CallAttempts[TrackingRef], error: APIError) -> Any:
        return {"id": id_string} if error.code == RETRACK_NOT_ALLOWED else None

    return make_request(built(calls.retrack, id_string), resolve=resolve)


def _need_id(id_string: str) -> None:
    if not id_string:
        raise TrackingMoreException(_NO_ID)


def _condition(name: str, value: Any) -> str:
    if isinstance(value, datetime) and value.tzinfo is None:
        # As before: the server reads a time without offset as UTC.
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return instant_text(name, value)
    is_other = isinstance(value, float) or (isinstance(value, int) and value < 0)
    if name == "tracking_numbers" and is_other:
        msg = f"tracking_numbers must be text or a whole number, not {value!r}: give it as text"
        raise TrackingMoreException(msg)
    return str(value)


def _fates(chunk: Chunk) -> dict[str, Any]:
    """Return a batch's ``data`` with what an own lost try had made among the successes."""
    fates: dict[str, list[dict[str, Any]]] = {"success": [], "error": []}
    for item, result in zip(chunk.items, chunk.results, strict=True):
        if result.tracking is not None:
            fates["success"].append(result.tracking.to_dict())
        elif isinstance(result.error, APIError):
            said = result.error.data or {}
            fates["error"].append(
                {
                    "id": said.get("id"),
                    "tracking_number": said.get("tracking_number") or result.tracking_number,
                    "courier_code": said.get("courier_code") or item.get("courier_code", ""),
                    "errorCode": result.error.code,
                    "errorMessage": result.error.message,
                }
            )
    return fates
