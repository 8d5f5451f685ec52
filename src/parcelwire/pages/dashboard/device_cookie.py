"""The cookie of a browser in which a password was given before. Only the login page is sent it.

It is read by hand, in time that grows with its length only: Python's own parser takes quadratic
time for quoted values in many versions (CVE-2024-7592), and anybody can send such a header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from parcelwire.domain.clock import SECOND
from parcelwire.pages.dashboard.login_throttle import DEVICE_LIFE

NAME: Final = "parcelwire_device"
LONGEST_HEADER: Final = 16_384
"""Bytes of all ``Cookie`` headers together; beyond it no browser is known."""

_TOKEN: Final = re.compile(rb"[A-Za-z0-9_-]{20,100}")


class DeviceCookie:
    """Reads and writes it."""

    def __init__(self, path: str, *, is_secure: bool) -> None:
        """``path``: where it is sent. ``is_secure``: the dashboard is reached over https.

        Then its name says that no plain connection can have set it (``__Secure-``, RFC 6265bis).
        """
        self.name = f"__Secure-{NAME}" if is_secure else NAME
        self._name = self.name.encode()
        self._attributes = (
            f"Max-Age={DEVICE_LIFE // SECOND}; Path={path}; HttpOnly; SameSite=Strict"
            + ("; Secure" if is_secure else "")
        )

    def token(self, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Return the token that a request's headers carry; empty where there is none."""
        cookies = [value for name, value in headers if name == b"cookie"]
        if sum(map(len, cookies)) > LONGEST_HEADER:
            return ""
        for cookie in cookies:
            for pair in cookie.split(b";"):
                name, _, value = pair.partition(b"=")
                if name.strip(b" \t") == self._name:
                    found = _TOKEN.fullmatch(value.strip(b" \t"))
                    if found is not None:
                        return found[0].decode()
        return ""

    def setting(self, token: str) -> str:
        """Return the ``Set-Cookie`` header that keeps ``token``."""
        return f"{self.name}={token}; {self._attributes}"
