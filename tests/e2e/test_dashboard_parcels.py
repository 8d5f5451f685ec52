"""Parcels on the dashboard over real HTTP: found, added, pasted, changed.

Hostile text.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from msgspec import convert, json
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import HOUR
from parcelwire.domain.report import UnmappedCode
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Correction, Details
from parcelwire.pages.dashboard.drafting import DETAIL_LABELS
from parcelwire.polling.ports import Pause
from parcelwire.store import walks
from parcelwire.tracking.ports import PollResult, RawResponse, Stored, TrackingFilter
from parcelwire.webhooks.message import MessageComposer
from tests.support.dashboard import numbers, open_dashboard
from tests.support.dashboard_parcels import checkpoint, put_parcel, put_parcels

NUMBER = "990012345612345678"
CANARY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}${7*7}"


async def test_finding_parcels(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        parcels = await put_parcels(desk)
        person = await desk.person(scope="write")

        async def found(query: str) -> set[str]:
            page = (await person.get(f"/trackings?{query}")).text
            return {name for name, one in parcels.items() if f"/trackings/{one.id}" in page}

        everything = set(parcels)
        assert await found("") == everything
        assert await found("q=9900") == everything
        assert await found(f"q={quote('99.00.123456.12345680')}") == {"exception"}
        assert await found("q=990012345612345683") == {"delivered"}
        assert await found("q=1001") == {"transit", "waiting"}
        assert await found("q=%00%ff") == set()
        assert await found("status=exception&status=expired") == {"exception", "expired"}
        assert await found("status=nonsense") == everything
        assert await found("courier=Swiss_Post") == everything
        assert await found("courier=dhl") == set()
        assert await found("from=2026-03-01&to=2026-03-01") == everything
        assert await found("to=2026-02-28") == set()
        assert await found("archived=yes") == set()
        for query in ("courier=nobody-knows", "from=yesterday", "to=2026-13-41", "from=0001-01-01"):
            answer = await person.get(f"/trackings?{query}")
            assert answer.status in {200, 422}, query
            assert "Something went wrong" not in answer.text
        page = (await person.get("/trackings")).text
        assert "Exception <b>1</b>" in page
        assert "All <b>6</b>" in page


async def test_paging_by_place(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        wanted = []
        for number in numbers(120):
            desk.clock.advance(0.5)
            wanted.append((await put_parcel(desk, number, Status.TRANSIT)).id)
        person = await desk.person()
        seen: list[str] = []
        path = "/trackings?status=transit"
        for _ in range(5):
            page = (await person.get(path)).text
            seen += [
                part[:32] for part in page.split('class="number" href="/dashboard/trackings/')[1:]
            ]
            if 'rel="next"' not in page:
                break
            path = page.split('rel="next" href="/dashboard')[1].split('"')[0].replace("&amp;", "&")
        assert seen == wanted[::-1]
        for place in ("x", "-", "0-0", f"{'f' * 30}-{'0' * 32}", "1-" + "g" * 32):
            assert (await person.get(f"/trackings?after={place}")).status == 200


async def test_saved_views(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person()
        page = await person.do(
            "/trackings/views", {"name": CANARY[:40], "query": "status=exception&q=99&evil=1"}
        )
        assert "?q=99&amp;status=exception" in page.text
        assert "evil" not in page.text
        assert "<script>alert" not in page.text
        ((view_id, _),) = await desk.house.store.list_records("view", str(desk.world_id))
        for query in ({"name": "", "query": "q=1"}, {"name": "x", "query": "evil=1"}, {}):
            assert "at least one filter" in (await person.do("/trackings/views", query)).text
        await person.do(f"/trackings/views/{view_id}/delete")
        assert await desk.house.store.list_records("view", str(desk.world_id)) == []


async def test_adding_one(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person()
        page = await person.do(
            "/add/one",
            {"number": "99.00.123456.12345678", "title": "Books", "destination_country": "ch"},
        )
        assert "It is followed from now on." in page.text
        (stored,) = await desk.house.store.find(desk.world_id, NUMBER)
        assert stored.tracking.details == Details(title="Books", destination_country="CH")
        assert (
            "followed with swiss-post already"
            in (await person.do("/add/one", {"number": NUMBER})).text
        )
        for fields, why in (
            ({"number": ""}, "There is no tracking number"),
            ({"number": "!!!"}, "This is no tracking number"),
            ({"number": "x" * 5_000}, "far too long"),
            ({"number": "ABCDE1", "courier_code": ""}, "fits no courier"),
            ({"number": NUMBER, "courier_code": "nobody"}, "There is no courier nobody"),
            ({"number": NUMBER, "destination_country": "Switzerland"}, "two letters"),
            ({"number": NUMBER, "note": "x" * 6_000}, "at most 5,000"),
            ({"number": NUMBER, "note": "a\x07b"}, "control characters"),
            ({"number": NUMBER, "ship_date": "soon"}, "a date is written"),
        ):
            answer = await person.post("/add/one", fields)
            assert answer.status == 422, fields
            assert why in answer.text, fields
        assert await desk.total() == 1


async def test_pasting_two_hundred(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        person = await desk.person()
        wanted = numbers(196)
        pasted = ["!!", *wanted, "ABCDE1", wanted[0], wanted[1].lower(), "99.00.000000.00000002"]
        text = "".join(one + ",;|\t\n"[at % 5] for at, one in enumerate(pasted))
        answer = await person.post("/add/many", {"numbers": text})
        assert answer.status == 200
        assert "196 of 199 numbers added" in answer.text
        assert "1 followed already, 2 refused" in answer.text
        assert await desk.total() == 196
        for text, why in (
            ("", "no number in the list"),
            (" ,;\n", "no number in the list"),
            ("\n".join(numbers(201)), "201 numbers; 200 can be pasted"),
            ("x" * 500, "far too long"),
        ):
            answer = await person.post("/add/many", {"numbers": text})
            assert (answer.status, why in answer.text) == (422, True), text[:20]


# --- one parcel -------------------------------------------------------------------------------


async def test_what_can_be_done_with_a_parcel(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        parcels = await put_parcels(desk)
        person = await desk.person()
        place = f"/trackings/{parcels['transit'].id}"

        async def now() -> Stored:
            stored = await desk.house.store.load(desk.world_id, parcels["transit"].id)
            assert stored is not None
            return stored

        page = (await person.get(place)).text
        for word in (
            "Sortiert für die Zustellung",
            "LETTER.*.88.912",
            "time zone unknown",
            "UTC+01:00, said by the carrier",
            "withdrawn by the carrier",
            "a note",
            "on its way: every hour",
            "2026-03-03 14:00",
            "At a hub",
            "2 × Lamp &lt;b&gt;",
        ):
            assert word in page, word
        assert "Nobody configured a way to ask" in (await person.do(f"{place}/refresh")).text
        assert "asked no more" in (await person.do(f"{place}/stop")).text
        assert (await now()).poll.due_at is None
        await person.do(f"{place}/archive", {"archive": "yes"})
        assert (await now()).tracking.is_archived
        await person.do(f"{place}/details", {"title": "", "note": "fragile"})
        details = (await now()).tracking.details
        assert (details.title, details.note, details.order_number) == (None, "fragile", "1001")
        answer = await person.post(f"{place}/details", {"origin_country": "Germany"})
        assert (answer.status, "two letters" in answer.text) == (422, True)
        assert 'value="Germany"' in answer.text
        await person.do(f"{place}/status", {"status": "delivered"})
        assert (await now()).tracking.status is Status.DELIVERED
        await person.do(f"{place}/status", {"status": ""})
        assert (await now()).tracking.status is not Status.DELIVERED
        for code, says in (("nobody", "is no courier"), ("mondialrelay", "needs postal code")):
            answer = await person.post(f"{place}/courier", {"courier_code": code})
            assert (answer.status, says in answer.text) == (422, True)
        page = (await person.do(f"{place}/courier", {"courier_code": "dhl"})).text
        assert "Courier corrected from Swiss Post to DHL" in page
        assert "Only an expired" in (await person.do(f"{place}/retrack")).text
        expired = f"/trackings/{parcels['expired'].id}"
        assert "followed again" in (await person.do(f"{expired}/retrack")).text
        page = (await person.do(f"{place}/delete")).text
        assert f"{parcels['transit'].number} is deleted" in page
        assert (await person.get(place)).status == 404


async def test_what_needs_attention_stands_in_the_order_of_urgency(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        parcels = await put_parcels(desk)
        person = await desk.person(scope="read")
        page = (await person.get("/attention")).text
        order = ["waiting", "exception", "undelivered", "expired"]
        places = [page.index(parcels[name].id) for name in order]
        assert places == sorted(places)
        assert parcels["delivered"].id not in page
        assert "goes back in 2 days, on 2026-03-03" in page
        page = (await person.get("/attention?kind=expired")).text
        assert parcels["exception"].id not in page


async def test_parcels_that_wait_for_a_silent_carrier_are_counted_or_said_to_be_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_dashboard(tmp_path) as desk:
        await put_parcels(desk)
        now = desk.clock.now()
        pause = Pause(until=now + HOUR, failures=3, reason="HTTP 503", since=now)
        await desk.house.store.set_pause("swiss-post:web", pause)
        person = await desk.person(scope="read")
        under_way = await desk.house.store.count_trackings(
            desk.world_id,
            TrackingFilter(
                courier_code="swiss-post",
                is_archived=False,
                statuses=(Status.TRANSIT, Status.PICKUP, Status.EXCEPTION, Status.UNDELIVERED),
            ),
        )
        assert under_way > 1
        assert f"{under_way} parcels (" in (await person.get("/attention")).text
        monkeypatch.setattr(walks, "MOST_COUNTED", 0)
        assert "More than 10,000 parcels (" in (await person.get("/attention")).text


async def test_hostile_text_stays_text_everywhere(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        store, now = desk.house.store, desk.clock.now()
        account = replace(desk.account, name=CANARY, phone=CANARY)
        await store.save_account(account)
        details = convert(dict.fromkeys(DETAIL_LABELS, CANARY), Details)
        tracking = await put_parcel(
            desk,
            NUMBER,
            Status.EXCEPTION,
            details=details,
            source=CANARY,
            typed_number=CANARY,
            stopped_reason=CANARY,
            is_stopped=True,
            checkpoints=(
                checkpoint(
                    desk.clock,
                    1,
                    CANARY,
                    raw_code=CANARY,
                    location=CANARY,
                    language='x" onload="alert(1)',
                    status=Status.EXCEPTION,
                ),
            ),
            corrections=(
                Correction(at=now, from_courier=CANARY, to_courier=CANARY, reason=CANARY),
            ),
        )
        endpoint = Endpoint(
            id="e" * 32,
            world_id=desk.world_id,
            url="http://127.0.0.1/" + CANARY,
            dialect=CANARY,
            secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            description=CANARY,
            headers={"x-" + CANARY: CANARY},
            disabled_reason=CANARY,
            is_enabled=False,
            created_at=now,
        )
        await store.add_endpoint(endpoint)
        composer = MessageComposer({}, desk.house.identifiers)
        message = composer.compose_test(replace(endpoint, dialect="native"), now)
        await store.add_messages([replace(message, event_type=CANARY, tracking_id=tracking.id)])
        await store.add_unmapped_codes(
            CANARY, [UnmappedCode(kind=CANARY, value=CANARY, sample=CANARY)], now
        )
        said = json.encode({"at": now, "rating": "bad", "text": CANARY})
        await store.change_record("feedback", tracking.id, "f", lambda _: said, at=now)
        key = await desk.add_key(label=CANARY, scope="admin")
        raw = RawResponse(at=now, connector=CANARY, outcome=CANARY, body=CANARY.encode())
        stored = await store.load(desk.world_id, tracking.id)
        assert stored is not None
        poll = replace(stored.poll, last_detail=CANARY, due_reason=CANARY, last_outcome=CANARY)
        await store.save_polls([PollResult(tracking_id=tracking.id, poll=poll, raw=raw)])
        person = await desk.browser()
        await person.login(key=key)
        typed = quote(CANARY)
        paths = [
            f"/trackings?q={typed}&courier={typed}&from={typed}&status={typed}",
            "/trackings?archived=all",
            f"/trackings/{tracking.id}",
            f"/trackings/{tracking.id}/answers",
            "/attention",
            f"/couriers?number={typed}&search={typed}&destination_country={typed}",
            f"/couriers/options?field=q&q={typed}",
            "/gaps",
            "/connectors",
            "/endpoints",
            f"/endpoints/{endpoint.id}",
            f"/messages?endpoint={typed}&state={typed}",
            f"/messages/{message.id}",
            "/keys",
            f"/brand?language={typed}",
        ]
        for path in paths:
            answer = await person.get(path)
            assert answer.status in {200, 422}, (path, answer.status)
            check(answer.text, path)
            if path.endswith(tracking.id):
                assert "went badly" in answer.text
                assert "&lt;script&gt;alert(1)" in answer.text
        for path in ("/add/one", "/add/many", "/endpoints", "/keys", "/connections", "/brand"):
            fields = dict.fromkeys(
                ("number", "numbers", "url", "dialect", "description", "label", "scope", "way"),
                CANARY,
            )
            fields |= dict.fromkeys(("name", "home_url", "links", "css", "text-footer"), CANARY)
            answer = await person.post(path, fields)
            assert answer.status in {200, 422}, (path, answer.status)
            check(answer.text, path)
        login = await (await desk.browser()).login(email=CANARY, password=CANARY)
        check(login.text, "login")


def check(text: str, where: str) -> None:
    """Fail where the canary is markup, or was reckoned by a template."""
    for hostile in ("<script>alert", "<img src=x", 'onload="alert', "49$", "}49"):
        assert hostile not in text, where
