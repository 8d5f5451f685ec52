"""v2: lists, filters, pages, counts, and calls with many items."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from parcelwire.domain.clock import SECOND
from parcelwire.store import walks
from tests.support.house import HouseUnderTest
from tests.support.v2 import (
    COURIER,
    NUMBER,
    ONE,
    OTHER_COURIER,
    OTHER_NUMBER,
    OTHER_PAIR,
    PAIR,
    ask,
    create,
    open_v2,
    succeed,
)

GET = "/v2/trackings/get"


def number(figure: int) -> str:
    return f"RS{figure:09d}CH"


async def fill(house: HouseUnderTest, count: int) -> None:
    """Follow ``count`` numbers, one each second."""
    for figure in range(count):
        await create(
            house,
            tracking_number=number(figure),
            order_id=f"order-{figure}",
            order_create_time=f"2026-02-{figure + 1:02d} 12:00",
        )
        house.clock.advance(1)


async def figures(house: HouseUnderTest, method: str = "GET", **sent: Any) -> list[int]:
    """Return which of the numbers of ``fill`` a list holds; [] for 4031."""
    code, data = await ask(house, method, GET, **sent)
    assert code in (200, 4031)
    return [int(item["tracking_number"][2:11]) for item in data["items"]] if code == 200 else []


async def test_pages_up_to_an_estimated_total_hold_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads on until the total is reached has all, though there are too many to count."""
    monkeypatch.setattr(walks, "MOST_COUNTED", 3)
    async with open_v2(tmp_path) as house:
        await fill(house, 9)
        house.clock.advance(10_000)
        await create(house, tracking_number=number(20))  # so the estimate is far too low
        since = f"created_at_min={house.clock.now() // SECOND - 20_000}"
        seen: list[str] = []
        page, total = 1, 1
        while len(seen) < total:
            data = await succeed(house, "GET", GET, query=f"page={page}&limit=2&{since}")
            total = int(data["total"])
            if not data["items"]:
                break
            seen += [item["tracking_number"] for item in data["items"]]
            page += 1
        assert len(seen) == 10


async def test_pages_newest_first_with_total_as_text(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await fill(house, 5)
        data = await succeed(house, "GET", GET, query="page=1&limit=2")
        assert [data[name] for name in ("page", "limit", "total", "count")] == [1, 2, "5", 2]
        assert [item["tracking_number"] for item in data["items"]] == [number(4), number(3)]
        data = await succeed(house, "GET", GET, query="page=3&limit=2")
        assert (data["count"], data["items"][0]["tracking_number"]) == (1, number(0))
        behind = await succeed(house, "GET", GET, query="page=4&limit=2")
        assert (behind["total"], behind["count"], behind["items"]) == ("5", 0, [])
        default = await succeed(house, "GET", GET)
        assert (default["page"], default["limit"], default["count"]) == (1, 100, 5)


async def test_the_php_classes_post_their_filters(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await fill(house, 4)
        body = {
            "page": 1,
            "limit": 2,
            "numbers": f"{number(1)},{number(3)}",
            "orders": None,
            "created_at_min": 0,
            "created_at_max": "",
            "status": "pending",
        }
        data = await succeed(house, "POST", GET, json=body)
        assert [item["tracking_number"] for item in data["items"]] == [number(3), number(1)]
        # A list where the manual has commas, and names in the query beside a body.
        listed = await figures(house, "POST", json={"numbers": [number(0)]}, query="limit=7")
        assert listed == [0]
        assert await figures(house, "POST", body=b"") == [3, 2, 1, 0]
        assert await figures(house, "GET", body=b'{"numbers":"%s"}' % number(2).encode()) == [2]


async def test_empty_values_are_no_conditions(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await fill(house, 2)
        for value in ("", "0", "null", "None", "undefined", "0.0"):
            names = "numbers orders status page limit lang created_at_min created_at_max"
            names += " update_time_max order_created_time_max"
            query = "&".join(f"{name}={value}" for name in names.split())
            assert await figures(house, query=query) == [1, 0], value


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("numbers=rs000000001ch,,%20RS000000003CH%20,RS000000001CH,nobody1", [3, 1]),
        ("orders=order-2,order-0", [2, 0]),
        ("created_at_min=1772359202", [4, 3, 2]),
        ("created_at_max=1772359202", [2, 1, 0]),
        ("created_at_min=1772359201.0&created_at_max=1772359202.5", [2, 1]),
        ("update_time_min=1772359204", [4]),
        ("update_time_max=1772359200", [0]),
        ("order_created_time_min=1769947200&order_created_time_max=1770120000", [2, 1, 0]),
        ("order_created_time_min=1770119999", [4, 3, 2]),
        ("status=pending", [4, 3, 2, 1, 0]),
        ("status=PENDING,%20transit", [4, 3, 2, 1, 0]),
        ("status=delivered", []),
        ("archived=true", [1]),
        ("archived=false", [4, 3, 2, 0]),
        ("archived=mixed", [4, 3, 2, 1, 0]),
        ("archived=", [4, 3, 2, 1, 0]),
        ("numbers=RS000000001CH&orders=order-2", []),
    ],
)
async def test_filters(query: str, expected: list[int], tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await fill(house, 5)
        stands_at = house.clock.now()
        house.clock.set(1_772_359_201_000)
        await succeed(house, "PUT", f"/v2/trackings/{COURIER}/{number(1)}", json={"archived": 1})
        house.clock.set(stands_at)
        assert await figures(house, query=query) == expected


async def test_more_than_the_limits_is_answered_as_far_as_they_go_with_202(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        items = [{"tracking_number": number(n), "carrier_code": COURIER} for n in range(60)]
        items = [{**item, "order_id": f"o{n}"} for n, item in enumerate(items)]
        await ask(house, "POST", "/v2/trackings/batch", json=items)
        numbers = ",".join(number(n) for n in range(41))
        code, data = await ask(house, "GET", GET, query=f"numbers={numbers}")
        assert (code, data["total"], data["count"]) == (202, "40", 40)
        assert number(40) not in {item["tracking_number"] for item in data["items"]}
        orders = ",".join(f"o{n}" for n in range(50))
        code, data = await ask(house, "GET", GET, query=f"orders={orders}")
        assert (code, data["total"]) == (202, "40")
        code, data = await ask(house, "GET", GET, query="limit=2001")
        assert (code, data["limit"], data["count"]) == (202, 2000, 60)
        code, data = await ask(house, "GET", GET, query="limit=2000")
        assert (code, data["limit"], data["count"]) == (200, 2000, 60)
        numbers = ",".join(number(n) for n in range(40))
        code, data = await ask(house, "GET", GET, query=f"numbers={numbers}")
        assert (code, data["total"]) == (200, "40")


@pytest.mark.parametrize("name", ["numbers", "orders", "status"])
async def test_commas_alone_are_no_call_for_all(tmp_path: Path, name: str) -> None:
    async with open_v2(tmp_path) as house:
        await fill(house, 2)
        assert len((await succeed(house, "GET", GET, query=f"{name}="))["items"]) == 2
        for nothing in (",", "%20,%20,"):
            assert await ask(house, "GET", GET, query=f"{name}={nothing}") == (4031, [])


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_status_counts(method: str, tmp_path: Path) -> None:
    path = "/v2/trackings/getstatusnumber"
    async with open_v2(tmp_path) as house:
        assert set((await succeed(house, method, path)).values()) == {0}
        await fill(house, 3)
        one = f"/v2/trackings/{COURIER}/{number(0)}"
        await succeed(house, "PUT", one, json={"status": "4"})
        counts = await succeed(house, method, path)
        assert list(counts) == [
            "pending",
            "notfound",
            "transit",
            "pickup",
            "delivered",
            "undelivered",
            "exception",
            "expired",
        ]
        assert (counts["pending"], counts["delivered"]) == (2, 1)
        bounds = {"created_at_min": 1772359201, "created_at_max": "1772359201"}
        query = "&".join(f"{name}={value}" for name, value in bounds.items())
        sent: dict[str, Any] = {"json": bounds} if method == "POST" else {"query": query}
        counts = await succeed(house, method, path, **sent)
        assert (counts["pending"], counts["delivered"]) == (1, 0)
        counts = await succeed(house, method, path, query="order_created_time_max=1769947200")
        assert (counts["pending"], counts["delivered"]) == (0, 1)


async def test_batch_has_the_documented_shape(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await create(house)
        for body in ([PAIR, OTHER_PAIR], {"trackings": [PAIR, OTHER_PAIR]}):
            code, data = await ask(house, "POST", "/v2/trackings/batch", json=body)
            assert code == 201
            assert list(data) == ["submitted", "added", "trackings", "errors"]
            assert (data["submitted"], data["added"]) == (2, 1)
            (item,) = data["trackings"]
            assert item["tracking_number"] == OTHER_NUMBER
            assert data["errors"] == [{**PAIR, "code": 4016, "message": "Tracking already exists."}]
            await succeed(house, "DELETE", f"/v2/trackings/{OTHER_COURIER}/{OTHER_NUMBER}")


async def test_update_many(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await create(house)
        await create(house, **OTHER_PAIR)
        data = await succeed(
            house,
            "POST",
            "/v2/trackings/updatemore",
            json=[
                {**PAIR, "title": "first", "status": "7", "archived": "true"},
                {**OTHER_PAIR, "title": "second"},
                {**OTHER_PAIR, "carrier_code": COURIER, "title": "third"},
            ],
        )
        assert (data["submitted"], data["updated"], data["change"]) == (3, 2, 2)
        first, second = data["trackings"]
        assert (first["title"], first["status"], first["archived"]) == ("first", "exception", True)
        assert (second["title"], second["status"]) == ("second", "pending")
        assert data["errors"] == [
            {
                "tracking_number": OTHER_NUMBER,
                "carrier_code": COURIER,
                "code": 4017,
                "message": "Tracking does not exist.",
            }
        ]


async def test_delete_many(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await fill(house, 1)
        await create(house)
        await create(house, **OTHER_PAIR)
        body = [PAIR, OTHER_PAIR, PAIR, {"tracking_number": number(7), "carrier_code": COURIER}]
        data = await succeed(house, "POST", "/v2/trackings/delete", json=body)
        assert list(data) == ["submitted", "delete", "trackings", "errors"]
        assert (data["submitted"], data["delete"]) == (4, 2)
        assert data["trackings"] == [{"meta": PAIR}, {"meta": OTHER_PAIR}]
        assert sorted(error["tracking_number"] for error in data["errors"]) == [
            number(7),
            NUMBER,
        ]
        assert {error["code"] for error in data["errors"]} == {4017}
        assert await figures(house) == [0]


async def test_not_update_stops_asking(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        house.carriers.connect(COURIER)
        await create(house)
        assert (await succeed(house, "GET", ONE))["track_update"] is True
        data = await succeed(
            house, "POST", "/v2/trackings/notupdate", json=[PAIR, OTHER_PAIR, {"carrier_code": "x"}]
        )
        assert list(data) == ["submitted", "change", "trackings", "errors"]
        assert (data["submitted"], data["change"]) == (3, 1)
        assert data["trackings"] == [PAIR]
        assert [error["code"] for error in data["errors"]] == [4017, 4013]
        assert (await succeed(house, "GET", ONE))["track_update"] is False
        (stored,) = await house.store.find(house.world_id, NUMBER)
        assert stored.poll.due_at is None
        # Once more is no mistake.
        data = await succeed(house, "POST", "/v2/trackings/notupdate", json=[PAIR])
        assert (data["change"], data["errors"]) == (1, [])
