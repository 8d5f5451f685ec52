"""The catalogue: built in, simulated and installed connectors, and no two for one code."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from msgspec.structs import replace

from parcelwire.connectors.catalogue import (
    Catalogue,
    CatalogueError,
    Entry,
    built_in_carriers,
    load_catalogue,
)
from parcelwire.connectors.simulated import SimulatedCarrier
from parcelwire.couriers.registry import default_registry
from tests.unit.connectors.gateway.bench import PaperPost, entry

PLUGIN = """
from tests.unit.connectors.gateway.bench import PaperPost
CONNECTOR = PaperPost()
NOTHING = 42
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "paper_plugin.py").write_text(PLUGIN, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "paper_plugin", raising=False)
    return "paper_plugin"


def point(value: str) -> EntryPoint:
    return EntryPoint("paper", value, "parcelwire.connectors")


def test_the_built_in_carriers_and_the_simulated_one_are_there() -> None:
    catalogue = load_catalogue(SimulatedCarrier(), installed=[])
    codes = [one.manifest.code for one in catalogue.all()]
    assert codes == sorted(codes)
    assert {"simulated", "swiss-post", "poste-italiane"} <= set(codes)
    for one in catalogue.all():
        for courier_code in one.manifest.courier_codes:
            assert catalogue.for_courier(courier_code) is one
        assert one.connector.manifest == one.manifest
    assert catalogue.for_courier("no-such-courier") is None
    assert catalogue.get("no-such-connector") is None


def test_reading_the_catalogue_imports_no_carrier() -> None:
    before = set(sys.modules)
    assert built_in_carriers()
    new = {name for name in set(sys.modules) - before if ".connectors.carriers." in name}
    assert new == set()


def test_built_in_connectors_answer_for_couriers_of_the_registry() -> None:
    for one in built_in_carriers():
        for courier_code in one.manifest.courier_codes:
            assert courier_code in default_registry()


@pytest.mark.parametrize("value", ["paper_plugin", "paper_plugin:CONNECTOR"])
def test_an_installed_connector_joins(plugin: str, value: str) -> None:
    catalogue = load_catalogue(SimulatedCarrier(), installed=[point(value)])
    found = catalogue.for_courier("paper-post-express")
    assert found is not None
    assert found.manifest.name == "Paper Post"


@pytest.mark.parametrize(
    "value", ["paper_plugin:NOTHING", "paper_plugin:MISSING", "no_such_module"]
)
def test_what_is_no_connector_is_refused_by_name(plugin: str, value: str) -> None:
    with pytest.raises(CatalogueError, match="entry point paper gives no connector"):
        load_catalogue(SimulatedCarrier(), installed=[point(value)])


def test_two_connectors_for_one_code_are_refused() -> None:
    with pytest.raises(CatalogueError, match=r"two connectors claim the connector code paper-post"):
        Catalogue([entry(PaperPost()), entry(PaperPost())])


def test_two_connectors_for_one_courier_are_refused_with_both_names() -> None:
    post = PaperPost()
    manifest = replace(post.manifest, code="other-post", courier_codes=("paper-post",))
    with pytest.raises(CatalogueError, match=r"courier code paper-post: paper-post .* other-post"):
        Catalogue([entry(post), Entry(manifest, "the package other", lambda: post)])
