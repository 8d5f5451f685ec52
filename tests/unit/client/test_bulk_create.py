"""Which answer belongs to which item."""

from __future__ import annotations

from typing import Any

import pytest

from parcelwire.client.bulk_create import CHUNK, interrupt, plan
from parcelwire.client.calls import BatchAnswer
from parcelwire.client.errors import (
    ConflictError,
    InvalidRequestError,
    NetworkError,
    UnexpectedResponseError,
)
from parcelwire.client.reading import read


def made(number: str, courier: str = "usps", **more: Any) -> dict[str, Any]:
    return {
        "id": f"id-{number}-{courier}",
        "tracking_number": number,
        "courier_code": courier,
    } | more


def refused(number: str, code: int = 4101, courier: str = "usps", **more: Any) -> dict[str, Any]:
    return made(number, courier, errorCode=code, errorMessage="said") | more


def match(items: list[Any], success: list[Any], error: list[Any]) -> list[Any]:
    result, (chunk,) = plan(items)
    chunk.match(read(BatchAnswer, {"success": success, "error": error}))
    return result.items


def test_answers_in_another_order_and_spelling() -> None:
    items = ["a-1", {"tracking_number": "B 2", "courier_code": "DHL"}, "c3", "d4"]
    found = match(
        items, [made("C3"), made("B2", "dhl"), made("A1")], [refused("d4", 4110, id=None)]
    )
    assert [item.tracking and item.tracking.tracking_number for item in found] == [
        "A1",
        "B2",
        "C3",
        None,
    ]
    assert isinstance(found[3].error, InvalidRequestError)
    assert (found[3].error.code, found[3].error.message) == (4110, "said")


def test_one_number_with_two_couriers() -> None:
    items = [{"tracking_number": "1", "courier_code": code} for code in ("usps", "dhl", "ups")]
    found = match(items, [made("1", "ups"), made("1", "usps")], [refused("1", courier="dhl")])
    assert [item.tracking and item.tracking.courier_code for item in found] == ["usps", None, "ups"]
    assert isinstance(found[1].error, ConflictError)
    assert found[1].error.existing is not None
    assert found[1].error.existing.courier_code == "dhl"


def test_one_number_twice() -> None:
    found = match(["1", "1"], [made("1")], [refused("1")])
    assert found[0].is_created
    assert isinstance(found[1].error, ConflictError)


def test_a_number_that_came_back_in_other_words() -> None:
    found = match(["№ 1", "2"], [made("X1"), made("2")], [])
    assert found[0].tracking.tracking_number == "X1"
    found = match(["Sendung 1"], [], [refused("1", 4110, id=None)])
    assert found[0].error.code == 4110


@pytest.mark.parametrize(
    ("success", "error"),
    [([], []), ([made("X1"), made("X2")], []), ([made("X1")], [refused("X2")]), (None, None)],
)
def test_nobody_is_told_what_is_not_known(success: Any, error: Any) -> None:
    found = match(["1", "2"], success, error)
    assert [type(item.error) for item in found] == [UnexpectedResponseError] * 2
    assert not any(item.is_created for item in found)


def test_chunks() -> None:
    result, chunks = plan(str(i) for i in range(2 * CHUNK + 1))
    assert [len(chunk.items) for chunk in chunks] == [40, 40, 1]
    assert [item.index for item in result] == list(range(81))
    assert plan([])[1] == []


def test_an_interruption_leaves_what_is_known() -> None:
    result, chunks = plan(str(i) for i in range(41))
    numbers = [made(str(i)) for i in range(40)]
    chunks[0].match(read(BatchAnswer, {"success": numbers, "error": []}))
    error = NetworkError("gone")
    interrupt(result, error)
    assert error.partial_result is result
    assert len(result.created) == 40
    assert [item.error for item in result.failed] == [error]


def test_what_a_lost_try_made_is_claimed_once() -> None:
    result, (chunk,) = plan(["1", "2", "1"])
    errors = [refused("1"), refused("2"), refused("1")]
    chunk.match(read(BatchAnswer, {"success": [], "error": errors}))
    chunk.claim([], {"id-1-usps"})
    assert [item.is_created for item in result] == [True, False, False]
