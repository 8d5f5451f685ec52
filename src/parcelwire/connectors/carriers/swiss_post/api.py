"""Transport ``api``: Swiss Post's official "Track Consignments" API for business customers.

    POST {token}/OAuth/token              client credentials -> access_token, expires_in
    GET  {api}/mailpieces/{key}/detail    {"status": {status, title, subtitle}, ...}
    GET  {api}/mailpieces/{key}/events/   {"events": [{code, title, subtitle, timestamp, ...}]}
    POST {api}/mailpieces {"ids": number} only after a 404: unknown number, or another key?

The answers of ``detail`` beyond its status, of ``POST /mailpieces`` and of errors are not
documented in public; README.md says how each is read and why.
"""

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
from msgspec.structs import replace

from parcelwire.connectors.base import (
    Access,
    Question,
    Request,
    Response,
    not_understood,
    refusal,
)
from parcelwire.connectors.carriers.swiss_post.events import (
    Event,
    Understood,
    find_summary_gap,
    understand,
)
from parcelwire.connectors.carriers.swiss_post.reading import (
    read_country,
    read_epoch,
    read_json,
    read_mapping,
    read_moment,
    read_number,
    read_postal_code,
    read_text,
)
from parcelwire.connectors.carriers.swiss_post.shipment import read_sizes
from parcelwire.domain.clock import SECOND, Instant
from parcelwire.domain.report import CarrierReport, Gap, Outcome, ParcelFacts
from parcelwire.domain.status import Substatus

CODE: Final = "swiss-post"
SCOPE: Final = "MYSB_MAILPIECE_TRACKING_B2B_READ"
TOKEN_MARGIN_SECONDS: Final = 30
"""A token this close to its end is not used any more: it has to survive the whole conversation."""

_TOKEN: Final = "api_token"  # noqa: S105  # the name of a place in the memory, no token
_KEYS: Final = "api_keys"
_MAX_KEYS: Final = 10_000
_MAX_EVENTS: Final = 300
_REFUSED_CLIENT: Final = frozenset(
    {"invalid_client", "unauthorized_client", "invalid_grant", "invalid_scope", "access_denied"}
)
"""Errors of RFC 6749 5.2 that new attempts with the same credentials cannot heal."""
_GRAMS: Final = {"g": 1.0, "kg": 1000.0}
_MILLIMETRES: Final = {"mm": 1.0, "cm": 10.0}
_NUMBER: Final = r"\d{1,6}(?:[.,]\d{1,3})?"

Reply = Generator[Request, Response, Response]


class Token(msgspec.Struct, frozen=True):
    """An access token and when it stops being good."""

    value: str
    expires_at: Instant


class _RefusedError(Exception):
    """The conversation is over: the report says why."""

    def __init__(self, report: CarrierReport) -> None:
        super().__init__()
        self.report = report


def ask_api(
    question: Question, access: Access, base_urls: Mapping[str, str]
) -> Generator[Request, Response, CarrierReport]:
    """Ask about one number, with the remembered token while it lives."""
    try:
        return (yield from _ask(question, access, base_urls))
    except _RefusedError as refused:
        return refused.report


def build_token(token_url: str, credentials: Mapping[str, str]) -> Request:
    """Build the request for an access token (RFC 6749 4.4, credentials in the body)."""
    form = {
        "grant_type": "client_credentials",
        "client_id": credentials["client_id"],
        "client_secret": credentials["client_secret"],
        "scope": SCOPE,
    }
    return Request(
        method="POST",
        url=f"{token_url}/OAuth/token",
        headers={
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded",
        },
        body=urlencode(form).encode(),
        is_secret_body=True,
    )


def parse_token(response: Response, now: Instant) -> Token | None:
    """Return the token of the answer, or None when there is none in it."""
    answer = read_mapping(read_json(response))
    value = answer.get("access_token")
    if response.status != 200 or not isinstance(value, str) or not value.isascii():
        return None
    if not value.isprintable() or not value:
        return None
    return Token(value, read_epoch(answer.get("expires_in"), now))


def build_detail(api_url: str, token: str, key: str, language: str) -> Request:
    """Build the request for the status of the mailpiece ``key``."""
    return _get(f"{api_url}/mailpieces/{quote(key, safe='')}/detail", token, language)


def build_events(api_url: str, token: str, key: str, language: str) -> Request:
    """Build the request for the events of the mailpiece ``key``."""
    return _get(f"{api_url}/mailpieces/{quote(key, safe='')}/events/", token, language)


def build_search(api_url: str, token: str, number: str, language: str) -> Request:
    """Build the request that looks ``number`` up among the mailpieces."""
    return Request(
        method="POST",
        url=f"{api_url}/mailpieces",
        headers=_headers(token, language) | {"content-type": "application/json"},
        body=msgspec.json.encode({"ids": number}),
    )


def parse_search(response: Response, number: str) -> str | None:
    """Return the key that the answer gives for ``number``, wherever in it that stands."""
    wanted = read_number(number)
    for item in _walk(read_json(response)):
        key = read_text(item.get("mailpieceKey"), 200)
        if key is not None and read_number(item.get("mailpieceId")) == wanted:
            return key
    return None


def parse_answers(
    question: Question, detail: Mapping[str, Any], told: list[Any], language: str
) -> CarrierReport:
    """Return the report of a found mailpiece, still without its raw answer."""
    summary = read_text(read_mapping(detail.get("status")).get("status"), 40)
    events: list[Event] = []
    gaps: list[Gap] = []
    for item in told[:_MAX_EVENTS]:
        event = _read_event(read_mapping(item), language)
        if event is not None:
            events.append(event)
        elif not gaps:
            gaps.append(Gap(kind="answer", value="an event without a code or a time"))
    understood = understand(events, summary, language, is_returned=summary == "RETURNED")
    return CarrierReport(
        number=question.number,
        outcome=Outcome.FOUND,
        checkpoints=understood.checkpoints,
        facts=_read_facts(detail, understood),
        gaps=(*understood.gaps, *gaps, *find_summary_gap(summary)),
    )


def _ask(
    question: Question, access: Access, base_urls: Mapping[str, str]
) -> Generator[Request, Response, CarrierReport]:
    api_url, language = base_urls["api"], access.language
    keys = access.memory.setdefault(_KEYS, {})
    key = keys.get(question.number, question.number)

    detail = yield from _authorized(
        question, access, base_urls, lambda token: build_detail(api_url, token, key, language)
    )
    if detail.status == 404 and read_mapping(read_json(detail)):
        keys.pop(question.number, None)
        key = yield from _find_key(question, access, base_urls, detail)
        detail = yield from _authorized(
            question, access, base_urls, lambda token: build_detail(api_url, token, key, language)
        )
        if len(keys) >= _MAX_KEYS:
            keys.clear()
        keys[question.number] = key
    answer = read_json(detail)
    if detail.status != 200 or not isinstance(answer, dict):
        return not_understood(question, detail, "no detail of a mailpiece", CODE)

    told = yield from _authorized(
        question, access, base_urls, lambda token: build_events(api_url, token, key, language)
    )
    events = read_mapping(read_json(told)).get("events")
    if told.status != 200 or not isinstance(events, list):
        return not_understood(question, told, "no list of events", CODE)
    report = parse_answers(question, answer, events, language)
    raw = {"detail": msgspec.Raw(detail.body), "events": msgspec.Raw(told.body)}
    return replace(
        report, raw=msgspec.json.encode(raw), fetched_at=told.received_at, connector=CODE
    )


def _find_key(
    question: Question,
    access: Access,
    base_urls: Mapping[str, str],
    missing: Response,
) -> Generator[Request, Response, str]:
    """Return another key of the number after ``missing``, the 404 of its detail.

    A 404 alone may come from a gateway whose paths have moved, so it is no positive sign. It
    becomes one when the search of the same API understands the number and has no mailpiece for
    it: then the carrier does not know the number.
    """
    searched = yield from _authorized(
        question,
        access,
        base_urls,
        lambda token: build_search(base_urls["api"], token, question.number, access.language),
    )
    answer = read_json(searched)
    if searched.status != 200 or not isinstance(answer, dict | list):
        raise _RefusedError(not_understood(question, missing, "404, and no search either", CODE))
    key = parse_search(searched, question.number)
    if key is not None and key != question.number:
        return key
    if key is not None or any(_walk_numbers(answer, question.number)):
        # It is listed, yet has no detail: the carrier knows it, we only do not know how to ask.
        raise _RefusedError(not_understood(question, missing, "listed, but without detail", CODE))
    raise _RefusedError(
        CarrierReport(
            number=question.number,
            outcome=Outcome.UNKNOWN_NUMBER,
            detail="no detail (404), and the search of mailpieces does not list the number",
            raw=searched.body,
            fetched_at=searched.received_at,
            connector=CODE,
        )
    )


def _authorized(
    question: Question,
    access: Access,
    base_urls: Mapping[str, str],
    build: Callable[[str], Request],
) -> Reply:
    """Send ``build(token)``; a 401 renews the token once, a second one is final."""
    token = access.memory.get(_TOKEN)
    margin = TOKEN_MARGIN_SECONDS * SECOND
    if not isinstance(token, Token) or token.expires_at - margin <= access.now:
        token = yield from _authenticate(question, access, base_urls)
    response = yield build(token.value)
    if response.status == 401:
        token = yield from _authenticate(question, access, base_urls)
        response = yield build(token.value)
    if response.status == 401:
        access.memory.pop(_TOKEN, None)
    refused = refusal(question, response, CODE)
    if refused is not None:
        raise _RefusedError(refused)
    return response


def _authenticate(
    question: Question, access: Access, base_urls: Mapping[str, str]
) -> Generator[Request, Response, Token]:
    access.memory.pop(_TOKEN, None)
    if not all(access.credentials.get(field) for field in ("client_id", "client_secret")):
        raise _RefusedError(
            _auth_failed(question, access.now, "client_id or client_secret is missing")
        )
    answer = yield build_token(base_urls["token"], access.credentials)
    token = parse_token(answer, access.now)
    if token is not None:
        access.memory[_TOKEN] = token
        return token
    error = read_text(read_mapping(read_json(answer)).get("error"), 60)
    if answer.status in {400, 401} and (answer.status == 401 or error in _REFUSED_CLIENT):
        why = f"the token endpoint refused the client: HTTP {answer.status} {error or ''}"
        raise _RefusedError(_auth_failed(question, answer.received_at, why.strip()))
    # Whatever a token endpoint says stays out of reports: it may hold a token that we did not see.
    silent = replace(answer, body=b"")
    report = refusal(question, silent, CODE)
    raise _RefusedError(report or not_understood(question, silent, "no access token", CODE))


def _auth_failed(question: Question, at: Instant, why: str) -> CarrierReport:
    return CarrierReport(
        number=question.number,
        outcome=Outcome.AUTH_FAILED,
        detail=why,
        fetched_at=at,
        connector=CODE,
    )


def _get(url: str, token: str, language: str) -> Request:
    return Request(method="GET", url=url, headers=_headers(token, language))


def _headers(token: str, language: str) -> dict[str, str]:
    return {
        "accept": "application/json",
        "accept-language": language,
        "authorization": f"Bearer {token}",
    }


def _read_event(item: Mapping[str, Any], language: str) -> Event | None:
    place = item.get("location")
    spot = read_mapping(place)
    country = read_country(spot.get("country"))
    raw_code = read_text(item.get("code"), 100)
    moment = read_moment(item.get("timestamp"), country)
    if raw_code is None or moment is None:
        return None
    city = read_text(spot.get("city"), 100)
    words = [read_text(item.get(field)) for field in ("title", "subtitle")]
    text = " – ".join(dict.fromkeys(word for word in words if word)) or None
    return Event(
        raw_code=raw_code,
        moment=moment,
        text=text,
        language=language if text else None,
        location=read_text(place, 160) or read_text(spot.get("name"), 160) or city,
        city=city,
        postal_code=read_postal_code(spot.get("zip"), country),
        country=country,
        sample=item,
    )


def _read_facts(detail: Mapping[str, Any], understood: Understood) -> ParcelFacts:
    """Read what the carrier's app gets in the record of the same name; absent here, it is None."""
    physical = read_mapping(detail.get("physicalDimensions"))
    address = read_mapping(detail.get("deliveryAddress"))
    where = read_mapping(address.get("addressDetail"))
    country = read_country(where.get("country"))
    length, width, height = _read_printed_sizes(physical.get("dimensions"))
    last = understood.last
    is_waiting = last is not None and last.substatus is Substatus.PICKUP_READY_FOR_COLLECTION
    summary = read_mapping(detail.get("status")).get("status")
    return ParcelFacts(
        product=read_text(detail.get("productName"), 100),
        weight_grams=_read_printed_weight(physical.get("weight")),
        length_mm=length,
        width_mm=width,
        height_mm=height,
        destination_country=country,
        destination_city=read_text(where.get("city"), 100),
        destination_postal_code=read_postal_code(where.get("zip4"), country),
        pickup_point=read_text(address.get("pickupOffice"), 160) if is_waiting else None,
        is_returning=True if summary == "RETURNED" else None,
    )


def _read_printed_weight(value: Any) -> int | None:
    """Return grams from ``1.14 kg`` or ``850 g``."""
    match = re.fullmatch(rf"\s*({_NUMBER})\s*(k?g)\s*", _short(value), re.IGNORECASE)
    if match is None:
        return None
    return round(_decimal(match[1]) * _GRAMS[match[2].lower()]) or None


def _read_printed_sizes(value: Any) -> tuple[int | None, int | None, int | None]:
    """Return millimetres from ``40.0 x 25.0 x 15.5 cm``."""
    pattern = rf"\s*({_NUMBER})\s*[x×]\s*({_NUMBER})\s*[x×]\s*({_NUMBER})\s*([cm]m)\s*"
    match = re.fullmatch(pattern, _short(value), re.IGNORECASE)
    if match is None:
        return None, None, None
    factor = _MILLIMETRES[match[4].lower()]
    return read_sizes([_decimal(match[axis]) * factor for axis in (1, 2, 3)])


def _short(value: Any) -> str:
    return value[:60] if isinstance(value, str) else ""


def _decimal(text: str) -> float:
    return float(text.replace(",", "."))


def _walk(value: Any, depth: int = 5) -> Iterator[Mapping[str, Any]]:
    """Yield every object in ``value`` down to ``depth``: the answer's shape is not published."""
    if depth == 0:
        return
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value[:1000]:
            yield from _walk(item, depth - 1)


def _walk_numbers(value: Any, number: str) -> Iterator[bool]:
    """Tell for every object whether one of its identifiers is ``number``."""
    wanted = read_number(number)
    for item in _walk(value):
        yield any(
            read_number(item.get(field)) == wanted
            for field in ("mailpieceId", "mailpieceKey", "identCode", "id")
        )
