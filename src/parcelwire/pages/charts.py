"""Charts as SVG, drawn here: no script, no library, legible without colour.

A chart repeats what a table below it says; its title and its description tell the gist to those who
do not see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from markupsafe import Markup, escape

# So narrow that a phone need not shrink it: the words stay as large as those around it.
WIDTH: Final = 400
_FIGURE: Final = 120
_BAR: Final = 14
_ROW: Final = 44
_LINE: Final = 18
_HEIGHT: Final = 160
_FOOT: Final = 24
_LONGEST: Final = 40


class Bar(msgspec.Struct, frozen=True):
    """One row of a chart: its length, the text at its end, and marks farther on."""

    label: str
    value: float
    text: str
    marks: tuple[float, ...] = ()


def bars(name: str, title: str, rows: Sequence[Bar], *, most: float | None = None) -> Markup:
    """Return lying bars, one below the other. ``most``: what the whole width stands for."""
    if not rows:
        return Markup("")
    widest = most or max((max(row.value, *row.marks, 0) for row in rows), default=0) or 1
    room = WIDTH - _FIGURE
    parts = []
    for place, row in enumerate(rows):
        y = place * _ROW
        parts.append(
            Markup('<text class="label" x="0" y="{}">{}</text>').format(y + 14, _short(row.label))
        )
        parts.extend(_bar(row, y + _LINE + 2, widest, room))
    said = "; ".join(f"{row.label}: {row.text}" for row in rows)
    return _svg(name, title, said, len(rows) * _ROW, parts)


def _bar(row: Bar, y: int, widest: float, room: float) -> list[Markup]:
    """Draw one bar with its marks, and its figures at the end."""
    length = _scaled(row.value, widest, room)
    end = max((_scaled(mark, widest, room) for mark in row.marks), default=length)
    parts = []
    if row.marks:
        parts.append(
            Markup('<line class="range" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                length, end, y + _BAR / 2, y + _BAR / 2
            )
        )
    parts.append(
        Markup('<rect class="bar" x="0" y="{}" width="{}" height="{}" rx="2"/>').format(
            y, max(length, 1), _BAR
        )
    )
    parts.extend(
        Markup('<rect class="mark" x="{}" y="{}" width="3" height="{}"/>').format(
            max(0.0, _scaled(mark, widest, room) - 1.5), y, _BAR
        )
        for mark in row.marks
    )
    parts.append(
        Markup('<text class="value" x="{}" y="{}">{}</text>').format(
            max(end, length) + 8, y + _BAR - 2, row.text
        )
    )
    return parts


def columns(name: str, title: str, rows: Sequence[tuple[str, int]]) -> Markup:
    """Return standing bars, one beside the other, for figures over time."""
    if not rows:
        return Markup("")
    most = max(number for _, number in rows) or 1
    step = WIDTH / len(rows)
    gap = min(2.0, step / 4)
    room = _HEIGHT - _FOOT - _LINE - 2
    parts = []
    for place, (_, number) in enumerate(rows):
        height = _scaled(number, most, room)
        parts.append(
            Markup('<rect class="bar" x="{}" y="{}" width="{}" height="{}"/>').format(
                round(place * step, 1),
                round(_HEIGHT - _FOOT - height, 1),
                round(step - gap, 1),
                height,
            )
        )
    parts.append(Markup('<text class="value" x="0" y="14">{}</text>').format(f"{most:,}"))
    first, last = rows[0][0], rows[-1][0]
    y = _HEIGHT - 6
    parts.append(Markup('<text class="label" x="0" y="{}">{}</text>').format(y, first))
    if len(rows) > 1:
        parts.append(
            Markup('<text class="label" x="{}" y="{}" text-anchor="end">{}</text>').format(
                WIDTH, y, last
            )
        )
    total = sum(number for _, number in rows)
    said = f"{total:,} in all from {first} to {last}, at most {most:,}"
    return _svg(name, title, said, _HEIGHT, parts)


def _svg(name: str, title: str, said: str, height: int, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="chart" role="img" viewBox="0 0 {} {}" aria-labelledby="{}-t {}-d">'
        '<title id="{}-t">{}</title><desc id="{}-d">{}</desc>{}</svg>'
    ).format(WIDTH, height, name, name, name, title, name, said, Markup("").join(parts))


def _scaled(value: float, most: float, room: float) -> float:
    return round(min(1.0, max(0.0, value / most)) * room, 1)


def _short(text: str) -> Markup:
    return escape(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")
