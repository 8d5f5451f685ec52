"""Parcelwire: self-hosted shipment tracking that speaks TrackingMore's API on the wire."""

__version__ = "0.1.0"
