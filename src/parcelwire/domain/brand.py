"""How a shop looks and what it says on its customers' pages and in its mails. Pure: checks
included.

A brand is written by an operator and shown to strangers: nothing in it may load from elsewhere, run
a script, or change what a page says about a parcel.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

import msgspec

from parcelwire.domain.style_rules import read_style_rules


class LookupField(StrEnum):
    """What a customer must know beside the tracking number to look a parcel up."""

    NONE = "none"
    """The lookup page is off: only the unguessable address leads to a parcel."""
    ORDER_NUMBER = "order_number"
    EMAIL = "email"
    POSTAL_CODE = "postal_code"


class Font(StrEnum):
    """Families that every system has: no page may fetch one."""

    SYSTEM = "system"
    SERIF = "serif"
    ROUNDED = "rounded"
    MONO = "mono"


class Link(msgspec.Struct, frozen=True):
    """A link in the page's head or foot."""

    text: str
    url: str


class Brand(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One account's brand. Every field may be left out; an empty brand is Parcelwire's own look."""

    name: str = ""
    """The shop's name."""
    home_url: str = ""
    primary_color: str = ""
    """``#rrggbb``: buttons, links, the progress bar. The page takes care of its contrast."""
    background_color: str = ""
    font: Font = Font.SYSTEM
    links: tuple[Link, ...] = ()
    support_email: str = ""
    support_phone: str = ""
    support_url: str = ""
    texts: dict[str, dict[str, str]] = {}
    """Language -> name of a text (``greeting``, ``footer``, ``delivered``, ``exception`` ...) ->
    what the shop says there beside our own words."""
    css: str = ""
    """Further rules for the tracking page; see ``check_css``."""
    logo_type: str = ""
    """Media type of the logo, which is kept apart; empty: there is none."""
    logo_alt: str = ""
    lookup: LookupField = LookupField.NONE
    shows_signer: bool = False
    """Whether the public page names who signed."""
    mail_from: str = ""
    """Sender of the notices, where the installation's own is not wanted."""
    mails_unasked: bool = False
    """Whether customers whose address came with the parcel are told by mail without asking for it.

    It needs the operator's leave, too (``notifications.auto_notify_accounts``).
    """


class BrandError(ValueError):
    """A brand cannot be taken. ``field`` says where, the message what is wrong."""

    def __init__(self, field: str, message: str) -> None:
        """``message`` is for the person who wrote it."""
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


TEXT_NAMES: Final = (
    "greeting",
    "footer",
    "help",
    "pending",
    "notfound",
    "inforeceived",
    "transit",
    "pickup",
    "delivered",
    "undelivered",
    "exception",
    "expired",
)
"""The places where a shop may say something of its own."""

MAX_TEXT: Final = 2_000
SHOWN_PROBLEMS: Final = 5
"""Lines of a brand's style rules that a message names."""
MAX_LINKS: Final = 12
LOGO_TYPES: Final = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/webp": b"RIFF",
    "image/jpeg": b"\xff\xd8",
}
"""Pictures that can carry no script, and what their bytes begin with."""
MAX_LOGO_BYTES: Final = 200_000

_COLOR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_EMAIL: Final = re.compile(r"[^@\s<>\",;]{1,64}@[^@\s<>\",;]{1,255}")
_LANGUAGE: Final = re.compile(r"[a-z]{2}(-[A-Z]{2})?")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def check_brand(brand: Brand) -> Brand:
    """Return ``brand`` as it may be kept.

    Raises:
        BrandError: something of it may not be shown to strangers, or is not of its form.
    """
    for field in ("name", "support_phone", "logo_alt"):
        _check_text(field, getattr(brand, field), 200)
    for field in ("primary_color", "background_color"):
        value = getattr(brand, field)
        if value and _COLOR.fullmatch(value) is None:
            raise BrandError(field, "a color is written #rrggbb")
    for field in ("home_url", "support_url"):
        _check_url(field, getattr(brand, field))
    for field in ("support_email", "mail_from"):
        value = getattr(brand, field)
        if value and _EMAIL.fullmatch(value) is None:
            raise BrandError(field, "this is no e-mail address")
    if len(brand.links) > MAX_LINKS:
        raise BrandError("links", f"at most {MAX_LINKS}")
    for number, link in enumerate(brand.links):
        if not link.text.strip() or not link.url:
            raise BrandError(f"links[{number}]", "a link has a text and an address")
        _check_text(f"links[{number}].text", link.text, 100)
        _check_url(f"links[{number}].url", link.url)
    for language, texts in brand.texts.items():
        if _LANGUAGE.fullmatch(language) is None:
            raise BrandError("texts", f"{language} is no language (en, de, pt-BR)")
        for name, text in texts.items():
            if name not in TEXT_NAMES:
                raise BrandError(f"texts.{language}", f"there is no text {name}")
            _check_text(f"texts.{language}.{name}", text, MAX_TEXT)
    check_css(brand.css)
    if brand.logo_type and brand.logo_type not in LOGO_TYPES:
        raise BrandError("logo_type", f"one of {', '.join(LOGO_TYPES)}")
    return brand


def check_css(css: str) -> None:
    """Check that style rules set nothing but what ``style_values`` allows.

    Raises:
        BrandError: something of them is not allowed; the message names line and property.
    """
    problems = read_style_rules(css).problems
    if problems:
        shown = "; ".join(map(str, problems[:SHOWN_PROBLEMS]))
        more = len(problems) - SHOWN_PROBLEMS
        raise BrandError("css", f"{shown}; and {more} more" if more > 0 else shown)


def check_logo(media_type: str, data: bytes) -> None:
    """Check a logo's bytes.

    Raises:
        BrandError: too large, or not the picture that it says to be.
    """
    begins = LOGO_TYPES.get(media_type)
    if begins is None:
        raise BrandError("logo", f"one of {', '.join(LOGO_TYPES)}")
    if len(data) > MAX_LOGO_BYTES:
        raise BrandError("logo", f"at most {MAX_LOGO_BYTES} bytes")
    is_webp = media_type == "image/webp"
    if not data.startswith(begins) or (is_webp and data[8:12] != b"WEBP"):
        raise BrandError("logo", f"these bytes are no {media_type}")


def _check_text(field: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise BrandError(field, f"at most {longest} characters")
    if _CONTROL.search(text):
        raise BrandError(field, "control characters are not allowed")


def _check_url(field: str, url: str) -> None:
    if not url:
        return
    _check_text(field, url, 2_000)
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme in ("https", "http", "mailto", "tel") and not parts.username
        has_target = bool(parts.hostname) or (parts.scheme in ("mailto", "tel") and parts.path)
    except ValueError:
        is_plain = has_target = False
    if not (is_plain and has_target) or re.search(r"[\s\"'<>`\\]", url):
        raise BrandError(field, "an address begins with https://, http://, mailto: or tel:")


_decoder: Final = msgspec.json.Decoder(Brand)
_encode: Final = msgspec.json.Encoder().encode


def decode_brand(document: bytes | None) -> Brand:
    """Return the brand that ``encode_brand`` wrote; an empty one where there is none."""
    return Brand() if document is None else _decoder.decode(document)


def encode_brand(brand: Brand) -> bytes:
    """Return a brand as it is kept."""
    return _encode(brand)
