"""E-mail addresses: which ones we write to, and how they are named in the store."""

from __future__ import annotations

import hashlib
import re
import unicodedata
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
    if "=?" in local:  # read as encoded text, see ``one_line``
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


_DOMAIN: Final = re.compile(r"(?:[^\W_][\w-]*\.)+([^\W\d_]{2,})(?![\w-])")
# What people take for a name on the internet. Not every two words with a dot between: a shop may be
# called "St.Gallen".
_ENDINGS: Final = frozenset(
    {"app", "biz", "cloud", "com", "dev", "edu", "gov", "info", "net", "online", "org", "shop"}
    | {"site", "store", "xyz"}
)


def display_name(name: str, address: str) -> str:
    """Return a name as it may stand before an address: one line, 64 characters at most.

    Nothing where it holds an address, or a domain that is not the address's own: mail programs show
    the name alone, and people would take it for the sender.
    """
    text = one_line(unicodedata.normalize("NFKC", name), 64)
    if any(char in text for char in '@<>"'):
        return ""
    own = address.rpartition("@")[2].lower()
    for found in _DOMAIN.finditer(text.lower()):
        is_domain = len(found[1]) == 2 or found[1] in _ENDINGS
        if is_domain and own != found[0] and not own.endswith(f".{found[0]}"):
            return ""
    return text


def one_line(text: str, longest: int = 200) -> str:
    """Return a text as it may stand in a header: no line break, nothing invisible.

    And nothing that is read as encoded text (RFC 2047): Python's ``email`` before 3.11.10 and
    3.12.5 decodes it and writes a line break that was hidden in it into the head (CVE-2024-6923).
    """
    visible = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(visible.replace("=?", "= ?").split())[:longest]
