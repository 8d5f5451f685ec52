"""Somebody who looks after endpoints over the native API of a house."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from parcelwire.domain.account import Endpoint
from parcelwire.webhooks.ports import MessageFilter
from tests.support.native_shop import Shop, ok, open_shop, refused
from tests.unit.webhooks.builders import make_event, make_tracking

ENDPOINTS = "/api/endpoints"
MESSAGES = "/api/messages"
NOBODY = "f" * 32
ENDPOINT_FIELDS = [
    "id",
    "url",
    "dialect",
    "state",
    "disabled_reason",
    "statuses",
    "event_types",
    "header_names",
    "rate_per_second",
    "concurrency",
    "description",
    "created_at",
    "previous_secret_expires_at",
    "health",
]
"""What an endpoint shows, in this order."""


class Caller(Shop):
    """A shop that looks after its endpoints."""

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
        found = (
            await self.house.store.list_messages(
                self.house.world_id, MessageFilter(**where), limit=10_000
            )
        ).messages
        return found[::-1]


@asynccontextmanager
async def open_caller(
    folder: Path, request: pytest.FixtureRequest | None = None, engine: str = "", **options: Any
) -> AsyncIterator[Caller]:
    """Open a house and call it; on ``engine`` of the contract suite, if one is named."""
    async with open_shop(folder, request if engine else None, engine, **options) as shop:
        yield Caller(shop.house)


def fields_of(problem: Any) -> list[str]:
    """Return the fields that a problem names."""
    return [error["field"] for error in problem["errors"]]


__all__ = [
    "ENDPOINTS",
    "ENDPOINT_FIELDS",
    "MESSAGES",
    "NOBODY",
    "Caller",
    "fields_of",
    "ok",
    "open_caller",
    "refused",
]
