"""The checked-in description of v4."""

from pathlib import Path

import msgspec

from parcelwire.api.v4.openapi import render
from parcelwire.api.v4.routes import ROUTES
from tests.support.openapi import follow_references
from tests.support.v4_types import AIR_WAYBILL, BATCH, COURIER, IDENTITY, TRACKING, UPDATE

CHECKED_IN = Path(__file__).parents[3] / "docs" / "openapi" / "v4.json"


def test_the_checked_in_description_is_what_the_code_says() -> None:
    assert CHECKED_IN.read_bytes() == render(), (
        "write it anew: python -m parcelwire.api.v4.openapi > docs/openapi/v4.json"
    )


def test_it_names_every_call() -> None:
    paths = msgspec.json.decode(render())["paths"]
    calls = {(path, method) for path, methods in paths.items() for method in methods}
    assert len(calls) == len(ROUTES)
    assert ("/trackings/update/{id}", "put") in calls
    assert ("/awb", "post") in calls


def test_its_shapes_have_the_fields_of_the_wire() -> None:
    schemas = msgspec.json.decode(render())["components"]["schemas"]
    for name, fields in {
        "TrackingObject": TRACKING,
        "CourierObject": COURIER,
        "Identity": IDENTITY,
        "BatchResult": BATCH,
        "UpdateResult": UPDATE,
        "AirWaybillObject": AIR_WAYBILL,
    }.items():
        assert list(schemas[name]["properties"]) == list(fields)
        assert schemas[name]["required"] == list(fields)


def test_every_reference_leads_somewhere() -> None:
    assert follow_references(msgspec.json.decode(render()))
