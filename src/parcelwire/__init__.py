"""Parcelwire: self-hosted shipment tracking that speaks TrackingMore's API on the wire."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parcelwire.client import AsyncParcelwire, Parcelwire

__version__ = "0.1.0"

__all__ = ["AsyncParcelwire", "Parcelwire", "__version__"]


def __getattr__(name: str) -> object:
    # The server imports this package too, and needs no client for that.
    if name in ("AsyncParcelwire", "Parcelwire"):
        from parcelwire import client

        found: object = getattr(client, name)
        return found
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
