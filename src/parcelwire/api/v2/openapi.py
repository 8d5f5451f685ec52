"""The OpenAPI 3.1 description of v2, made from the table of routes and the shapes of the wire.

``python -m parcelwire.api.v2.openapi > docs/openapi/v2.json`` writes the checked-in file anew.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from parcelwire.api import openapi
from parcelwire.api.trackingmore.openapi import operations
from parcelwire.api.v2.errors import CODES
from parcelwire.api.v2.models import ItemError
from parcelwire.api.v2.routes import ROUTES

_SEGMENTS: Final = {
    "carrier_code": "Code of the courier",
    "tracking_number": "The number, as typed; a slash in it may be sent as it is or as `%2F`",
}


def describe() -> dict[str, Any]:
    """Return the description as a JSON object."""
    meta = openapi.meta("Success or which mistake", code="integer", type="string", message="string")
    meta["properties"]["code"]["enum"] = sorted(CODES)
    return openapi.describe(
        openapi.Description(
            title="Parcelwire, the TrackingMore v2 dialect",
            text="Follow parcels of many carriers. Every answer is HTTP 200; `meta.code` says what "
            "happened, and a refusal has an empty array as `data`. Reading is tolerant: empty text "
            "and null mean that nothing is given, numbers are taken as their text (where a number "
            "or a code belongs only whole ones), and repeated or trailing slashes in paths do not "
            "matter.",
            server="/v2",
            key_header="Trackingmore-Api-Key",
            meta=meta,
            errors={},
            operations=operations(
                ROUTES,
                names=_SEGMENTS,
                success=lambda route: f"`meta.code` {route.code}, or the code of a refusal",
                # PUT without a body changes nothing and is no mistake.
                optional_bodies={"update_tracking"},
            ),
            further_shapes=[ItemError],
            empty={"type": "array", "maxItems": 0},
        )
    )


def render() -> bytes:
    """Return the description as the bytes of the checked-in file."""
    return openapi.render(describe())


if __name__ == "__main__":
    sys.stdout.buffer.write(render())
