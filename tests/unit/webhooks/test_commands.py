"""What commands about endpoints may hold, at and beyond every bound."""

from __future__ import annotations

import math
from typing import Any

import pytest

from parcelwire.domain.status import Status
from parcelwire.webhooks.commands import (
    LONGEST_OVERLAP_SECONDS,
    CreateEndpoint,
    UpdateEndpoint,
    check_fields,
    overlap_problem,
)
from parcelwire.webhooks.notices import EVENT_TYPES
from parcelwire.webhooks.request_builder import DIALECTS

URL = "https://shop.example/hook"


def refused(**fields: Any) -> list[str]:
    """Return the names of the refused fields, the same for a new endpoint and for a change."""
    _, problems = check_fields(CreateEndpoint(url=URL, **fields))
    if "dialect" not in fields:
        assert check_fields(UpdateEndpoint(**fields))[1] == problems
    return [one.field for one in problems]


@pytest.mark.parametrize(
    "fields",
    [
        *({"dialect": dialect} for dialect in DIALECTS),
        {"statuses": tuple(Status)},
        {"statuses": tuple(status.value for status in Status)},
        {"event_types": EVENT_TYPES},
        {"rate_per_second": 0.01},
        {"rate_per_second": 10_000},
        {"concurrency": 1},
        {"concurrency": 1_000},
        {"description": "ü" * 500},
        {"headers": {"User-Agent": "shop", "Authorization": "Bearer a"}},
    ],
)
def test_what_an_endpoint_may_be(fields: dict[str, Any]) -> None:
    assert refused(**fields) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"dialect": ""},
        {"dialect": "v9"},
        {"dialect": "Native"},
        {"statuses": ("gone",)},
        {"statuses": ("delivered", "")},
        {"event_types": ("endpoint.test",)},
        {"event_types": ("tracking.updated", "tracking.lost")},
        {"rate_per_second": 0},
        {"rate_per_second": 0.009},
        {"rate_per_second": 10_000.1},
        {"rate_per_second": -1.0},
        {"rate_per_second": math.nan},
        {"rate_per_second": math.inf},
        {"concurrency": 0},
        {"concurrency": -1},
        {"concurrency": 1_001},
        {"concurrency": 10**400},
        {"description": "a" * 501},
        {"description": "a\0b"},
        {"headers": {"Host": "shop.example"}},
        {"headers": {"x-a": "b\r\nx-c: d"}},
        {"headers": {"X-A": "1", "x-a": "2"}},
    ],
)
def test_what_no_endpoint_may_be(fields: dict[str, Any]) -> None:
    assert refused(**fields) == [*fields]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    wrong = {"description": "a" * 501, "concurrency": 0, "headers": {"x a": "b"}}
    assert refused(**wrong) == [*wrong]


def test_fields_as_they_are_stored() -> None:
    fields, problems = check_fields(
        UpdateEndpoint(
            statuses=(Status.DELIVERED, "exception", "delivered"),
            event_types=("tracking.updated", "tracking.updated"),
            headers={"X-Shop": " a\t"},
        )
    )
    assert problems == []
    assert fields == {
        "statuses": ("delivered", "exception"),
        "event_types": ("tracking.updated",),
        "headers": {"x-shop": "a"},
    }
    assert {type(status) for status in fields["statuses"]} == {str}


@pytest.mark.parametrize(
    ("seconds", "is_right"),
    [
        (0, True),
        (1, True),
        (LONGEST_OVERLAP_SECONDS, True),
        (LONGEST_OVERLAP_SECONDS + 1, False),
        (-1, False),
    ],
)
def test_how_long_an_old_secret_may_sign_on(seconds: int, is_right: bool) -> None:
    assert (overlap_problem(seconds) is None) is is_right
