"""A path that names a tracking: ``<word>/<carrier>/<number>``, and a language where one is wanted.

TrackingMore's own clients write the number into the path as it is. One with a stroke in it
("9999/99999999") then fills two segments. A last segment that could be a language ("12345678/AB")
may belong to the number as well, so there are two readings of it, and the whole number goes first.
Only a call that reads knows languages: one that changes or deletes has one reading, and what it
cannot take as one number names nothing, so that it never reaches another parcel.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from parcelwire.api.trackingmore.routes import Locate, Path
from parcelwire.couriers.number import normalise
from parcelwire.couriers.registry import Registry

_LANGUAGE: Final = re.compile(
    r"[A-Za-z]{2,3}(?:[-_][A-Za-z]{4})?(?:[-_](?:[A-Za-z]{2}|[0-9]{3}))?\Z"
)
"""Language, script and region: ``de``, ``cn``, ``zh-Hant``, ``pt_BR``, ``es-419``."""
_DOTS: Final = re.compile(r"(?:\A|/)\.{1,2}(?:/|\Z)")
"""What means another place in a path."""
_MOST_PARTS: Final = 2
"""Segments that one number fills."""


class TrackingPath(msgspec.Struct, frozen=True):
    """What the path of one tracking names."""

    courier_code: str
    number: str
    language: str | None = None


def read_tracking_path(segments: Path, *, has_language: bool) -> tuple[TrackingPath, ...]:
    """Return what segments after the version's prefix may name, the likelier reading first.

    Empty where they name nothing. ``has_language``: the last segment may be a language.
    """
    if len(segments) < 3:
        return ()
    _, courier_code, *parts = segments
    named: list[TrackingPath] = []
    if (number := _joined(parts)) is not None:
        named.append(TrackingPath(courier_code, number))
    if has_language and len(parts) > 1 and _LANGUAGE.match(parts[-1]):
        number = _joined(parts[:-1])
        if number is not None:
            named.append(TrackingPath(courier_code, number, parts[-1]))
    return tuple(named)


def locate_tracking(one: Path, registry: Registry) -> Locate:
    """Return what finds the path of one tracking: ``one``, as it stands in the table of routes."""

    def locate(method: str, segments: Path) -> Path | None:
        if segments[:1] != one[:1]:
            return None
        if read_tracking_path(segments, has_language=method in ("GET", "HEAD")):
            return one
        # A client without a number asks for "trackings/dhl/": that it is missing helps it more than
        # that there is no such path.
        is_courier = len(segments) == 2 and registry.resolve(segments[1]) is not None
        return one if is_courier else None

    return locate


def _joined(parts: list[str]) -> str | None:
    """Return the number that fills ``parts``; None where they are not all a piece of it."""
    number = "/".join(parts)
    if len(parts) > _MOST_PARTS or _DOTS.search(number):
        return None
    if len(parts) == 1:
        return number
    # A part that adds nothing ("12345678/-") would leave the number of the other part alone.
    return None if normalise(number) in map(normalise, parts) else number
