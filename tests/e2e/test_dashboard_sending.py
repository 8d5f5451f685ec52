"""Endpoints, the log, connections and keys on the dashboard, over real HTTP."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from parcelwire.bootstrap import SystemClock
from parcelwire.bootstrap.dashboard import dashboard_settings
from parcelwire.config import CarriersSection, Config, NotificationsSection, StoreSection
from parcelwire.connectors.carriers.swiss_post import CONNECTOR as SWISS_POST
from parcelwire.connectors.mock_servers import Behaviour, Script, Setting
from parcelwire.connectors.mock_servers.server import MockServer, base_urls_of
from parcelwire.connectors.mock_servers.serving import run_mock_server
from parcelwire.domain.status import Status
from parcelwire.webhooks import endpoints as use_cases
from parcelwire.webhooks.ports import MessageFilter, MessageState
from tests.support.dashboard import Desk, Person, open_dashboard, receiving
from tests.support.dashboard_parcels import put_parcel

CLIENT = {"client_id": "shop", "client_secret": "made-up-for-this-test"}


async def make_endpoint(desk: Desk, person: Person, url: str, **fields: Any) -> tuple[str, str]:
    """Make an endpoint; return its path and the secret that is shown."""
    answer = await person.post("/endpoints", {"url": url, "dialect": "native", **fields})
    assert answer.status == 200, answer.text
    found = re.search(r"whsec_[A-Za-z0-9+/=]+", answer.text)
    assert found
    endpoints = await desk.house.store.list_endpoints(desk.world_id)
    return f"/endpoints/{endpoints[-1].id}", found[0]


async def test_the_life_of_an_endpoint(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk, receiving() as receiver:
        person, store = await desk.person(), desk.house.store
        place, secret = await make_endpoint(
            desk, person, receiver.url, headers="Authorization: Bearer s3cret\nX-A: 1"
        )
        page = (await person.get(place)).text
        assert secret not in page
        assert "s3cret" not in page
        assert "authorization, x-a" in page
        page = (await person.do(f"{place}/test")).text
        assert "The test arrived: HTTP 200" in page
        assert len(receiver.bodies) == 1
        receiver.status = 500
        assert "The test was not taken" in (await person.do(f"{place}/test")).text
        assert "It is paused" in (await person.do(f"{place}/pause")).text
        assert "switched off" in (await person.do(f"{place}/test")).text
        assert "It is enabled" in (await person.do(f"{place}/enable")).text
        answer = await person.post(f"{place}/rotate", {"overlap": "yes"})
        new_secret = re.search(r"whsec_[A-Za-z0-9+/=]+", answer.text)
        assert new_secret
        (endpoint,) = await store.list_endpoints(desk.world_id)
        assert (endpoint.secret, endpoint.previous_secret) == (new_secret[0], secret)
        assert endpoint.headers == {"authorization": "Bearer s3cret", "x-a": "1"}
        await person.do(
            place,
            [
                ("url", receiver.url),
                ("statuses", "delivered"),
                ("statuses", "exception"),
                ("event_types", "tracking.updated"),
                ("rate_per_second", "2.5"),
                ("concurrency", "3"),
            ],
        )
        (endpoint,) = await store.list_endpoints(desk.world_id)
        assert endpoint.statuses == ("delivered", "exception")
        assert (endpoint.rate_per_second, endpoint.concurrency) == (2.5, 3)
        assert endpoint.headers == {"authorization": "Bearer s3cret", "x-a": "1"}
        await person.do(place, {"url": receiver.url, "clear_headers": "yes"})
        (endpoint,) = await store.list_endpoints(desk.world_id)
        assert (endpoint.statuses, endpoint.headers) == ((), {})
        await person.do(f"{place}/delete")
        assert await store.list_endpoints(desk.world_id) == []


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"url": ""}, "This address is refused"),
        ({"url": "ftp://example.com/"}, "This address is refused"),
        ({"url": "http://10.0.0.1/hook"}, "This address is refused"),
        ({"url": "http://169.254.169.254/latest"}, "This address is refused"),
        ({"dialect": "v9"}, "Choose a form"),
        ({"rate_per_second": "many"}, "0.01 to 10,000"),
        ({"rate_per_second": "nan"}, "0.01 to 10,000"),
        ({"rate_per_second": "-1"}, "0.01 to 10,000"),
        ({"concurrency": "1.5"}, "1 to 1,000"),
        ({"concurrency": "1e9"}, "1 to 1,000"),
        ({"headers": "nonsense"}, "Name: value"),
        ({"headers": "Host: evil"}, "These headers are refused"),
        ({"headers": "X-A: 1\nX-a: 2"}, "These headers are refused"),
        ({"description": "x" * 501}, "at most 500"),
        ({"statuses": "gone"}, "Choose statuses"),
        ({"event_types": "endpoint.test"}, "Choose events"),
    ],
)
async def test_endpoints_that_are_refused(tmp_path: Path, fields: dict[str, str], why: str) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person()
        answer = await person.post("/endpoints", {"url": "http://127.0.0.1:8099/", **fields})
        assert (answer.status, why in answer.text) == (422, True), answer.text[-1_500:]
        assert await desk.house.store.list_endpoints(desk.world_id) == []


async def test_a_world_has_only_so_many_endpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use_cases, "MOST_ENDPOINTS", 1)
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person()
        await make_endpoint(desk, person, "http://127.0.0.1:8099/")
        answer = await person.post("/endpoints", {"url": "http://127.0.0.1:8099/"})
        assert (answer.status, "There are 1 endpoints already." in answer.text) == (422, True)
        assert len(await desk.house.store.list_endpoints(desk.world_id)) == 1


async def test_resending_and_replaying(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk, receiving() as receiver:
        person, house = await desk.person(), desk.house
        place, _ = await make_endpoint(desk, person, receiver.url)
        parcel = await put_parcel(desk, "990012345612345678", Status.PENDING)
        await person.do(f"/trackings/{parcel.id}/status", {"status": "delivered"})
        while await house.delivery.step():
            pass
        (message,) = (await house.store.list_messages(desk.world_id, MessageFilter())).messages
        assert message.state is MessageState.DELIVERED
        assert len(receiver.bodies) == 1
        page = (await person.get(f"/trackings/{parcel.id}")).text
        assert "tracking.status_changed" in page
        assert f"/messages/{message.id}/resend" in page
        page = (await person.do(f"/messages/{message.id}/resend")).text
        assert "It is sent again now." in page
        while await house.delivery.step():
            pass
        assert receiver.bodies[0] == receiver.bodies[1]
        page = (await person.do(f"{place}/replay", {"states": "delivered"})).text
        assert "1 message will be sent again." in page
        while await house.delivery.step():
            pass
        assert len(receiver.bodies) == 3
        page = (await person.get(f"/messages/{message.id}")).text
        assert page.count("HTTP 200") == 3
        assert "&lt;b&gt;thanks&lt;/b&gt;" in page
        assert parcel.number in page
        for path, wanted in (
            ("/messages", True),
            ("/messages?state=delivered", True),
            ("/messages?state=dead", False),
            (f"/messages?endpoint={place.rpartition('/')[2]}", True),
            (f"/messages?before={message.id}", False),
        ):
            assert (message.id in (await person.get(path)).text) is wanted, path
        for fields, why in (
            ({}, "Say which"),
            ({"states": "pending"}, "Say which"),
            ({"since": "yesterday"}, "is no time"),
            ({"until": "2026-99-99T00:00"}, "is no time"),
        ):
            answer = await person.post(f"{place}/replay", fields)
            assert (answer.status, why in answer.text) == (422, True)
        page = (await person.do(f"{place}/replay", {"since": "2026-03-01T10:01"})).text
        assert "0 messages will be sent again." in page


async def test_credentials_are_tried_and_never_shown(tmp_path: Path) -> None:
    script = Script(scenario_seconds=0)
    app = MockServer(SWISS_POST, SystemClock(), script, credentials=CLIENT).application()
    async with run_mock_server(app) as address:
        carriers = CarriersSection(
            registry_file=str(tmp_path / "couriers.json"),
            base_urls={"swiss-post": base_urls_of(SWISS_POST, address)},
        )
        async with open_dashboard(tmp_path, clock=SystemClock(), carriers=carriers) as desk:
            person, store = await desk.person(scope="admin"), desk.house.store

            async def connect(**credentials: str) -> str:
                fields = {f"swiss-post/api/{name}": value for name, value in credentials.items()}
                await person.do("/connections", {"way": "swiss-post/api", **fields})
                return (await store.list_connections(desk.account.number))[-1].id

            good = await connect(**CLIENT)
            bad = await connect(client_id="shop", client_secret="another-secret")
            number = {"number": "990012345612345111"}
            answer = await person.post(f"/connections/{good}/test", number)
            assert "These credentials work." in answer.text
            assert "It told" in answer.text
            answer = await person.post(f"/connections/{bad}/test", number)
            assert "This did not work." in answer.text
            assert "refuses the credentials" in answer.text
            for text in (CLIENT["client_secret"], "another-secret"):
                assert text not in answer.text
            # A test changes nothing: neither is marked as broken.
            assert all(
                one.broken_since is None
                for one in await store.list_connections(desk.account.number)
            )
            script.every = Setting(behaviour=Behaviour.HTML)
            answer = await person.post(f"/connections/{good}/test", number)
            assert "not understood" in answer.text
            answer = await person.post(f"/connections/{good}/test", {"number": "!"})
            assert answer.status == 422
            for fields in (
                {},
                {"way": "nobody/api"},
                {"way": "swiss-post/api"},
                {"way": "swiss-post/web"},
                {"way": "swiss-post/api", "swiss-post/api/client_id": "x" * 20_000},
            ):
                assert (await person.post("/connections", fields)).status == 422
            await person.do(f"/connections/{bad}/delete")
            assert [one.id for one in await store.list_connections(desk.account.number)] == [good]


async def test_keys(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person(scope="admin")
        answer = await person.post("/keys", {"label": "till", "scope": "read", "world": "live"})
        found = re.search(r"pw_live_[0-9A-Za-z]{38}", answer.text)
        assert found
        assert found[0] not in (await person.get("/keys")).text
        till = await desk.browser()
        assert (await till.login(key=found[0])).status == 303
        await person.do(f"/keys/{found[0][:16]}/revoke")
        assert (await till.get("/trackings")).status == 303
        own = next(
            one.prefix
            for one in await desk.house.store.list_keys(desk.account.number)
            if one.scope == "admin"
        )
        page = (await person.do(f"/keys/{own}/revoke")).text
        assert "You are logged in with this key." in page
        for fields in ({"scope": "god"}, {"scope": "read", "label": "x" * 201}, {}):
            assert (await person.post("/keys", fields)).status == 422
        tester = await desk.person(scope="admin", is_test=True)
        assert "pw_live_" not in (await tester.get("/keys")).text
        answer = await tester.post("/keys", {"scope": "read", "world": "live"})
        assert (answer.status, "test keys only" in answer.text) == (422, True)


async def test_settings_are_shown_without_secrets(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person(scope="admin")
        page = (await person.get("/settings")).text
        assert "max_body_bytes" in page
        assert "2000000" in page
        config = Config(
            store=StoreSection(url="postgresql://me:s3cret@db.example/parcels"),
            notifications=NotificationsSection(
                password="hunter2", operator_urls=("slack://s3cret/x",)
            ),
        )
        shown = str(dashboard_settings(config).effective)
        assert "s3cret" not in shown
        assert "hunter2" not in shown
        assert "postgresql://me:…@db.example/parcels" in shown


async def test_a_server_without_the_new_sealing_key_says_so(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person, store = await desk.person(), desk.house.store
        (key,) = await store.sealing_keys()
        # On another machine the key was rotated, and its file was not copied here.
        await store.begin_rotation(key.fingerprint, "f" * 16, desk.clock.now())
        answer = await person.post("/endpoints", {"url": "https://shop.example/h"})
        assert answer.status == 503
        assert "encryption key is missing" in answer.text
        assert (await person.get("/endpoints")).status == 200
