"""What a brand may hold: nothing that loads, runs, lies or breaks out."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from parcelwire.domain.brand import (
    MAX_LOGO_BYTES,
    Brand,
    BrandError,
    Font,
    Link,
    LookupField,
    check_brand,
    check_css,
    check_logo,
    decode_brand,
    encode_brand,
)

FULL = Brand(
    name="Alpenshop",
    home_url="https://alpenshop.example/",
    primary_color="#0A7d5f",
    background_color="#ffffff",
    font=Font.SERIF,
    links=(Link("Help", "https://alpenshop.example/help"), Link("Write", "mailto:a@shop.example")),
    support_email="help@alpenshop.example",
    support_phone="+41 44 000 00 00",
    support_url="https://alpenshop.example/contact",
    texts={"de": {"greeting": "Grüezi!"}, "pt-BR": {"footer": "Obrigado"}},
    css=".card { border-radius: 12px; justify-content: center; }",
    logo_type="image/png",
    logo_alt="Alpenshop",
    lookup=LookupField.POSTAL_CODE,
    mail_from="parcels@alpenshop.example",
)


def test_a_full_and_an_empty_brand_are_kept_as_they_are() -> None:
    for brand in (FULL, Brand()):
        assert decode_brand(encode_brand(check_brand(brand))) == brand
    assert decode_brand(None) == Brand()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("primary_color", "red"),
        ("primary_color", "#fff; background: url(x)"),
        ("home_url", "javascript:alert(1)"),
        ("home_url", "https://"),
        ("home_url", "//evil.example"),
        ("home_url", "https://user:pw@evil.example/"),
        ("home_url", 'https://a.example/"onload='),
        ("home_url", "https://[::1"),
        ("support_url", "data:text/html,x"),
        ("support_email", "not an address"),
        ("support_email", "a@b.example,c@d.example"),
        ("mail_from", "Shop <a@b.example>"),
        ("name", "x" * 201),
        ("name", "two\x00words"),
        ("links", (Link("", "https://a.example"),)),
        ("links", (Link("x", "vbscript:x"),)),
        ("links", (Link("x", "https://a.example"),) * 13),
        ("texts", {"english": {"footer": "x"}}),
        ("texts", {"en": {"headline": "Delivered!"}}),
        ("texts", {"en": {"footer": "x" * 2_001}}),
        ("logo_type", "image/svg+xml"),
    ],
)
def test_what_may_not_be_shown_to_strangers_is_refused(field: str, value: object) -> None:
    with pytest.raises(BrandError) as refused:
        check_brand(replace(FULL, **{field: value}))
    assert refused.value.field.startswith(field)
    assert refused.value.message


@pytest.mark.parametrize(
    "css",
    [
        "@import 'https://evil.example/x.css';",
        "a { background: URL( 'https://evil.example/x.png') }",
        "a { background: \\75rl(https://evil.example) }",
        "a { background: u/**/rl(x) }",
        "a { background-image: image-set('x.png' 1x) }",
        "</style><script>alert(1)</script>",
        "a { width: expression(alert(1)) }",
        "h1::after { content: 'Delivered' }",
        "h1::after{content:'x'}",
        "@font-face { font-family: x }",
        "a { color: red",
        "a { color: red } }",
        "a { color: \x00red }",
        "a" * 20_001,
    ],
)
def test_a_style_sheet_stays_within_the_page(css: str) -> None:
    with pytest.raises(BrandError):
        check_css(css)


def test_ordinary_rules_pass() -> None:
    check_css(".a { justify-content: center; align-content: start } @media (width > 40em) { b {} }")


def test_a_logo_is_the_picture_that_it_says_to_be() -> None:
    check_logo("image/png", b"\x89PNG\r\n\x1a\n" + b"0" * 100)
    check_logo("image/webp", b"RIFF\x00\x00\x00\x00WEBPVP8 ")
    for media_type, data in (
        ("image/png", b"<svg onload=alert(1)>"),
        ("image/webp", b"RIFF\x00\x00\x00\x00WAVE"),
        ("image/svg+xml", b"<svg/>"),
        ("text/html", b"\x89PNG\r\n\x1a\n"),
        ("image/png", b"\x89PNG\r\n\x1a\n" + b"0" * MAX_LOGO_BYTES),
    ):
        with pytest.raises(BrandError):
            check_logo(media_type, data)
