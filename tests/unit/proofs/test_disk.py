"""The disk that loses power: it must keep what was flushed, and lose the rest in every way."""

from __future__ import annotations

import random
from collections import Counter

from parcelwire.proofs.disk import Disk, Entry, Wreck

MADE = [Entry("open", "a"), Entry("write", "a", 0, b"x" * 8192), Entry("sync", "a", 0, b"", True)]


def wrecks(entries: list[Entry], count: int = 400, **options: object) -> list[Wreck]:
    disk = Disk(**options)  # type: ignore[arg-type]  # one option, checked below
    disk.play(entries)
    return [disk.lose_power(random.Random(seed)) for seed in range(count)]


def test_what_was_flushed_is_there() -> None:
    disk = Disk()
    disk.play(MADE)
    assert not disk.is_at_risk
    assert all(one.files == {"a": b"x" * 8192} for one in wrecks(MADE, 50))


def test_a_write_may_be_lost_torn_and_half_done_and_always_something_is() -> None:
    entries = [*MADE, Entry("write", "a", 0, b"y" * 8192)]
    found = wrecks(entries)
    counts = Counter(what for one in found for what, times in one.counts.items() if times)
    assert not any(one.files["a"] == b"y" * 8192 for one in found)
    assert any(one.files["a"] == b"x" * 8192 for one in found)
    assert counts["torn"] > 50
    assert counts["lost"] > 50
    assert counts["in_flight"] > 50
    boundaries = {
        index
        for one in found
        if not one.counts["in_flight"]
        for index in range(1, 8192)
        if one.files["a"][index] != one.files["a"][index - 1]
    }
    assert boundaries == set(range(512, 8192, 512))


def test_a_later_write_may_arrive_before_an_earlier_one() -> None:
    entries = [
        *MADE,
        Entry("write", "a", 0, b"1" * 4096),
        Entry("write", "a", 4096, b"2" * 4096),
    ]
    found = wrecks(entries)
    assert any(one.files["a"] == b"x" * 4096 + b"2" * 4096 for one in found)
    assert sum(one.counts["overtaken"] for one in found) > 20


def test_bytes_outside_the_write_are_not_harmed() -> None:
    entries = [*MADE, Entry("write", "a", 700, b"y" * 24)]
    for one in wrecks(entries):
        content = one.files["a"]
        assert content[:700] == b"x" * 700
        assert content[724:] == b"x" * (8192 - 724)


def test_a_sector_shows_a_moment_and_never_a_later_write_without_an_earlier_one_in_it() -> None:
    entries = [
        *MADE,
        Entry("write", "a", 0, b"1" * 10),
        Entry("write", "a", 10, b"2" * 10),
    ]
    for one in wrecks(entries):
        if not one.counts["in_flight"]:
            assert one.files["a"][:20] in (b"x" * 20, b"1" * 10 + b"x" * 10)


def test_growth_may_be_undone_and_holes_hold_anything() -> None:
    found = [one.files["a"] for one in wrecks([*MADE, Entry("write", "a", 8192, b"y" * 4096)])]
    assert {len(one) for one in found} == {8192, 8192 + 4096}
    assert all(one[:8192] == b"x" * 8192 for one in found)
    assert any(one[8192:] == bytes(4096) for one in found)
    assert any(set(one[8192:]) > {0, ord("y")} for one in found)


def test_a_cut_may_be_undone() -> None:
    found = [one.files["a"] for one in wrecks([*MADE, Entry("truncate", "a", 100)])]
    assert any(one == b"x" * 8192 for one in found)
    assert any(one[:100] == b"x" * 100 and one[100:] == bytes(8092) for one in found)
    flushed = [*MADE, Entry("truncate", "a", 100), Entry("sync", "a")]
    assert all(one.files["a"] == b"x" * 100 for one in wrecks(flushed, 50))


def test_a_new_file_may_be_missing_until_its_folder_is_flushed() -> None:
    made = [*MADE, Entry("open", "b"), Entry("write", "b", 0, b"z"), Entry("sync", "b")]
    assert {frozenset(one.files) for one in wrecks(made)} >= {frozenset("a")}
    flushed = [*made, Entry("sync", "a", 0, b"", True)]
    assert all(one.files["b"] == b"z" for one in wrecks(flushed, 50))


def test_a_deleted_file_may_come_back_as_it_was() -> None:
    entries = [*MADE, Entry("delete", "a"), Entry("open", "a"), Entry("write", "a", 0, b"new")]
    found = [one.files.get("a") for one in wrecks(entries)]
    assert None in found
    assert b"x" * 8192 in found
    assert b"" in found


def test_a_disk_that_lies_about_flushes_loses_what_it_said_it_had() -> None:
    found = wrecks(MADE, ignores_sync=lambda name: name == "a")
    assert any(one.files != {"a": b"x" * 8192} for one in found)


def test_the_same_dice_give_the_same_wreck() -> None:
    entries = [*MADE, Entry("write", "a", 0, b"y" * 8192)]
    assert [one.files for one in wrecks(entries, 20)] == [one.files for one in wrecks(entries, 20)]
