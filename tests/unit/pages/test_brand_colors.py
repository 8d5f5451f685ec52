"""Whatever colours a brand has, text in them can be read on the customer's pages."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from parcelwire.domain.brand import Brand
from parcelwire.pages.rendering import brand_css, contrast

LEGIBLE = 4.5
"""What WCAG 2.2 asks for at level AA."""

COLORS = st.binary(min_size=3, max_size=3).map(lambda parts: f"#{parts.hex()}")
LIGHT_COLORS = st.tuples(*[st.integers(0xD0, 0xFF)] * 3).map(lambda parts: f"#{bytes(parts).hex()}")

# The page's own grounds and ink, as in its style sheet.
PAPER, CARD, INK = "#f6f5f2", "#ffffff", "#1c1917"
NIGHT, NIGHT_CARD = "#161412", "#211e1b"


def variables(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):(#[0-9a-f]{6})", css))


@given(COLORS, st.one_of(st.just(""), LIGHT_COLORS, COLORS))
@example("#ffe600", "#e0e0e0")
@example("#767676", "#ffffff")
def test_text_can_be_read_by_day_and_by_night(primary: str, background: str) -> None:
    day, _, rest = brand_css(Brand(primary_color=primary, background_color=background)).partition(
        "@media (prefers-color-scheme: dark)"
    )
    night, _, own = rest.partition("\n")
    light, dark = variables(day), variables(night)
    ground = variables(own).get("ground", PAPER)
    for color in (light["link"], INK):
        assert contrast(color, ground) >= LEGIBLE
        assert contrast(color, CARD) >= LEGIBLE
    for color in (NIGHT, NIGHT_CARD):
        assert contrast(dark["link"], color) >= LEGIBLE
    for shown in (light, dark):
        assert contrast(shown["calm"], shown["on-calm"]) >= LEGIBLE
