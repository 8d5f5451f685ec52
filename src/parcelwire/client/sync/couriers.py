# Generated from ../aio by tools/generate_sync.py: change that, and generate again.
"""Couriers."""

from __future__ import annotations

from parcelwire.client import calls
from parcelwire.client.error_mapping import NOT_DETECTED
from parcelwire.client.errors import InvalidRequestError
from parcelwire.client.models import Courier
from parcelwire.client.sync.engine import Engine

Found = list[Courier]


class Couriers:
    """Who exists, and whose number it is."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self) -> Found:
        """Return every courier.

        Raises:
            ParcelwireError: it came to nothing.
        """
        return self._engine.send(calls.list_couriers())

    def detect(self, tracking_number: str) -> Found:
        """Return the couriers whose number it can be, best guess first; empty when there is none.

        Raises:
            InvalidRequestError: it is no tracking number at all.
            ParcelwireError: it came to nothing.
        """
        try:
            return self._engine.send(calls.detect_couriers(tracking_number))
        except InvalidRequestError as error:
            if error.code == NOT_DETECTED:
                return []
            raise
