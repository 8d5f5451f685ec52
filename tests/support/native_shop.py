"""What the tests of the native API share: somebody who calls it, and the shapes of its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parcelwire.api.asgi import Door
from parcelwire.api.native.application import application, in_front_of
from parcelwire.api.native.operations import Operation
from parcelwire.api.native.table import ALL
from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.status import Status
from tests.contract.store.places import PLACES
from tests.support.carriers import report
from tests.support.house import Answer, HouseUnderTest, call, nobody, open_house

SWISS = "996012345678901234"
PROBLEM_FIELDS = ["type", "title", "status", "detail", "code", "errors"]


class Shop:
    """Somebody who calls the native API of a house."""

    def __init__(self, house: HouseUnderTest, operations: tuple[Operation, ...] = ALL) -> None:
        self.house = house
        native = application(house.house, operations)
        self.door = Door(house.house, [], in_front_of(native, nobody))

    async def ask(self, method: str, path: str, *, key: str = "", **sent: Any) -> Answer:
        """Make one call with the live key, with ``key``, or with the ``headers`` given.

        ``json`` becomes the body; ``idempotency_key`` becomes a header beside the key.
        """
        if "json" in sent:
            sent["body"] = msgspec.json.encode(sent.pop("json"))
        headers = sent.setdefault("headers", {"Authorization": f"Bearer {key or self.house.key}"})
        if "idempotency_key" in sent:
            headers["Idempotency-Key"] = sent.pop("idempotency_key")
        return await call(self.door, method, path, **sent)

    async def follow(self, number: str, **said: Any) -> Any:
        """Have a number followed and return the tracking as it was answered."""
        return ok(await self.ask("POST", "/api/trackings", json={"number": number, **said}), 201)


@asynccontextmanager
async def open_shop(
    folder: Path, request: pytest.FixtureRequest | None = None, engine: str = "", **options: Any
) -> AsyncIterator[Shop]:
    """Open a house (see ``open_house``) and somebody who calls it.

    On an engine of the contract suite's ``PLACES`` if one is named, else on a new SQLite file.
    """
    if request is None:
        async with open_house(folder, lambda _: [], **options) as house:
            yield Shop(house)
        return
    clock = FrozenClock()
    async with (
        PLACES[engine](request, clock) as open_one,
        open_house(folder, lambda _: [], clock=clock, open_one=open_one, **options) as house,
    ):
        yield Shop(house)


def ok(answer: Answer, status: int = 200) -> Any:
    """Return the body of a good answer."""
    assert answer.status == status, answer.body
    if status == 204:
        assert answer.body == b""
        return None
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def refused(answer: Answer, status: int, code: str) -> Any:
    """Return the problem, after its shape was checked."""
    assert answer.headers["content-type"] == "application/problem+json", answer.body
    problem = answer.json()
    assert list(problem)[:6] == PROBLEM_FIELDS
    assert set(problem) - set(PROBLEM_FIELDS) <= {"existing_id", "first_cursor"}
    assert (answer.status, problem["status"], problem["code"]) == (status, status, code), problem
    assert problem["type"] == f"urn:parcelwire:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert all(list(error) == ["field", "message"] for error in problem["errors"])
    return problem


def found(status: Status = Status.TRANSIT, **more: Any) -> Any:
    """Return what a carrier says of ``SWISS`` that has one checkpoint, of ``status``."""
    return report(
        SWISS,
        Checkpoint(
            local_time="2026-02-28T10:57:24",
            text="Sorted for onward transport",
            offset_minutes=60,
            time_source=TimeSource.CARRIER,
            status=status,
            raw_code="LETTER.*.88.912",
            location="Härkingen",
            country="CH",
        ),
        **more,
    )
