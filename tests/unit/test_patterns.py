"""No regular expression of the server takes the square of a text's length.

Each one is searched for in long texts that are made to nearly match, from every place. What takes
time by the square is named here, with what bounds its texts.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from time import process_time
from typing import Any

import parcelwire

LENGTH = 3_000
BOUNDED = {
    "parcelwire.api.native.idempotency._PRINTABLE": "matched from the start, 255 characters",
    "parcelwire.api.native.problems._AT": "matched from the start, in words of the decoder's own",
    "parcelwire.connectors.carriers.poste_italiane.text_patterns._PLACE_END": "single blanks only",
    "parcelwire.connectors.carriers.poste_italiane.places._IN_BRACKETS": "500 characters at most",
    "parcelwire.couriers.number_labels._TOKEN": "matched from the start, 1,000 characters",
    "parcelwire.tracking.spreadsheet_cells._DIGITS": "matched from the start",
    "parcelwire.tracking.spreadsheet_cells._FORMULA": "matched from the start",
    "parcelwire.webhooks.address._LOOKS_NUMERIC": "matched from the start",
    "parcelwire.notices.addresses._LOCAL": "matched from the start, 64 characters",
    "parcelwire.notices.addresses._DOMAIN": "cut to 64 characters before",
    "parcelwire.notices.smtp._ADDRESS": "cut to 500 characters before",
    "parcelwire.webhooks.headers._VALUE": "matched from the start",
}
CLIENTS = ("parcelwire.cli", "parcelwire.client", "parcelwire.compat", "parcelwire.proofs")
"""They run on the machine of whoever gave them their texts."""

PIECES = (
    *(" ", "\n", "\t", "a", "A", "1", "é", "\u0301", "-", ".", "/", "(", "[", "<", ">", "{"),
    *('"', "'", "=", "@", ",", ";", ":", "#", "\\", "&", "%", "_", "+", "*", "/*", "://", "</"),
    *("a ", "1 ", "A ", " a", "a-", "a.", "1.", "a@", "a/", "1:", "x;", "<a ", '="', '\\"', " ("),
    *("number ", "nr ", "tracking ", "le ore 1 ", "entro ", "2026-02-01T", "il 1 ", "dal 1 al "),
    *("ufficio ", "via ", "presso ", "indirizzo ", "destinatario ", "contatta ", ' ;name="'),
)


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Yield the compiled patterns of all modules of the server, also those within tables."""

    def within(value: object, depth: int = 0) -> Iterator[re.Pattern[Any]]:
        if isinstance(value, re.Pattern):
            yield value
        elif depth < 4 and isinstance(value, tuple | list | dict):
            for one in value.values() if isinstance(value, dict) else value:
                yield from within(one, depth + 1)

    seen: set[re.Pattern[Any]] = set()
    for module in pkgutil.walk_packages(parcelwire.__path__, "parcelwire."):
        if module.name.startswith(CLIENTS) or module.name == "parcelwire.__main__":
            continue
        for name, value in list(vars(importlib.import_module(module.name)).items()):
            for pattern in within(value):
                if pattern not in seen:
                    seen.add(pattern)
                    yield f"{module.name}.{name}", pattern


def seconds(pattern: re.Pattern[Any], text: str) -> float:
    given: Any = text.encode() if isinstance(pattern.pattern, bytes) else text
    started = process_time()
    pattern.search(given)
    return process_time() - started


def is_square(pattern: re.Pattern[Any], piece: str) -> bool:
    short, long = (piece * (size // len(piece)) + "\x00" for size in (LENGTH, 2 * LENGTH))
    if seconds(pattern, long) < 0.03:
        return False
    # Measured again and again, so that a machine that others use accuses nobody.
    return all(
        min(seconds(pattern, long) for _ in range(3))
        > 3 * min(seconds(pattern, short) for _ in range(3))
        for _ in range(4)
    )


def test_no_pattern_takes_the_square_of_a_texts_length() -> None:
    found = dict(patterns())
    assert len(found) > 60
    squares = {
        name
        for name, pattern in patterns()
        for piece in PIECES
        if name not in BOUNDED and is_square(pattern, piece)
    }
    assert squares == set()


def test_a_pattern_that_does_is_noticed() -> None:
    assert any(is_square(re.compile(r"(\w+)\s*:"), piece) for piece in PIECES)
