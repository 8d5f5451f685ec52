"""How the customer's pages become answers: templates, headers, brands."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, Template, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from parcelwire.accounts.brands import find_brand, load_logo
from parcelwire.domain.brand import Brand, Font
from parcelwire.domain.style_rules import read_style_rules
from parcelwire.pages.house import PageStore
from parcelwire.pages.words import LANGUAGES, Words, choose

PUBLIC: Final = {
    # The page needs nothing but its own files; everything else is forbidden to it.
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self';"
    " img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
    "cache-control": "private, no-store",
    "vary": "accept-language",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""Headers of every page."""

EMBEDDED: Final = {
    **PUBLIC,
    "content-security-policy": PUBLIC["content-security-policy"].replace(
        "frame-ancestors 'none'", "frame-ancestors *"
    ),
}
"""The same for a page that the shop shows within its own."""

FONTS: Final = {
    Font.SYSTEM: "system-ui, sans-serif",
    Font.SERIF: "Georgia, 'Times New Roman', serif",
    Font.ROUNDED: "ui-rounded, 'Hiragino Maru Gothic ProN', Quicksand, system-ui, sans-serif",
    Font.MONO: "ui-monospace, 'Cascadia Mono', Menlo, monospace",
}


@cache
def template(name: str) -> Template:
    """Return a template."""
    environment = Environment(
        loader=PackageLoader("parcelwire.pages"),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def language_of(request: Request, own: str | None = None) -> Words:
    """Return the language that the reader of this page wants."""
    return choose(request.query_params.get("lang"), request.headers.get("accept-language"), own)


def html(
    name: str,
    say: Words,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """Return a page; ``say`` and the languages are known to every template."""
    text = template(name).render(say=say, languages=LANGUAGES, **context)
    return HTMLResponse(text, status, headers or PUBLIC)


def missing(request: Request) -> Response:
    """Return the same bytes for what never was and what is gone."""
    return html("missing.html", language_of(request), status=404, brand=Brand(), base="")


def later(request: Request) -> Response:
    """Return what a page says while the database is out of reach."""
    text = language_of(request).say("page.later")
    return PlainTextResponse(text, 503, {**PUBLIC, "retry-after": "60"})


def unavailable(request: Request) -> Response:
    """Return what stands in the place of a suspended account's pages: nothing of the account."""
    return html("unavailable.html", language_of(request), status=404, brand=Brand(), base="")


async def load_brand(store: PageStore, world_id: int) -> Brand:
    """Return the brand that a world's pages show; an empty one where nobody made one."""
    return (await find_brand(store, world_id)).brand


async def logo_of(store: PageStore, world_id: int) -> Response:
    """Return the logo that a world's pages show."""
    kept = await find_brand(store, world_id)
    data = await load_logo(store, kept)
    if data is None:
        return Response(status_code=404, headers=PUBLIC)
    return Response(data, media_type=kept.brand.logo_type, headers=PUBLIC)


def style_of(brand: Brand) -> Response:
    """Return a brand's colours and rules as a style sheet."""
    return Response(brand_css(brand), media_type="text/css", headers=PUBLIC)


def brand_css(brand: Brand) -> str:
    """Return a brand as style rules, those of its own as far as they are allowed.

    Colours are made legible: see ``ink_on`` and ``on_paper``.
    """
    rules = []
    # A ground on which dark ink can be read; at night the page has its own.
    has_ground = bool(brand.background_color) and luminance(brand.background_color) > 0.75
    if brand.primary_color:
        light = on_paper(brand.primary_color, brand.background_color if has_ground else _PAPER)
        dark = on_night(brand.primary_color)
        rules.append(f":root{{--calm:{light};--link:{light};--on-calm:{ink_on(light)}}}")
        rules.append(
            "@media (prefers-color-scheme: dark){"
            f":root{{--calm:{dark};--link:{dark};--on-calm:{ink_on(dark)}}}}}"
        )
    if has_ground:
        rules.append(
            f"@media not (prefers-color-scheme: dark){{:root{{--ground:{brand.background_color}}}}}"
        )
    if brand.font is not Font.SYSTEM:
        rules.append(f"body{{font-family:{FONTS[brand.font]}}}")
    return "\n".join([*rules, read_style_rules(brand.css).text])


_PAPER: Final = "#f6f5f2"
"""The ground of a light page whose brand names none."""


def luminance(color: str) -> float:
    """Return the relative luminance of ``#rrggbb`` (WCAG 2.2), 0 to 1."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2), 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def on_paper(color: str, ground: str) -> str:
    """Return the colour, darkened until text in it can be read on the light page (4.5 to 1).

    ``ground``: the page's; the cards on it are white and ask for less, as a lighter ground does.
    """
    return _moved(color, min(ground, _PAPER, key=luminance), towards=0)


def on_night(color: str) -> str:
    """Return the colour, lightened until text in it can be read on the dark page."""
    return _moved(color, "#211e1b", towards=255)


def ink_on(color: str) -> str:
    """Return black or white, whichever can be read on the colour."""
    return "#000000" if contrast(color, "#000000") > contrast(color, "#ffffff") else "#ffffff"


def _moved(color: str, ground: str, *, towards: int) -> str:
    for step in range(21):
        parts = [int(color[at : at + 2], 16) for at in (1, 3, 5)]
        mixed = [round(part + (towards - part) * step / 20) for part in parts]
        tried = "#" + "".join(f"{part:02x}" for part in mixed)
        if contrast(tried, ground) >= 4.6:
            return tried
    return "#000000" if towards == 0 else "#ffffff"


def asset(name: str) -> bytes:
    """Return a static file that is served under another address too."""
    return files(__package__).joinpath("static", name).read_bytes()
