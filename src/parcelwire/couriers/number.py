"""Tracking numbers as people type them, and the compact form that everything else uses.

The compact form holds only ``A-Z`` and ``0-9``. People type spaces, dots, hyphens and more
between the groups of a label, copy full-width digits from Asian pages and invisible characters
from web pages, and put words such as "Tracking no." in front (see ``number_labels``). All of that
goes. Two shapes keep a mark, because without it they are another number:

* ``9999/99999999`` (NACEX: agency and shipment) keeps its stroke;
* ``999-9999999-9999999:9999999999999`` (Amazon: order and label) keeps its colon.
"""

import re
from unicodedata import category, normalize

from parcelwire.couriers.number_labels import without_label

SHORTEST = 4
LONGEST = 45
LONGEST_TYPED = 1_000
"""Characters that are looked at to find a number; what is longer holds none."""

# The separators that are never kept.
_SEPARATORS = {ord(c): None for c in " \t\r\n.-_#*,;()[]'\""}

_KEPT_STROKE = re.compile(r"[0-9]{4}/[0-9]{8}")
_KEPT_COLON = re.compile(r"[0-9]{3}-?[0-9]{7}-?[0-9]{7}:[0-9]{13}")
_ACCEPTED = re.compile(r"[0-9A-Z]+|[0-9]{4}/[0-9]{8}|[0-9]{17}:[0-9]{13}")

# A column of numbers with a gap in it, written by a program that makes fractions of them.
_FRACTION = re.compile(r"[0-9]{6,45}\.0+")

_DIGIT = re.compile(r"[0-9]")

# NFKC makes plain letters of these signs, and then nothing tells them from a postal number's.
_NUMERO = re.compile("\u2116|[Nn]\\.?[\u00ba\u00b0]")


def normalise(typed: str) -> str:
    """Answer the compact form of a typed number; the empty string when nothing remains.

    Letters that belong to no number (accents, other alphabets) stay, so that a wrong number
    stays visibly wrong instead of turning into another one. So does the point of a whole number
    that was written as a fraction (``12345678.0``). A text of more than
    ``LONGEST_TYPED`` characters is cut there and otherwise stays as it is: too long for a number.
    """
    if typed.isascii():
        if typed.isalnum():
            # Nearly every number comes so; a copied word would have a mark behind it.
            return typed.upper()
        if is_fraction(typed.strip()):
            return typed.strip()
        compact = typed.translate(_SEPARATORS)
        if compact.isalnum() and (len(typed) > LONGEST_TYPED or without_label(typed) == typed):
            return compact.upper()
    typed = typed.strip()
    if len(typed) > LONGEST_TYPED:
        # Before it is normalised: the cost of that can grow with the square of the length.
        return typed[:LONGEST_TYPED]
    text = normalize("NFKC", _NUMERO.sub("n\u00b0 ", typed))
    text = "".join(c for c in text if category(c) != "Cf")
    text = without_label(text.strip()).upper()
    text = "".join(text.split())
    if is_fraction(text) or _KEPT_STROKE.fullmatch(text):
        return text
    if _KEPT_COLON.fullmatch(text):
        return text.replace("-", "")
    return "".join(c for c in text if c.isalnum())


def is_fraction(number: str) -> bool:
    """Answer whether a number is one that a program wrote as a fraction (``12345678.0``)."""
    return _FRACTION.fullmatch(number) is not None


def is_other_number(value: object) -> bool:
    """Tell whether a JSON value is a number whose point or minus sign ``normalise`` passes over.

    Its digits alone are another number: ``12345678.0`` would be ``123456780``.
    """
    return isinstance(value, float) or (isinstance(value, int) and value < 0)


def is_plausible(number: str) -> bool:
    """Answer whether a compact number could be a tracking number of anybody.

    It has 4 to 45 characters of ``A-Z`` and ``0-9`` (or one of the two kept shapes), and a digit.
    """
    if not SHORTEST <= len(number) <= LONGEST:
        return False
    if number.isascii() and number.isalnum():
        # Nearly every number; quicker than a pattern.
        return number.isupper() or number.isdigit() if not number.isalpha() else False
    return _ACCEPTED.fullmatch(number) is not None and _DIGIT.search(number) is not None
