"""Somebody who calls the native API of a house, and what its answers must look like."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from parcelwire.api.asgi import Door
from parcelwire.api.native.application import application
from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import FrozenClock
from parcelwire.store.port import Store
from parcelwire.webhooks.ports import MessageFilter
from tests.contract.store.places import PLACES
from tests.support.house import Answer, HouseUnderTest, call, open_house
from tests.unit.webhooks.builders import make_event, make_tracking

ENDPOINTS = "/api/endpoints"
MESSAGES = "/api/messages"
NOBODY = "f" * 32


class Caller:
    """Makes native calls, with the live key unless another is given."""

    def __init__(self, house: HouseUnderTest) -> None:
        self.house = house
        other = Starlette(routes=[Mount("/api", application(house.house))])
        self.door = Door(house.house, [], other)

    async def ask(
        self, method: str, path: str, *, key: str = "", once: str = "", **sent: Any
    ) -> Answer:
        """Make one call; ``once`` is the idempotency key."""
        if "json" in sent:
            sent["body"] = msgspec.json.encode(sent.pop("json"))
        headers = {"authorization": f"Bearer {key or self.house.key}"}
        if once:
            headers["idempotency-key"] = once
        return await call(self.door, method, path, headers=headers, **sent)

    async def add_endpoint(self, url: str, **fields: Any) -> dict[str, Any]:
        """Make an endpoint and return it, with its secret."""
        made: dict[str, Any] = ok(
            await self.ask("POST", ENDPOINTS, json={"url": url, **fields}), 201
        )
        return made

    async def stored(self, endpoint_id: str, *, is_test: bool = False) -> Endpoint:
        """Return an endpoint as the store has it."""
        endpoint = await self.house.store.load_endpoint(
            self.house.world_id + int(is_test), endpoint_id
        )
        assert endpoint is not None
        return endpoint

    async def post_events(self, *, parcels: int = 1, events: int = 1, first: int = 1) -> None:
        """Store messages to all endpoints: ``events`` of each of ``parcels``, as they come about.

        They are worded by the composer of the house, so filters and dialects apply.
        """
        house = self.house
        endpoints = await house.store.list_endpoints(house.world_id)
        for sequence in range(first, first + events):
            for parcel in range(1, parcels + 1):
                tracking = make_tracking(
                    id=f"{parcel:032x}",
                    world_id=house.world_id,
                    number=f"N{parcel}",
                    sequence=sequence,
                )
                event = make_event(
                    tracking, at=house.clock.now(), id=f"{parcel * 1_000 + sequence:032x}"
                )
                messages = house.composer.compose(event, tracking, endpoints)
                await house.store.add_messages(messages)

    async def deliver(self, *, steps: int = 50) -> None:
        """Deliver until nothing is due."""
        for _ in range(steps):
            if not await self.house.delivery.step():
                return
        pytest.fail(f"there is still something due after {steps} steps")

    async def messages(self, **where: Any) -> list[Any]:
        """Return the world's messages, oldest first."""
        found = await self.house.store.list_messages(
            self.house.world_id, MessageFilter(**where), limit=10_000
        )
        return found[::-1]


@asynccontextmanager
async def open_caller(
    folder: Path, request: pytest.FixtureRequest | None = None, engine: str = "", **options: Any
) -> AsyncIterator[Caller]:
    """Open a house and call it; on ``engine`` of the contract suite, if one is named."""
    if not engine:
        async with open_house(folder, lambda _: [], **options) as house:
            yield Caller(house)
        return
    assert request is not None
    clock = FrozenClock()
    async with PLACES[engine](request, clock) as open_one:

        async def open_store() -> Store:
            return await open_one()

        async with open_house(
            folder, lambda _: [], clock=clock, open_one=open_store, **options
        ) as house:
            yield Caller(house)


def ok(answer: Answer, status: int = 200) -> Any:
    """Return the body of an answer that must be a success."""
    assert answer.status == status, answer.body
    if status == 204:
        assert answer.body == b""
        return None
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def refused(answer: Answer, status: int, code: str) -> Any:
    """Return the problem, after its shape was checked."""
    assert (answer.status, answer.json()["code"]) == (status, code), answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert list(problem) == ["type", "title", "status", "detail", "code", "errors"]
    assert problem["status"] == status
    assert problem["type"] == f"urn:parcelwire:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert all(list(error) == ["field", "message"] for error in problem["errors"])
    return problem


def fields_of(problem: Any) -> list[str]:
    """Return the fields that a problem names."""
    return [error["field"] for error in problem["errors"]]


__all__ = [
    "ENDPOINTS",
    "MESSAGES",
    "NOBODY",
    "Caller",
    "fields_of",
    "ok",
    "open_caller",
    "refused",
]
