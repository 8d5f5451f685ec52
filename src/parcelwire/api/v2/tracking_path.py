"""The path of one tracking: ``trackings/<carrier>/<number>``, and a language where one is wanted.

TrackingMore's own clients write the number into the path as it is. One with a stroke in it
("9999/99999999") then fills two segments, which are told from a number and a language: no language
is written with a digit, but for its region ("es-419").
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_].*)?\Z", re.DOTALL)
_DIGIT: Final = re.compile(r"[0-9]")


class TrackingPath(msgspec.Struct, frozen=True):
    """What the path of one tracking names."""

    courier_code: str
    number: str
    language: str | None = None


def read_tracking_path(segments: tuple[str, ...]) -> TrackingPath | None:
    """Return what segments after ``/v2`` name; None where they are of another form."""
    if len(segments) == 3:
        return TrackingPath(segments[1], segments[2])
    if not 3 < len(segments) <= 5:
        return None
    _, courier_code, number, more, *rest = segments
    if _DIGIT.search(more) and not _LANGUAGE.match(more):
        return TrackingPath(courier_code, f"{number}/{more}", rest[0] if rest else None)
    return None if rest else TrackingPath(courier_code, number, more)
