"""The cookie of a known browser: what is read of what anybody may send, and what is set."""

from __future__ import annotations

import pytest

from parcelwire.pages.dashboard.device_cookie import LONGEST_HEADER, DeviceCookie

PLAIN = DeviceCookie("/dashboard/login", is_secure=False)
SECURE = DeviceCookie("/dashboard/login", is_secure=True)
TOKEN = "A-b_" * 10 + "xyz"


def read(*cookies: bytes) -> str:
    return PLAIN.token([(b"host", b"x"), *((b"cookie", one) for one in cookies)])


@pytest.mark.parametrize(
    "cookies",
    [
        (b"parcelwire_device=" + TOKEN.encode(),),
        (b"a=b; parcelwire_session=x;\tparcelwire_device = " + TOKEN.encode() + b" ; c=d",),
        (b"a=b", b"parcelwire_device=" + TOKEN.encode()),
        (b"parcelwire_device=short; parcelwire_device=" + TOKEN.encode(),),
    ],
)
def test_the_token_is_found(cookies: tuple[bytes, ...]) -> None:
    assert read(*cookies) == TOKEN


@pytest.mark.parametrize(
    "cookie",
    [
        b"",
        b"parcelwire_device",
        b"parcelwire_device=",
        b'parcelwire_device="' + TOKEN.encode() + b'"',
        b"xparcelwire_device=" + TOKEN.encode(),
        b"__Secure-parcelwire_device=" + TOKEN.encode(),
        b"parcelwire_device=" + b"\xff" * 43,
        b"parcelwire_device=" + b"A" * 101,
        b"x" * LONGEST_HEADER + b";parcelwire_device=" + TOKEN.encode(),
        b'parcelwire_device="' + b"\\" * (LONGEST_HEADER - 100) + b'"',
    ],
)
def test_anything_else_is_none(cookie: bytes) -> None:
    assert read(cookie) == ""


def test_what_is_set_goes_to_the_login_page_only_and_comes_back() -> None:
    assert PLAIN.setting(TOKEN) == (
        f"parcelwire_device={TOKEN}; Max-Age=15552000; Path=/dashboard/login; HttpOnly;"
        " SameSite=Strict"
    )
    said = SECURE.setting(TOKEN)
    assert said.startswith(f"__Secure-parcelwire_device={TOKEN}; ")
    assert said.endswith("; Secure")
    assert SECURE.token([(b"cookie", said.partition(";")[0].encode())]) == TOKEN
