"""The composition root: the only place that names concrete adapters.

    open_installation(config)  ->  Installation
        store (SQLite or PostgreSQL), carriers, use cases, dialects, pages, workers

``Installation`` is what the commands work with; ``start_workers`` and ``asgi`` are what a server
runs.
"""

from parcelwire.bootstrap.errors import InstallationError
from parcelwire.bootstrap.installation import Installation
from parcelwire.bootstrap.opening import load_registry, open_installation, open_store
from parcelwire.bootstrap.settings import webhook_settings
from parcelwire.bootstrap.system import SystemClock, SystemIdentifiers

__all__ = [
    "Installation",
    "InstallationError",
    "SystemClock",
    "SystemIdentifiers",
    "load_registry",
    "open_installation",
    "open_store",
    "webhook_settings",
]
