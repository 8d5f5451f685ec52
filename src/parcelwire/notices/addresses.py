"""E-mail addresses: which ones we write to, and how they are named in the store."""

from __future__ import annotations

import hashlib
import re
from typing import Final

# What real mailboxes look like (RFC 5321's dot-atom); quoted local parts and address literals are
# used by nobody who waits for a parcel, and by many who try things out.
_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
_LONGEST: Final = 254
_LONGEST_LOCAL: Final = 64


def mail_address(text: str) -> str | None:
    """Return an address as it is written to (domain in lower case and ASCII), or None if none."""
    text = text.strip()
    if len(text) > _LONGEST:
        # Before anything is encoded: encoding a name takes quadratic time (CVE-2022-45061).
        return None
    local, at, domain = text.rpartition("@")
    if not at or len(local) > _LONGEST_LOCAL or _LOCAL.match(local) is None:
        return None
    try:
        domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    labels = domain.split(".")
    is_name = len(labels) > 1 and not labels[-1].isdigit()
    if not is_name or not all(map(_LABEL.match, labels)):
        return None
    address = f"{local}@{domain}"
    return address if len(address) <= _LONGEST else None


def digest_of(address: str) -> str:
    """Return what an address is called where it need not be known: 64 hex digits.

    Upper and lower case do not matter: hardly any server tells them apart.
    """
    return hashlib.sha256(address.lower().encode()).hexdigest()


def one_line(text: str, longest: int = 200) -> str:
    """Return a text as it may stand in a header: no line break, nothing invisible."""
    visible = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(visible.split())[:longest]
