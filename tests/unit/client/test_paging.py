"""The way through a list whose contents move meanwhile, against a model of a server's list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from parcelwire.client.models import Tracking
from parcelwire.client.paging import Paging

START = datetime(2026, 3, 1, tzinfo=UTC)


def parcel(number: int, second: int) -> Tracking:
    return Tracking(
        id=f"{number:04d}",
        tracking_number=str(number),
        courier_code="usps",
        status="transit",
        created_at=START + timedelta(seconds=second),
    )


class Shelf:
    """A list as the server keeps it: newest created first, times in whole seconds."""

    def __init__(self, parcels: list[Tracking]) -> None:
        self.parcels = parcels

    def page(self, query: dict[str, str | int]) -> list[Tracking]:
        found = sorted(self.parcels, key=lambda one: (one.created_at, one.id), reverse=True)
        if until := query.get("created_date_max"):
            end = datetime.fromisoformat(str(until))
            found = [one for one in found if one.created_at is not None and one.created_at <= end]
        size, page = int(query["items_amount"]), int(query["pages_amount"])
        return found[(page - 1) * size : page * size]


def walk(shelf: Shelf, paging: Paging, *, limit: int = 500) -> list[Tracking]:
    found: list[Tracking] = []
    for _ in range(limit):
        query = paging.query()
        if query is None:
            return found
        found += paging.take(shelf.page(query))
    raise AssertionError("it never ends")


seconds = st.lists(st.integers(0, 6), max_size=40)
sizes = st.integers(1, 12)


@given(seconds, sizes, st.booleans())
def test_everything_comes_once_and_in_order(times: list[int], size: int, by_time: bool) -> None:
    shelf = Shelf([parcel(number, second) for number, second in enumerate(times)])
    found = walk(shelf, Paging({}, None, size, by_time=by_time))
    assert found == shelf.page({"items_amount": 1000, "pages_amount": 1})


@given(st.lists(st.integers(0, 40), max_size=40, unique=True), sizes, st.data())
def test_what_is_made_and_deleted_meanwhile_hides_nothing(
    times: list[int], size: int, data: st.DataObject
) -> None:
    shelf = Shelf([parcel(number, second) for number, second in enumerate(times)])
    paging = Paging({}, None, size, by_time=True)
    there = {one.id for one in shelf.parcels}
    found: list[Tracking] = []
    number = 1000
    for _ in range(200):
        query = paging.query()
        if query is None:
            break
        fresh = paging.take(shelf.page(query))
        found += fresh
        for one in fresh:
            if data.draw(st.booleans()):
                shelf.parcels.remove(one)
        for _ in range(data.draw(st.integers(0, 3))):
            number += 1
            shelf.parcels.append(parcel(number, number))
    ids = [one.id for one in found]
    assert len(ids) == len(set(ids))
    assert there <= set(ids)


def test_an_order_that_is_none_is_walked_by_number() -> None:
    class Heap(Shelf):
        def page(self, query: dict[str, str | int]) -> list[Tracking]:
            assert "created_date_max" not in query
            size, page = int(query["items_amount"]), int(query["pages_amount"])
            return self.parcels[(page - 1) * size : page * size]

    heap = Heap([parcel(number, (number * 7) % 5) for number in range(23)])
    assert walk(heap, Paging({}, None, 5, by_time=True)) == heap.parcels


def test_many_numbers_come_newest_first_by_forty() -> None:
    class Named(Shelf):
        def page(self, query: dict[str, str | int]) -> list[Tracking]:
            wanted = str(query["tracking_numbers"]).split(",")
            named = [one for one in self.parcels if one.tracking_number in wanted]
            return Shelf(named).page(query)

    shelf = Named([parcel(number, number) for number in range(100)])
    numbers = [*range(50, 100), *range(50)]
    found = walk(shelf, Paging({}, [*map(str, numbers)], 15, by_time=True))
    order = [int(one.tracking_number) for one in found]
    # Forty at a time in the order that was given, and within them by their creation.
    assert order == [
        *(sorted(numbers[:40], reverse=True)),
        *(sorted(numbers[40:80], reverse=True)),
        *(sorted(numbers[80:], reverse=True)),
    ]
    assert order != sorted(order, reverse=True)
    few = walk(shelf, Paging({}, [*map(str, numbers[:40])], 15, by_time=True))
    assert [int(one.tracking_number) for one in few] == sorted(numbers[:40], reverse=True)


def test_many_numbers_go_in_several_queries() -> None:
    paging = Paging({"courier_code": "usps"}, [*map(str, range(85)), "3", " "], 50, by_time=True)
    asked = []
    while (query := paging.query()) is not None:
        asked.append(str(query["tracking_numbers"]).split(","))
        assert query["courier_code"] == "usps"
        paging.take([])
    assert [len(numbers) for numbers in asked] == [40, 40, 5]
    assert Paging({}, [], 50, by_time=True).query() is None
