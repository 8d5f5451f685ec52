"""The number that a connection is tested with: the carrier's own, where it publishes one."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from parcelwire.connectors.base import Connector
from parcelwire.connectors.quality import check_connector
from tests.support.dashboard import open_dashboard

PLUGIN = """
from pathlib import Path
from parcelwire.connectors.status_table import load_manifest
from tests.unit.connectors.gateway.bench import PaperPost


class NumberedPost(PaperPost):
    @property
    def manifest(self):
        return load_manifest("numbered_post")


CONNECTOR = NumberedPost()
"""
MANIFEST = """
code = "numbered-post"
courier_codes = ["dhl"]
name = "Numbered Post"
home_zone = "Europe/Zurich"
home_country = "CH"
languages = ["de"]

[[transports]]
name = "api"
is_official = true
credential_fields = ["key"]
base_urls = { api = "https://api.numbered.example" }
docs_url = "https://numbered.example/docs"
test_number = "TESTPARCEL12"
"""
POINTS = "[parcelwire.connectors]\nnumbered-post = numbered_post\n"


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a connector as a package of its own would be; returns its folder."""
    folder = tmp_path / "site" / "numbered_post"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(PLUGIN, "utf-8")
    (folder / "manifest.toml").write_text(MANIFEST, "utf-8")
    installed = folder.parent / "numbered_post-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: numbered-post\n", "utf-8")
    (installed / "entry_points.txt").write_text(POINTS, "utf-8")
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.delitem(sys.modules, "numbered_post", raising=False)
    return folder


def field_of(page: str, connection_id: str) -> str:
    found = re.search(rf'<input id="number-{connection_id}"[^>]*>', page)
    assert found is not None
    return found[0]


@pytest.mark.usefixtures("plugin")
async def test_a_carriers_own_test_number_stands_in_the_form(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person, store = await desk.person(scope="admin"), desk.house.store
        await person.do(
            "/connections", {"way": "numbered-post/api", "numbered-post/api/key": "made-up"}
        )
        await person.do(
            "/connections",
            {
                "way": "swiss-post/api",
                "swiss-post/api/client_id": "a",
                "swiss-post/api/client_secret": "b",
            },
        )
        ids = {one.connector: one.id for one in await store.list_connections(desk.account.number)}
        page = (await person.get("/connections")).text
        assert 'value="TESTPARCEL12"' in field_of(page, ids["numbered-post"])
        assert "The carrier publishes TESTPARCEL12 for tests." in page
        # Swiss Post publishes none: nothing is made up, and the form says so.
        assert 'value=""' in field_of(page, ids["swiss-post"])
        assert page.count("No number is known that this carrier publishes for tests") == 1
        # What somebody typed stands there again.
        answer = await person.post(f"/connections/{ids['swiss-post']}/test", {"number": "<!>"})
        assert answer.status == 422
        assert 'value="&lt;!&gt;"' in field_of(answer.text, ids["swiss-post"])
        assert 'aria-invalid="true"' in field_of(answer.text, ids["swiss-post"])
        assert 'value="TESTPARCEL12"' in field_of(answer.text, ids["numbered-post"])


async def test_a_connection_that_somebody_deletes_meanwhile_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_dashboard(tmp_path) as desk:
        person, store = await desk.person(scope="admin"), desk.house.store
        sent = {
            "way": "swiss-post/api",
            "swiss-post/api/client_id": "a",
            "swiss-post/api/client_secret": "b",
        }
        await person.do("/connections", sent)
        (connection,) = await store.list_connections(desk.account.number)
        page = await person.do(f"/connections/{connection.id}/retry", {})
        assert "The connection is used again." in page.text
        save = store.save_connection

        async def delete_first(*arguments: Any, **named: Any) -> bool:
            await store.delete_connection(connection.account_number, connection.id)
            return await save(*arguments, **named)

        monkeypatch.setattr(store, "save_connection", delete_first)
        page = await person.do(f"/connections/{connection.id}/retry", {})
        assert "The connection was deleted, or has got other credentials meanwhile." in page.text
        assert await store.list_connections() == []


def texts_of(connector: Connector) -> list[str]:
    return [problem.text for problem in check_connector(connector)]


def test_a_test_number_needs_its_form_and_its_source(plugin: Path) -> None:
    from numbered_post import CONNECTOR  # type: ignore[import-not-found]

    readme = plugin / "README.md"
    readme.write_text("`api` `key`. Not known: nothing. " + "Words. " * 60, "utf-8")
    assert "README.md does not name `TESTPARCEL12`" in texts_of(CONNECTOR)
    readme.write_text(readme.read_text("utf-8") + "`TESTPARCEL12`: the manual, page 3.", "utf-8")
    problems = texts_of(CONNECTOR)
    assert [one for one in problems if "TESTPARCEL12" in one or "test_number" in one] == []
    manifest = plugin / "manifest.toml"
    for wrong in ("test parcel", "TEST", "1-2-3-4-5-6"):
        manifest.write_text(MANIFEST.replace("TESTPARCEL12", wrong), "utf-8")
        assert any("test_number" in one for one in texts_of(CONNECTOR)), wrong


def test_an_undocumented_endpoint_is_asked_slowly(plugin: Path) -> None:
    from numbered_post import CONNECTOR

    web = MANIFEST.replace('name = "api"', 'name = "web"').replace("= true", "= false")
    for rate, is_slow in ((30, True), (31, False)):
        (plugin / "manifest.toml").write_text(f"{web}requests_per_minute = {rate}\n", "utf-8")
        problems = [one for one in texts_of(CONNECTOR) if "requests_per_minute" in one]
        assert (problems == []) is is_slow, problems
