"""The one cookie that there is: the session's token.

It is read by hand, in time that grows with its length only. Python's own parser takes quadratic
time for quoted values in many versions (CVE-2024-7592), and anybody can send such a header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from parcelwire.pages.dashboard.sessions import LONGEST

NAME: Final = "parcelwire_session"
LONGEST_HEADER: Final = 16_384
"""Bytes of all ``Cookie`` headers together; beyond it nobody is logged in."""

_TOKEN: Final = re.compile(rb"[A-Za-z0-9_-]{20,100}")
"""What ``sessions`` makes: base64url, all of it letters that a cookie may hold (RFC 6265)."""


class SessionCookie:
    """Reads and writes the session's cookie."""

    def __init__(self, path: str, *, is_secure: bool) -> None:
        """``path``: where it is sent. ``is_secure``: the dashboard is reached over https.

        Then the name says that no other host and no plain connection can have set it
        (``__Host-``, RFC 6265bis), for which the cookie has to hold for all paths.
        """
        self.name = f"__Host-{NAME}" if is_secure else NAME
        self._name = self.name.encode()
        tail = "HttpOnly; SameSite=Strict"
        self._attributes = f"Path=/; {tail}; Secure" if is_secure else f"Path={path}; {tail}"

    def token(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Return the token that a request's headers carry, or None.

        Of several cookies of the name the first that can be a token counts: browsers send the one
        of the longest path first. Quotes around a value are part of it (RFC 6265, 5.4), so a
        quoted one is no token.
        """
        cookies = [value for name, value in headers if name == b"cookie"]
        if not cookies or sum(map(len, cookies)) > LONGEST_HEADER:
            return None
        for cookie in cookies:
            for pair in cookie.split(b";"):
                name, _, value = pair.partition(b"=")
                if name.strip(b" \t") == self._name:
                    found = _TOKEN.fullmatch(value.strip(b" \t"))
                    if found is not None:
                        return found[0].decode()
        return None

    def opening(self, token: str) -> str:
        """Return the ``Set-Cookie`` header that keeps ``token``."""
        return f"{self.name}={token}; Max-Age={LONGEST // 1_000}; {self._attributes}"

    def ending(self) -> str:
        """Return the ``Set-Cookie`` header that removes it."""
        return f"{self.name}=; Max-Age=0; {self._attributes}"
