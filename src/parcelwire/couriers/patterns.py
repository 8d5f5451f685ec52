"""The small language in which the format table writes what a number looks like.

``#`` a digit, ``@`` a letter, ``*`` a letter or digit, ``[...]`` one of these characters
(``0-9`` and ``A-F`` ranges allowed), ``(AB|CD)`` one of these alternatives, ``{n}`` or ``{m,n}``
how often the thing before it, everything else itself. So ``99#{16}`` is 99 and sixteen digits.

A pattern is spelled out into templates of fixed length, each a list of the characters allowed at
each place. That is enough to know the lengths, to index by first characters, to tell how rare a
fitting number is, and to write a regular expression.
"""

import re
from itertools import product
from math import prod
from typing import NamedTuple

DIGITS = frozenset("0123456789")
LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
ALNUM = DIGITS | LETTERS
CLASSES = {"#": DIGITS, "@": LETTERS, "*": ALNUM}

# A pattern that spells out into more templates than this is a mistake in the table.
MOST_TEMPLATES = 200

# A place for a letter or a digit mostly holds a digit; it counts as so many possible characters.
MIXED_SIZE = 16

Places = tuple[frozenset[str], ...]

_TOKEN = re.compile(r"(?P<set>\[[^\]]+\])|(?P<group>\([^)]+\))|(?P<one>[#@*A-Z0-9/:])")
_REPEAT = re.compile(r"\{(\d+)(?:,(\d+))?\}")


class Template(NamedTuple):
    """One fixed length spelling of a pattern; ``share`` of the pattern's numbers look so."""

    places: Places
    share: float

    def one_in(self) -> float:
        """Answer how many numbers this template spells, as such numbers are in use."""
        return prod(
            len(characters) if len(characters) <= 26 else MIXED_SIZE for characters in self.places
        )

    def disorder(self) -> float:
        """Answer how many numbers have the same kind of character at each place."""
        return prod(_kind_size(characters) for characters in self.places)

    def regex(self, skip: int = 0) -> str:
        """Answer a regular expression for the places behind the first ``skip``."""
        return "".join(_write(characters) for characters in self.places[skip:])


def _kind_size(characters: frozenset[str]) -> int:
    if characters <= DIGITS:
        return 10
    return 26 if characters <= LETTERS else MIXED_SIZE


def _write(characters: frozenset[str]) -> str:
    if len(characters) == 1:
        return re.escape(next(iter(characters)))
    if characters == DIGITS:
        return "[0-9]"
    return "[" + "".join(sorted(characters)) + "]"


def _read_set(text: str) -> frozenset[str]:
    expanded = re.sub(
        r"(.)-(.)",
        lambda m: "".join(chr(c) for c in range(ord(m[1]), ord(m[2]) + 1)),
        text[1:-1],
    )
    return frozenset(expanded)


def _read_alternatives(text: str) -> list[Places]:
    return [spelled for part in text[1:-1].split("|") for spelled in _spell(part)]


def _spell(pattern: str) -> list[Places]:
    pieces: list[list[Places]] = []
    position = 0
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        if token is None:
            raise ValueError(f"pattern {pattern!r}: cannot read {pattern[position:]!r}")
        position = token.end()
        if token["set"]:
            options: list[Places] = [(_read_set(token["set"]),)]
        elif token["group"]:
            options = _read_alternatives(token["group"])
        else:
            options = [(CLASSES.get(token["one"], frozenset(token["one"])),)]
        repeat = _REPEAT.match(pattern, position)
        if repeat is not None:
            position = repeat.end()
            low = int(repeat[1])
            counts = range(low, int(repeat[2] or low) + 1)
            options = [option * count for option in options for count in counts]
        pieces.append(options)
    spelled = [sum(combination, ()) for combination in product(*pieces)]
    if len(spelled) > MOST_TEMPLATES:
        raise ValueError(f"pattern {pattern!r} spells out into {len(spelled)} templates")
    return spelled


def spell_out(pattern: str) -> list[Template]:
    """Answer the templates of a pattern; raises ValueError for one that cannot be read."""
    spelled = _spell(pattern)
    return [Template(places, 1 / len(spelled)) for places in spelled]
