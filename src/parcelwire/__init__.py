"""Parcelwire: self-hosted shipment tracking for many carriers, speaking TrackingMore's API on the wire."""

__version__ = "0.1.0"
