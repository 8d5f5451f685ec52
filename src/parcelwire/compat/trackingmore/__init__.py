"""The names of TrackingMore's own Python library (v4), over Parcelwire's client.

    from parcelwire.compat import trackingmore            # was: import trackingmore

    trackingmore.api_key = "..."
    trackingmore.base_url = "https://parcels.example.com"  # left out: TrackingMore's own service
    answer = trackingmore.tracking.create_tracking({"tracking_number": ..., "courier_code": ...})

Functions take and answer the same dictionaries: the envelope with ``meta`` and ``data``, errors of
the API included. What is better than before: dates and other values in a query are encoded, what
can be repeated safely is repeated, connections are kept open, and where no answer came
``TrackingMoreNetworkException`` is raised; before, a line was printed and None was answered.
"""

from parcelwire.compat.trackingmore import air_waybill, courier, exception, tracking
from parcelwire.compat.trackingmore.request import close

__all__ = [
    "air_waybill",
    "api_key",
    "base_url",
    "close",
    "courier",
    "exception",
    "timeout",
    "tracking",
]

api_key: str | None = None
"""Set it before the first call."""
base_url: str | None = None
"""The server, for instance ``http://127.0.0.1:8787``; None: TrackingMore's hosted service."""
timeout: float = 10
"""Longest silence of the server in seconds."""
