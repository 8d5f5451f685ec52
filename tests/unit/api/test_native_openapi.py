"""The checked-in description of the native API."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from parcelwire.api.native.openapi import render
from parcelwire.api.native.problems import KINDS
from parcelwire.api.native.table import ALL
from tests.support.openapi import follow_references

DOCS = Path(__file__).parents[3] / "docs"


def test_the_checked_in_description_is_what_the_code_says() -> None:
    assert (DOCS / "openapi" / "native.json").read_bytes() == render(), (
        "write it anew: python -m parcelwire.api.native.openapi > docs/openapi/native.json"
    )


def test_it_names_every_call_with_its_parameters() -> None:
    paths = msgspec.json.decode(render())["paths"]
    calls = {(path, method) for path, methods in paths.items() for method in methods}
    assert calls == {(one.path, one.method.lower()) for one in ALL}
    assert len({one.name for one in ALL}) == len(ALL)
    (search,) = paths["/couriers"]["get"]["parameters"]
    assert (search["name"], search["in"], search["required"]) == ("search", "query", False)
    assert search["schema"]["type"] == "string"
    assert "best match first" in search["description"]
    (code,) = paths["/couriers/{code}"]["get"]["parameters"]
    assert (code["name"], code["in"], code["required"]) == ("code", "path", True)
    assert set(paths["/couriers/detect"]["post"]["responses"]) >= {"200", "413", "422"}
    for one in ALL:
        assert set(re.findall(r"\{(\w+)\}", one.path)) == set(one.path_texts)


def test_every_reference_leads_somewhere() -> None:
    assert "#/components/schemas/Problem" in follow_references(msgspec.json.decode(render()))


def test_every_kind_of_problem_and_every_call_is_written_down() -> None:
    text = (DOCS / "native.md").read_text("utf-8")
    documented = re.findall(r"^\| ([a-z-]+) \| (\d{3}) \| \S", text, re.M)
    assert documented == [(kind, str(status)) for kind, (status, _) in KINDS.items()]
    for one in ALL:
        assert f"| `{one.method} /api{one.path}` |" in text


def test_every_object_has_all_fields_but_trackings_events_and_problems() -> None:
    description = msgspec.json.decode(render())
    schemas = description["components"]["schemas"]

    def reach(node: Any, seen: set[str]) -> set[str]:
        for name in set(re.findall(r"#/components/schemas/(\w+)", str(node))) - seen:
            seen.add(name)
            reach(schemas[name], seen)
        return seen

    answers = [
        call["responses"] for methods in description["paths"].values() for call in methods.values()
    ]
    answered = reach([answers, description["components"].get("responses")], set())
    incomplete = {
        name
        for name in answered
        if set(schemas[name].get("properties", ())) > set(schemas[name].get("required", ()))
    }
    exceptions = ("TrackingObject", "EventObject", "Problem")
    assert {"TrackingObject", "EventData", "Problem"} <= incomplete
    assert incomplete <= reach(
        [{"$ref": f"#/components/schemas/{one}"} for one in exceptions], set()
    )


def test_examples_have_the_shapes_they_are_examples_of() -> None:
    shown = 0
    for one in ALL:
        if one.example is not None:
            msgspec.convert(one.example, one.request)
        if one.answer_example is not None:
            msgspec.convert(one.answer_example, one.answer)
            shown += 1
        assert set(one.path_examples) <= set(one.path_texts)
        assert (one.answer is None) is (one.success == 204), one.name
    assert shown >= 3


def test_the_longest_query_fits_into_a_url() -> None:
    """Servers take 64 KB; a character can need 12 bytes of it."""
    for path, methods in msgspec.json.decode(render())["paths"].items():
        for call in methods.values():
            size = sum(_longest(one) for one in call["parameters"] if one["in"] == "query")
            assert size + len(path) < 65_000, call["operationId"]


def _longest(parameter: dict[str, Any]) -> int:
    schema = parameter["schema"]
    count, one = (schema["maxItems"], schema["items"]) if "items" in schema else (1, schema)
    is_plain = str(one.get("pattern", "")).startswith("^[A-Za-z0-9")
    # Without a length it is a number, a time or one of a few words.
    length = one["maxLength"] * (1 if is_plain else 12) if "maxLength" in one else 40
    return int(count) * (len(parameter["name"]) + 2 + int(length))


def test_no_parameter_is_described_as_able_to_hold_a_nul() -> None:
    for methods in msgspec.json.decode(render())["paths"].values():
        for call in methods.values():
            for one in call["parameters"]:
                schema = one["schema"].get("items", one["schema"])
                if one["in"] == "query" and schema.get("type") == "string":
                    assert schema.keys() & {"pattern", "format", "enum"}, one
