# Generated from ../aio by tools/generate_sync.py: change that, and generate again.
"""Air waybills."""

from __future__ import annotations

from parcelwire.client import calls
from parcelwire.client.models import AirWaybill
from parcelwire.client.sync.engine import Engine


class AirWaybills:
    """What airlines know."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, awb_number: str) -> AirWaybill:
        """Return one air waybill (``235-69030430``).

        The hosted service charges for every look, so this is not tried again after a lost answer.

        Raises:
            InvalidRequestError: it is no number of an air waybill (4160), or its airline is not
                known (4161).
            ParcelwireError: it came to nothing.
        """
        return self._engine.send(calls.read_air_waybill(awb_number))
