"""Logging in to the dashboard: keys, passwords, sessions and where it leads."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from time import process_time
from typing import Any

from parcelwire.config import ServerSection
from parcelwire.domain.clock import DAY, HOUR, SECOND
from tests.support.dashboard import COOKIE, open_dashboard
from tests.support.dashboard_login import EMAIL, PASSWORD, give_password
from tests.support.hostile_inputs import cookie_of_backslashes
from tests.support.house import call


def sentence(text: str) -> str:
    """Return what a login page says, without what was typed."""
    return re.sub(r"\s+", " ", re.sub(r'value="[^"]*"|autofocus', "", text)).replace(" >", ">")


async def test_a_key_opens_the_dashboard_and_logging_out_closes_it(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.browser()
        answer = await person.get("/trackings?status=exception")
        assert (answer.status, answer.place) == (
            303,
            "/login?next=%2Fdashboard%2Ftrackings%3Fstatus%3Dexception",
        )
        key = await desk.add_key(scope="read")
        answer = await person.ask(
            "POST", "/login", data={"key": key, "next": "/dashboard/trackings?status=exception"}
        )
        assert (answer.status, answer.place) == (303, "/trackings?status=exception")
        cookie = answer.headers["set-cookie"].lower()
        for word in ("httponly", "samesite=strict", "path=/dashboard", f"max-age={7 * 86_400}"):
            assert word in cookie
        # Over plain http on loopback a Secure cookie would never come back.
        assert "secure" not in cookie
        page = await person.get(answer.place)
        assert page.status == 200
        token = person.cookie
        assert (await person.post("/logout")).status == 303
        person.session.cookie_jar.update_cookies({COOKIE: token})
        assert (await person.get("/trackings")).status == 303


async def test_only_the_digest_of_a_token_is_stored(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person()
        token = person.cookie
        assert len(token) >= 43  # 256 bits
        records = await desk.house.store.list_records("session", "dashboard")
        assert [name for name, _ in records] == [hashlib.sha256(token.encode()).hexdigest()]
        assert token.encode() not in b"".join(document for _, document in records)
    for file in tmp_path.glob("parcelwire.db*"):
        assert token.encode() not in file.read_bytes()


async def test_a_cookie_is_secure_where_the_installation_is(tmp_path: Path) -> None:
    server = ServerSection(public_url="https://parcels.example")
    async with open_dashboard(tmp_path, server=server) as desk:
        person = await desk.browser()
        answer = await person.ask("POST", "/login", data={"key": await desk.add_key()})
        assert "secure" in answer.headers["set-cookie"].lower()
        # The browser names the outer address, whatever stands in between calls this server.
        answer = await person.ask(
            "POST",
            "/login",
            data={"key": await desk.add_key()},
            headers={"origin": "https://parcels.example"},
        )
        assert answer.status == 303


async def test_wrong_keys_and_passwords_all_get_one_answer(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        await give_password(desk)
        person = await desk.browser()
        revoked = await desk.add_key(revoked_at=desk.clock.now())
        answers = [
            await person.login(**fields)
            for fields in (
                {"key": "nonsense"},
                {"key": revoked},
                {"key": revoked[:-1] + "x"},
                {"email": EMAIL, "password": "wrong"},
                {"email": "nobody@example.com", "password": PASSWORD},
                {"email": EMAIL, "password": ""},
                {},
            )
        ]
        assert {answer.status for answer in answers} == {401}
        assert len({sentence(answer.text) for answer in answers}) == 1
        assert (await person.login(email=EMAIL, password=PASSWORD)).status == 303
        assert "with password" in (await person.get("/trackings")).text


async def test_a_session_ends_when_its_key_expires(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person(expires_at=desk.clock.now() + HOUR)
        assert (await person.get("/trackings")).status == 200
        desk.clock.advance(3_600)
        answer = await person.get("/trackings")
        assert (answer.status, answer.place.partition("?")[0]) == (303, "/login")
        late = await desk.add_key(expires_at=desk.clock.now())
        assert (await person.login(key=late)).status == 401


async def test_the_keys_page_makes_keys_that_expire(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person(scope="admin")
        form = {"scope": "read", "world": "live", "label": "trial"}
        assert (await person.post("/keys", {**form, "expires_in": "1e9"})).status == 422
        assert (await person.post("/keys", {**form, "expires_in": "30"})).status == 200
        (made,) = [one for one in await desk.house.store.list_keys() if one.label == "trial"]
        assert made.expires_at == desk.clock.now() + 30 * DAY
        desk.clock.advance(6 * 3_600)
        assert "2026-03-31" in (await person.get("/keys")).text


async def test_a_session_ends_with_its_time_its_key_and_its_password(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        idle = await desk.person()
        desk.clock.advance(12 * HOUR / SECOND)
        assert (await idle.get("/trackings")).status == 303

        busy = await desk.person()
        for _ in range(14):
            desk.clock.advance(11.9 * HOUR / SECOND)
            assert (await busy.get("/trackings")).status == 200
        desk.clock.advance(7 * DAY / SECOND - 14 * 11.9 * HOUR / SECOND)
        assert (await busy.get("/trackings")).status == 303

        revoked = await desk.browser()
        key = await desk.add_key()
        await revoked.login(key=key)
        assert (await revoked.get("/trackings")).status == 200
        await desk.house.store.revoke_key(key[:16], desk.clock.now())
        assert (await revoked.get("/trackings")).status == 303

        await give_password(desk)
        person = await desk.browser()
        await person.login(email=EMAIL, password=PASSWORD)
        assert (await person.get("/trackings")).status == 200
        await give_password(desk, "another long password")
        assert (await person.get("/trackings")).status == 303


async def test_a_cookie_of_quoted_backslashes_costs_nothing(tmp_path: Path) -> None:
    """Python's own cookie parser takes 7 seconds for it, and everybody waits."""
    async with open_dashboard(tmp_path) as desk:
        app = desk.house.asgi(is_served=False)
        for name in (COOKIE, "other"):
            cookie = cookie_of_backslashes(60_000, name)
            began = process_time()
            answer = await call(app, "GET", "/dashboard", headers={"cookie": cookie})
            assert (answer.status, answer.headers["location"]) == (303, "/dashboard/login")
            assert process_time() - began < 3


async def test_no_form_is_read_of_somebody_who_may_not_send_it(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person(scope="read")
        app = desk.house.asgi(is_served=False)
        for cookie, status in ((None, 303), (person.cookie, 403)):
            for path in ("/dashboard/keys", "/dashboard/brand"):
                is_read, answered = await half_sent(app, path, cookie)
                assert (is_read, answered) == (False, status), path


async def test_a_login_form_is_small(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.browser()
        answer = await person.ask("POST", "/login", data={"key": "x" * 9_000})
        assert answer.status == 413


async def half_sent(app: Any, path: str, cookie: str | None) -> tuple[bool, int]:
    """Post a form that never arrives; return whether it was waited for, and the status."""
    headers = [
        (b"host", b"127.0.0.1"),
        (b"origin", b"http://127.0.0.1"),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"content-length", b"100"),
    ]
    if cookie is not None:
        headers.append((b"cookie", f"{COOKIE}={cookie}".encode()))
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": headers,
    }
    statuses: list[int] = []
    is_read = False

    async def receive() -> dict[str, Any]:
        nonlocal is_read
        is_read = True
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return is_read, statuses[0]
