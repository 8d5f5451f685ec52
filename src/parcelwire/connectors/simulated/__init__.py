"""The carrier in a box: scripted parcels on a clock that can run fast, for tests and demos."""

from parcelwire.connectors.simulated.air_waybill import air_waybill
from parcelwire.connectors.simulated.connector import SimulatedCarrier

CONNECTOR = SimulatedCarrier()

__all__ = ["CONNECTOR", "SimulatedCarrier", "air_waybill"]
