"""The page about the simulated carrier says what the scripts do."""

import re
from pathlib import Path

from parcelwire.connectors.simulated.air_waybill import AIRLINES, CYCLE_DAYS
from parcelwire.connectors.simulated.connector import TIME_SCALE_DEFAULT
from parcelwire.connectors.simulated.scenarios import all_scenarios

PAGE = (Path(__file__).parents[4] / "docs" / "simulated-carrier.md").read_text("utf-8")


def test_every_scenario_stands_in_the_table_with_its_own_words() -> None:
    rows = re.findall(r"^\| `([A-Z]+)` \| (.*?) \|", PAGE, re.M)
    assert rows == [(scenario.word, scenario.about) for scenario in all_scenarios()]


def test_every_airline_stands_in_the_table() -> None:
    rows = dict(re.findall(r"\| (\d{3}) \| ([^|]+?) (?=\|)", PAGE))
    assert rows == {prefix: airline.name for prefix, airline in AIRLINES.items()}


def test_figures_are_those_of_the_code() -> None:
    normal = next(scenario for scenario in all_scenarios() if scenario.word == "NORMAL")
    assert f"({normal.share} of 100)" in PAGE
    assert sum(scenario.share for scenario in all_scenarios()) == 100
    assert f"({TIME_SCALE_DEFAULT:g} by default" in PAGE
    assert CYCLE_DAYS == 12
    assert "every twelve days" in PAGE
