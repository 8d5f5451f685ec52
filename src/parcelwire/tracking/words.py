"""What customers read on pages and in mails, in twelve languages: phrases, days and times.

The phrases stand in ``languages/<code>.toml``, one file a language, all with the same names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Final

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time

from parcelwire.domain.languages import language_of

LANGUAGES: Final = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "it": "Italiano",
    "es": "Español",
    "pt": "Português",
    "nl": "Nederlands",
    "pl": "Polski",
    "cs": "Čeština",
    "sv": "Svenska",
    "ja": "日本語",
    "zh": "简体中文",
}
"""Code -> the language's own name."""

DEFAULT: Final = "en"

_LOCALES: Final = {"en": "en_GB", "pt": "pt_PT", "zh": "zh_Hans"}
_REGIONS: Final = {"en-us": "en_US", "pt-br": "pt_BR", "de-ch": "de_CH", "de-at": "de_AT"}
"""Regions that write days or times differently from the rest of their language."""

SOON: Final = timedelta(days=6)
"""A weekday alone is clear up to so many days ahead or back."""


class Words:
    """One language."""

    def __init__(self, language: str, region: str = "") -> None:
        """``region`` as browsers write it, ``en-us``."""
        self.language = language
        self.asked = region or language
        """The language, with its region where that writes something differently."""
        self._locale = Locale.parse(_REGIONS.get(region) or _LOCALES.get(language, language))
        self._phrases = _phrases(language)

    @property
    def tag(self) -> str:
        """The language for HTML's ``lang``."""
        return "zh-Hans" if self.language == "zh" else self.language

    def say(self, name: str, /, **values: object) -> str:
        """Return a phrase, with what stands in its braces filled in.

        Raises:
            KeyError: there is no such phrase.
        """
        phrase = self._phrases[name]
        return phrase.format(**values) if values else phrase

    def find(self, *names: str) -> str:
        """Return the first of several phrases that is there, or an empty text."""
        return next((self._phrases[name] for name in names if name in self._phrases), "")

    def day(self, on: date, today: date | None = None) -> str:
        """Return a day as people say it: today, Thursday, Thursday 5 March."""
        if today is not None:
            if abs(on - today) <= timedelta(days=1):
                word = {0: "when.today", 1: "when.tomorrow", -1: "when.yesterday"}[
                    (on - today).days
                ]
                return self.say(word)
            if abs(on - today) <= SOON:
                return format_date(on, "EEEE", locale=self._locale)
        return self.full_day(on)

    def full_day(self, on: date) -> str:
        """Return a day with its weekday and year."""
        return format_date(on, "full", locale=self._locale)

    def short_day(self, on: date) -> str:
        """Return a day without its weekday and year, as short as the language writes it."""
        return format_skeleton("MMMd", on, locale=self._locale)

    def clock(self, moment: datetime) -> str:
        """Return the time of day."""
        return format_time(moment, "short", locale=self._locale)

    def country(self, code: str) -> str:
        """Return a country's name (ISO 3166 alpha-2), or the code where there is none."""
        return str(self._locale.territories.get(code.upper(), code))


@cache
def words(language: str, region: str = "") -> Words:
    """Return a language (one of ``LANGUAGES``)."""
    return Words(language, region)


def choose(asked: str | None, accepted: str | None, own: str | None = None) -> Words:
    """Return the language to answer in.

    ``asked`` is the parameter of the address, ``accepted`` the browser's ``Accept-Language``
    (RFC 9110 section 12.5.4), ``own`` the parcel's; the first that there is wins.
    """
    for tag in (asked or "", *_preferred(accepted or ""), own or ""):
        region = tag.strip().lower().replace("_", "-")
        language = language_of(region)
        if language in LANGUAGES:
            return words(language, region if region in _REGIONS else "")
    return words(DEFAULT)


def _preferred(accepted: str) -> Iterable[str]:
    weighted = []
    for place, part in enumerate(accepted[:500].split(",")):
        tag, _, parameter = part.partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter.strip() else 1.0
        except ValueError:
            weight = 0.0
        if weight > 0:
            weighted.append((-weight, place, tag.strip()))
    return [tag for _, _, tag in sorted(weighted)]


@cache
def _phrases(language: str) -> dict[str, str]:
    text = files(__package__).joinpath("languages", f"{language}.toml").read_text("utf-8")
    return {
        f"{group}.{name}": phrase
        for group, phrases in tomllib.loads(text).items()
        for name, phrase in phrases.items()
    }
