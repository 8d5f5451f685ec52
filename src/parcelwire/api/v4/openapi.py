"""The OpenAPI 3.1 description of v4, made from the table of routes and the shapes of the wire.

``python -m parcelwire.api.v4.openapi > docs/openapi/v4.json`` writes the checked-in file anew.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from parcelwire.api import openapi
from parcelwire.api.trackingmore.openapi import operations
from parcelwire.api.v4.errors import FAULT, STORE_UNAVAILABLE, status_of
from parcelwire.api.v4.models import Identity
from parcelwire.api.v4.routes import ROUTES

_ERRORS: Final = {
    "400": "A mistake in the request; `meta.code` says which (400, 4101 to 4190)",
    "401": "No key, or one that is unknown, revoked or expired",
    "403": "The account is suspended, or the key may only read",
    "404": "Unknown path",
    "429": "Too many calls; `Retry-After` says how long to wait",
    str(status_of(FAULT)): "A fault of the server (`meta.code` 511)",
    str(status_of(STORE_UNAVAILABLE)): "The database cannot be reached (`meta.code` 512), or"
    " others are changing the tracking (513); `Retry-After` says how long to wait",
}


def describe() -> dict[str, Any]:
    """Return the description as a JSON object."""
    return openapi.describe(
        openapi.Description(
            title="Parcelwire, the TrackingMore v4 dialect",
            text="Follow parcels of many carriers. Reading is tolerant: empty text and null mean "
            "that nothing is given, numbers are taken as their text (where a number or a code "
            "belongs only whole ones), and repeated or trailing slashes in paths do not matter.",
            server="/v4",
            key_header="Tracking-Api-Key",
            meta=openapi.meta("Success or which mistake", code="integer", message="string"),
            errors=_ERRORS,
            operations=operations(ROUTES, names={"id": "Id of the tracking, 32 hex digits"}),
            further_shapes=[Identity],
        )
    )


def render() -> bytes:
    """Return the description as the bytes of the checked-in file."""
    return openapi.render(describe())


if __name__ == "__main__":
    sys.stdout.buffer.write(render())
