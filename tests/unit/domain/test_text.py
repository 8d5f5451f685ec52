"""Texts from outside are compared at a cost that does not grow with the square of their length."""

from __future__ import annotations

import random
from time import process_time
from unicodedata import combining, normalize

import pytest

from parcelwire.couriers.number import LONGEST_TYPED, is_plausible, normalise
from parcelwire.couriers.registry import LONGEST_WORD, default_registry
from parcelwire.couriers.registry import fold as fold_word
from parcelwire.domain.checkpoint import fold as fold_text
from parcelwire.domain.text import decompose, without_marks
from tests.support.hostile_inputs import cell_of_combining_marks

ALPHABET = [
    *map(chr, range(0x300, 0x370)),
    *map(chr, range(0xAC00, 0xAC40)),
    *map(chr, range(0xF40, 0xFBD)),
    *"abcÅéßﬁ①ｱﾞ İΐᾳ",
]


def test_without_marks_is_what_the_standard_says_for_long_texts_too() -> None:
    chance = random.Random(1)
    for length in (1, 20, 127, 128, 129, 500):
        for _ in range(50):
            text = "".join(chance.choices(ALPHABET, k=length))
            whole = "".join(c for c in normalize("NFKD", text) if not combining(c))
            assert without_marks(text) == whole


def test_decompose_changes_no_ascii() -> None:
    assert decompose("Tracking No. 5") == "Tracking No. 5"
    assert without_marks("\uff24\uff28\uff2c Été") == "DHL Ete"


@pytest.mark.parametrize("work", [without_marks, fold_word, fold_text.__wrapped__, normalise])
def test_a_letter_under_60_000_marks_takes_no_seconds(work: object) -> None:
    assert callable(work)
    text = cell_of_combining_marks(60_000)
    started = process_time()
    work(text)
    # Linear work takes some 10 ms here, the square of it 3 seconds.
    assert process_time() - started < 1


def test_what_is_too_long_for_a_number_stays_no_number() -> None:
    for number in ("1Z999AA10123456784", "9400111899223857925380"):
        assert normalise(f"  {number}{' ' * 5_000}") == number
        long = f"{number[0]}\u0301{number}{'-' * LONGEST_TYPED}"
        assert len(normalise(long)) == LONGEST_TYPED
        assert not is_plausible(normalise(long))


def test_no_courier_has_a_longer_word_than_is_looked_for() -> None:
    registry = default_registry()
    words = [word for one in registry.all() for group in one.aliases.values() for word in group]
    words += [name for one in registry.all() for name in (one.code, one.name, *one.names.values())]
    assert max(map(len, words)) <= LONGEST_WORD
    assert registry.resolve("u" * (LONGEST_WORD + 1)) is None
    assert registry.search("usps " * LONGEST_WORD) == []


def test_resolve_or_name_finds_what_search_found() -> None:
    registry = default_registry()
    for courier in registry.all():
        word = courier.name.upper()
        found = registry.resolve(word)
        if found is None:
            named = [one for one in registry.search(word) if one.name.casefold() == word.casefold()]
            found = named[0] if len(named) == 1 else None
        assert registry.resolve_or_name(word) == found
