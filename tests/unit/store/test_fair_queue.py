"""What waits to be written is taken from its owners in turn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from parcelwire.store.fair_queue import FairQueue


def queue_of(owners: str) -> FairQueue[str]:
    made: FairQueue[str] = FairQueue()
    for number, owner in enumerate(owners):
        made.put(owner, f"{owner}{number}")
    return made


def test_owners_have_their_turns_one_after_the_other() -> None:
    waiting = queue_of("AAAAAABBC")
    assert waiting.take(4) == ["A0", "B6", "C8", "A1"]
    assert waiting.take(4) == ["B7", "A2", "A3", "A4"]
    assert waiting.take(4) == ["A5"]
    assert waiting.take(4) == []
    assert len(waiting) == 0


def test_something_heavy_goes_alone_but_goes() -> None:
    waiting: FairQueue[str] = FairQueue()
    waiting.put("A", "heavy", 900)
    waiting.put("B", "light")
    assert waiting.take(10) == ["heavy"]
    assert waiting.take(10) == ["light"]


def test_what_has_no_room_any_more_is_the_next_ones_first() -> None:
    waiting: FairQueue[str] = FairQueue()
    waiting.put("A", "a", 6)
    waiting.put("B", "b", 6)
    waiting.put("A", "c", 1)
    assert waiting.take(10) == ["a"]
    assert waiting.take(10) == ["b", "c"]


@given(st.lists(st.tuples(st.sampled_from("ABCD"), st.integers(1, 9)), max_size=60))
def test_everything_comes_out_once_and_each_owners_in_order(items: list[tuple[str, int]]) -> None:
    waiting: FairQueue[tuple[str, int]] = FairQueue()
    for number, (owner, weight) in enumerate(items):
        waiting.put(owner, (owner, number), weight)
    out: list[tuple[str, int]] = []
    while waiting:
        out += waiting.take(10)
    assert sorted(number for _, number in out) == list(range(len(items)))
    for owner in "ABCD":
        numbers = [number for one, number in out if one == owner]
        assert numbers == sorted(numbers)
