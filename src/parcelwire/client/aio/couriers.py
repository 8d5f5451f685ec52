"""Couriers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parcelwire.client import calls
from parcelwire.client.aio.engine import AsyncEngine
from parcelwire.client.error_mapping import NOT_DETECTED
from parcelwire.client.errors import InvalidRequestError
from parcelwire.client.models import Courier
from parcelwire.client.unsupported import raise_missing, require_native_api

if TYPE_CHECKING:
    from parcelwire.client.native_models import CourierCandidate

Found = list[Courier]


class AsyncCouriers:
    """List couriers, and detect the courier of a number."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    if not TYPE_CHECKING:
        # A type checker shall find that it is missing; a person is told why.
        def __getattr__(self, name: str) -> object:
            return raise_missing(self, name, "couriers.candidates")

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


class AsyncNativeCouriers(AsyncCouriers):
    """List couriers, and detect the courier of a number, with reasons."""

    async def candidates(
        self,
        tracking_number: str,
        *,
        destination_country: str | None = None,
        origin_country: str | None = None,
    ) -> list[CourierCandidate]:
        """Return the couriers the number may belong to, best first, with probability and reasons.

        Countries are ISO 3166 alpha-2 codes; either can make one courier likelier than another.

        Raises:
            InvalidRequestError: it is no tracking number, or a country is none.
            UnsupportedError: this is TrackingMore's service, which gives no reasons.
            ParcelwireError: the call failed.
        """
        from parcelwire.client import native_calls

        require_native_api(self._engine.settings.backend, "couriers.candidates")
        given = {
            "number": tracking_number,
            "destination_country": destination_country,
            "origin_country": origin_country,
        }
        known = {name: value for name, value in given.items() if value is not None}
        return await self._engine.send(native_calls.detect_candidates(known))
