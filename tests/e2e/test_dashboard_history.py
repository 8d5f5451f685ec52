"""What changed of a parcel and how its carrier was asked, on the dashboard over real HTTP."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import quote

from msgspec.structs import replace

from parcelwire.domain.account import world_of
from parcelwire.domain.changes import CheckpointAdded, CourierCorrected, StatusChanged
from parcelwire.domain.clock import DAY, HOUR
from parcelwire.domain.status import Status
from parcelwire.tracking.ports import PastPoll, PollResult
from tests.support.dashboard import Person, open_dashboard
from tests.support.dashboard_history import kinds_of_change, put_changes, put_polls
from tests.support.dashboard_parcels import checkpoint, put_parcel

NUMBER = "990012345612345678"
CANARY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"
MOVED = StatusChanged(
    from_status=Status.TRANSIT,
    from_substatus=None,
    to_status=Status.PICKUP,
    to_substatus=None,
)


async def words(person: Person, path: str, heading: str) -> str:
    """Return the text under a heading of a page, blanks put together."""
    page = (await person.get(path)).text
    part = page.partition(f'id="{heading}"')[2].partition("</section>")[0]
    assert part, heading
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", "<" + part).split()))


async def test_every_kind_of_change_is_told_in_words(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        parcel = await put_parcel(desk, NUMBER, Status.TRANSIT)
        person = await desk.person(scope="read")
        place = f"/trackings/{parcel.id}"
        assert "Nothing has changed yet." in await words(person, place, "changes")
        await put_changes(desk, parcel, *kinds_of_change(desk))
        said = await words(person, place, "changes")
        wanted = (
            "7 just now 2026-03-01 10:00 Status: Held by customs → At a hub",
            "Status: On its way → Held by customs – customs want a payment",
            "Event withdrawn: 2026-02-28T04:00 · Aufgegeben · 8010 Zürich".replace("T", " "),
            "Expected: 2026-03-03 14:00 to 2026-03-03 17:00 → not said",
            "Event corrected: 2026-02-28 14:00 · Sortiert für die Zustellung · Härkingen"
            " → 2026-02-28 15:10 · Sortiert · Härkingen",
            "Expected: not said → 2026-03-03 14:00 to 2026-03-03 17:00",
            "Status: Pending → On its way",
            "New event: 2026-02-28 04:00 · Aufgegeben · 8010 Zürich",
            "Courier: DHL",
            "→ Swiss Post – dhl does not know it",
        )
        places = [said.find(one) for one in wanted]
        assert -1 not in places, [one for one in wanted if one not in said] + [said]
        assert places == sorted(places)
        page = (await person.get(place)).text
        assert '<span lang="de">2026-02-28 04:00 · Aufgegeben · 8010 Zürich</span>' in page


async def test_older_changes_are_a_page_away(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        parcel = await put_parcel(desk, NUMBER, Status.TRANSIT)
        await put_changes(desk, parcel, *[(MOVED,)] * 70)
        person = await desk.person(scope="read")
        place = f"/trackings/{parcel.id}"
        seen: list[int] = []
        for _ in range(9):
            page = (await person.get(place)).text
            seen += map(int, re.findall(r'data-label="No\.">(\d+)<', page))
            link = re.search(r'href="/dashboard(/trackings/\w+/changes\?before=\d+)"', page)
            if link is None:
                break
            place = link[1]
        assert seen == list(range(70, 0, -1))
        assert "no longer kept" not in page
        # From its beginning the page of changes has them all.
        assert 'data-label="No.">70<' in (await person.get(f"/trackings/{parcel.id}/changes")).text
        for odd in ("x", "-1", "9" * 30, "1e3", "٣", quote(CANARY)):
            answer = await person.get(f"/trackings/{parcel.id}/changes?before={odd}")
            assert answer.status == 200, odd
            assert 'data-label="No.">70<' in answer.text
        assert "Nothing has changed" not in answer.text


async def test_what_is_no_longer_kept_is_said(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        parcel = await put_parcel(desk, NUMBER, Status.TRANSIT)
        await put_changes(desk, parcel, *[(MOVED,)] * 5)
        person = await desk.person(scope="read")
        place = f"/trackings/{parcel.id}"
        await desk.house.store.prune_events(desk.clock.now() - 2 * HOUR)
        assert "2 older changes are no longer kept." in await words(person, place, "changes")
        await desk.house.store.prune_events(desk.clock.now() + DAY)
        assert "Its changes are no longer kept." in await words(person, place, "changes")


async def test_how_the_carrier_was_asked_is_told_with_reasons(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        parcel = await put_parcel(desk, NUMBER, Status.TRANSIT)
        person = await desk.person(scope="read")
        place = f"/trackings/{parcel.id}"
        before = await words(person, place, "past-polls")
        assert "Nobody was asked yet." in before
        assert "Next in 1 h : on its way: every hour." in before
        told = await put_polls(desk, parcel)
        assert await desk.house.store.past_polls(parcel.id) == told
        said = await words(person, place, "past-polls")
        wanted = (
            "5 min ago 2026-03-01 09:55 swiss-post nothing new 412 ms"
            " asked for by hand or by a program",
            "2 h ago 2026-03-01 08:00 nobody deferred"
            " – waiting for its turn in the carrier's budget",
            "nobody no connection –",
            "swiss-post not understood 2.8 s on its way: every 4 hours; after the carrier's night",
            "out of order HTTP 503 2.4 s",
            "credentials refused",
            "no such number",
            "number unknown 780 ms",
            "swiss-post brought news 380 ms new: asked at once",
        )
        places = [said.find(one) for one in wanted]
        assert -1 not in places, [one for one in wanted if one not in said] + [said]
        assert places == sorted(places)


async def test_a_real_poll_shows_on_the_page(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        world_id = world_of(desk.account.number, is_test=True)
        person = await desk.person(scope="write", is_test=True)
        page = await person.do("/add/one", {"number": NUMBER})
        (stored,) = await desk.house.store.find(world_id, NUMBER)
        place = f"/trackings/{stored.tracking.id}"
        desk.clock.advance(2 * HOUR / 1_000)
        await person.do(place + "/refresh")
        assert page.status == 200
        said = await words(person, place, "past-polls")
        assert "just now 2026-03-01 12:00 simulated" in said
        assert "asked for by hand or by a program" in said
        (past,) = await desk.house.store.past_polls(stored.tracking.id)
        changes = await desk.house.store.events_of(world_id, stored.tracking.id)
        assert past.has_changes == bool(changes)


async def test_nobody_sees_anothers_and_hostile_text_stays_text(tmp_path: Path) -> None:
    async with open_dashboard(tmp_path) as desk:
        parcel = await put_parcel(desk, NUMBER, Status.TRANSIT)
        hostile = checkpoint(desk.clock, 1, CANARY, location=CANARY, language='x" onload="alert(1)')
        await put_changes(
            desk,
            parcel,
            (
                CheckpointAdded(checkpoint=hostile),
                CourierCorrected(from_courier=CANARY, to_courier=CANARY, reason=CANARY),
            ),
        )
        stored = await desk.house.store.load(desk.world_id, parcel.id)
        assert stored is not None
        for past in (
            PastPoll(at=desk.clock.now(), outcome="found", connector=CANARY[:30]),
            PastPoll(at=desk.clock.now(), outcome=CANARY[:30], reason=CANARY[:30]),
            PastPoll(at=desk.clock.now(), outcome="found", detail=CANARY[:30]),
        ):
            poll = replace(stored.poll, due_reason=CANARY)
            result = PollResult(tracking_id=parcel.id, poll=poll, past=past)
            await desk.house.store.save_polls([result])
        person = await desk.person(scope="read")
        place = f"/trackings/{parcel.id}"
        for path in (place, place + "/changes"):
            page = (await person.get(path)).text
            assert "&lt;script&gt;alert(1)" in page
            for word in ("<script>alert", "<img src=x", 'onload="alert', "alert(2)&gt;49"):
                assert word not in page, (path, word)
        other = await desk.house.store.add_account("other@example.com", now=desk.clock.now())
        stranger = await desk.person(other, scope="admin")
        for path in (place, place + "/changes"):
            assert (await stranger.get(path)).status == 404
