"""Connections to receivers: opened where the guard allows, kept for a moment, used again.

host name -> GuardedResolver -> addresses -> GuardedSockets (judged once more) -> TCP -> TLS
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections import defaultdict, deque
from contextlib import suppress
from typing import NamedTuple

from aiohttp.abc import AbstractResolver

from parcelwire.webhooks.address import AddressRefusedError
from parcelwire.webhooks.connection import HttpConnection
from parcelwire.webhooks.dialing import GuardedSockets
from parcelwire.webhooks.settings import WebhookSettings

_IDLE_SECONDS = 4.0
"""How long an idle connection is kept. Less than the five seconds after which many servers close
theirs, so that a message rarely meets a connection that is just being closed."""

_HEAD_START_SECONDS = 0.25
"""How long one address is tried alone before the next joins in (RFC 8305: 250 ms)."""


class Origin(NamedTuple):
    """Where a connection leads."""

    host: str
    port: int
    is_tls: bool


class NoAddressError(OSError):
    """The host name has no address."""


class NoConnectionError(OSError):
    """No address could be connected to; ``cause`` is the last one's error."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class NoTlsError(OSError):
    """There is a connection, but no TLS over it; ``cause`` says why."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class NotConnectedInTimeError(TimeoutError):
    """Name, connection and TLS took too long."""


class ConnectionPool:
    """Opens connections and keeps idle ones. Everything is for one event loop."""

    def __init__(
        self,
        settings: WebhookSettings,
        *,
        resolver: AbstractResolver,
        sockets: GuardedSockets,
    ) -> None:
        """``resolver`` returns addresses that may be connected to only."""
        self._settings = settings
        self._resolver = resolver
        self._sockets = sockets
        self._tls: asyncio.Future[ssl.SSLContext] | None = None
        self._loop = asyncio.get_running_loop()
        self._idle: dict[Origin, deque[HttpConnection]] = defaultdict(deque)
        self._lookups: dict[tuple[str, int], asyncio.Task[list[_Address]]] = {}
        self._sweeper: asyncio.TimerHandle | None = None

    def take_idle(self, origin: Origin) -> HttpConnection | None:
        """Return a kept connection, the one used last, or None."""
        kept = self._idle.get(origin)
        oldest = self._loop.time() - _IDLE_SECONDS
        while kept:
            connection = kept.pop()
            if connection.is_open and connection.idle_since > oldest:
                return connection
            connection.abort()
        return None

    def give_back(self, connection: HttpConnection, origin: Origin) -> None:
        """Keep a connection for a moment, if it can be used again."""
        if connection.is_open:
            connection.idle_since = self._loop.time()
            self._idle[origin].append(connection)
            if self._sweeper is None:
                self._sweeper = self._loop.call_later(_IDLE_SECONDS, self._sweep)

    async def open(self, origin: Origin, seconds: float) -> HttpConnection:
        """Connect.

        Raises:
            AddressRefusedError: the name or address leads where messages may not go.
            NoAddressError, NoConnectionError, NoTlsError: what they say.
            NotConnectedInTimeError: after ``seconds``.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._open(origin)
        except TimeoutError as error:
            raise NotConnectedInTimeError from error

    async def close(self) -> None:
        """Close what is idle."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for kept in self._idle.values():
            for connection in kept:
                connection.close()
        self._idle.clear()
        for lookup in self._lookups.values():
            lookup.cancel()
        await self._resolver.close()
        await asyncio.sleep(0)  # transports close in the loop's next round

    def _sweep(self) -> None:
        """Close what has been idle for too long."""
        self._sweeper = None
        oldest = self._loop.time() - _IDLE_SECONDS
        for origin, kept in list(self._idle.items()):
            while kept and (not kept[0].is_open or kept[0].idle_since <= oldest):
                kept.popleft().abort()
            if not kept:
                del self._idle[origin]
        if self._idle:
            self._sweeper = self._loop.call_later(_IDLE_SECONDS / 4, self._sweep)

    async def _open(self, origin: Origin) -> HttpConnection:
        connected = await self._connect(await self._addresses(origin.host, origin.port))
        settings = self._settings
        try:
            _, connection = await self._loop.create_connection(
                lambda: HttpConnection(
                    answer_bytes=settings.answer_bytes, body_seconds=settings.body_seconds
                ),
                sock=connected,
                ssl=await self._tls_context() if origin.is_tls else None,
                server_hostname=origin.host.rstrip(".") if origin.is_tls else None,
            )
        except (OSError, ssl.CertificateError) as error:
            connected.close()
            raise NoTlsError(error) from error
        except BaseException:
            connected.close()
            raise
        return connection

    async def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            # Made when it is needed, and beside the loop: reading the system's authorities takes
            # some 30 ms, in which other messages can go out.
            self._tls = asyncio.ensure_future(asyncio.to_thread(self._make_tls_context))
        making = self._tls
        try:
            return await asyncio.shield(making)
        except OSError:
            # The file of authorities may be back at the next try.
            if self._tls is making:
                self._tls = None
            raise

    def _make_tls_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._settings.ca_file)
        context.set_alpn_protocols(["http/1.1"])
        return context

    async def _addresses(self, host: str, port: int) -> list[_Address]:
        with suppress(ValueError):
            literal = ipaddress.ip_address(host)
            family = socket.AF_INET if literal.version == 4 else socket.AF_INET6
            return [_Address(family, host, port)]
        # Many messages for one endpoint may want to connect at the same time; one lookup is enough.
        # Nothing is kept: what a name leads to is asked anew for every connection after it.
        key = (host, port)
        lookup = self._lookups.get(key)
        if lookup is None:
            lookup = self._lookups[key] = asyncio.create_task(self._look_up(host, port))
            lookup.add_done_callback(lambda _: self._lookups.pop(key, None))
        return await asyncio.shield(lookup)

    async def _look_up(self, host: str, port: int) -> list[_Address]:
        try:
            found = await self._resolver.resolve(host, port, socket.AF_UNSPEC)
        except AddressRefusedError:
            raise
        except (OSError, UnicodeError) as error:
            raise NoAddressError(str(error)) from error
        addresses = [
            _Address(socket.AddressFamily(one["family"]), one["host"], one["port"]) for one in found
        ]
        return _taking_turns(addresses)

    async def _connect(self, addresses: list[_Address]) -> socket.socket:
        """Try one address after another, the next joining in when one takes long (RFC 8305)."""
        trying: set[asyncio.Task[socket.socket]] = set()
        left = deque(addresses)
        error: OSError = NoAddressError("no address")
        try:
            while left or trying:
                if left:
                    trying.add(asyncio.create_task(self._connect_to(left.popleft())))
                done, trying = await asyncio.wait(
                    trying,
                    timeout=_HEAD_START_SECONDS if left else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                winner: socket.socket | None = None
                for task in done:
                    try:
                        connected = task.result()
                    except OSError as failure:
                        error = failure
                        continue
                    if winner is None:
                        winner = connected
                    else:
                        connected.close()
                if winner is not None:
                    return winner
        finally:
            for task in trying:
                task.cancel()
                task.add_done_callback(_close_late)
        raise error

    async def _connect_to(self, address: _Address) -> socket.socket:
        target = (address.host, address.port)
        one = self._sockets.open_socket(
            (address.family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", target)
        )
        try:
            one.setblocking(False)
            await self._loop.sock_connect(one, target)
        except OSError as error:
            one.close()
            raise NoConnectionError(error) from error
        except BaseException:
            one.close()
            raise
        return one


class _Address(NamedTuple):
    family: socket.AddressFamily
    host: str
    port: int


def _taking_turns(addresses: list[_Address]) -> list[_Address]:
    """Order addresses so that the families alternate, the first one's first."""
    first = [one for one in addresses if one.family == addresses[0].family]
    others = [one for one in addresses if one.family != addresses[0].family]
    ordered = []
    while first or others:
        ordered += first[:1] + others[:1]
        first, others = first[1:], others[1:]
    return ordered


def _close_late(task: asyncio.Task[socket.socket]) -> None:
    """Close a connection that came about after another one had won."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
