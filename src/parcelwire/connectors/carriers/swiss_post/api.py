"""Transport ``api``: Swiss Post's official "Track Consignments" API for business customers.

    POST {token}/OAuth/token              client credentials -> access_token, expires_in
    GET  {api}/mailpieces/{key}/detail    {"status": {status, title, subtitle}, ...}
    GET  {api}/mailpieces/{key}/events/   {"events": [{code, title, subtitle, timestamp, ...}]}
    POST {api}/mailpieces {"ids": number} only after a 404: unknown number, or another key?

The answers of ``detail`` beyond its status, of ``POST /mailpieces`` and of errors are not
documented in public; README.md says how each is read and why.
"""

from collections.abc import Callable, Generator, Mapping
from typing import Final
from urllib.parse import quote, urlencode

import msgspec
from msgspec.structs import replace

from parcelwire.connectors.base import (
    CarrierContext,
    Request,
    Response,
    TrackingQuery,
    common_failure,
    not_understood,
)
from parcelwire.connectors.carriers.swiss_post.json_values import read_answer
from parcelwire.connectors.carriers.swiss_post.mailpiece import (
    is_listed,
    parse_answers,
    parse_search,
)
from parcelwire.connectors.reading.values import (
    read_expiry,
    read_mapping,
    read_text,
    read_token,
    recall,
)
from parcelwire.domain.clock import SECOND, Instant
from parcelwire.domain.report import CarrierReport, Outcome

CODE: Final = "swiss-post"
SCOPE: Final = "MYSB_MAILPIECE_TRACKING_B2B_READ"
TOKEN_MARGIN_SECONDS: Final = 30
"""A token this close to its end is not used any more: it has to survive the whole exchange."""

_TOKEN: Final = "api_token"  # noqa: S105  # the name of a place in the session state, no token
_KEYS: Final = "api_keys"
_MAX_KEYS: Final = 10_000
_REFUSED_CLIENT: Final = frozenset(
    {"invalid_client", "unauthorized_client", "invalid_grant", "invalid_scope", "access_denied"}
)
"""Errors of RFC 6749 5.2 that new attempts with the same credentials cannot heal."""

Reply = Generator[Request, Response, Response]


class Token(msgspec.Struct, frozen=True):
    """An access token and when it stops being good."""

    value: str
    expires_at: Instant


class _RefusedError(Exception):
    """The exchange is over: the report says why."""

    def __init__(self, report: CarrierReport) -> None:
        super().__init__()
        self.report = report


def ask_api(
    query: TrackingQuery, context: CarrierContext, base_urls: Mapping[str, str]
) -> Generator[Request, Response, CarrierReport]:
    """Ask about one number, with the remembered token while it lives."""
    try:
        return (yield from _ask(query, context, base_urls))
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
    answer = read_mapping(read_answer(response))
    value = read_token(answer.get("access_token"))
    if response.status != 200 or value is None:
        return None
    return Token(value, read_expiry(answer.get("expires_in"), now))


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


def _ask(
    query: TrackingQuery, context: CarrierContext, base_urls: Mapping[str, str]
) -> Generator[Request, Response, CarrierReport]:
    api_url, language = base_urls["api"], context.language
    keys: dict[str, str] = context.session_state.setdefault(_KEYS, {})
    key = keys.get(query.number, query.number)

    detail = yield from _authorized(
        query, context, base_urls, lambda token: build_detail(api_url, token, key, language)
    )
    if detail.status == 404 and read_mapping(read_answer(detail)):
        keys.pop(query.number, None)
        key = yield from _find_key(query, context, base_urls, detail)
        detail = yield from _authorized(
            query, context, base_urls, lambda token: build_detail(api_url, token, key, language)
        )
        if len(keys) >= _MAX_KEYS:
            keys.clear()
        keys[query.number] = key
    answer = read_answer(detail)
    if detail.status != 200 or not isinstance(answer, dict):
        return not_understood(query, detail, "no detail of a mailpiece", CODE)

    told = yield from _authorized(
        query, context, base_urls, lambda token: build_events(api_url, token, key, language)
    )
    events = read_mapping(read_answer(told)).get("events")
    if told.status != 200 or not isinstance(events, list):
        return not_understood(query, told, "no list of events", CODE)
    report = parse_answers(query, answer, events, language)
    raw = {"detail": msgspec.Raw(detail.body), "events": msgspec.Raw(told.body)}
    return replace(
        report, raw=msgspec.json.encode(raw), fetched_at=told.received_at, connector=CODE
    )


def _find_key(
    query: TrackingQuery,
    context: CarrierContext,
    base_urls: Mapping[str, str],
    missing: Response,
) -> Generator[Request, Response, str]:
    """Return another key of the number after ``missing``, the 404 of its detail.

    A 404 alone may come from a gateway whose paths have moved, so it is no positive sign. It
    becomes one when the search of the same API understands the number and has no mailpiece for
    it: then the carrier does not know the number.
    """
    searched = yield from _authorized(
        query,
        context,
        base_urls,
        lambda token: build_search(base_urls["api"], token, query.number, context.language),
    )
    answer = read_answer(searched)
    if searched.status != 200 or not isinstance(answer, dict | list):
        raise _RefusedError(not_understood(query, missing, "404, and no search either", CODE))
    key = parse_search(searched, query.number)
    if key is not None and key != query.number:
        return key
    if key is not None or is_listed(searched, query.number):
        # It is listed, yet has no detail: the carrier knows it, we only do not know how to ask.
        raise _RefusedError(not_understood(query, missing, "listed, but without detail", CODE))
    raise _RefusedError(
        CarrierReport(
            number=query.number,
            outcome=Outcome.UNKNOWN_NUMBER,
            detail="no detail (404), and the search of mailpieces does not list the number",
            raw=searched.body,
            fetched_at=searched.received_at,
            connector=CODE,
        )
    )


def _authorized(
    query: TrackingQuery,
    context: CarrierContext,
    base_urls: Mapping[str, str],
    build: Callable[[str], Request],
) -> Reply:
    """Send ``build(token)``; a 401 renews the token once, a second one is final."""
    token = recall(context.session_state, _TOKEN, Token)
    margin = TOKEN_MARGIN_SECONDS * SECOND
    if token is None or token.expires_at - margin <= context.now:
        token = yield from _authenticate(query, context, base_urls)
    response = yield build(token.value)
    if response.status == 401:
        token = yield from _authenticate(query, context, base_urls)
        response = yield build(token.value)
    if response.status == 401:
        context.session_state.pop(_TOKEN, None)
    refused = common_failure(query, response, CODE)
    if refused is not None:
        raise _RefusedError(refused)
    return response


def _authenticate(
    query: TrackingQuery, context: CarrierContext, base_urls: Mapping[str, str]
) -> Generator[Request, Response, Token]:
    context.session_state.pop(_TOKEN, None)
    if not all(context.credentials.get(field) for field in ("client_id", "client_secret")):
        raise _RefusedError(
            _auth_failed(query, context.now, "client_id or client_secret is missing")
        )
    answer = yield build_token(base_urls["token"], context.credentials)
    token = parse_token(answer, context.now)
    if token is not None:
        context.session_state[_TOKEN] = msgspec.to_builtins(token)
        return token
    error = read_text(read_mapping(read_answer(answer)).get("error"), 60)
    if answer.status in {400, 401} and (answer.status == 401 or error in _REFUSED_CLIENT):
        why = f"the token endpoint refused the client: HTTP {answer.status} {error or ''}"
        raise _RefusedError(_auth_failed(query, answer.received_at, why.strip()))
    # Whatever a token endpoint says stays out of reports: it may hold a token that we did not see.
    silent = replace(answer, body=b"")
    report = common_failure(query, silent, CODE)
    raise _RefusedError(report or not_understood(query, silent, "no access token", CODE))


def _auth_failed(query: TrackingQuery, at: Instant, why: str) -> CarrierReport:
    return CarrierReport(
        number=query.number,
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
