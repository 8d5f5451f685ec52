"""Errors travel: out of worker processes, through queues and copies."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from parcelwire.client import errors
from parcelwire.client.bulk_create import interrupt
from parcelwire.client.error_mapping import problem_for
from parcelwire.client.models import Tracking, TrackingRef
from parcelwire.compat.trackingmore.exception import (
    TrackingMoreException,
    TrackingMoreNetworkException,
)
from parcelwire.signatures import verify

REF = TrackingRef(id="1", tracking_number="2", courier_code="usps", extra={"new": [1]})
TRACKING = Tracking(id="1", tracking_number="2", courier_code="usps", status="transit")
TOLD: dict[str, Any] = {
    "code": 4101,
    "request_id": "r1",
    "status_code": 400,
    "data": {"id": "1", "more": [{}]},
}


def conflict() -> errors.ConflictError:
    error = errors.ConflictError("said", **TOLD)
    error.existing = REF
    return error


def limited() -> errors.RateLimitError:
    error = errors.RateLimitError("said", status_code=429)
    error.retry_after_seconds = 7.5
    return error


def pruned() -> errors.EventsPrunedError:
    error = errors.EventsPrunedError("said", code="events-pruned", status_code=410)
    error.first_cursor = "c9"
    return error


OWN: dict[type, Callable[[], errors.ParcelwireError]] = {
    errors.ConflictError: conflict,
    errors.RateLimitError: limited,
    errors.EventsPrunedError: pruned,
    errors.UnexpectedResponseError: lambda: errors.UnexpectedResponseError(
        "said", request_id="r1", status_code=502, body=b"<html>"
    ),
    errors.AmbiguousTrackingError: lambda: errors.AmbiguousTrackingError(
        "said", (TRACKING, TRACKING)
    ),
    errors.WaitError: lambda: errors.WaitError("said", TRACKING),
    errors.WebhookVerificationError: lambda: errors.WebhookVerificationError(
        "said", "stale_timestamp"
    ),
    errors.UnsupportedError: lambda: errors.UnsupportedError("said"),
}


Kind = type[errors.ParcelwireError]


def tree(kind: Kind) -> Iterator[Kind]:
    yield kind
    for below in kind.__subclasses__():
        yield from tree(below)


KINDS = sorted(
    {one for one in tree(errors.ParcelwireError) if one.__module__ == errors.__name__},
    key=lambda one: one.__name__,
)


def sample(kind: Kind) -> errors.ParcelwireError:
    if kind in OWN:
        return OWN[kind]()
    told = TOLD if issubclass(kind, errors.APIError) else {"code": 7, "request_id": "r1"}
    return kind("said", **told)


WAYS: list[Callable[[Any], Any]] = [
    *(
        lambda thing, protocol=protocol: pickle.loads(pickle.dumps(thing, protocol))  # noqa: S301  (our own)
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    ),
    copy.copy,
    copy.deepcopy,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_arrives_as_it_was(kind: Kind, way: Callable[[Any], Any]) -> None:
    error = sample(kind)
    error.add_note("in the worker")
    arrived: Any = way(error)
    assert type(arrived) is kind
    assert arrived.__dict__ == error.__dict__
    assert (arrived.args, str(arrived)) == (error.args, str(error))
    assert arrived.message == "said"
    # Raised anew it is caught by what caught it there.
    for caught in kind.__mro__[:-1]:
        if issubclass(caught, Exception):
            with pytest.raises(caught):
                raise arrived


def test_every_public_error_is_tried() -> None:
    from parcelwire import client

    public = {name for name in client.__all__ if name.endswith("Error")}
    assert public == {kind.__name__ for kind in KINDS}


@pytest.mark.parametrize("way", WAYS)
def test_an_interrupted_create_many_arrives_with_what_was_done(way: Callable[[Any], Any]) -> None:
    result = errors.CreateManyResult(
        items=[
            errors.CreateResult(index=0, tracking_number="2", tracking=REF),
            errors.CreateResult(index=1, tracking_number="3", error=conflict()),
            errors.CreateResult(index=2, tracking_number="4"),
        ]
    )
    error = errors.NetworkError("gone", request_id="r1")
    interrupt(result, error)
    # It leads in a circle: the error to the result, and the result to the error.
    for arrived in (way(error).partial_result, way(result), way(error.partial_result)):
        assert [item.tracking for item in arrived] == [REF, None, None]
        assert [type(item.error) for item in arrived] == [
            type(None),
            errors.ConflictError,
            errors.NetworkError,
        ]
        assert arrived.items[1].error.existing == REF
    item = way(result.items[2])
    assert (item.index, item.tracking_number, str(item.error)) == (2, "4", "gone")
    assert item.error.partial_result is not None


@pytest.mark.parametrize(
    "error",
    [
        TrackingMoreException("said"),
        TrackingMoreNetworkException("said"),
        verify.MissingSignatureError("said"),
        verify.StaleTimestampError("said"),
        verify.WrongSignatureError("said"),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_the_neighbours_errors_too(error: Exception, way: Callable[[Any], Any]) -> None:
    arrived = way(error)
    assert (type(arrived), str(arrived)) == (type(error), str(error))


@pytest.mark.parametrize("code", ["events-pruned", "database-restored"])
def test_a_cursor_that_leads_nowhere_names_where_to_go_on(code: str) -> None:
    body = b'{"code":"%s","title":"t","first_cursor":"c9"}' % code.encode()
    error = problem_for(body, status=410)
    assert isinstance(error, errors.EventsPrunedError)
    assert (error.code, error.first_cursor) == (code, "c9")
