"""The checked-in description of v2."""

import re
from pathlib import Path
from typing import Any

import msgspec

from parcelwire.api.v2.errors import CODES
from parcelwire.api.v2.openapi import render
from parcelwire.api.v2.routes import ROUTES
from tests.support.openapi import follow_references

CHECKED_IN = Path(__file__).parents[3] / "docs" / "openapi" / "v2.json"


def description() -> Any:
    return msgspec.json.decode(render())


def test_the_checked_in_description_is_what_the_code_says() -> None:
    assert CHECKED_IN.read_bytes() == render(), (
        "write it anew: python -m parcelwire.api.v2.openapi > docs/openapi/v2.json"
    )


def test_it_names_every_call_and_method_once() -> None:
    paths = description()["paths"]
    calls = {(path, method) for path, methods in paths.items() for method in methods}
    assert len(calls) == sum(len(route.methods) for route in ROUTES)
    one = "/trackings/{carrier_code}/{tracking_number}"
    assert {(one, "get"), (one, "put"), (one, "post"), (one, "delete")} <= calls
    assert {("/carriers/detect", "get"), ("/trackings/get", "post")} <= calls
    names = [call["operationId"] for methods in paths.values() for call in methods.values()]
    assert len(names) == len(set(names))


def test_every_code_is_in_meta() -> None:
    meta = description()["components"]["schemas"]["Meta"]
    assert meta["properties"]["code"]["enum"] == sorted(CODES)
    assert meta["required"] == ["code", "type", "message"]


def test_every_reference_leads_somewhere() -> None:
    assert follow_references(description())


def test_the_manual_names_every_code_and_call() -> None:
    manual = (CHECKED_IN.parents[1] / "v2.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| ([0-9]{3,4}) \| ([A-Za-z ]+) \|", manual, re.MULTILINE))
    assert table == {str(code): kind for code, (kind, _) in CODES.items()}
    for route in ROUTES:
        assert route.path[-1] in manual or route.path[-1] == "{tracking_number}"
