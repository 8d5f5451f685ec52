"""Weights, dimensions and amounts of money, as numbers beside a unit or printed with one.

Carriers send 0, or a string of zeros, for what was not measured: that is None here, and so is what
no parcel weighs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from parcelwire.connectors.reading.values import read_text

GRAMS: Final = {
    **dict.fromkeys(("g", "gr", "gram", "grams", "grm"), Decimal(1)),
    **dict.fromkeys(("kg", "kgs", "kgm", "kilogram", "kilograms"), Decimal(1_000)),
    **dict.fromkeys(("lb", "lbs", "lbr", "pound", "pounds"), Decimal("453.59237")),
    **dict.fromkeys(("oz", "ozs", "onz", "ounce", "ounces"), Decimal("28.349523125")),
    **dict.fromkeys(("t", "tne", "tonne", "tonnes"), Decimal(1_000_000)),
}
"""Grams of one, by the unit's usual names and UN/ECE codes in lower case."""
MILLIMETRES: Final = {
    **dict.fromkeys(("mm", "mmt"), Decimal(1)),
    **dict.fromkeys(("cm", "cmt"), Decimal(10)),
    **dict.fromkeys(("m", "mtr"), Decimal(1_000)),
    **dict.fromkeys(("in", "inh", "inch", "inches", '"'), Decimal("25.4")),
    **dict.fromkeys(("ft", "fot", "feet"), Decimal("304.8")),
}
"""Millimetres of one, by the unit's usual names and UN/ECE codes in lower case."""

HEAVIEST_GRAMS: Final = 2_000_000
LONGEST_MM: Final = 20_000

_NUMBER: Final = r"\d{1,9}(?:[.,' ]\d{3}(?!\d))*(?:[.,]\d{1,6})?"
_MEASURE: Final = re.compile(rf"({_NUMBER})\s*([a-z\"]{{1,9}})?\.?\s*", re.ASCII)
_SIZES: Final = re.compile(
    rf"({_NUMBER})\s*([a-z\"]{{1,6}})?\s*[x×*]\s*({_NUMBER})\s*([a-z\"]{{1,6}})?"
    rf"\s*[x×*]\s*({_NUMBER})\s*([a-z\"]{{1,6}})?\.?"
)
_MONEY: Final = re.compile(
    rf"(?P<before>[A-Z]{{3}}|[€£¥$])?\s?(?P<amount>{_NUMBER}|\d{{1,9}}(?:[.,][-–]{{1,2}})?)"
    r"\s?(?P<after>[A-Z]{3}|[€£¥])?"
)
_THOUSANDS_OR_DECIMALS: Final = re.compile(r"\d{1,3}[.,]\d{3}")
_SIGNS: Final = {"€": "EUR", "£": "GBP"}
"""Other signs belong to several currencies."""

Sizes = tuple[int | None, int | None, int | None]
NO_SIZES: Final[Sizes] = (None, None, None)


class Money(NamedTuple):
    """An amount in the major unit of an ISO 4217 currency: ``12.50``, ``EUR``."""

    amount: Decimal
    currency: str


def read_weight(value: Any, unit: str | None = None) -> int | None:
    """Return grams, from a number and its ``unit``, or from ``1.14 kg`` or ``2 lb 3 oz``.

    ``unit``: of a number without one. None where no unit is known.
    """
    return _measure(value, unit, GRAMS, HEAVIEST_GRAMS)


def read_length(value: Any, unit: str | None = None) -> int | None:
    """Return millimetres, from a number and its ``unit``, or from ``40.5 cm``."""
    return _measure(value, unit, MILLIMETRES, LONGEST_MM)


def read_sizes(values: Sequence[Any], unit: str) -> Sizes:
    """Return length, width and height in millimetres, from three values of which none is named.

    Their order in an answer says nothing, so the largest is the length and the smallest the height.
    Two or less are no size.
    """
    sizes = sorted(
        (size for value in values if (size := read_length(value, unit)) is not None), reverse=True
    )
    return (sizes[0], sizes[1], sizes[2]) if len(sizes) == 3 else NO_SIZES


def read_printed_sizes(value: Any, unit: str | None = None) -> Sizes:
    """Return millimetres as ``read_sizes``, from ``40.0 x 25.0 x 15.5 cm``."""
    found = _SIZES.fullmatch((read_text(value, 60) or "").lower())
    if found is None:
        return NO_SIZES
    first, own, second, middle, third, last = found.groups()
    printed = {one for one in (own, middle, last) if one} or {read_text(unit, 20)}
    only = printed.pop() if len(printed) == 1 else None  # several belong to one size each
    return NO_SIZES if only is None else read_sizes((first, second, third), only)


def read_money(value: Any, currency: str | None = None) -> Money | None:
    """Return an amount, from a number and its ``currency``, or from ``EUR 12.50`` or ``12,50 €``.

    A currency that is printed beside the amount counts. None where none is known, and for an amount
    such as ``1.250``, which is more than a thousand to most carriers and little more than one to
    some.
    """
    text = f"{value:.2f}" if isinstance(value, float) else read_text(value, 40)
    found = None if text is None else _MONEY.fullmatch(text)
    if found is None:
        return None
    printed = found["before"] or found["after"] or read_text(currency, 10)
    code = None if printed is None else _SIGNS.get(printed, printed)
    if code is None or not re.fullmatch("[A-Z]{3}", code):
        return None
    amount = re.split(r"[.,][-–]", found["amount"])[0]
    return None if _THOUSANDS_OR_DECIMALS.fullmatch(amount) else Money(_decimal(amount), code)


def _measure(value: Any, unit: str | None, units: dict[str, Decimal], most: int) -> int | None:
    if isinstance(value, float) and not value.is_integer():
        text = f"{value:.6f}" if 0 < value < 10**9 else ""
    else:
        text = (read_text(value, 60) or "").lower()
    beside = (read_text(unit, 20) or "").lower().rstrip(".")
    total, end = Decimal(0), 0
    while end < len(text):
        part = _MEASURE.match(text, end)
        if part is None:
            return None
        is_whole = part.span() == (0, len(text))
        factor = units.get(part[2] or (beside if is_whole else ""))
        if factor is None:
            return None
        total += _decimal(part[1]) * factor
        end = part.end()
    return round(total) if 0 < total <= most else None


def _decimal(number: str) -> Decimal:
    """Return a printed number; a point or comma that stands once, last, is that of its decimals.

    So ``1.250`` is one and a quarter: carriers print weights with three decimals far more often
    than with thousands.
    """
    bare = number.replace("'", "").replace(" ", "")
    last = max(bare.rfind("."), bare.rfind(","))
    if last < 0:
        return Decimal(bare)
    whole, decimals = bare[:last], bare[last + 1 :]
    if bare[last] in whole:  # ``1.234.567``
        return Decimal(re.sub("[.,]", "", bare))
    return Decimal(f"{re.sub('[.,]', '', whole)}.{decimals}")
