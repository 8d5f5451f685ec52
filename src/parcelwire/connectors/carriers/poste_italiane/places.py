"""Places as Poste Italiane prints them: "Bologna (BO)", "BOLOGNA BO", "SVIZZERA", an office."""

import re
from functools import cache
from typing import Final, NamedTuple

from babel import Locale

from parcelwire.domain.checkpoint import fold

# Car plate abbreviations of the Italian provinces, those of Sardinia in their old and new form.
_PROVINCES: Final = (
    "AG AL AN AO AP AQ AR AT AV BA BG BI BL BN BO BR BS BT BZ CA CB CE CH CI CL CN CO CR CS CT CZ "
    "EN FC FE FG FI FM FR GE GO GR IM IS KR LC LE LI LO LT LU MB MC ME MI MN MO MS MT NA NO NU OG "
    "OR OT PA PC PD PE PG PI PN PO PR PT PU PV PZ RA RC RE RG RI RM RN RO SA SI SO SP SR SS SU SV "
    "TA TE TN TO TP TR TS TV UD VA VB VC VE VI VR VS VT VV"
)
PROVINCES: Final = frozenset(_PROVINCES.split())

_IN_BRACKETS = re.compile(r"^(?P<name>.+?)\s*\((?P<province>[A-Z]{2})\)$")
_AT_END = re.compile(r"^(?P<name>[A-Z][A-Z'’ .-]*?) (?P<province>[A-Z]{2})$")
_FACILITY = re.compile(
    r"^(?:centro|ufficio|punto|filiale|agenzia|polo|deposito|magazzino)\b|\bhub\b|\bcsi\b|\d"
)


class Place(NamedTuple):
    """A printed place, taken apart as far as it is certain."""

    city: str | None = None
    province: str | None = None
    country: str | None = None


def read_place(text: str) -> Place:
    """Return what ``text`` certainly says; a post office or a hub gives its province, no city."""
    text = text.strip()
    found = _IN_BRACKETS.match(text) or _AT_END.match(text)
    if found is not None and found["province"] in PROVINCES:
        name = found["name"].strip(" ,")
        is_facility = _FACILITY.search(fold(name)) is not None
        return Place(None if is_facility else name, found["province"], "IT")
    return Place(country=_countries().get(fold(text)))


@cache
def _countries() -> dict[str, str]:
    names = Locale("it").territories
    countries = {
        fold(name): code for code, name in names.items() if len(code) == 2 and code.isalpha()
    }
    # "Monaco" alone is as often Munich (Monaco di Baviera) as the principality.
    countries.pop("monaco", None)
    return countries
