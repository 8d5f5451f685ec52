"""Countries: v2 shows their English names, and takes names where a client sends them.

The names are Unicode's (CLDR, through Babel). Names that shops write and Unicode does not stand in
a small table of their own.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from babel import Locale

from parcelwire.domain.checkpoint import fold

_ISO2: Final = re.compile(r"[A-Za-z]{2}")

_NO_COUNTRY: Final = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
"""Two-letter codes of CLDR that stand for no country: unions, test locales, "unknown"."""

_CODES: Final = {"UK": "GB", "EL": "GR"}
"""Two-letter codes in use that are not the country's code in ISO 3166."""

_OTHER_NAMES: Final = {
    "america": "US",
    "bosnia and herzegovina": "BA",
    "brasil": "BR",
    "burma": "MM",
    "cape verde": "CV",
    "czech republic": "CZ",
    "deutschland": "DE",
    "east timor": "TL",
    "england": "GB",
    "great britain": "GB",
    "holland": "NL",
    "hong kong": "HK",
    "ivory coast": "CI",
    "korea": "KR",
    "macao": "MO",
    "macau": "MO",
    "macedonia": "MK",
    "myanmar": "MM",
    "northern ireland": "GB",
    "palestine": "PS",
    "peoples republic of china": "CN",
    "republic of korea": "KR",
    "russian federation": "RU",
    "scotland": "GB",
    "slovak republic": "SK",
    "swaziland": "SZ",
    "the netherlands": "NL",
    "turkey": "TR",
    "uae": "AE",
    "united states of america": "US",
    "usa": "US",
    "viet nam": "VN",
    "wales": "GB",
}


def country_name(iso2: str | None) -> str:
    """Return the English name of a country, ``""`` for none; a code nobody knows stays as it is."""
    if not iso2:
        return ""
    code = iso2.upper()
    return _names().get(_CODES.get(code, code), iso2)


def iso2_of(name_or_code: str) -> str | None:
    """Return the ISO 3166 alpha-2 code of a country's code or English name; None for neither."""
    typed = name_or_code.strip()
    if _ISO2.fullmatch(typed):
        code = typed.upper()
        code = _CODES.get(code, code)
        return code if code in _names() else None
    return _codes().get(_plain(typed))


@cache
def _names() -> dict[str, str]:
    territories = Locale("en").territories
    return {
        code: name
        for code, name in territories.items()
        if _ISO2.fullmatch(code) and code not in _NO_COUNTRY
    }


@cache
def _codes() -> dict[str, str]:
    return {**{_plain(name): code for code, name in _names().items()}, **_OTHER_NAMES}


def _plain(name: str) -> str:
    words = re.sub(r"[^a-z ]+", "", fold(name).replace("&", "and").replace("-", " ")).split()
    return " ".join(words)
