"""A carrier that nobody listed: its connector comes in a package, declares it, and is asked.

It is a folder and nothing else: a token, a batch, local times, XML answers, a mock server. No file
outside of the folder is touched.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner
from msgspec.structs import replace

from parcelwire.bootstrap import InstallationError, open_installation
from parcelwire.cli.main import cli
from parcelwire.config import ApiSection, CarriersSection, Config, SecretsSection, StoreSection
from parcelwire.connectors.mock_servers.server import MockServer
from parcelwire.connectors.mock_servers.serving import run_mock_server
from parcelwire.connectors.new import Answers, write_connector
from parcelwire.couriers.refresh import Listed, ListFile, write_file
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.status import Status
from parcelwire.tracking.drafts import Draft
from tests.support.connections import connect

POINTS = "[parcelwire.connectors]\nlantern-post = lantern_post\n"
TOKEN = "signed-tokens-are-long." + "x" * 1_500
CREDENTIALS = {"client_id": "shop", "client_secret": "made-up-for-this-test"}
WRITTEN_AT = 1_761_523_200_000
"""27 October 2025: the day after the clocks were put back."""
SOURCE = Path(__file__).parents[2] / "src"
DELIVERED = (
    "<events><code>HANDED_OVER</code><text>Zugestellt</text><time>26.10.2025 02:40</time>"
    "<country>CH</country></events>"
    "<events><code>OUT</code><text>In Zustellung</text><time>25.10.2025 07:42</time>"
    "<country>CH</country></events>"
)
NUMBERS = """
[[numbers]]
ends_with = "1"
case = "handed_over"

[[numbers]]
ends_with = "2"
behaviour = "unknown"
"""
README = """
# Lantern Post

Transport `api`: a carrier that is made up; a contract gives `client_id` and `client_secret`. Times
are printed without an offset, on the clocks of Zurich. A number that it does not know has the state
`unknown`. What is not known: how long parcels are kept. Source: there is none, it is a toy. Nothing
of it was ever seen at a carrier.
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a connector as a package of its own would be; returns its folder."""
    answers = Answers(
        code="lantern-post",
        name="Lantern Post",
        country="CH",
        zone="Europe/Zurich",
        language="de",
        host="https://api.lantern-post.example",
        format="xml",
        credentials="token",
        order="dmy",
        batch=10,
    )
    folder = write_connector(answers, tmp_path / "site")
    installed = folder.parent / "lantern_post-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: lantern-post\n", "utf-8")
    (installed / "entry_points.txt").write_text(POINTS, "utf-8")
    monkeypatch.syspath_prepend(str(folder.parent))
    for name in [one for one in sys.modules if one.partition(".")[0] == folder.name]:
        monkeypatch.delitem(sys.modules, name)
    teach(folder)
    return folder


def teach(folder: Path) -> None:
    """Give the new connector a code, a case, and numbers of its mock server."""
    with (folder / "status.toml").open("a", encoding="utf-8") as table:
        table.write('\n[[code]]\ncode = "HANDED_OVER"\nstatus = "delivered"\n')
    case = json.loads((folder / "fixtures/found.in.json").read_text("utf-8"))
    case["now"] = WRITTEN_AT
    response = case["exchange"][-1]["response"]
    response["body"] = re.sub("<events>.*</events>", DELIVERED, response["body"])
    (folder / "fixtures/handed_over.in.json").write_text(json.dumps(case), "utf-8")
    path = folder / "mock_server.toml"
    text = path.read_text("utf-8")
    text = text.replace("{{ issued.token }}", f"{TOKEN}{{{{ issued.token }}}}")
    text = text.replace("Bearer {token}", f"Bearer {TOKEN}{{token}}")
    path.write_text(f"{text}{NUMBERS}", "utf-8")
    (folder / "README.md").write_text(README, "utf-8")


def files_of(folder: Path) -> dict[str, int]:
    """Return when each file was changed."""
    return {
        str(one.relative_to(folder)): one.stat().st_mtime_ns
        for one in folder.rglob("*")
        if one.is_file() and one.suffix != ".pyc"
    }


@pytest.fixture
def untouched() -> Iterator[None]:
    """Check that no file of the program is changed."""
    before = files_of(SOURCE)
    yield
    assert files_of(SOURCE) == before


def carrier(asked: list[str]) -> web.Application:
    """Return the carrier's API, as the folder describes it, on the day its case was written."""
    connector = importlib.import_module("lantern_post").CONNECTOR
    clock = FrozenClock(WRITTEN_AT)
    application = MockServer(connector, clock, credentials=CREDENTIALS).application()

    @web.middleware
    async def write_down(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        asked.append(request.path.removeprefix("/"))
        return await handler(request)

    application.middlewares.append(write_down)
    return application


def config_of(folder: Path, base_urls: dict[str, dict[str, str]]) -> Config:
    return Config(
        store=StoreSection(url=f"sqlite:{folder / 'here.db'}"),
        secrets=SecretsSection(key_file=str(folder / "here.key")),
        api=ApiSection(fetch_wait_seconds=5.0),
        carriers=CarriersSection(base_urls=base_urls),
    )


@pytest.mark.usefixtures("package", "untouched")
async def test_it_is_a_courier_like_any_other(tmp_path: Path) -> None:
    asked: list[str] = []
    async with run_mock_server(carrier(asked)) as address:
        app = await open_installation(config_of(tmp_path, {"lantern-post": {"api": address}}))
        try:
            courier = app.registry.get("lantern-post")
            assert courier is not None
            assert (courier.name, courier.country, courier.status) == ("Lantern Post", "CH", "own")
            assert [one.code for one in app.registry.search("lantern")] == ["lantern-post"]
            owner = await app.store.add_account("shop@example.com", now=app.clock.now())
            await connect(app, owner, "lantern-post", CREDENTIALS)
            world = owner.number * 2
            draft = Draft(number="LP0000000001", courier_code="lantern-post")
            found = (await app.service.create(world, draft)).tracking
            assert found.status is Status.DELIVERED
            # Of the hour that is shown twice, nothing tells which it was.
            assert [one.iso_time for one in found.checkpoints] == [
                "2025-10-25T07:42:00+02:00",
                "2025-10-26T02:40:00",
            ]
            draft = Draft(number="LP0000000002", courier_code="lantern-post")
            unknown = (await app.service.create(world, draft)).tracking
            assert unknown.status in (Status.PENDING, Status.NOTFOUND)
            assert asked == ["token", "track", "track"]
            assert await app.store.list_unmapped_codes() == []
        finally:
            await app.close()


@pytest.mark.usefixtures("untouched")
def test_its_folder_passes_the_check(package: Path) -> None:
    recorded = CliRunner().invoke(cli, ["connector", "record", str(package)])
    assert recorded.exit_code == 0, recorded.output
    checked = CliRunner().invoke(cli, ["connector", "check", str(package)])
    assert checked.output == "lantern-post: sound, 4 cases, bronze\n"


@pytest.mark.usefixtures("package")
def test_commands_know_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(cli, ["couriers", "list", "--local", "lantern"])
    assert told.exit_code == 0, told.output
    assert "Lantern Post" in told.output


async def test_a_courier_of_the_registry_cannot_be_declared(tmp_path: Path, package: Path) -> None:
    manifest = package / "manifest.toml"
    text = manifest.read_text("utf-8").replace('"lantern-post"', '"dpd"')
    manifest.write_text(text, "utf-8")
    with pytest.raises(InstallationError, match="dpd is in the registry"):
        await open_installation(config_of(tmp_path, {}))


@pytest.mark.usefixtures("package")
async def test_a_declared_courier_may_be_listed_later(tmp_path: Path) -> None:
    """The list is refreshed by the operator, who must not have to wait for a new connector then."""
    config = config_of(tmp_path, {})
    path = tmp_path / "couriers.json"
    config = replace(config, carriers=CarriersSection(registry_file=str(path)))
    listed = Listed(code="lantern-post", name="Lantern Post Ltd")
    write_file(path, ListFile(source="a test", fetched_at="2026-11-30", couriers=(listed,)))
    app = await open_installation(config)
    try:
        courier = app.registry.get("lantern-post")
        assert courier is not None
        assert (courier.name, courier.country) == ("Lantern Post Ltd", "CH")
        assert courier.status == "listed"
    finally:
        await app.close()
