"""What a ``mock_server.toml`` may say, and how it is told that it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from parcelwire.connectors.mock_servers.description import load_description, read_description

ROUTE = '[[routes]]\nrequest = "GET /track/{number}"\nanswer = "parcel"\n[answers.parcel]\n'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "missing required field `routes`"),
        ("[[routes]", "line 1"),
        ('[[routes]]\nrequest = "GET /a"\nanswer = "a"\n', "there is no answer a"),
        ('[[routes]]\nrequest = "FETCH /a"\nanswer = "not_found"\n', "write a method, a blank"),
        ('[[routes]]\nrequest = "GET a"\nanswer = "not_found"\n', "write a method, a blank"),
        (f"{ROUTE}colour = 1", "unknown field `colour`"),
        (f'scenario = "a"\n{ROUTE}', "there is no scenario a"),
        (f'{ROUTE}[[numbers]]\nscenario = "b"', "there is no scenario b"),
        (f'{ROUTE}[[numbers]]\nbehaviour = "sulking"', "Invalid enum value 'sulking'"),
        (f'{ROUTE}[scenarios.a]\nbegins = "c"', "there is no scenario c"),
        (f'{ROUTE}[scenarios.a]\nevents = [{{ at = 1, event = "d" }}]', "there is no event d"),
        (f'{ROUTE}[scenarios.a]\nevents = [{{ code = "D" }}]', "does not say when it is"),
    ],
)
def test_a_fault_is_told(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_description(text)


def test_a_scenario_begins_like_another_and_events_have_their_fields() -> None:
    description = read_description(
        f"""
{ROUTE}
[events.out]
code = "OUT"
place = "Bern"
[scenarios.begun]
events = [{{ at = 0.1, code = "IN" }}]
[scenarios.done]
begins = "begun"
events = [{{ at = 0.5, event = "out", place = "Basel" }}, {{ at = 1, code = "END" }}]
"""
    )
    assert [(one["code"], one.get("place")) for one in description.events_of("done")] == [
        ("IN", None),
        ("OUT", "Basel"),
        ("END", None),
    ]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/a-b.c/x1/end", {"one": "x1"}),
        ("/a-b.c/x/y/end", None),
        ("/a-bxc/x/end", None),
        ("/a-b.c/x/end/", None),
    ],
)
def test_a_path_has_places(path: str, found: dict[str, str] | None) -> None:
    text = '[[routes]]\nrequest = "GET /a-b.c/{one}/end"\nanswer = "not_found"\n'
    (route,) = read_description(text).routes
    assert route.match("GET", path) == found
    assert route.match("POST", path) is None


def test_built_in_carriers_have_one() -> None:
    carriers = Path(__file__).parents[4] / "src/parcelwire/connectors/carriers"
    folders = [one.parent.name for one in carriers.glob("*/manifest.toml")]
    assert folders
    for folder in folders:
        assert load_description(f"parcelwire.connectors.carriers.{folder}").number
