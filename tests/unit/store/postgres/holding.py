"""A store whose statements stay in a transaction that the test has opened, and ends."""

from __future__ import annotations

from typing import Any

from parcelwire.domain.clock import FrozenClock
from parcelwire.store.postgres import PostgresStore
from tests.contract.store.samples import render


class _Held:
    def __init__(self, link: Any) -> None:
        self._link = link

    async def fetch(self, query: str, *args: object, is_repeatable: bool = True) -> Any:
        return await self._link.fetch(query, *args)


def holding(link: Any) -> PostgresStore:
    """Return a store that runs every statement on ``link``."""
    return PostgresStore(_Held(link), render=render, clock=FrozenClock())  # type: ignore[arg-type]
