"""The dashboard's cookies among whatever a browser, or somebody else, sends."""

from __future__ import annotations

from pathlib import Path

import pytest

import parcelwire
from parcelwire.pages.dashboard.cookies import (
    DEVICE,
    LONGEST_HEADER,
    TokenCookie,
    device_cookie,
    session_cookie,
)
from parcelwire.pages.dashboard.cookies import SESSION as NAME

TOKEN = "abcdefghijklmnopqrstuvwxyz-_0123456789ABCDE"
COOKIE = session_cookie("/dashboard", is_secure=False)
SECURE = session_cookie("/dashboard", is_secure=True)
DEVICE_COOKIE = device_cookie("/dashboard/login", is_secure=False)
SECURE_DEVICE = device_cookie("/dashboard/login", is_secure=True)


@pytest.mark.parametrize(
    ("cookie", "token"),
    [
        (f"{NAME}={TOKEN}", TOKEN),
        (f"a=b; {NAME}={TOKEN}; c=d", TOKEN),
        (f"a=b;{NAME}={TOKEN};c", TOKEN),
        (f" {NAME} = {TOKEN} ;", TOKEN),
        (f'a="b; {NAME}={TOKEN}"; {NAME}={TOKEN[::-1]}', TOKEN[::-1]),
        (f"{NAME}=short; {NAME}={TOKEN}", TOKEN),
        (f"{NAME}={TOKEN}; {NAME}={TOKEN[::-1]}", TOKEN),
        (f'{NAME}="{TOKEN}"', None),
        (f"{NAME}={TOKEN} x", None),
        (f"{NAME}={TOKEN}=", None),
        (f"{NAME.upper()}={TOKEN}", None),
        (f"x{NAME}={TOKEN}", None),
        (f"{NAME}={'x' * 101}", None),
        (f"{NAME}={TOKEN[:-1]}\xe9", None),
        (f"__Host-{NAME}={TOKEN}", None),
        (NAME, None),
        ("", None),
        (";;;===;;", None),
        (f"a=b;\t{NAME} = {TOKEN} ; c=d", TOKEN),
        (NAME + '="' + "\\" * (LONGEST_HEADER - 100) + '"', None),
    ],
)
def test_the_token_is_found_or_it_is_not(cookie: str, token: str | None) -> None:
    assert COOKIE.token([(b"cookie", cookie.encode("latin-1"))]) == token


def test_several_headers_are_one_list() -> None:
    headers = [(b"cookie", b"a=b"), (b"x", b"y"), (b"cookie", f"{NAME}={TOKEN}".encode())]
    assert COOKIE.token(headers) == TOKEN
    assert COOKIE.token([]) is None


def test_more_than_a_browser_sends_is_not_looked_at() -> None:
    good = f"; {NAME}={TOKEN}".encode()
    assert COOKIE.token([(b"cookie", b"a" * (LONGEST_HEADER - len(good)) + good)]) == TOKEN
    assert COOKIE.token([(b"cookie", b"a" * LONGEST_HEADER), (b"cookie", good)]) is None


def test_over_https_the_cookie_is_of_this_host_alone() -> None:
    assert SECURE.setting(TOKEN).split("; ") == [
        f"__Host-{NAME}={TOKEN}",
        "Max-Age=604800",
        "Path=/",
        "HttpOnly",
        "SameSite=Strict",
        "Secure",
    ]
    assert SECURE.token([(b"cookie", f"__Host-{NAME}={TOKEN}".encode())]) == TOKEN
    assert SECURE.token([(b"cookie", f"{NAME}={TOKEN}".encode())]) is None


def test_over_http_the_cookie_stays_below_the_dashboard() -> None:
    assert COOKIE.setting(TOKEN).split("; ") == [
        f"{NAME}={TOKEN}",
        "Max-Age=604800",
        "Path=/dashboard",
        "HttpOnly",
        "SameSite=Strict",
    ]


def test_the_cookie_of_a_known_browser_goes_to_the_login_page_only_and_comes_back() -> None:
    assert DEVICE_COOKIE.setting(TOKEN) == (
        f"{DEVICE}={TOKEN}; Max-Age=15552000; Path=/dashboard/login; HttpOnly; SameSite=Strict"
    )
    both = f"{NAME}={TOKEN}; {DEVICE}={TOKEN[::-1]}".encode()
    assert DEVICE_COOKIE.token([(b"cookie", both)]) == TOKEN[::-1]
    assert COOKIE.token([(b"cookie", both)]) == TOKEN


def test_over_https_no_plain_connection_can_have_set_the_one_of_a_known_browser() -> None:
    said = SECURE_DEVICE.setting(TOKEN)
    assert said.startswith(f"__Secure-{DEVICE}={TOKEN}; Max-Age=15552000; Path=/dashboard/login; ")
    assert said.endswith("; Secure")
    assert SECURE_DEVICE.token([(b"cookie", said.partition(";")[0].encode())]) == TOKEN
    assert SECURE_DEVICE.token([(b"cookie", f"{DEVICE}={TOKEN}".encode())]) is None


@pytest.mark.parametrize("cookie", [COOKIE, SECURE, DEVICE_COOKIE, SECURE_DEVICE])
def test_what_ends_it_names_the_same_cookie(cookie: TokenCookie) -> None:
    setting, ending = cookie.setting(TOKEN).split("; "), cookie.ending().split("; ")
    assert ending[:2] == [f"{cookie.name}=", "Max-Age=0"]
    assert setting[2:] == ending[2:]


def test_nothing_that_answers_requests_uses_pythons_own_parser() -> None:
    package = Path(parcelwire.__file__).parent
    for room in ("api", "pages", "server"):
        for file in (package / room).rglob("*.py"):
            text = file.read_text("utf-8")
            for word in ("request.cookies", "http.cookies", "set_cookie(", "request.form("):
                assert word not in text, file
