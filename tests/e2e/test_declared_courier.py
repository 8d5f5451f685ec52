"""A carrier that nobody listed: its connector comes in a package, declares it, and is asked."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner
from msgspec.structs import replace

from parcelwire.bootstrap import InstallationError, open_installation
from parcelwire.cli.main import cli
from parcelwire.config import ApiSection, CarriersSection, Config, SecretsSection, StoreSection
from parcelwire.connectors.mock_servers.serving import run_mock_server
from parcelwire.connectors.new import Answers, write_connector
from parcelwire.couriers.refresh import Listed, ListFile, write_file
from parcelwire.domain.status import Status
from parcelwire.tracking.drafts import Draft

POINTS = "[parcelwire.connectors]\nlantern-post = lantern_post\n"
TOKEN = "signed-tokens-are-long." + "x" * 1_500
CREDENTIALS = {"client_id": "shop", "client_secret": "made-up-for-this-test"}
FOUND = (
    "<parcel><number>LP0000000001</number><state>known</state>"
    "<events><code>DELIVERED</code><text>Zugestellt</text><time>26.10.2025 02:40</time>"
    "<country>CH</country></events>"
    "<events><code>OUT</code><text>In Zustellung</text><time>25.10.2025 07:42</time>"
    "<country>CH</country></events></parcel>"
)


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
    return folder


def carrier(asked: list[str]) -> web.Application:
    """Return the carrier's API: a token for the right secret, and parcels for the token."""

    async def token(request: web.Request) -> web.Response:
        asked.append("token")
        if await request.json() != CREDENTIALS:
            return web.json_response({}, status=401)
        return web.json_response({"access_token": TOKEN, "expires_in": 600})

    async def track(request: web.Request) -> web.Response:
        asked.append("track")
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)
        numbers = re.findall("<number>(.*?)</number>", await request.text())
        unknown = "<parcel><number>{}</number><state>unknown</state></parcel>"
        parcels = [FOUND if one in FOUND else unknown.format(one) for one in numbers]
        body = f"<answer>{''.join(parcels)}</answer>"
        return web.Response(text=body, content_type="text/xml")

    application = web.Application()
    application.add_routes([web.post("/token", token), web.post("/track", track)])
    return application


def config_of(folder: Path, base_urls: dict[str, dict[str, str]]) -> Config:
    return Config(
        store=StoreSection(url=f"sqlite:{folder / 'here.db'}"),
        secrets=SecretsSection(key_file=str(folder / "here.key")),
        api=ApiSection(ask_seconds=5.0),
        carriers=CarriersSection(base_urls=base_urls),
    )


@pytest.mark.usefixtures("package")
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
            await app.connect(owner, "lantern-post", "api", CREDENTIALS)
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
            assert await app.store.list_gaps() == []
        finally:
            await app.close()


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
