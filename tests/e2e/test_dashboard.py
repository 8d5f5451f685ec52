"""Who comes into the dashboard, how long they stay, and what they may, over real HTTP."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path
from typing import Any, Final

import pytest
from jinja2 import ChoiceLoader, DictLoader, PackageLoader
from starlette.responses import Response

from parcelwire.domain.access import WorldRule
from parcelwire.domain.status import Status
from parcelwire.pages.dashboard import application as dashboard
from parcelwire.pages.dashboard.registry import Page, Part, discover
from parcelwire.pages.dashboard.visit import Visit
from parcelwire.tracking.ports import TrackingFilter
from parcelwire.webhooks.message import MessageComposer
from tests.support.dashboard import Person, open_dashboard
from tests.support.dashboard_parcels import put_parcel, put_parcels
from tests.support.pages_run import blocks
from tests.support.terminal import Terminal


async def test_posts_from_elsewhere_change_nothing(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person()
        one = {"number": "990012345612345678"}
        for headers in (
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"origin": ""},
            {"origin": f"{desk.url}.evil.example"},
        ):
            assert (await person.post("/add/one", one, headers=headers)).status == 403, headers
        for csrf in ("", "0" * 64, "ü"):
            answer = await person.post("/add/one", {**one, "csrf": csrf})
            assert answer.status == 403
        other = await desk.person()
        assert (await person.post("/add/one", {**one, "csrf": other.csrf})).status == 403
        async with person.session.post(
            f"{desk.url}/dashboard/add/one",
            headers={"sec-fetch-site": "cross-site"},
            allow_redirects=False,
            data={"csrf": person.csrf, **one},
        ) as response:
            assert response.status == 403
        counts = await desk.house.store.count_by_status(desk.world_id, TrackingFilter())
        assert sum(counts.values()) == 0
        assert (await person.post("/add/one", one)).status == 303


async def test_what_a_scope_may(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        parcel = await put_parcel(desk, "990012345612345678", Status.TRANSIT)
        reader, writer = await desk.person(scope="read"), await desk.person(scope="write")
        admin = await desk.person(scope="admin")
        changes = [
            (f"{page.path}: {part.path}", part.path, part.scope)
            for page in discover()
            for part in page.parts
            if part.method == "POST"
        ]
        assert len(changes) > 20
        for name, path, scope in changes:
            place = path.replace("{id}", parcel.id).replace("{prefix}", "x")
            assert (await reader.post(place)).status == 403, name
            if scope == "admin":
                assert (await writer.post(place)).status == 403, name
        for path in ("/keys", "/brand", "/connections", "/settings"):
            assert (await writer.get(path)).status == 403
            assert (await admin.get(path)).status == 200
        page = (await reader.get("/trackings")).text
        assert "Add parcels" not in page
        assert "API keys" not in page
        page = (await reader.get(f"/trackings/{parcel.id}")).text
        assert "Delete" not in page
        assert "Ask the carrier now" not in page


async def test_other_peoples_things_are_not_there(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        store = desk.house.store
        stranger = await store.add_account("other@example.com", now=desk.clock.now())
        parcels = await put_parcels(desk)
        owner = await desk.person(scope="admin")
        await owner.post("/endpoints", {"url": "http://127.0.0.1:8099/hook"})
        (endpoint,) = await store.list_endpoints(desk.world_id)
        await owner.post(
            "/connections",
            {
                "way": "swiss-post/api",
                "swiss-post/api/client_id": "a",
                "swiss-post/api/client_secret": "b",
            },
        )
        (connection,) = await store.list_connections(desk.account.number)
        composer = MessageComposer({}, desk.house.identifiers)
        message = composer.compose_test(endpoint, desk.clock.now())
        await store.add_messages([message])
        key = await desk.add_key()
        other = await desk.person(stranger, scope="admin")
        test_world = await desk.person(scope="admin", is_test=True)
        ids = [parcels["transit"].id, endpoint.id, connection.id, message.id, key[:16]]
        for person in (other, test_world):
            for page in discover():
                calls = [("GET", page.path), *((part.method, part.path) for part in page.parts)]
                for method, path in calls:
                    if "{" not in path:
                        continue
                    is_refused = person is test_world and path.startswith("/connections")
                    for one in ids:
                        place = path.replace("{id}", one).replace("{prefix}", one)
                        ask = person.get if method == "GET" else person.post
                        answer = await ask(place)
                        assert answer.status == (403 if is_refused else 404), (method, place)
            everything = (await person.get("/trackings?archived=all")).text
            assert parcels["transit"].number not in everything
        assert (await owner.get(f"/trackings/{parcels['transit'].id}")).status == 200
        assert (await owner.get(f"/endpoints/{endpoint.id}")).status == 200
        # What belongs to the installation is for those who run it.
        for path in ("/gaps", "/settings"):
            assert (await other.get(path)).status == 403
            assert (await owner.get(path)).status == 403


async def test_the_two_worlds(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person()
        await person.do("/add/one", {"number": "990012345612345678"})
        page = await person.do("/world", {"world": "test"})
        assert "This is the test world" in page.text
        assert "990012345612345678" not in page.text
        await person.do("/add/one", {"number": "990012345612345679"})
        page = await person.do("/world", {"world": "live"})
        assert "990012345612345678" in page.text
        assert "990012345612345679" not in page.text
        # A test key stays where it belongs.
        bound = await desk.person(is_test=True)
        page = await bound.do("/world", {"world": "live"})
        assert "990012345612345679" in page.text
        assert "990012345612345678" not in page.text


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example/",
        "//evil.example",
        "/dashboard//evil.example",
        "/dashboard/\\evil",
        "/dashboard/\r\nx: y",
        "/t/abc",
        "javascript:alert(1)",
    ],
)
async def test_logging_in_leads_nowhere_else(tmp_path: Path, place: str) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.browser()
        answer = await person.ask(
            "POST", "/login", data={"key": await desk.add_key(), "next": place}
        )
        assert answer.place == "/trackings"


async def test_what_pages_forbid_to_browsers(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person(scope="admin")
        for path in ("/trackings", "/login", "/nothing", "/trackings/x", "/brand"):
            headers = (await person.get(path)).headers
            policy = headers["content-security-policy"]
            assert "unsafe" not in policy
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
        for page in (await person.get("/trackings"), await person.get("/brand")):
            assert not re.search(r"<[^>]+\son\w+=", page.text)
            assert not re.search(r"<script(?![^>]*\ssrc=)", page.text)
            assert "style=" not in page.text


async def test_bodies_that_are_no_forms(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person(scope="admin")
        text = {"content-type": "application/json"}
        assert (await person.ask("POST", "/add/one", data=b"{}", headers=text)).status == 415
        form = {"content-type": "application/x-www-form-urlencoded"}
        for body, status in (
            (b"csrf=%ff", 400),
            (b"a=" + b"1&a=" * 2_000, 400),
            (b"a=" + b"x" * 1_100_000, 413),
            (f"csrf={person.csrf}&number=a%00b".encode(), 400),
        ):
            data = io.BytesIO(body)
            answer = await person.ask("POST", "/add/one", data=data, headers=form)
            assert answer.status == status, body[:40]
        parts = {"content-type": "multipart/form-data; boundary=xx"}
        for body in (
            b"",
            b"--xx\r\n",
            b'--xx\r\ncontent-disposition: form-data; name="csrf"\r\n\r\n1',
            b"--xx\r\nno-name: 1\r\n\r\n1\r\n--xx--\r\n",
        ):
            answer = await person.ask("POST", "/brand", data=body, headers=parts)
            assert answer.status == 400, body
        answer = await person.ask(
            "POST", "/brand", data=b"x", headers={"content-type": "multipart/form-data"}
        )
        assert answer.status == 400


async def test_a_new_page_needs_no_change_elsewhere(tmp_path: Path) -> None:
    async def show(visit: Visit) -> Response:
        return await visit.show("gaps.html", gaps=[], most=1)

    shared: dict[str, Any] = {"handler": show, "scope": "read", "world": WorldRule.OWN}
    extra = (
        Page(path="/alerts", title="Alarm bells", section="Insight", **shared),
        Page(path="/hidden", title="Not in the menu", **shared),
        Page(
            path="/more", title="Own heading", section="Elsewhere", **{**shared, "scope": "admin"}
        ),
    )
    async with open_dashboard(tmp_path, extra=extra) as desk:
        person = await desk.person(scope="read")
        page = await person.get("/trackings")
        assert 'href="/dashboard/alerts"' in page.text
        assert "Insight" in page.text
        assert "Not in the menu" not in page.text
        assert "Own heading" not in page.text
        page = await person.get("/alerts")
        assert page.status == 200
        assert "<title>Alarm bells" in page.text
        assert (await person.get("/more")).status == 403
        admin = await desk.person(scope="admin")
        assert "Elsewhere" in (await admin.get("/more")).text


ALERTS = """{% extends "layout.html" %}
{% block content %}
<form method="post" action="/dashboard/alerts/7/mute">{{ ui.csrf(csrf) }}</form>
<p>delivered: {{ counts["delivered"] }}</p>
{% endblock %}
"""


async def test_the_page_of_the_documentation_works_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = blocks("docs/dashboard.md", "python")
    names: dict[str, Any] = {
        one.__name__: one for one in (Page, Part, Response, TrackingFilter, Visit, WorldRule)
    }
    exec(compile(block, "dashboard.md", "exec"), {**names, "Final": Final}, names)  # noqa: S102
    loader = ChoiceLoader(
        [PackageLoader("parcelwire.pages.dashboard"), DictLoader({"alerts.html": ALERTS})]
    )
    monkeypatch.setattr(dashboard, "PackageLoader", lambda _: loader)
    async with open_dashboard(tmp_path, extra=(names["PAGE"],)) as desk:
        await put_parcel(desk, "990012345612345678", Status.DELIVERED)
        reader, writer = await desk.person(scope="read"), await desk.person(scope="write")
        page = await reader.get("/alerts")
        assert page.status == 200
        assert "delivered: 1" in page.text
        assert 'href="/dashboard/alerts"' in page.text
        assert (await reader.post("/alerts/7/mute")).status == 403
        assert (await writer.post("/alerts/7/mute", {"csrf": "wrong"})).status == 403
        assert (await writer.post("/alerts/7/mute")).status == 303
        assert "It is muted." in (await writer.get("/alerts")).text


def test_the_command_that_sets_a_password(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal("key", "create", "--account", "you@shop.example")

    def type_in(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    type_in("short\n")
    said = terminal.fails("account", "password", "you@shop.example")
    assert said == "parcelwire: a password has at least 10 characters"
    type_in("a long enough one\n")
    said = terminal("account", "password", "you@shop.example")
    assert said == "you@shop.example can log in at /dashboard with this password.\n"
    assert "nobody@shop.example" in terminal.fails("account", "password", "nobody@shop.example")

    async def log_in(password: str) -> int:
        async with open_dashboard(terminal.folder) as desk:
            person = await desk.browser()
            return (await person.login(email="you@shop.example", password=password)).status

    assert asyncio.run(log_in("a long enough one")) == 303
    said = terminal("account", "password", "you@shop.example", "--remove")
    assert said == "you@shop.example has no password any more.\n"


async def test_htmx_is_told_to_log_in_again(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person: Person = await desk.browser()
        answer = await person.get("/trackings", headers={"hx-request": "true"})
        assert (answer.status, answer.headers["hx-redirect"]) == (401, "/dashboard/login")
