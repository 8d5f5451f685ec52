"""Names of languages as they come from outside (``de``, ``de-CH``, ``pt_BR``, ``cn``), compared."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_NAMED_BY_COUNTRY: Final = {"cn": "zh", "tw": "zh", "jp": "ja", "kr": "ko"}
"""TrackingMore, and so its clients, name some languages by a country."""


_LONGEST: Final = 64
"""Characters; what is longer names no language, and must not be remembered."""


def language_of(asked: str | None) -> str | None:
    """Return the ISO 639-1 code that a client's word for a language means (``cn``, ``de-CH``)."""
    return _language(asked[:_LONGEST]) if asked else None


@lru_cache(maxsize=256)
def _language(asked: str) -> str | None:
    word = _tag(asked).partition("-")[0]
    return _NAMED_BY_COUNTRY.get(word, word) or None


def choose_language(asked: str | None, spoken: Iterable[str]) -> str | None:
    """Return the one of ``spoken`` that serves who asks for ``asked`` best; None when none does.

    First the whole tag, then without its last parts (RFC 4647 section 3.4), then any other variety
    of the same language: ``de-CH`` is served by ``de-CH``, ``de`` or ``de-AT``, in this order.
    """
    wanted = language_of(asked)
    if asked is None or wanted is None:
        return None
    kept = list(spoken)
    by_tag = {_tag(one): one for one in reversed(kept)}
    tag = _tag(asked[:_LONGEST])
    while tag:
        if tag in by_tag:
            return by_tag[tag]
        tag = tag.rpartition("-")[0]
    return next((one for one in kept if language_of(one) == wanted), None)


def _tag(name: str) -> str:
    return name.strip().lower().replace("_", "-")
