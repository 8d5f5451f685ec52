"""Whether messages may be sent to a URL, asked before an endpoint gets it."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp.abc import AbstractResolver

from parcelwire.webhooks.address import AddressGuard
from parcelwire.webhooks.guarded_dns import SystemResolver, check_destination

RESOLVE_SECONDS: Final = 5.0
"""How long a dead name server may hold up whoever creates an endpoint."""


class UrlChecker:
    """Judges URLs by their text and, where that is possible now, by where their names lead."""

    def __init__(
        self, guard: AddressGuard, *, dns_threads: int, resolver: AbstractResolver | None = None
    ) -> None:
        """``guard`` is the sender's, so that what passes here is judged alike later.

        ``resolver`` defaults to the system's, with ``dns_threads`` look-ups at one time.
        """
        self._guard = guard
        self._resolver = resolver or SystemResolver(dns_threads)

    async def check(self, url: str) -> None:
        """Check that messages may be sent to ``url``, its name resolved where it can be now.

        Raises:
            AddressRefusedError: it is no usable URL, or leads to an address nobody allowed.
        """
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                await check_destination(self._guard, self._resolver, url)
        except TimeoutError:
            return  # as a name that has no address yet: every attempt judges again

    async def close(self) -> None:
        """Let go of the resolver."""
        await self._resolver.close()
