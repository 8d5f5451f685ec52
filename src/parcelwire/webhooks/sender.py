"""Sends one webhook over HTTP and says what came back. It never raises for what a receiver does.

A receiver is a stranger: its answer's length, speed and honesty are not to be relied on. So every
attempt has an end in time, the answer's body is read up to a cap and then cut off, nothing is
unpacked, no redirect is followed, no cookie kept, and no proxy of the environment used.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from functools import lru_cache
from typing import NamedTuple, Protocol, Self

from aiohttp.abc import AbstractResolver

from parcelwire.domain.redaction import SecretMask, secrets_in_header
from parcelwire.webhooks.address import AddressGuard, AddressRefusedError
from parcelwire.webhooks.connection import (
    ClosedError,
    HttpConnection,
    NoAnswerInTimeError,
    NotHttpError,
    RawAnswer,
)
from parcelwire.webhooks.dialing import GuardedResolver, GuardedSockets, SystemResolver
from parcelwire.webhooks.envelope import WebhookRequest
from parcelwire.webhooks.pool import (
    ConnectionPool,
    NoAddressError,
    NoConnectionError,
    NotConnectedInTimeError,
    NoTlsError,
    Origin,
)
from parcelwire.webhooks.schedule import Answer
from parcelwire.webhooks.settings import WebhookSettings


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
        self._pool: ConnectionPool | None = None
        self._target_of = lru_cache(maxsize=1_024)(self._find_target)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def send(self, request: WebhookRequest) -> Answer:
        """Make one attempt; an ``Answer`` with status 0 when nothing answered."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            raw = await self._post(request, started + self._settings.total_seconds)
            answer = self._read(raw)
            if answer.body and request.secrets:
                answer.body = _mask_of(request.secrets).text(answer.body)
        except NotConnectedInTimeError:
            answer = Answer(
                status=0, error=f"no connection within {self._settings.connect_seconds:g} s"
            )
        except NoAnswerInTimeError:
            answer = Answer(status=0, error=f"no answer within {self._settings.total_seconds:g} s")
        except (OSError, ValueError) as error:
            answer = Answer(status=0, error=explain(error))
        answer.duration_ms = round((loop.time() - started) * 1_000)
        return answer

    async def _post(self, request: WebhookRequest, deadline: float) -> RawAnswer:
        target = self._target_of(request.url)
        content = write_request(target, request)
        pool = self._pool or self._open_pool()
        connection = pool.take_idle(target.origin)
        if connection is not None:
            try:
                return await self._exchange(pool, connection, target.origin, content, deadline)
            except NoAnswerInTimeError:
                raise
            except OSError:
                # A kept connection that the other side was just closing says nothing about the
                # receiver: ask once more before calling it a failure. The message id is the same.
                if not connection.heard_nothing:
                    raise
        loop = asyncio.get_running_loop()
        seconds = min(self._settings.connect_seconds, deadline - loop.time())
        connection = await pool.open(target.origin, seconds)
        return await self._exchange(pool, connection, target.origin, content, deadline)

    async def _exchange(
        self,
        pool: ConnectionPool,
        connection: HttpConnection,
        origin: Origin,
        content: bytes,
        deadline: float,
    ) -> RawAnswer:
        raw = await connection.post(content, deadline)
        pool.give_back(connection, origin)
        return raw

    def _read(self, raw: RawAnswer) -> Answer:
        if raw.is_packed:
            text = "(packed; not read)" if raw.body else ""
        else:
            text = raw.body.decode("utf-8", "replace").replace("\x00", "\ufffd")
        return Answer(
            status=raw.status,
            error="" if 200 <= raw.status <= 299 else f"answered {raw.status}",
            body=text[: self._settings.kept_answer_characters],
            retry_after=raw.retry_after,
        )

    def _open_pool(self) -> ConnectionPool:
        resolver = self._resolver or SystemResolver(self._settings.dns_threads)
        self._pool = ConnectionPool(
            self._settings,
            resolver=GuardedResolver(self.guard, resolver),
            sockets=self.sockets,
        )
        return self._pool

    def _find_target(self, text: str) -> Target:
        url = self.guard.check_url(text)
        origin = Origin(url.raw_host or "", url.port or 0, url.scheme == "https")
        first = f"POST {url.raw_path_qs} HTTP/1.1\r\nhost: {url.host_port_subcomponent}\r\n"
        return Target(origin, first + "accept: */*\r\n")


@lru_cache(maxsize=1_024)
def _mask_of(headers: tuple[str, ...]) -> SecretMask:
    return SecretMask(secret for value in headers for secret in secrets_in_header(value))


class Target(NamedTuple):
    """Where requests to one URL go, and how they begin."""

    origin: Origin
    head: str


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


def explain(error: Exception) -> str:
    """Say in one line what went wrong, without the URL (which may hold a customer's secret)."""
    match error:
        case AddressRefusedError():
            return f"not allowed: {error}"
        case NoAddressError():
            return "the host name has no address"
        case NoConnectionError():
            return f"no connection: {_system_reason(error.cause)}"
        case NoTlsError() if isinstance(error.cause, ssl.SSLCertVerificationError):
            return f"the TLS certificate is not accepted: {_ssl_reason(error.cause)}"
        case NoTlsError():
            return f"no TLS connection: {_ssl_reason(error.cause)}"
        case ClosedError():
            return "the connection was closed before an answer came"
        case NotHttpError():
            return "the answer is not HTTP"
        case OSError():
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
