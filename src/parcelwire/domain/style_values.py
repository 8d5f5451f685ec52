"""What a brand's style rules may set, and to what: an allow-list of properties and their values.

A rule may change colours, type, borders and distances. It may not show, hide, move or replace
anything, since the page's words are not the shop's: there is nothing here that makes content
(``content``, ``list-style``, ``quotes``), takes it away (``display``, ``opacity``, sizes of next to
nothing), lays one thing over another (``position``, negative margins) or loads a file (``url()``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec


class Part(msgspec.Struct, frozen=True):
    """One component of a value: a word, a colour, a quantity, a function with its arguments."""

    kind: str
    """``word``, ``hash``, ``quantity``, ``string``, ``function``, ``comma`` or ``slash``."""
    text: str
    """In lower case, without the bracket of a function."""
    number: float = 0.0
    unit: str = ""
    arguments: tuple[Part, ...] = ()

    def __str__(self) -> str:
        if self.kind == "function":
            return f"{self.text}({write(self.arguments)})"
        return self.text


def write(parts: Sequence[Part]) -> str:
    """Return a value as text; nothing else gets into a style sheet than what was understood."""
    return " ".join(map(str, parts)).replace(" ,", ",")


Check = Callable[[Sequence[Part]], bool]
"""Tells whether the parts of a value may stand."""


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


VARIABLES: Final = frozenset(
    f"--{name}"
    for name in (
        "ground",
        "card",
        "ink",
        "quiet",
        "line",
        "land",
        "calm",
        "on-calm",
        "good",
        "trouble",
        "link",
        "tone",
    )
)
"""The colours of the page's own style sheet."""

_NAMED: Final = words(
    "aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue blueviolet"
    " brown burlywood cadetblue chartreuse chocolate coral cornflowerblue cornsilk crimson cyan"
    " darkblue darkcyan darkgoldenrod darkgray darkgreen darkgrey darkkhaki darkmagenta"
    " darkolivegreen darkorange darkorchid darkred darksalmon darkseagreen darkslateblue"
    " darkslategray darkslategrey darkturquoise darkviolet deeppink deepskyblue dimgray dimgrey"
    " dodgerblue firebrick floralwhite forestgreen fuchsia gainsboro ghostwhite gold goldenrod gray"
    " green greenyellow grey honeydew hotpink indianred indigo ivory khaki lavender lavenderblush"
    " lawngreen lemonchiffon lightblue lightcoral lightcyan lightgoldenrodyellow lightgray"
    " lightgreen lightgrey lightpink lightsalmon lightseagreen lightskyblue lightslategray"
    " lightslategrey lightsteelblue lightyellow lime limegreen linen magenta maroon"
    " mediumaquamarine mediumblue mediumorchid mediumpurple mediumseagreen mediumslateblue"
    " mediumspringgreen mediumturquoise mediumvioletred midnightblue mintcream mistyrose moccasin"
    " navajowhite navy oldlace olive olivedrab orange orangered orchid palegoldenrod palegreen"
    " paleturquoise palevioletred papayawhip peachpuff peru pink plum powderblue purple"
    " rebeccapurple red rosybrown royalblue saddlebrown salmon sandybrown seagreen seashell sienna"
    " silver skyblue slateblue slategray slategrey snow springgreen steelblue tan teal thistle"
    " tomato turquoise violet wheat white whitesmoke yellow yellowgreen"
)
_FAMILIES: Final = words(
    "serif sans-serif monospace system-ui ui-serif ui-sans-serif ui-monospace ui-rounded"
    " georgia arial helvetica verdana tahoma menlo consolas inherit"
)
_BORDER_STYLES: Final = frozenset({"none", "solid", "dashed", "dotted", "double"})
_PIXELS: Final = {"px": 1.0, "rem": 16.0, "em": 16.0, "pt": 4 / 3}


def _is_color(part: Part) -> bool:
    """An opaque colour: with a transparent one, words could be taken off the page."""
    match part.kind:
        case "hash":
            digits = part.text[1:]
            return len(digits) in (3, 6) and all(c in "0123456789abcdef" for c in digits)
        case "word":
            return part.text in _NAMED or part.text in {"currentcolor", "inherit"}
        case "function" if part.text == "var":
            return [str(one) for one in part.arguments] in [[name] for name in VARIABLES]
        case "function" if part.text in {"rgb", "hsl"}:
            values = [one for one in part.arguments if one.kind != "comma"]
            return len(values) == 3 and all(
                one.kind == "quantity" and one.unit in {"", "%", "deg"} for one in values
            )
        case _:
            return False


def _is_ground(part: Part) -> bool:
    if part.kind == "function" and part.text == "linear-gradient":
        return all(
            one.kind == "comma"
            or _is_color(one)
            or (one.kind == "quantity" and one.unit in {"%", "deg"})
            or (one.kind == "word" and one.text in {"to", "top", "right", "bottom", "left"})
            for one in part.arguments
        )
    return _is_color(part) or (part.kind == "word" and part.text in {"none", "transparent"})


def _is_length(least: float, most: float, percent: float = 0.0) -> Callable[[Part], bool]:
    """Lengths between so many pixels, and percentages up to ``percent``."""

    def is_length(part: Part) -> bool:
        if part.kind != "quantity":
            return False
        if part.unit == "":
            return part.number == 0 and least <= 0
        if part.unit == "%":
            return 0 <= part.number <= percent
        return part.unit in _PIXELS and least <= part.number * _PIXELS[part.unit] <= most

    return is_length


def _is_number(least: float, most: float) -> Callable[[Part], bool]:
    return lambda part: part.kind == "quantity" and part.unit == "" and least <= part.number <= most


def _is_word(*words: str) -> Callable[[Part], bool]:
    return lambda part: part.kind == "word" and part.text in {*words, "inherit"}


def _upto(most: int, *kinds: Callable[[Part], bool]) -> Check:
    return lambda parts: (
        0 < len(parts) <= most and all(any(is_kind(one) for is_kind in kinds) for one in parts)
    )


def _is_border(parts: Sequence[Part]) -> bool:
    width = _is_length(0, 20)
    return 0 < len(parts) <= 3 and all(
        width(one) or _is_color(one) or (one.kind == "word" and one.text in _BORDER_STYLES)
        for one in parts
    )


def _is_shadow(parts: Sequence[Part]) -> bool:
    if [one.text for one in parts] == ["none"]:
        return True
    lengths = [one for one in parts if one.kind == "quantity"]
    others = [one for one in parts if one.kind != "quantity"]
    near = _is_length(-24, 24)
    return (
        2 <= len(lengths) <= 4
        and all(near(one) for one in lengths)
        and len(others) <= 2
        and all(_is_color(one) or one.text == "inset" for one in others)
    )


def _is_family(parts: Sequence[Part]) -> bool:
    return bool(parts) and all(
        one.kind in {"string", "comma"} or (one.kind == "word" and one.text in _FAMILIES)
        for one in parts
    )


def _sides(name: str, check: Check, suffix: str = "") -> dict[str, Check]:
    sides = ("top", "right", "bottom", "left", "inline", "block", "inline-start", "inline-end")
    return {f"{name}-{side}{suffix}": check for side in (*sides, "block-start", "block-end")}


_COLOR: Final = _upto(1, _is_color)
_COLORS: Final = _upto(4, _is_color)
_WIDTHS: Final = _upto(4, _is_length(0, 20))
_PADDING: Final = _upto(4, _is_length(0, 96, 10))
_MARGIN: Final = _upto(4, _is_length(0, 160, 10), _is_word("auto"))
_RADIUS: Final = _upto(4, _is_length(0, 400, 50))
_GAP: Final = _upto(2, _is_length(0, 96))
_ALIGNMENT: Final = _upto(
    1,
    _is_word(
        *("start", "end", "center", "stretch", "normal", "baseline", "flex-start", "flex-end"),
        *("space-between", "space-around", "space-evenly"),
    ),
)

PROPERTIES: Final[dict[str, Check]] = {
    **dict.fromkeys(VARIABLES, _COLOR),
    "color": _COLOR,
    "background": _upto(1, _is_ground),
    "background-color": _upto(1, _is_ground),
    "background-image": _upto(1, _is_ground),
    "accent-color": _COLOR,
    "outline-color": _COLOR,
    "text-decoration-color": _COLOR,
    "border": _is_border,
    "border-color": _COLORS,
    "border-style": _upto(4, _is_word(*_BORDER_STYLES)),
    "border-width": _WIDTHS,
    **_sides("border", _is_border),
    **_sides("border", _COLORS, "-color"),
    **_sides("border", _WIDTHS, "-width"),
    **_sides("border", _upto(4, _is_word(*_BORDER_STYLES)), "-style"),
    "border-radius": _RADIUS,
    **{
        f"border-{corner}-radius": _RADIUS
        for corner in ("top-left", "top-right", "bottom-left", "bottom-right")
    },
    "box-shadow": _is_shadow,
    "padding": _PADDING,
    **_sides("padding", _PADDING),
    "margin": _MARGIN,
    **_sides("margin", _MARGIN),
    "gap": _GAP,
    "row-gap": _GAP,
    "column-gap": _GAP,
    "max-width": lambda parts: (
        len(parts) == 1 and (_is_length(320, 2_400)(parts[0]) or _is_word("none")(parts[0]))
    ),
    "font-family": _is_family,
    "font-size": lambda parts: (
        len(parts) == 1
        and (
            _is_length(10, 64)(parts[0])
            or _is_word("small", "medium", "large", "x-large", "smaller", "larger")(parts[0])
            or (parts[0].unit == "%" and 70 <= parts[0].number <= 300)
        )
    ),
    "font-style": _upto(1, _is_word("normal", "italic")),
    "font-weight": _upto(1, _is_number(300, 900), _is_word("normal", "bold", "bolder")),
    "font-variant-numeric": _upto(1, _is_word("normal", "tabular-nums", "lining-nums")),
    "line-height": _upto(1, _is_number(1, 3), _is_length(14, 96), _is_word("normal")),
    "letter-spacing": _upto(1, _is_length(-1, 4), _is_word("normal")),
    "text-align": _upto(1, _is_word("left", "right", "center", "start", "end", "justify")),
    "text-transform": _upto(1, _is_word("none", "uppercase", "capitalize")),
    "text-decoration": _upto(1, _is_word("none", "underline")),
    "text-decoration-line": _upto(1, _is_word("none", "underline")),
    "text-underline-offset": _upto(1, _is_length(0, 8)),
    "align-items": _ALIGNMENT,
    "align-content": _ALIGNMENT,
    "justify-content": _ALIGNMENT,
    "justify-items": _ALIGNMENT,
}
"""Property -> whether a value may stand there."""
