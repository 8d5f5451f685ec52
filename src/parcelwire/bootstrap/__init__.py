"""The composition root: the only place that names concrete adapters.

    open_installation(config)  ->  Installation
        store (SQLite or PostgreSQL), carriers, use cases, dialects, pages, workers

``Installation`` is what the commands work with; ``start_workers`` and ``asgi`` are what a server
runs. ``wire`` joins the inner parts for whoever brings their surroundings: simulated worlds do.
"""

from parcelwire.bootstrap.errors import InstallationError
from parcelwire.bootstrap.installation import Installation
from parcelwire.bootstrap.opening import open_installation, open_store
from parcelwire.bootstrap.settings import webhook_settings
from parcelwire.bootstrap.system import SystemClock, SystemIdentifiers
from parcelwire.bootstrap.wiring import Kinds, Outside, Wired, WiringSettings, wire

__all__ = [
    "Installation",
    "InstallationError",
    "Kinds",
    "Outside",
    "SystemClock",
    "SystemIdentifiers",
    "Wired",
    "WiringSettings",
    "open_installation",
    "open_store",
    "webhook_settings",
    "wire",
]
