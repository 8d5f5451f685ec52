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
from functools import lru_cache
from typing import Any, Final, Protocol, Self

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from parcelwire.domain.redaction import SecretMask, secrets_in_header
from parcelwire.webhooks.address import AddressGuard, AddressRefusedError
from parcelwire.webhooks.connection import StaleConnectionError, open_session
from parcelwire.webhooks.guarded_dns import GuardedResolver, GuardedSockets, SystemResolver
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
        self._session: aiohttp.ClientSession | None = None
        self._fresh_session: aiohttp.ClientSession | None = None
        """Each of its requests opens a connection, and says that there will be no other."""
        self._tls: asyncio.Future[ssl.SSLContext] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        for session in (self._session, self._fresh_session):
            if session is not None:
                await session.close()
        if self._guarded is not None:
            await self._guarded.close()
        self._session = self._fresh_session = self._guarded = None

    async def send(self, request: WebhookRequest) -> Answer:
        """Make one attempt; an ``Answer`` with status 0 when nothing answered."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            answer = await self._attempt(request)
            if answer.body and request.secrets:
                answer.body = _mask_of(request.secrets).text(answer.body)
        except aiohttp.ConnectionTimeoutError:
            answer = Answer(
                status=0, error=f"no connection within {self._settings.connect_seconds:g} s"
            )
        except TimeoutError:
            answer = Answer(
                status=0, error=f"no answer within {self._settings.request_timeout_seconds:g} s"
            )
        except (OSError, ValueError, aiohttp.ClientError, NoTlsContextError) as error:
            answer = Answer(status=0, error=explain(error))
        answer.duration_ms = round((loop.time() - started) * 1_000)
        return answer

    async def _attempt(self, request: WebhookRequest) -> Answer:
        """Send, and read the start of what comes back.

        Once the head has come the answer counts, whatever becomes of its body: that is cut at the
        cap, after some seconds, or where the connection breaks.
        """
        settings = self._settings
        url = self.guard.check_url(request.url)
        options = await self._options(url, request)
        response: aiohttp.ClientResponse | None = None
        body = bytearray()
        try:
            async with asyncio.timeout(settings.request_timeout_seconds) as limit:
                response = await self._post(url, options)
                content = response.content
                if not content.at_eof():
                    soon = asyncio.get_running_loop().time() + settings.body_seconds
                    limit.reschedule(min(limit.when() or soon, soon))
                    while len(body) <= settings.answer_bytes and (chunk := await content.readany()):
                        body += chunk
        except (OSError, aiohttp.ClientError):
            if response is None:
                raise
        finally:
            if response is not None and not response.closed:
                response.close()
        return self._read(response, bytes(body[: settings.answer_bytes]))

    async def _options(self, url: URL, request: WebhookRequest) -> dict[str, Any]:
        return {
            "data": aiohttp.BytesPayload(request.body),
            "headers": {
                "host": url.host_port_subcomponent,
                "accept": "*/*",
                **request.headers,
                "content-length": str(len(request.body)),
            },
            "allow_redirects": False,
            "ssl": await self._tls_context() if url.scheme == "https" else True,
        }

    async def _post(self, url: URL, options: dict[str, Any]) -> aiohttp.ClientResponse:
        if self._session is None:
            self._session = self._open_session()
        try:
            return await self._session.post(url, **options)
        except StaleConnectionError:
            # A kept connection that the other side was just closing says nothing about the
            # receiver: ask once more before calling it a failure. The message id is the same.
            if self._fresh_session is None:
                self._fresh_session = self._open_session(keeps_connections=False)
            return await self._fresh_session.post(url, **options)

    def _read(self, response: aiohttp.ClientResponse, body: bytes) -> Answer:
        status = response.status
        packing = response.headers.get("content-encoding", "").strip().lower()
        if packing not in ("", "identity"):
            text = "(packed; not read)" if body else ""
        else:
            text = body.decode("utf-8", "replace").replace("\x00", "\ufffd")
        return Answer(
            status=status,
            error="" if 200 <= status <= 299 else f"answered {status}",
            body=text[: self._settings.kept_answer_characters],
            retry_after=response.headers.get("retry-after"),
        )

    def _open_session(self, *, keeps_connections: bool = True) -> aiohttp.ClientSession:
        if self._guarded is None:
            resolver = self._resolver or SystemResolver(self._settings.dns_threads)
            self._guarded = GuardedResolver(self.guard, resolver)
        return open_session(
            self._settings,
            resolver=self._guarded,
            sockets=self.sockets,
            keeps_connections=keeps_connections,
        )

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


class NoTlsContextError(Exception):
    """The authorities to trust cannot be read; ``cause`` says why."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


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
        case aiohttp.ClientResponseError():
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
