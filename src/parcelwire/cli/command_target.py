"""What a command works with, wherever it is."""

from __future__ import annotations

from typing import Any

from parcelwire.client import AsyncParcelwire
from parcelwire.couriers.registry import Registry


class Target:
    """What a command works with."""

    def __init__(
        self,
        client: AsyncParcelwire,
        where: str,
        *,
        registry: Registry,
        house: Any = None,
        world_id: int = 0,
    ) -> None:
        """``house``: the opened ``Installation``, where it is the one here.

        Then ``world_id`` too.
        """
        self.client = client
        self.where = where
        self.registry = registry
        self.house = house
        self.world_id = world_id

    @property
    def has_native_api(self) -> bool:
        """Whether the server is a Parcelwire."""
        return self.client.engine.settings.backend.has_native_api
