"""The dashboard's two cookies: the session's token, and that of a browser that logged in before.

They are read by hand, in time that grows with their length only. Python's own parser takes
quadratic time for quoted values in many versions (CVE-2024-7592), and anybody can send such a
header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from parcelwire.accounts.login_throttle import DEVICE_LIFE
from parcelwire.accounts.sessions import LONGEST
from parcelwire.domain.clock import SECOND

SESSION: Final = "parcelwire_session"
DEVICE: Final = "parcelwire_device"
LONGEST_HEADER: Final = 16_384
"""Bytes of all ``Cookie`` headers together; beyond it they are not read."""

_TOKEN: Final = re.compile(rb"[A-Za-z0-9_-]{20,100}")
"""What ``sessions`` makes: base64url, all of it letters that a cookie may hold (RFC 6265)."""


class TokenCookie:
    """Reads and writes one cookie whose value is a token."""

    def __init__(self, name: str, *, path: str, life: int, is_secure: bool) -> None:
        """``path``: where it is sent. ``life``: milliseconds. ``is_secure``: over https alone."""
        self.name = name
        self._name = name.encode()
        self._life = life // SECOND
        self._attributes = f"Path={path}; HttpOnly; SameSite=Strict" + (
            "; Secure" if is_secure else ""
        )

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

    def setting(self, token: str) -> str:
        """Return the ``Set-Cookie`` header that keeps ``token``."""
        return f"{self.name}={token}; Max-Age={self._life}; {self._attributes}"

    def ending(self) -> str:
        """Return the ``Set-Cookie`` header that removes it."""
        return f"{self.name}=; Max-Age=0; {self._attributes}"


def session_cookie(path: str, *, is_secure: bool) -> TokenCookie:
    """Return the session's cookie. ``is_secure``: the dashboard is reached over https.

    Then the name says that no other host and no plain connection can have set it (``__Host-``,
    RFC 6265bis), for which the cookie has to hold for all paths, not below ``path`` only.
    """
    if is_secure:
        return TokenCookie(f"__Host-{SESSION}", path="/", life=LONGEST, is_secure=True)
    return TokenCookie(SESSION, path=path, life=LONGEST, is_secure=False)


def device_cookie(path: str, *, is_secure: bool) -> TokenCookie:
    """Return the cookie of a browser in which a password was given before; sent to ``path`` only.

    Over https its name says that no plain connection can have set it (``__Secure-``, RFC 6265bis).
    """
    prefix = "__Secure-" if is_secure else ""
    return TokenCookie(f"{prefix}{DEVICE}", path=path, life=DEVICE_LIFE, is_secure=is_secure)
