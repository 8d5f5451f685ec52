"""The address guard where connections are made: what is resolved, and what a socket is opened to.

aiohttp connects to the very addresses that its resolver returns, so judging them there pins the
answer: no second lookup happens between check and connection. Literal addresses pass the resolver
by; ``open_socket``, its socket factory, therefore judges once more, for every socket, the address
it is about to be connected to.
"""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from parcelwire.webhooks.address import AddressGuard, AddressRefusedError

AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]


class SystemResolver(AbstractResolver):
    """Asks the system's resolver, in threads of its own.

    The event loop's common threads are few; a handful of endpoints with a dead name server would
    take them from everything else in the process.
    """

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="webhook-dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of ``host``.

        Raises:
            OSError: when there are none.
        """

        def look_up() -> list[ResolveResult]:
            found = socket.getaddrinfo(
                host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
            )
            return [
                ResolveResult(
                    hostname=host,
                    host=str(address[0]),
                    port=port,
                    family=kind,
                    proto=protocol,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
                for kind, _, protocol, _, address in found
            ]

        return await asyncio.get_running_loop().run_in_executor(self._threads, look_up)

    async def close(self) -> None:
        """Let go of the threads; lookups under way end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class GuardedResolver(AbstractResolver):
    """Returns of another resolver's addresses those that may be connected to."""

    def __init__(self, guard: AddressGuard, inner: AbstractResolver) -> None:
        self._guard = guard
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses that may be connected to.

        Raises:
            AddressRefusedError: when there are addresses, but none of them may be.
            OSError: when there are none at all.
        """
        try:
            found = await self._inner.resolve(host, port, family)
        except UnicodeError as error:  # from the name's encoding
            msg = f"{host} has no address"
            raise OSError(msg) from error
        allowed = []
        reasons = []
        for result in found:
            why = self._guard.refusal(result["host"])
            if why is None:
                allowed.append(result)
            else:
                reasons.append(why)
        if not allowed:
            msg = f"{host} leads inside: {reasons[0]}" if reasons else f"{host} has no address"
            raise AddressRefusedError(msg) if reasons else OSError(msg)
        return allowed

    async def close(self) -> None:
        """Close the other resolver."""
        await self._inner.close()


class GuardedSockets:
    """Opens sockets for connections; the last word on where one goes."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self.opened = 0
        """How many sockets were opened."""
        self.refused = 0
        """How many were not."""

    def open_socket(self, info: AddressInfo) -> socket.socket:
        """Return a socket of the right kind for ``info``.

        Raises:
            AddressRefusedError: when the address may not be connected to.
        """
        family, kind, protocol, _, address = info
        why = self._guard.refusal(str(address[0]))
        if why is None and family not in (socket.AF_INET, socket.AF_INET6):
            why = "only IPv4 and IPv6 can be connected to"
        if why is not None:
            self.refused += 1
            raise AddressRefusedError(why)
        self.opened += 1
        return socket.socket(family, kind, protocol)


async def check_destination(guard: AddressGuard, resolver: AbstractResolver, url: str) -> None:
    """Check a URL and where its name leads now, for whoever creates or changes an endpoint.

    A name that cannot be resolved at the moment passes: its owner may be about to set it up.

    Raises:
        AddressRefusedError: when it leads inside, or is no usable URL.
    """
    checked = guard.check_url(url)
    try:
        await GuardedResolver(guard, resolver).resolve(checked.raw_host or "", checked.port or 0)
    except AddressRefusedError:
        raise
    except OSError:
        return
