"""Twelve languages: all say everything, and the right one is chosen."""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime
from importlib.resources import files

import pytest

from parcelwire.tracking.words import LANGUAGES, choose, words


def phrases(language: str) -> dict[str, str]:
    text = files("parcelwire.tracking").joinpath("languages", f"{language}.toml").read_text("utf-8")
    return {
        f"{group}.{name}": phrase
        for group, all_of_it in tomllib.loads(text).items()
        for name, phrase in all_of_it.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(language: str) -> None:
    english, other = phrases("en"), phrases(language)
    assert set(other) == set(english)
    for name, phrase in other.items():
        assert phrase.strip() == phrase != "", name
        assert sorted(re.findall(r"{\w+}", phrase)) == sorted(
            re.findall(r"{\w+}", english[name])
        ), name


@pytest.mark.parametrize(
    ("asked", "accepted", "own", "language"),
    [
        (None, None, None, "en"),
        ("de", "fr", "it", "de"),
        (None, "fr-CH, fr;q=0.9, en;q=0.8", None, "fr"),
        (None, "xx, en;q=0.1, it;q=0.7", "de", "it"),
        (None, "de;q=0, en;q=0.5", None, "en"),
        (None, "*", "it", "it"),
        ("xx", "zh-TW", None, "zh"),
        ("PT_br", None, None, "pt"),
        (None, None, "de-CH", "de"),
        (None, None, "cn", "zh"),
        ("../../etc/passwd", "\x00;q=abc,,;;", "", "en"),
        (None, "a" * 100_000, None, "en"),
    ],
)
def test_the_language_that_is_answered_in(
    asked: str | None, accepted: str | None, own: str | None, language: str
) -> None:
    assert choose(asked, accepted, own).language == language


def test_days_and_times_as_they_are_written_there() -> None:
    moment, on = datetime(2026, 3, 5, 14, 5), date(2026, 3, 5)  # noqa: DTZ001  (local, as printed)
    assert (words("en").clock(moment), words("en").full_day(on)) == (
        "14:05",
        "Thursday, 5 March 2026",
    )
    american = choose("en-US", None)
    assert american.clock(moment).replace("\u202f", " ") == "2:05 PM"
    assert american.full_day(on) == "Thursday, March 5, 2026"
    assert words("de").full_day(on) == "Donnerstag, 5. März 2026"
    assert words("ja").full_day(on) == "2026年3月5日木曜日"
    for language in LANGUAGES:
        assert words(language).day(on, date(2026, 3, 4)) == phrases(language)["when.tomorrow"]
        assert "2026" in words(language).day(on, date(2026, 2, 1))
        assert "2026" not in words(language).day(on, date(2026, 3, 2))


def test_countries() -> None:
    assert words("it").country("ch") == "Svizzera"
    assert words("it").country("??") == "??"
