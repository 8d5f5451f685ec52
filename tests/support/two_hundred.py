"""The same 200 calls by TrackingMore's Python library and by our client, to be compared."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from parcelwire import Parcelwire
from parcelwire.client import APIError


def batch_of(numbers: Sequence[str]) -> list[dict[str, str]]:
    """Return the batch among the calls for a hundred numbers."""
    return [{"tracking_number": number, "courier_code": "usps"} for number in numbers[40:80]]


def old_names(library: Any, numbers: Sequence[str]) -> Iterator[Any]:
    """Make the 200 calls under the names that both libraries have, and yield what came."""
    tracking, ids = library.tracking, []
    for number in numbers[:40]:
        params = {"tracking_number": number, "courier_code": "usps", "title": "Mug & cup"}
        answer = tracking.create_tracking(params)
        ids.append(answer["data"]["id"])
        yield answer
    yield tracking.batch_create_trackings(batch_of(numbers))
    yield tracking.batch_create_trackings(batch_of(numbers)[:20])
    for number in numbers[:50]:
        yield tracking.get_tracking_results({"tracking_numbers": number, "courier_code": "usps"})
    yield tracking.get_tracking_results({"pages_amount": 1, "items_amount": 200})
    yield tracking.get_tracking_results({"created_date_min": "2026-03-01T18:00:00+08:00"})
    for index, tracking_id in enumerate(ids):
        yield tracking.update_tracking_by_id(tracking_id, {"note": f"Note {index}", "title": ""})
    for tracking_id in ids[:5]:
        yield tracking.retrack_tracking_by_id(tracking_id)
    yield tracking.create_tracking({"tracking_number": numbers[0], "courier_code": "usps"})
    yield tracking.create_tracking({"tracking_number": numbers[0], "courier_code": "nobody"})
    for tracking_id in ids:
        yield tracking.delete_tracking_by_id(tracking_id)
    yield tracking.delete_tracking_by_id(ids[0])
    for number in numbers[:10]:
        yield library.courier.detect({"tracking_number": number})
    yield library.courier.get_all_couriers()
    for index in range(7):
        yield library.air_waybill.create_an_air_waybill({"awb_number": f"235-6903043{index}"})


def our_names(client: Parcelwire, numbers: Sequence[str]) -> Iterator[Any]:
    """Make the same calls by our own client, and yield their data, or the error."""
    tracking, ids = client.trackings, []
    for number in numbers[:40]:
        created = tracking.create(number, "usps", title="Mug & cup")
        ids.append(created.id)
        yield created
    yield tracking.create_many(batch_of(numbers))
    yield tracking.create_many(batch_of(numbers)[:20])
    for number in numbers[:50]:
        yield tracking.list(tracking_numbers=[number], courier_code="usps").all()
    yield tracking.list(page_size=200).all()
    east = timezone(timedelta(hours=8))
    yield tracking.list(created_date_min=datetime(2026, 3, 1, 18, tzinfo=east)).all()
    for index, tracking_id in enumerate(ids):
        yield tracking.update(tracking_id, note=f"Note {index}", title="")
    for tracking_id in ids[:5]:
        yield _error(tracking.retrack, tracking_id)
    yield _error(tracking.create, numbers[0], "usps")
    yield _error(tracking.create, numbers[0], "nobody")
    for tracking_id in ids:
        yield tracking.delete(tracking_id)
    yield _error(tracking.delete, ids[0])
    for number in numbers[:10]:
        yield client.couriers.detect(number)
    yield client.couriers.list()
    for index in range(7):
        yield client.air_waybills.get(f"235-6903043{index}")


def _error(call: Callable[..., Any], *arguments: Any) -> APIError:
    try:
        call(*arguments)
    except APIError as error:
        return error
    msg = f"{call} was not refused"
    raise AssertionError(msg)


def plain(found: Any) -> Any:
    """Return what our client answered in the words of the wire."""
    if isinstance(found, APIError):
        return found.code, found.message, found.data
    if isinstance(found, list):
        return [one.to_dict() for one in found]
    if hasattr(found, "failed"):
        return {
            "success": [ref.to_dict() for ref in found.created],
            "error": [item.error.data for item in found.failed],
        }
    return found.to_dict()


def said(envelope: Any) -> Any:
    """Return what the vendor's library answered in the same form."""
    meta, data = envelope["meta"], envelope["data"]
    # That nobody's number it is, our client tells as an empty list.
    if meta["code"] not in (200, 4121):
        return meta["code"], meta["message"], data
    return data


def timed(calls: Callable[[], Iterator[Any]]) -> tuple[list[Any], float]:
    """Return what came, and the CPU seconds of this thread that it took."""
    # What the tests before left behind is walked over by no collection that falls into the calls.
    gc.collect()
    gc.freeze()
    try:
        began = time.thread_time()
        answers = list(calls())
        return answers, time.thread_time() - began
    finally:
        gc.unfreeze()
