"""Comparing texts from outside, at a cost that grows with their length and not with its square.

``unicodedata.normalize`` sorts the combining marks that follow a letter by insertion: a letter with
60,000 of them takes seconds, in which nothing else in the process runs, no other thread either. So
texts from outside are compared through this module, or cut before they are normalised.
"""

from __future__ import annotations

from typing import Final
from unicodedata import combining, normalize

_SHORT: Final = 128
"""Characters that are decomposed in one go: few enough for the square not to matter."""


def decompose(text: str) -> str:
    """Return the compatibility decomposition (NFKD) of ``text``, at a cost linear in its length.

    In a long text, the marks that follow one letter keep the order in which they came, which is not
    always the canonical one. That makes no difference to whoever drops them.
    """
    if text.isascii():
        return text
    if len(text) <= _SHORT:
        return normalize("NFKD", text)
    return "".join([normalize("NFKD", char) for char in text])


def without_marks(text: str) -> str:
    """Return ``text`` decomposed (NFKD) and without combining marks: ``é`` becomes ``e``."""
    if text.isascii():
        return text
    return "".join([char for char in decompose(text) if not combining(char)])
