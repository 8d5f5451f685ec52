"""Transport ``web``: the exchange of Swiss Post's own tracking page (``ekp-web``), no key.

    GET  /api/user                                 userIdentifier, X-CSRF-TOKEN, session cookie
    POST /api/history?userId=                      {"searchQuery": number} -> {"hash": sha256}
    GET  /api/history/not-included/{hash}?userId=  -> [shipment]
    GET  /api/shipment/id/{identity}/events        -> [event]
    GET  /api/autocomplete/postoffice/id/{site}    -> the place, only while the parcel waits there

The endpoints are undocumented; the shapes come from public clients of them (README.md).
"""

import hashlib
from collections.abc import Generator, Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from parcelwire.connectors.base import (
    CarrierContext,
    Request,
    Response,
    TrackingQuery,
    common_failure,
    not_understood,
)
from parcelwire.connectors.carriers.swiss_post.json_values import read_answer
from parcelwire.connectors.carriers.swiss_post.shipment import (
    build_report,
    find_shipment,
    find_site,
    parse_events,
    parse_place,
)
from parcelwire.connectors.reading.values import read_handle, read_mapping, read_token, recall
from parcelwire.domain.report import CarrierReport, Outcome

CODE: Final = "swiss-post"
_MEMORY: Final = "web_session"
_FORBIDDEN: Final = frozenset({401, 403})
"""Both mean here that the session died: there are no credentials that could be refused."""

Reply = Generator[Request, Response, Response]


class Session(msgspec.Struct, frozen=True):
    """One anonymous session: it serves many numbers until it dies with a 403."""

    user_id: str
    csrf_token: str
    cookies: dict[str, str]


class _SessionDiedError(Exception):
    """The carrier answered 403: everything that the session gave is worthless now."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def ask_web(
    query: TrackingQuery, context: CarrierContext, base_url: str
) -> Generator[Request, Response, CarrierReport]:
    """Ask about one number, with the remembered session first; a dead session is renewed once."""
    session = recall(context.session_state, _MEMORY, Session)
    is_fresh = session is None
    while True:
        if session is None:
            response = yield build_user(base_url, context.language)
            refused = _refuse(query, response)
            if refused is not None:
                return refused
            session = parse_user(response)
            if session is None:
                return _no_session(query, response)
            context.session_state[_MEMORY] = msgspec.to_builtins(session)
        try:
            return (yield from _look_up(query, context, base_url, session))
        except _SessionDiedError as death:
            context.session_state.pop(_MEMORY, None)
            if is_fresh:
                return not_understood(query, death.response, "a fresh session was refused", CODE)
            session, is_fresh = None, True


def build_user(base_url: str, language: str) -> Request:
    """Build the request that opens an anonymous session."""
    return Request(
        method="GET",
        url=f"{base_url}/api/user",
        headers={"accept": "application/json", "accept-language": language},
    )


def parse_user(response: Response) -> Session | None:
    """Return the session that the answer opens, or None when a part of it is missing."""
    user_id = read_handle(read_mapping(read_answer(response)).get("userIdentifier"))
    csrf_token = read_token(response.headers.get("x-csrf-token"))
    if response.status != 200 or user_id is None or csrf_token is None:
        return None
    cookies = {
        name: value
        for name, value in response.cookies.items()
        if read_token(name) is not None and read_token(value) is not None
    }
    return Session(user_id, csrf_token, cookies)


def build_search(base_url: str, session: Session, number: str, language: str) -> Request:
    """Build the request that registers ``number``, without which nothing is found."""
    return Request(
        method="POST",
        url=f"{base_url}/api/history?userId={quote(session.user_id, safe='')}",
        headers=_headers(session, language) | {"content-type": "application/json"},
        body=msgspec.json.encode({"searchQuery": number}),
        secret_headers=_SECRETS,
    )


def build_result(base_url: str, session: Session, digest: str, language: str) -> Request:
    """Build the request for what the search found."""
    user = quote(session.user_id, safe="")
    path = f"/api/history/not-included/{quote(digest, safe='')}?userId={user}"
    return _get(base_url, path, session, language)


def build_events(base_url: str, session: Session, identity: str, language: str) -> Request:
    """Build the request for the events of the shipment ``identity``."""
    path = f"/api/shipment/id/{quote(identity, safe='')}/events"
    return _get(base_url, path, session, language)


def build_place(base_url: str, session: Session, site: str, language: str) -> Request:
    """Build the request for the office or parcel machine with the number ``site``."""
    path = f"/api/autocomplete/postoffice/id/{quote(site, safe='')}"
    return _get(base_url, path, session, language)


def _look_up(
    query: TrackingQuery, context: CarrierContext, base_url: str, session: Session
) -> Generator[Request, Response, CarrierReport]:
    language, number = context.language, query.number
    searched = yield from _alive(build_search(base_url, session, number, language))
    refused = _refuse(query, searched)
    if refused is not None:
        return refused
    digest = read_handle(read_mapping(read_answer(searched)).get("hash"))
    if searched.status != 200 or digest is None:
        return not_understood(query, searched, "the search gave no hash", CODE)

    found = yield from _alive(build_result(base_url, session, digest, language))
    refused = _refuse(query, found)
    if refused is not None:
        return refused
    shipments = read_answer(found)
    if found.status != 200 or not isinstance(shipments, list):
        return not_understood(query, found, "no list of shipments", CODE)
    if not shipments:
        return _nothing_found(query, found, digest)
    shipment = find_shipment(shipments, number)
    if shipment is None:
        return not_understood(query, found, "not one shipment of this number", CODE)

    identity = read_handle(shipment.get("identity"))
    if identity is None:
        return not_understood(query, found, "the shipment has no identity", CODE)
    told = yield from _alive(build_events(base_url, session, identity, language))
    refused = _refuse(query, told)
    if refused is not None:
        return refused
    events = read_answer(told)
    if told.status != 200 or not isinstance(events, list):
        return not_understood(query, told, "no list of events", CODE)

    understood = parse_events(events, shipment, language)
    place = None
    site = find_site(shipment, understood)
    if site is not None:
        # The parcel is found without the name of its place, so whatever goes wrong here is let go.
        answer = yield build_place(base_url, session, site, language)
        place = parse_place(answer, site)
    report = build_report(query, shipment, understood, place)
    return msgspec.structs.replace(
        report, raw=_join(found, told), fetched_at=told.received_at, connector=CODE
    )


def _nothing_found(query: TrackingQuery, response: Response, digest: str) -> CarrierReport:
    """Read an empty list.

    The page documents ``[]`` as "unknown number", but it also answers ``[]`` when the number was
    never registered in this session. An empty list alone is therefore no positive sign. It
    becomes one together with the search of the same exchange: when that was answered with
    the SHA-256 of exactly our number, the carrier took the number in and has nothing for it.
    """
    if digest.lower() != hashlib.sha256(query.number.encode()).hexdigest():
        return not_understood(query, response, "empty list after a foreign hash", CODE)
    return CarrierReport(
        number=query.number,
        outcome=Outcome.UNKNOWN_NUMBER,
        detail="the search took the number in and found nothing",
        raw=response.body,
        fetched_at=response.received_at,
        connector=CODE,
    )


def _no_session(query: TrackingQuery, response: Response) -> CarrierReport:
    """Report a handshake without a session; what there is of one is no reading for a log."""
    if "userIdentifier" in read_mapping(read_answer(response)):
        response = msgspec.structs.replace(response, body=b"")
    return not_understood(query, response, "no anonymous session was opened", CODE)


def _alive(request: Request) -> Reply:
    response = yield request
    if response.status in _FORBIDDEN:
        raise _SessionDiedError(response)
    return response


def _refuse(query: TrackingQuery, response: Response) -> CarrierReport | None:
    if response.status in _FORBIDDEN:
        return not_understood(query, response, "the page was refused", CODE)
    return common_failure(query, response, CODE)


def _get(base_url: str, path: str, session: Session, language: str) -> Request:
    return Request(
        method="GET",
        url=f"{base_url}{path}",
        headers=_headers(session, language),
        secret_headers=_SECRETS,
    )


_SECRETS: Final = frozenset({"cookie", "x-csrf-token"})


def _headers(session: Session, language: str) -> dict[str, str]:
    headers = {
        "accept": "application/json",
        "accept-language": language,
        "x-csrf-token": session.csrf_token,
    }
    if session.cookies:
        headers["cookie"] = "; ".join(f"{key}={value}" for key, value in session.cookies.items())
    return headers


def _join(found: Response, told: Response) -> bytes:
    """Return both answers as one JSON document, each part as it was received."""
    parts: Mapping[str, Any] = {
        "shipments": msgspec.Raw(found.body),
        "events": msgspec.Raw(told.body),
    }
    return msgspec.json.encode(parts)
