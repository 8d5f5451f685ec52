"""The versions of TrackingMore's API that an installation speaks."""

from __future__ import annotations

from parcelwire.api.trackingmore.declaration import Declaration
from parcelwire.api.v2.dialect import V2
from parcelwire.api.v4.dialect import v4_dialect
from parcelwire.api.v4.render import Renderer


def own_dialects(renderer: Renderer | None = None) -> tuple[Declaration, ...]:
    """Return the versions that come with Parcelwire.

    ``renderer``: the one that makes the store's renditions.
    """
    return (V2, v4_dialect(renderer))
