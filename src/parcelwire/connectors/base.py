"""The contract of every connector: pure exchange, no I/O.

A connector never opens a socket. It describes requests and reads answers; somebody else carries
them::

    track(queries, context)  --yields-->  Request   --transport-->  carrier
            ^                                                            |
            +----------------------- receives ---- Response <-----------+
            |
            +--returns--> one CarrierReport per query, in the same order

``track`` is a generator, because real protocols need more than one step (a token first, a page
after it, a second try after an expired token). Inside it a connector keeps ``build_*`` functions
(make a Request) and ``parse_*`` functions (read a Response), each pure and tested by fixtures. What
must outlive one exchange (an access token, a session cookie) goes into ``context.session_state``,
which the gateway keeps per connection, in the process only.

Rules that the shared contract suite checks:

* "Unknown number" needs a positive sign from the carrier. An empty list, a 403, an HTML page is
  ``NOT_UNDERSTOOD``.
* An unknown code is reported as an UnmappedCode and its checkpoint has ``status=None``; it is never
  guessed into "in transit".
* No invented events, no invented offsets; raw code and raw text are kept.
* Whatever bytes come back, ``track`` returns reports and never raises.
"""

from __future__ import annotations

from collections.abc import Generator, MutableMapping, Sequence
from typing import Any, Final, Literal, Protocol

import msgspec

from parcelwire.couriers.registry import Courier
from parcelwire.domain.clock import DAY, SECOND, Instant
from parcelwire.domain.report import CarrierReport, Outcome, UnmappedCode

Fault = Literal[
    "timeout",
    "connect",
    "tls",
    "cut",
    "refused_address",
    "too_large",
    "undecodable",
    "malformed",
]
"""Why there is no HTTP answer, or none that can be read: named after what happened on the wire."""

ANSWER_FAULTS: Final = {
    "too_large": "the body is larger than allowed",
    "undecodable": "the body cannot be decompressed",
    "malformed": "the answer is not valid HTTP, or has too many headers",
}
"""Faults of one answer: the carrier was there and said something.

They concern what was asked about, and nothing else: one parcel with an endless history must not
keep all others from being asked about.
"""


class TrackingQuery(msgspec.Struct, frozen=True, kw_only=True):
    """One number to ask about, with what some carriers want beside it."""

    number: str
    courier_code: str
    postal_code: str | None = None
    ship_date: str | None = None
    """YYYY-MM-DD."""
    account: str | None = None
    origin_country: str | None = None
    destination_country: str | None = None
    key: str | None = None
    created_at: Instant = 0
    """When the tracking was created; scripted carriers count their scenario from here."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request, complete. ``secret_headers`` names the headers that no log may show."""

    method: Literal["GET", "POST", "PUT"]
    url: str
    headers: dict[str, str] = {}
    body: bytes = b""
    secret_headers: frozenset[str] = frozenset({"authorization", "cookie"})
    is_secret_body: bool = False
    """True where the body holds credentials (a token request)."""
    is_retry_safe: bool = True
    """May the transport repeat it after a cut connection?"""


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """What came back.

    ``status`` 0 with a ``fault`` means that no HTTP answer arrived; with a status, that its body
    could not be read.
    """

    status: int
    headers: dict[str, str] = {}
    """Header names in lower case."""
    cookies: dict[str, str] = {}
    body: bytes = b""
    fault: Fault | None = None
    received_at: Instant = 0


class CarrierContext(msgspec.Struct, kw_only=True):
    """How this account may ask: the transport's name, its credentials, its session state, the time.

    ``credentials`` holds the fields that the manifest's transport names (decrypted). ``base_urls``
    overrides the hosts of the carrier by name (``api``, ``token`` ...), for a carrier's test system
    or a mock server.
    """

    transport: str
    now: Instant
    credentials: dict[str, str] = {}
    base_urls: dict[str, str] = {}
    session_state: MutableMapping[str, Any] = {}
    language: str = "en"


class Transport(msgspec.Struct, frozen=True, kw_only=True):
    """One way to ask the carrier, as its manifest describes it."""

    name: str
    """``api`` (official, with credentials) or ``web`` (undocumented public endpoint.

    Off until the operator turns it on).
    """
    is_official: bool
    credential_fields: tuple[str, ...] = ()
    base_urls: dict[str, str] = {}
    batch_size: int = 1
    """How many numbers one exchange may ask about."""
    requests_per_minute: int = 60
    requests_per_day: int | None = None
    timeout_seconds: float = 15.0
    max_answer_bytes: int = 2_000_000
    docs_url: str = ""
    test_number: str = ""
    """A number that the carrier itself publishes for tests; where is said in the README.

    Empty: it publishes none that we know of. Never the number of somebody's parcel.
    """


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a connector says about itself (``manifest.toml``)."""

    code: str
    """The folder's name with ``-`` for ``_``; the main courier code."""
    courier_codes: tuple[str, ...]
    name: str
    home_zone: str
    """IANA zone of the carrier's home.

    For quiet hours, and for local times where it is all that is known.
    """
    home_country: str
    languages: tuple[str, ...]
    """Languages the carrier answers in, first = default."""
    transports: tuple[Transport, ...]
    quiet_from_hour: int = 22
    quiet_to_hour: int = 6
    """Local hours of the home zone in which nothing is scanned, so polls wait (equal values.

    Never quiet).
    """
    quality: str = "bronze"
    docs_url: str = ""
    couriers: tuple[Courier, ...] = ()
    """Couriers of ``courier_codes`` that the registry does not have."""

    def transport(self, name: str) -> Transport:
        """Return the transport called ``name``.

        Raises:
            KeyError: when the manifest has none of that name.
        """
        for transport in self.transports:
            if transport.name == name:
                return transport
        raise KeyError(name)


Exchange = Generator[Request, Response, list[CarrierReport]]
"""Yields requests, receives responses, returns one report per query in the same order."""


class Connector(Protocol):
    """One carrier (or upstream) as a plug-in."""

    @property
    def manifest(self) -> Manifest:
        """What this connector is and may."""
        ...

    def track(self, queries: Sequence[TrackingQuery], context: CarrierContext) -> Exchange:
        """Ask about ``queries`` (at most the transport's ``batch_size``)."""
        ...

    def phrase(self, raw_code: str, language: str) -> str | None:
        """Return the carrier's own wording of one of its event codes in ``language``, or None when
        it is not known.
        """
        ...


RETRY_AFTER_DEFAULT_SECONDS: Final = 120
RETRY_AFTER_LIMIT_SECONDS: Final = DAY // SECOND


def common_failure(
    query: TrackingQuery, response: Response, connector: str = ""
) -> CarrierReport | None:
    """Return the report for an answer that is no answer, or None when the response is worth
    parsing.

    Handles what is alike everywhere: no connection, 429 (``Retry-After`` in seconds or as an HTTP
    date), 401 (credentials), 5xx, and an answer that cannot be read (``ANSWER_FAULTS``). Every
    other status, a 403 and a 404 included, is the connector's to read.
    """

    def answer(outcome: Outcome, detail: str, retry_at: Instant | None = None) -> CarrierReport:
        return CarrierReport(
            number=query.number,
            outcome=outcome,
            detail=detail,
            retry_at=retry_at,
            raw=response.body[:20_000],
            fetched_at=response.received_at,
            connector=connector,
        )

    if response.fault is not None and response.fault not in ANSWER_FAULTS:
        return answer(Outcome.UNAVAILABLE, f"no answer: {response.fault}")
    if response.status == 429:
        wait = retry_after_seconds(response)
        return answer(
            Outcome.RATE_LIMITED, f"HTTP 429, wait {wait} s", response.received_at + wait * SECOND
        )
    if response.status == 401:
        return answer(Outcome.AUTH_FAILED, "HTTP 401: the credentials were refused")
    if response.status >= 500:
        retry_at = (
            response.received_at + retry_after_seconds(response) * SECOND
            if "retry-after" in response.headers
            else None
        )
        return answer(Outcome.UNAVAILABLE, f"HTTP {response.status}", retry_at)
    if response.fault is not None:
        return not_understood(query, response, ANSWER_FAULTS[response.fault], connector)
    return None


def not_understood(
    query: TrackingQuery, response: Response, why: str, connector: str = ""
) -> CarrierReport:
    """Return the report for an answer whose shape is unknown.

    Kept raw, with an unmapped code, never "not found".
    """
    sample = response.body[:500].decode("utf-8", "replace")
    return CarrierReport(
        number=query.number,
        outcome=Outcome.NOT_UNDERSTOOD,
        detail=f"HTTP {response.status}: {why}" if response.status else why,
        unmapped=(UnmappedCode(kind="answer", value=why, sample=sample),),
        raw=response.body[:20_000],
        fetched_at=response.received_at,
        connector=connector,
    )


def retry_after_seconds(response: Response) -> int:
    """Return the wait that ``Retry-After`` asks for (RFC 9110 10.2.3.

    Seconds or a date), capped at a day.
    """
    from email.utils import parsedate_to_datetime  # only on the rare refusal path

    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(int(value[:9]), RETRY_AFTER_LIMIT_SECONDS)
    try:
        until = parsedate_to_datetime(value)
        wait = round(until.timestamp() - response.received_at / SECOND)
    except (ValueError, OverflowError):
        return RETRY_AFTER_DEFAULT_SECONDS
    return max(1, min(wait, RETRY_AFTER_LIMIT_SECONDS))


def is_html(response: Response) -> bool:
    """Tell whether the answer is a page for people where data was asked for."""
    return "html" in response.headers.get("content-type", "") or response.body.lstrip()[
        :15
    ].lower().startswith((b"<!doctype", b"<html"))


__all__ = [
    "CarrierContext",
    "CarrierReport",
    "Connector",
    "Exchange",
    "Fault",
    "Manifest",
    "Outcome",
    "Request",
    "Response",
    "TrackingQuery",
    "Transport",
    "common_failure",
    "is_html",
    "not_understood",
    "retry_after_seconds",
]
