"""The one HTTP client: everything a connector sends goes through here.

It owns what no connector should think about: TLS, timeouts, the size of answers, repeats after a
cut connection, who we say we are, and silence about secrets. It never raises for what a carrier
does; every way of not answering becomes a ``Fault``.

Logs name the method, the host and the result, never a path, a header, a body or an exception's own
words: any of them may hold a credential or somebody's parcel.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any, Final

import aiohttp
import msgspec
from yarl import URL

from parcelwire import __version__
from parcelwire.connectors.answer_limits import OverheadError, bounded_connector
from parcelwire.connectors.base import Fault, Request, Response
from parcelwire.connectors.bodies import (
    CutBodyError,
    TooLargeError,
    UndecodableError,
    read_body,
)
from parcelwire.domain.clock import Clock

_log: Final = logging.getLogger(__name__)

MayConnect = Callable[[str, int], bool]
"""Asked with the IP address and port that a socket is about to connect to."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REDIRECT_LIMIT: Final = 3
LONGEST_LINE: Final = 8_190
MOST_HEADERS: Final = 128
"""Of an answer, trailers included: with the length of a line, 1 MB at most."""
_OWN_HEADERS: Final = frozenset({"user-agent", "accept-encoding", "host", "content-length"})


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long one try may take, and how large its answer may be, unpacked."""

    timeout_seconds: float = 15.0
    connect_seconds: float = 10.0
    max_answer_bytes: int = 2_000_000


class TransportSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator sets for all requests to carriers."""

    contact: str = ""
    """A web address or e-mail address of the operator, told to carriers in the User-Agent."""
    proxy: str | None = None
    """URL of an HTTP proxy. Proxies named in the environment are never used."""
    repeats: int = 2
    """How often a request that may be repeated is sent again after a cut connection."""
    backoff_seconds: float = 0.5
    """The wait before the first repeat; it doubles each time."""
    connections_per_host: int = 8


class HttpTransport:
    """Sends requests to carriers. One instance serves the whole process; close it at the end.

    ``ssl_context`` None trusts the system's certificate store. ``may_connect`` refuses addresses
    that nobody may be led to, by the address really connected to (it is not asked for a proxy).
    """

    def __init__(
        self,
        clock: Clock,
        settings: TransportSettings,
        *,
        ssl_context: ssl.SSLContext | None = None,
        may_connect: MayConnect | None = None,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._ssl_context = ssl_context
        self._may_connect = may_connect if settings.proxy is None else None
        self._session: aiohttp.ClientSession | None = None
        self.user_agent = user_agent(settings.contact)

    async def close(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(self, request: Request, limits: Limits) -> Response:
        """Send ``request`` and return the answer, or the fault that stood in its way."""
        response = await self._try(request, limits)
        repeats = self._settings.repeats if request.is_retry_safe else 0
        for attempt in range(repeats):
            if response.fault != "cut":
                break
            await self._clock.sleep(self._settings.backoff_seconds * 2**attempt)
            response = await self._try(request, limits)
        return response

    async def _try(self, request: Request, limits: Limits) -> Response:
        """Send once. Redirects are followed for GET and on the same origin only.

        Elsewhere the answer is the redirect itself, for the connector to read: credentials must
        not follow a carrier to another host.
        """
        cookies: dict[str, str] = {}
        url = request.url
        started_at = self._clock.now()
        try:
            async with asyncio.timeout(limits.timeout_seconds):
                for _ in range(_REDIRECT_LIMIT + 1):
                    response, target = await self._exchange(request, url, cookies, limits)
                    cookies = dict(response.cookies)
                    if target is None:
                        break
                    url = target
        except Exception as error:
            fault = _fault_of(error)
            if fault is None:
                raise
            response = Response(status=0, fault=fault, received_at=self._clock.now())
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug(
                "%s %s: %s after %d ms",
                request.method,
                _host(request.url),
                response.fault or response.status,
                response.received_at - started_at,
            )
        return response

    async def _exchange(
        self, request: Request, url: str, cookies: Mapping[str, str], limits: Limits
    ) -> tuple[Response, str | None]:
        """Make one exchange: the response, and where to go on from it, if anywhere."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_seconds)
        async with self._open_session().request(
            request.method,
            _parse_url(url),
            headers=self._headers(request, cookies),
            data=request.body or None,
            allow_redirects=False,
            timeout=timeout,
            proxy=self._settings.proxy,
        ) as answer:
            headers = _headers_of(answer)
            body, fault = b"", None
            try:
                body = await read_body(answer, limits.max_answer_bytes)
            except (TooLargeError, UndecodableError) as error:
                # The status still counts: a carrier that is out of order may say so at length.
                fault = _fault_of(error)
            response = Response(
                status=answer.status,
                headers=headers,
                cookies={**cookies, **_cookies_of(answer)},
                body=body,
                fault=fault,
                received_at=self._clock.now(),
            )
            target = None
            if request.method == "GET" and answer.status in _REDIRECTS and "location" in headers:
                target = _same_origin(answer.url, headers["location"])
            return response, target

    def _headers(self, request: Request, cookies: Mapping[str, str]) -> dict[str, str]:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in _OWN_HEADERS
        }
        if cookies:
            # Set on the way by a redirect of the same host, which expects them back at once.
            named = next((name for name in headers if name.lower() == "cookie"), "Cookie")
            pairs = [headers[named]] if named in headers else []
            pairs += [f"{name}={value}" for name, value in cookies.items()]
            headers[named] = "; ".join(pairs)
        headers["User-Agent"] = self.user_agent
        headers["Accept-Encoding"] = "gzip, deflate"
        return headers

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = bounded_connector(
                limit=0,
                limit_per_host=self._settings.connections_per_host,
                ssl=self._ssl_context or ssl.create_default_context(),
                socket_factory=self._make_socket,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                max_line_size=LONGEST_LINE,
                max_field_size=LONGEST_LINE,
                max_headers=MOST_HEADERS,
                # No shared jar: what one account was given must not travel with another's request.
                cookie_jar=aiohttp.DummyCookieJar(),
                # Unpacked here, so that a small answer cannot become a large one in one step.
                auto_decompress=False,
                trust_env=False,
            )
            # aiohttp would repeat a GET by itself, also one that must not be, and without a wait.
            self._session._retry_connection = False
        return self._session

    def _make_socket(self, address: Any) -> socket.socket:  # aiohttp's own type is private
        family, kind, protocol, _, place = address
        if self._may_connect is not None and not self._may_connect(place[0], place[1]):
            raise RefusedAddressError
        return socket.socket(family=family, type=kind, proto=protocol)


class RefusedAddressError(OSError):
    """The host resolves to an address that may not be connected to."""

    def __init__(self) -> None:
        # One wording for every address: with it, aiohttp hands the error on as it is.
        super().__init__("address refused")


class _BadAddressError(Exception):
    """The URL is none that HTTP can reach."""


def user_agent(contact: str = "") -> str:
    """Return who we say we are: the product, its version and how to reach its operator."""
    return f"Parcelwire/{__version__}" + (f" (+{contact})" if contact else "")


def _fault_of(error: Exception) -> Fault | None:
    """Return the fault that an exception of the network layers stands for."""
    match error:
        case TooLargeError():
            return "too_large"
        case UndecodableError():
            return "undecodable"
        case CutBodyError():
            return "cut"
        case TimeoutError():
            return "timeout"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, RefusedAddressError):
            return "refused_address"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "tls"
        case aiohttp.ClientConnectorError() | aiohttp.ClientProxyConnectionError():
            return "connect"
        case _BadAddressError() | aiohttp.InvalidURL():
            return "connect"
        case aiohttp.ClientHttpProxyError():
            return "connect"
        case aiohttp.ClientResponseError() | OverheadError():
            # No HTTP, or more of it before the body than anybody needs.
            return "malformed"
        case aiohttp.ClientError() | OSError():
            # Disconnected or reset: what was begun did not end well.
            return "cut"
        case _:
            return None


def _parse_url(url: str) -> URL:
    try:
        parsed = URL(url)
    except ValueError as error:
        raise _BadAddressError from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise _BadAddressError
    return parsed


def _same_origin(here: URL, location: str) -> str | None:
    """Return where a redirect leads, if that is on the same scheme, host and port."""
    try:
        there = here.join(URL(location))
        return str(there) if there.origin() == here.origin() else None
    except ValueError:
        return None


def _host(url: str) -> str:
    try:
        return _parse_url(url).host or "?"
    except _BadAddressError:
        return "?"


def _headers_of(answer: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in answer.headers.items():
        lower = name.lower()
        if lower != "set-cookie":
            headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
    return headers


def _cookies_of(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {
        name: morsel.value for name, morsel in answer.cookies.items() if morsel["max-age"] != "0"
    }
