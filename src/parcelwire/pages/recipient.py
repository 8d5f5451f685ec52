"""Who a parcel is for, as far as the shop said so.

What the shop left out, or filled with "-", "n/a" or "0000", is nobody's: two parcels without a
customer do not belong together, and no such word opens one.
"""

from __future__ import annotations

from typing import Final

from parcelwire.domain.checkpoint import fold
from parcelwire.domain.tracking import Details

_NOTHING: Final = frozenset({"na", "none", "null", "nil", "undefined", "unknown", "tbd"})


def addresses_of(details: Details) -> frozenset[str]:
    """Return the customer's e-mail addresses, folded for comparing; none where one is no address.

    Shops that speak v2 may have several, separated by commas.
    """
    typed = [one.strip().casefold() for one in (details.customer_email or "").split(",")]
    addresses = frozenset(filter(None, typed))
    return addresses if all(map(_is_address, addresses)) else frozenset()


def bare(text: str) -> str:
    """Return the letters and digits of a text for comparing: lower case, without accents."""
    return "".join(char for char in fold(text) if char.isalnum())


def is_postal_code(text: str) -> bool:
    """Tell whether a bare text can be a postal code: every country's have a digit that is not 0."""
    return any(char.isdigit() and char != "0" for char in text)


def is_order_number(text: str) -> bool:
    """Tell whether a bare text can name one order among others."""
    return bool(text.strip("0")) and text not in _NOTHING


def _is_address(text: str) -> bool:
    local, _, host = text.partition("@")
    name, _, ending = host.rpartition(".")
    is_whole = bool(local and name.strip(".") and ending) and "@" not in host
    return is_whole and not any(map(str.isspace, text))
