"""The native API's lists of trackings: conditions, pages, and what a listed one shows."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from parcelwire.api.native.paging import make_cursor
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import MINUTE, SECOND, iso_utc
from parcelwire.domain.status import Reason, Status, Substatus
from tests.support.carriers import report
from tests.support.native_shop import SWISS, Shop, ok, refused

# --- lists ------------------------------------------------------------------------------------


async def numbers(shop: Shop, query: str) -> list[str]:
    page = ok(await shop.ask("GET", "/api/trackings", query=query))
    assert (page["next_cursor"], page["has_more"]) == (None, False)
    return [one["number"] for one in page["items"]]


async def test_conditions_of_a_list(both: Shop) -> None:
    first = await both.follow("RA123456785CH", details={"order_number": "1001"})
    both.house.clock.advance(10.5)
    await both.follow("RA123456799CH", details={"order_id": "a,b"})
    both.house.clock.advance(10)
    third = await both.follow(SWISS)
    await both.follow(SWISS, courier_code="bartolini")
    ok(await both.ask("PATCH", f"/api/trackings/{first['id']}", json={"is_archived": True}))
    ok(
        await both.ask(
            "PATCH", f"/api/trackings/{third['id']}", json={"status_override": "delivered"}
        )
    )
    everything = [SWISS, SWISS, "RA123456799CH", "RA123456785CH"]
    start = both.house.clock.now()
    counts: dict[str, Any] = {}
    expectations: dict[str, list[str]] = {
        "": everything,
        "number=ra+123456785+ch": everything[3:],
        "number=RA123456785CH&number=RA123456799CH": everything[2:],
        "number=nothing": [],
        "number_prefix=ra123456": everything[2:],
        "number_prefix=RA1234567990000": [],
        "status=delivered": [SWISS],
        "status=delivered&status=pending&status=pending": everything,
        "status=transit": [],
        "courier_code=brt-it": [SWISS],
        "courier_code=nobody": [],
        "order=1001": ["RA123456785CH"],
        "order=a%2Cb&order=1001": everything[2:],
        "is_archived=true": ["RA123456785CH"],
        "is_archived=false": everything[:3],
        f"created_min={iso_utc(start).replace('+', '%2B')}": everything[:2],
        f"created_max={iso_utc(start - 10 * SECOND).replace('+00:00', 'Z')}": everything[2:],
        # A plus that somebody forgot to escape.
        f"created_min={iso_utc(start)}": everything[:2],
        f"updated_min={iso_utc(start)}": [SWISS, SWISS, "RA123456785CH"],
        f"updated_max={iso_utc(start - MINUTE)}": [],
        "status=pending&is_archived=false&number_prefix=ra1": ["RA123456799CH"],
    }
    for query, expected in expectations.items():
        assert await numbers(both, query) == expected, query
        counts = ok(await both.ask("GET", "/api/trackings/counts", query=query))
        assert counts["total"] == sum(counts["by_status"].values()) == len(expected), query
    assert list(counts["by_status"]) == list(Status)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("limit=5&limit=6", "limit"),
        ("status=lost", "status"),
        ("status=", "status"),
        ("statuses=transit", "statuses"),
        ("is_archived=perhaps", "is_archived"),
        ("is_archived=null", "is_archived"),
        ("created_min=2026-03-01", "created_min"),
        ("created_min=2026-03-01T10:00:00", "created_min"),
        ("created_min=1772359200", "created_min"),
        ("created_min=null", "created_min"),
        ("created_min=", "created_min"),
        ("number_prefix=ra", "number_prefix"),
        ("number_prefix=ra%25", "number_prefix"),
        ("number=a%00b", "number"),
        ("order=", "order"),
        ("courier_code=", "courier_code"),
        ("cursor=" + "a" * 501, "cursor"),
        ("cursor=a=b", "cursor"),
        ("cursor=%C3%A9", "cursor"),
    ],
)
async def test_a_query_that_does_not_fit_is_told(shop: Shop, query: str, field: str) -> None:
    problem = refused(await shop.ask("GET", "/api/trackings", query=query), 400, "invalid-query")
    assert problem["errors"][0]["field"].partition("[")[0] == field


async def test_pages_follow_each_other(both: Shop) -> None:
    made = [
        (await both.follow(f"RA{number:09d}CH", courier_code="swiss-post"))["id"]
        for number in range(7)
    ]
    path, query = "/api/trackings", "limit=3&courier_code=swiss-post"
    seen: list[str] = []
    for size in (3, 3, 1):
        answer = await both.ask("GET", path, query=query)
        page = ok(answer)
        assert len(page["items"]) == size
        seen += [one["id"] for one in page["items"]]
        assert page["has_more"] is (size == 3 and len(seen) < 7)
        if page["has_more"]:
            link, _, rel = answer.headers["link"].partition(">; ")
            assert rel == 'rel="next"'
            path, _, query = link.removeprefix("<").partition("?")
            assert f"cursor={page['next_cursor']}" in query
    assert "link" not in answer.headers
    assert page["next_cursor"] is None
    assert seen == made[::-1]


@pytest.mark.parametrize(
    "cursor",
    ["a", "AAAA", "W10", "bnVsbA", "WyJldmVudHMiLDEsMl0", "-_"]
    + [
        make_cursor("trackings", *values)
        for values in (("a", 1), (1,), (2**70, "0" * 32), (1, "x"), (-1, "0" * 32), (1, "0" * 31))
    ],
)
async def test_a_cursor_that_is_none_of_ours(both: Shop, cursor: str) -> None:
    answer = await both.ask("GET", "/api/trackings", query=f"cursor={quote(cursor)}")
    refused(answer, 400, "invalid-cursor")


async def test_substatus_and_reason_are_shown(shop: Shop) -> None:
    shop.house.carriers.script(
        "swiss-post",
        SWISS,
        report(
            SWISS,
            Checkpoint(
                local_time="2026-02-28",
                text="Nobody at home",
                status=Status.UNDELIVERED,
                substatus=Substatus.UNDELIVERED_NOBODY_HOME,
                reason=Reason.RECIPIENT_ABSENT,
            ),
        ),
    )
    made = await shop.follow(SWISS)
    await shop.house.service.drain()
    said = ok(await shop.ask("GET", f"/api/trackings/{made['id']}"))
    assert (said["substatus"], said["reason"]) == ("undelivered002", "recipient.absent")
    # Only a date is known of it, and no offset is invented.
    assert said["checkpoints"][0]["occurred_at"] == "2026-02-28"
    assert said["checkpoints"][0]["time_source"] == "unknown"


async def test_what_is_in_the_parcel(both: Shop) -> None:
    products = [{"name": "Boots <b>", "quantity": 2}, {"name": "Laces"}]
    followed = await both.follow(
        "SIM-NORMAL-0042", courier_code="swiss-post", details={"products": products}
    )
    assert followed["details"]["products"] == [
        {"name": "Boots <b>", "quantity": 2},
        {"name": "Laces", "quantity": 1},
    ]
    path = f"/api/trackings/{followed['id']}"
    emptied = ok(await both.ask("PATCH", path, json={"details": {"products": None}}))
    assert "products" not in emptied["details"]
    for wrong in ([{"name": ""}], [{"quantity": 1}], [{"name": "x", "quantity": 0}], ["x"], "x"):
        answer = await both.ask("PATCH", path, json={"details": {"products": wrong}})
        assert refused(answer, 422, "validation-failed")["errors"][0]["field"].startswith(
            "details.pro"
        )
