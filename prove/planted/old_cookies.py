"""Cookies are unquoted as Python's own parser did it: quadratic in their length (CVE-2024-7592)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from parcelwire.pages.dashboard.cookies import TokenCookie

_OCTAL = re.compile(r"\\[0-3][0-7][0-7]")
_QUOTED = re.compile(r"\\.")

_token = TokenCookie.token


def _unquote(text: str) -> str:
    done, at = [], 0
    while at < len(text):
        # Both look as far as the end, for every backslash anew.
        octal, quoted = _OCTAL.search(text, at), _QUOTED.search(text, at)
        if quoted is None:
            break
        done.append(text[at : quoted.start()])
        found = octal if octal is not None and octal.start() <= quoted.start() else quoted
        at = found.end()
    return "".join(done) + text[at:]


def _read(cookie: TokenCookie, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    headers = list(headers)
    for name, value in headers:
        if name == b"cookie":
            _unquote(value.decode("latin-1"))
    return _token(cookie, headers)


TokenCookie.token = _read  # type: ignore[method-assign,assignment]  # the bug
