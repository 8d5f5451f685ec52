"""Sends one webhook over HTTP and says what came back. It never raises for what a receiver does.

A receiver is a stranger: its answer's length, speed and honesty are not to be relied on. So every
attempt has an end in time, the answer's body is read up to a cap and then cut off, nothing is
unpacked, no redirect is followed, no cookie kept, and no proxy of the environment used.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from contextlib import suppress
from types import SimpleNamespace
from typing import Protocol, Self

import aiohttp
from aiohttp.abc import AbstractResolver

from parcelwire.webhooks.address import AddressGuard, AddressRefusedError
from parcelwire.webhooks.dialing import GuardedResolver, GuardedSockets, SystemResolver
from parcelwire.webhooks.envelope import WebhookRequest
from parcelwire.webhooks.schedule import Answer
from parcelwire.webhooks.settings import WebhookSettings

_IDLE_SECONDS = 4.0
"""How long an idle connection is kept. Less than the five seconds after which many servers close
theirs, so that a message rarely meets a connection that is just being closed."""


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
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: WebhookRequest) -> Answer:
        """Make one attempt; an ``Answer`` with status 0 when nothing answered."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(self._settings.total_seconds):
                answer = await self._post(request)
        except TimeoutError as error:
            answer = Answer(status=0, error=self._explain_timeout(error))
        except (OSError, aiohttp.ClientError, ValueError) as error:
            answer = Answer(status=0, error=explain(error))
        answer.duration_ms = round((loop.time() - started) * 1_000)
        return answer

    async def _post(self, request: WebhookRequest) -> Answer:
        url = self.guard.check_url(request.url)
        session = self._session or self._open_session()
        trace = SimpleNamespace(is_reused=False)
        for is_second in (False, True):
            try:
                async with session.post(
                    url,
                    data=request.body,
                    headers=request.headers,
                    allow_redirects=False,
                    trace_request_ctx=trace,
                ) as response:
                    return await self._read(response)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                # A kept connection that the other side was just closing says nothing about the
                # receiver: ask once more before calling it a failure. The message id is the same.
                if isinstance(error, aiohttp.ClientConnectorError):
                    raise
                if is_second or not trace.is_reused:
                    raise
                trace.is_reused = False
        raise AssertionError  # the second round returns or raises

    async def _read(self, response: aiohttp.ClientResponse) -> Answer:
        start = await self._read_body(response.content)
        if not response.content.at_eof():
            response.close()
        if response.headers.get("Content-Encoding", "identity") != "identity":
            text = "(packed; not read)" if start else ""
        else:
            text = start.decode("utf-8", "replace").replace("\x00", "\ufffd")
        return Answer(
            status=response.status,
            error="" if 200 <= response.status <= 299 else f"answered {response.status}",
            body=text[: self._settings.kept_answer_characters],
            retry_after=response.headers.get("Retry-After"),
        )

    async def _read_body(self, content: aiohttp.StreamReader) -> bytes:
        """Return the start of a body; afterwards ``content`` is at its end, or is to be cut off."""
        cap = self._settings.answer_bytes
        if content.is_eof():
            return content.read_nowait(cap)  # it came together with the status, as most do
        start = bytearray()
        # The status has come, so what the receiver thinks of the message is known; how its answer
        # goes on is of interest for the log only.
        with suppress(TimeoutError, OSError, aiohttp.ClientError):
            async with asyncio.timeout(self._settings.body_seconds):
                while len(start) < cap and (chunk := await content.read(cap - len(start))):
                    start += chunk
        return bytes(start)

    def _open_session(self) -> aiohttp.ClientSession:
        settings = self._settings
        resolver = self._resolver or SystemResolver(settings.dns_threads)
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_reuseconn.append(_note_reuse)
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(self.guard, resolver),
            socket_factory=self.sockets.open_socket,
            ssl=ssl.create_default_context(cafile=settings.ca_file),
            # How many requests run, and for whom, is the worker's decision.
            limit=0,
            keepalive_timeout=_IDLE_SECONDS,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=settings.connect_seconds),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=settings.answer_bytes,
            skip_auto_headers=("Accept-Encoding",),
            trace_configs=[tracing],
        )
        return self._session

    def _explain_timeout(self, error: TimeoutError) -> str:
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return f"no connection within {self._settings.connect_seconds:g} s"
        return f"no answer within {self._settings.total_seconds:g} s"


async def _note_reuse(
    session: aiohttp.ClientSession,
    context: SimpleNamespace,
    params: aiohttp.TraceConnectionReuseconnParams,
) -> None:
    context.trace_request_ctx.is_reused = True


def explain(error: Exception) -> str:
    """Say in one line what went wrong, without the URL (which may hold a customer's secret)."""
    inner = getattr(error, "os_error", None)
    if isinstance(error, AddressRefusedError) or isinstance(inner, AddressRefusedError):
        return f"not allowed: {inner or error}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the TLS certificate is not accepted: {_ssl_reason(error.certificate_error)}"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return f"no TLS connection: {_ssl_reason(error.os_error)}"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host name has no address"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection: {_system_reason(error.os_error)}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed before an answer came"
    if isinstance(error, aiohttp.ClientResponseError):
        return "the answer is not HTTP"
    if isinstance(error, OSError):
        return f"the connection broke: {_system_reason(error)}"
    return f"the request failed: {type(error).__name__}"


def _system_reason(error: OSError) -> str:
    # The text of the error itself differs between event loops, and some put the address into it.
    return os.strerror(error.errno) if error.errno else type(error).__name__


def _ssl_reason(error: Exception) -> str:
    for attribute in ("verify_message", "reason", "strerror"):
        text = getattr(error, attribute, None)
        if text:
            return str(text)
    return type(error).__name__
