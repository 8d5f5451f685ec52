"""Couriers."""

from __future__ import annotations

from parcelwire.client import calls
from parcelwire.client.aio.engine import AsyncEngine
from parcelwire.client.error_mapping import NOT_DETECTED
from parcelwire.client.errors import InvalidRequestError
from parcelwire.client.models import Courier

Found = list[Courier]


class AsyncCouriers:
    """Who exists, and whose number it is."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def list(self) -> Found:
        """Return every courier.

        Raises:
            ParcelwireError: it came to nothing.
        """
        return await self._engine.send(calls.list_couriers())

    async def detect(self, tracking_number: str) -> Found:
        """Return the couriers whose number it can be, best guess first; empty when there is none.

        Raises:
            InvalidRequestError: it is no tracking number at all.
            ParcelwireError: it came to nothing.
        """
        try:
            return await self._engine.send(calls.detect_couriers(tracking_number))
        except InvalidRequestError as error:
            if error.code == NOT_DETECTED:
                return []
            raise
