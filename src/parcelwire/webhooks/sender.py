"""Sends one webhook over HTTP and says what came back. It never raises for what a receiver does.

A receiver is a stranger: its answer's length, speed and honesty are not to be relied on. So every
attempt has an end in time, the answer's body is read up to a cap and then cut off, nothing is
unpacked, no redirect is followed, no cookie kept, and no proxy of the environment used.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple, Protocol, Self, cast

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from parcelwire.domain.redaction import SecretMask, secrets_in_header
from parcelwire.webhooks.address import AddressGuard, AddressRefusedError
from parcelwire.webhooks.connection import ReceiverConnection, open_connector
from parcelwire.webhooks.guarded_dns import GuardedResolver, GuardedSockets, SystemResolver
from parcelwire.webhooks.ports import is_success
from parcelwire.webhooks.request_builder import WebhookRequest
from parcelwire.webhooks.schedule import Answer
from parcelwire.webhooks.settings import WebhookSettings

_ERROR_NUMBER: Final = re.compile(r"\[Errno (\d+)\]")


class Sender(Protocol):
    """What the delivery worker sends with."""

    async def send(self, request: WebhookRequest) -> Answer:
        """Make one attempt."""
        ...


class HttpSender:
    """The real sender; one per process. Close it, or use it as ``async with``."""

    def __init__(
        self,
        settings: WebhookSettings,
        *,
        guard: AddressGuard | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        """Prepare; nothing is opened before the first ``send``.

        ``guard`` defaults to one made from the settings, ``resolver`` to the system's. Whatever
        the resolver says is judged by the guard.
        """
        self._settings = settings
        self.guard = guard or AddressGuard(
            settings.allowed_networks, extra_ports=settings.extra_ports
        )
        self.sockets = GuardedSockets(self.guard)
        self._resolver = resolver
        self._guarded: GuardedResolver | None = None
        self._connector: aiohttp.TCPConnector | None = None
        self._tls: asyncio.Future[ssl.SSLContext] | None = None
        self._target_of = lru_cache(maxsize=1_024)(_find_target)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        if self._connector is not None and self._guarded is not None:
            await self._connector.close()
            await self._guarded.close()
        self._connector = self._guarded = None

    async def send(self, request: WebhookRequest) -> Answer:
        """Make one attempt; an ``Answer`` with status 0 when nothing answered."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            answer = await self._attempt(request)
            if answer.body and request.secrets:
                answer.body = _mask_of(request.secrets).text(answer.body)
        except NotConnectedInTimeError:
            answer = Answer(
                status=0, error=f"no connection within {self._settings.connect_seconds:g} s"
            )
        except TimeoutError:
            answer = Answer(
                status=0, error=f"no answer within {self._settings.request_timeout_seconds:g} s"
            )
        except (OSError, ValueError, aiohttp.ClientError, HttpProcessingError) as error:
            answer = Answer(status=0, error=explain(error))
        answer.duration_ms = round((loop.time() - started) * 1_000)
        return answer

    async def _attempt(self, request: WebhookRequest) -> Answer:
        deadline = asyncio.get_running_loop().time() + self._settings.request_timeout_seconds
        url = self.guard.check_url(request.url)
        tls = await self._tls_context() if url.scheme == "https" else True
        target = self._target_of(url, tls)
        content = write_request(target, request)
        connection, protocol = await self._connect(target, deadline)
        was_kept = protocol.has_sent
        try:
            return await self._exchange(connection, protocol, content, deadline)
        except (OSError, aiohttp.ClientError) as error:
            if isinstance(error, TimeoutError) or not (was_kept and protocol.heard_nothing):
                raise
        # A kept connection that the other side was just closing says nothing about the receiver:
        # ask once more before calling it a failure. The message id is the same.
        connection, protocol = await self._connect(target, deadline)
        while protocol.has_sent:
            connection.close()
            connection, protocol = await self._connect(target, deadline)
        return await self._exchange(connection, protocol, content, deadline)

    async def _connect(
        self, target: Target, deadline: float
    ) -> tuple[aiohttp.connector.Connection, ReceiverConnection]:
        connector = self._connector or self._open_connector()
        left = deadline - asyncio.get_running_loop().time()
        seconds = max(0.001, min(self._settings.connect_seconds, left))
        # The threshold keeps aiohttp from rounding longer times up to whole seconds.
        patience = aiohttp.ClientTimeout(connect=seconds, ceil_threshold=seconds)
        try:
            connection = await connector.connect(target.request, [], patience)
        except TimeoutError as error:
            raise NotConnectedInTimeError from error
        return connection, cast("ReceiverConnection", connection.protocol)

    async def _exchange(
        self,
        connection: aiohttp.connector.Connection,
        protocol: ReceiverConnection,
        content: bytes,
        deadline: float,
    ) -> Answer:
        """Send, and read the start of what comes back.

        Once the head has come the answer counts, whatever becomes of its body: that is cut at the
        cap, after some seconds, or where the connection breaks.
        """
        settings = self._settings
        head = None
        start = bytearray()
        try:
            async with asyncio.timeout_at(deadline) as limit:
                protocol.send(content)
                head, body = await protocol.read()
                if not body.at_eof():
                    soon = asyncio.get_running_loop().time() + settings.body_seconds
                    limit.reschedule(min(deadline, soon))
                    while len(start) <= settings.answer_bytes and (chunk := await body.readany()):
                        start += chunk
        except (OSError, aiohttp.ClientError):
            if head is None:
                raise
        finally:
            # Kept for the next request only where the answer was read to its end.
            if head is not None:
                connection.release()
            else:
                connection.close()
        return self._read(head.code, head.headers, bytes(start[: settings.answer_bytes]))

    def _read(self, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        packing = headers.get("content-encoding", "").strip().lower()
        if packing not in ("", "identity"):
            text = "(packed; not read)" if body else ""
        else:
            text = body.decode("utf-8", "replace").replace("\x00", "\ufffd")
        return Answer(
            status=status,
            error="" if is_success(status) else f"answered {status}",
            body=text[: self._settings.kept_answer_characters],
            retry_after=headers.get("retry-after"),
        )

    def _open_connector(self) -> aiohttp.TCPConnector:
        resolver = self._resolver or SystemResolver(self._settings.dns_threads)
        self._guarded = GuardedResolver(self.guard, resolver)
        self._connector = open_connector(
            self._settings, resolver=self._guarded, sockets=self.sockets
        )
        return self._connector

    async def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            # Made when it is needed, and beside the loop: reading the system's authorities takes
            # some 30 ms, in which other messages can go out.
            self._tls = asyncio.ensure_future(asyncio.to_thread(self._make_tls_context))
        making = self._tls
        try:
            return await asyncio.shield(making)
        except OSError as error:
            # The file of authorities may be back at the next try.
            if self._tls is making:
                self._tls = None
            raise NoTlsContextError(error) from error

    def _make_tls_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._settings.ca_file)
        context.set_alpn_protocols(["http/1.1"])
        return context


class NotConnectedInTimeError(TimeoutError):
    """Name, connection and TLS took too long."""


class NoTlsContextError(OSError):
    """The authorities to trust cannot be read; ``cause`` says why."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Target(NamedTuple):
    """Where requests to one URL go, and how they begin."""

    request: aiohttp.ClientRequest
    """What a connector asks for; it is never sent itself."""
    head: str


def _find_target(url: URL, tls: ssl.SSLContext | bool) -> Target:
    request = aiohttp.ClientRequest("POST", url, loop=asyncio.get_running_loop(), ssl=tls)
    first = f"POST {url.raw_path_qs} HTTP/1.1\r\nhost: {url.host_port_subcomponent}\r\n"
    return Target(request, first + "accept: */*\r\n")


def write_request(target: Target, request: WebhookRequest) -> bytes:
    """Return the bytes of a request.

    Raises:
        ValueError: a header holds a line break, or something else than Latin-1.
    """
    lines = [f"{name}: {value}\r\n" for name, value in request.headers.items()]
    head = f"{target.head}{''.join(lines)}content-length: {len(request.body)}\r\n\r\n"
    if head.count("\n") != len(lines) + 5 or head.count("\r") != len(lines) + 5:
        msg = "a header holds a line break"
        raise ValueError(msg)
    return head.encode("latin-1") + request.body


@lru_cache(maxsize=1_024)
def _mask_of(headers: tuple[str, ...]) -> SecretMask:
    return SecretMask(secret for value in headers for secret in secrets_in_header(value))


def explain(error: Exception) -> str:
    """Say in one line what went wrong, without the URL (which may hold a customer's secret)."""
    match error:
        case AddressRefusedError() | aiohttp.ClientConnectorError(os_error=AddressRefusedError()):
            refusal = error if isinstance(error, AddressRefusedError) else error.os_error
            return f"not allowed: {refusal}"
        case aiohttp.ClientConnectorDNSError():
            return "the host name has no address"
        case aiohttp.ClientConnectorCertificateError():
            reason = _ssl_reason(error.certificate_error)
            return f"the TLS certificate is not accepted: {reason}"
        case aiohttp.ClientConnectorSSLError():
            return f"no TLS connection: {_ssl_reason(error.os_error)}"
        case NoTlsContextError():
            return f"no TLS connection: {_ssl_reason(error.cause)}"
        case aiohttp.ClientConnectorError(os_error=ConnectionError() as cause) if isinstance(
            error.ssl, ssl.SSLContext
        ) and not isinstance(cause, ConnectionRefusedError):
            # Reset, or closed without a word: there was a connection, but TLS never came about.
            return f"no TLS connection: {_ssl_reason(cause)}"
        case aiohttp.ClientConnectorError():
            return f"no connection: {_system_reason(error.os_error)}"
        case HttpProcessingError():
            return "the answer is not HTTP"
        case aiohttp.ClientOSError(errno=int()) | OSError(errno=int()):
            return f"the connection broke: {_system_reason(error)}"
        case aiohttp.ClientConnectionError():
            return "the connection was closed before an answer came"
        case OSError():
            return f"the connection broke: {_system_reason(error)}"
    return f"the request failed: {type(error).__name__}"


def _system_reason(error: OSError) -> str:
    # The text of the error itself differs between event loops, and some put the address into it.
    number = error.errno
    if number is None:
        # Several addresses failed, each in its own way: aiohappyeyeballs tells that in words only.
        numbers = _ERROR_NUMBER.findall(str(error))
        number = int(numbers[-1]) if numbers else None
    return os.strerror(number) if number else type(error).__name__


def _ssl_reason(error: Exception) -> str:
    for attribute in ("verify_message", "reason", "strerror"):
        text = getattr(error, attribute, None)
        if text:
            return str(text)
    return type(error).__name__
