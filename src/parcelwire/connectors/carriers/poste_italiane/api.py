"""The official transport: Poste Delivery Business, tracking ("Tracciatura").

    POST {api}/user/sessions                         -> a token for an hour
    POST {api}/postalandlogistics/parcel/tracking    -> return.shipment[].tracking[], newest first

Source of names, codes and limits: Poste's "Manuale API" v1.9 (22 May 2025) as read by public
clients. The token goes bare into ``Authorization``, without the word Bearer.
"""

from collections.abc import Generator
from typing import Any, Final

import msgspec

from parcelwire.connectors.base import (
    CarrierContext,
    CarrierReport,
    Exchange,
    Outcome,
    Request,
    Response,
    TrackingQuery,
    common_failure,
    not_understood,
)
from parcelwire.connectors.carriers.poste_italiane.answers import (
    CONNECTOR_NAME,
    same_for_all,
    words,
)
from parcelwire.connectors.carriers.poste_italiane.shipment import read_shipment
from parcelwire.connectors.reading.values import (
    UnreadableError,
    pick,
    raw_part,
    read_items,
    read_json,
    read_number,
    read_token,
    read_whole_number,
)
from parcelwire.domain.clock import SECOND
from parcelwire.domain.report import ParcelFacts, UnmappedCode

# The production resource that every published client of this API names; it is no secret. A
# connection may set another one (the test system has its own).
DEFAULT_SCOPE: Final = (
    "https://postemarketplace.onmicrosoft.com/d6a78063-5570-4a87-bbd7-07326e6855d1/.default"
)
TOKEN_MARGIN_SECONDS: Final = 60
TOKEN_SECONDS_DEFAULT: Final = 300

# Message of a valid answer without shipments: "tracking without results".
NO_RESULTS: Final = 207
GENERIC_ERROR: Final = 999
# "Lettera di vettura (7, 13, 18), sticker (9)".
WAYBILL_LENGTHS: Final = frozenset({7, 9, 13, 18})

_TOKEN = "token"  # noqa: S105  # the name of a place in the session state
_TOKEN_UNTIL = "token_until"  # noqa: S105  # the same
_TOKEN_OWNER = "token_client_id"  # noqa: S105  # the same
_ONE_BY_ONE = "asks_one_by_one"
_CLOSED: Final = frozenset({Outcome.RATE_LIMITED, Outcome.UNAVAILABLE, Outcome.AUTH_FAILED})
_SECRET_HEADERS = frozenset({"authorization", "cookie", "poste_clientid"})


def run_exchange(queries: list[TrackingQuery], context: CarrierContext, base_url: str) -> Exchange:
    """Ask for all in one call; what the answer leaves out is asked again, one by one.

    That a call may name several waybills follows from its list only. So nobody depends on it: once
    an answer to several has left all of them out, this connection asks one by one.
    """
    lacking = [name for name in ("client_id", "client_secret") if not context.credentials.get(name)]
    if lacking:
        return same_for_all(
            queries, _report(Outcome.NO_CONNECTION, f"no {' and no '.join(lacking)}")
        )
    reports: list[CarrierReport | None] = [None] * len(queries)
    if len(queries) > 1 and not context.session_state.get(_ONE_BY_ONE):
        answer = yield from _ask(queries, context, base_url)
        if isinstance(answer, CarrierReport):
            return same_for_all(queries, answer)
        reports = parse_tracking(queries, answer)
        if all(report is None for report in reports):
            context.session_state[_ONE_BY_ONE] = True
    for place, query in enumerate(queries):
        if reports[place] is not None:
            continue
        answer = yield from _ask([query], context, base_url)
        if isinstance(answer, CarrierReport):
            return _fill(queries, reports, answer)
        report = parse_one(query, answer)
        reports[place] = report
        if report.outcome in _CLOSED or answer.status == 403:
            # Refused or out of order: asking on would only make it worse.
            return _fill(queries, reports, report)
    return [report for report in reports if report is not None]


def _ask(
    queries: list[TrackingQuery], context: CarrierContext, base_url: str
) -> Generator[Request, Response, Response | CarrierReport]:
    """Send the query with a token; a refused token is replaced once.

    Returns the answer, or a report (without number) when there is no token to be had.
    """
    answer: Response | None = None
    for _ in range(2):
        token = _remembered_token(context)
        if token is None:
            response = yield build_token_request(context, base_url)
            token = _remember_token(response, context)
            if token is None:
                return token_failure(response)
        answer = yield build_tracking_request(queries, context, base_url, token)
        if answer.status not in {401, 403}:
            return answer
        context.session_state.pop(_TOKEN, None)
        if answer.status == 403:
            # A gateway's 403 may mean anything; the next exchange begins with a new token.
            return answer
    return answer if answer is not None else _report(Outcome.UNAVAILABLE, "not asked")


def build_token_request(context: CarrierContext, base_url: str) -> Request:
    """Return the request for a token; its body holds the secret."""
    client_id = context.credentials["client_id"]
    body = {
        "clientId": client_id,
        "secretId": context.credentials["client_secret"],
        "scope": context.credentials.get("scope") or DEFAULT_SCOPE,
        "grantType": "client_credentials",
    }
    return Request(
        method="POST",
        url=f"{base_url}/user/sessions",
        headers={
            "POSTE_clientID": client_id,
            "Content-Type": "application/json",
            "Accept": "application/json",
        },
        body=msgspec.json.encode(body),
        secret_headers=_SECRET_HEADERS,
        is_secret_body=True,
    )


def build_tracking_request(
    queries: list[TrackingQuery], context: CarrierContext, base_url: str, token: str
) -> Request:
    """Return the request for the whole history (``lastTracingState`` N) of ``queries``."""
    body = {
        "arg0": {
            "shipmentsData": [
                {"waybillNumber": query.number, "lastTracingState": "N"} for query in queries
            ],
            "statusDescription": "E",
            "customerType": "DQ",
        }
    }
    return Request(
        method="POST",
        url=f"{base_url}/postalandlogistics/parcel/tracking",
        headers={
            "POSTE_clientID": context.credentials["client_id"],
            "Authorization": token,
            "Content-Type": "application/json",
            "Accept": "application/json",
        },
        body=msgspec.json.encode(body),
        secret_headers=_SECRET_HEADERS,
    )


def _remembered_token(context: CarrierContext) -> str | None:
    session_state = context.session_state
    is_fresh = session_state.get(_TOKEN_UNTIL, 0) - TOKEN_MARGIN_SECONDS * SECOND > context.now
    is_ours = session_state.get(_TOKEN_OWNER) == context.credentials["client_id"]
    token = session_state.get(_TOKEN)
    return token if is_fresh and is_ours and isinstance(token, str) else None


def _remember_token(response: Response, context: CarrierContext) -> str | None:
    """Keep the token of ``response`` and return it; None when there is none in it."""
    if response.fault is not None:
        return None
    try:
        answer = read_json(response)
    except UnreadableError:
        return None
    token = read_token(pick(answer, "access_token"))
    if token is None:
        return None
    seconds = read_whole_number(pick(answer, "expires_in")) or TOKEN_SECONDS_DEFAULT
    context.session_state[_TOKEN] = token
    context.session_state[_TOKEN_UNTIL] = context.now + min(seconds, 86_400) * SECOND
    context.session_state[_TOKEN_OWNER] = context.credentials["client_id"]
    return token


def token_failure(response: Response) -> CarrierReport:
    """Return the report (without number) for a token endpoint that gave no token.

    Never with the body: it might hold a token under another name.
    """
    nobody = TrackingQuery(number="", courier_code=CONNECTOR_NAME)
    refused = common_failure(nobody, response, CONNECTOR_NAME)
    if refused is not None:
        return msgspec.structs.replace(refused, raw=b"", detail=f"token: {refused.detail}")
    try:
        error = words(pick(read_json(response, statuses=(200, 400, 403)), "error"))
    except UnreadableError as why:
        error, wrong = "", str(why)
    else:
        wrong = "an answer without a token"
    if error:
        # RFC 6749 5.2: invalid_client, unauthorized_client, invalid_scope and their like.
        detail = f"token: HTTP {response.status}, {error[:100]}"
        return _report(Outcome.AUTH_FAILED, detail, response)
    return msgspec.structs.replace(
        _report(Outcome.NOT_UNDERSTOOD, f"token: HTTP {response.status}: {wrong}", response),
        unmapped=(UnmappedCode(kind="answer", value=f"token: {wrong}"),),
    )


def parse_one(query: TrackingQuery, response: Response) -> CarrierReport:
    """Read the answer to a call about one number."""
    report = parse_tracking([query], response)[0]
    if report is None:
        return not_understood(query, response, "the shipment is missing", CONNECTOR_NAME)
    return report


def parse_tracking(queries: list[TrackingQuery], response: Response) -> list[CarrierReport | None]:
    """Read an answer; None for a number about which it says nothing."""
    first = common_failure(queries[0], response, CONNECTOR_NAME)
    if first is not None:
        return [common_failure(query, response, CONNECTOR_NAME) for query in queries]
    try:
        envelope = _envelope(read_json(response, statuses=(200, 400, 404, 422)))
    except UnreadableError as why:
        reason = str(why)
        return [not_understood(query, response, reason, CONNECTOR_NAME) for query in queries]
    return [_read(query, envelope, response, len(queries) == 1) for query in queries]


def _envelope(answer: Any) -> dict[str, Any]:
    inner = pick(answer, "return")
    if isinstance(inner, dict):
        return inner
    if isinstance(answer, dict) and pick(answer, "shipment") is not None:
        return answer
    raise UnreadableError("no `return` in the answer")


def _read(
    query: TrackingQuery, envelope: dict[str, Any], response: Response, is_only_one: bool
) -> CarrierReport | None:
    shipments = [
        entry for entry in read_items(pick(envelope, "shipment")) if isinstance(entry, dict)
    ]
    shipment = _find(shipments, query, is_only_one)
    code = read_whole_number(pick(envelope, "code"))
    raw = raw_part(
        response, shipment if shipment is not None else envelope, is_only_one=is_only_one
    )

    def answer(outcome: Outcome, detail: str, *unmapped: UnmappedCode) -> CarrierReport:
        report = _report(outcome, detail, response)
        return msgspec.structs.replace(report, number=query.number, unmapped=unmapped, raw=raw)

    if shipment is not None and read_items(pick(shipment, "tracking")):
        checkpoints, facts, unmapped = read_shipment(shipment)
        return msgspec.structs.replace(
            answer(Outcome.FOUND, "", *unmapped), checkpoints=checkpoints, facts=facts
        )
    if _has_no_results(envelope, query, is_only_one) or (code == NO_RESULTS and not shipments):
        return answer(Outcome.UNKNOWN_NUMBER, f"code {NO_RESULTS}: tracking without results")
    if code == GENERIC_ERROR:
        return answer(Outcome.UNAVAILABLE, "code 999: generic error")
    if shipment is not None and code == 0 and words(pick(shipment, "product")):
        # It knows the product, so it knows the parcel; nothing has happened to it yet.
        facts = ParcelFacts(product=words(pick(shipment, "product")))
        return msgspec.structs.replace(answer(Outcome.FOUND, "no events yet"), facts=facts)
    if not is_only_one:
        return None
    if code is None or code == 0:
        return not_understood(query, response, "no shipment and no reason", CONNECTOR_NAME)
    is_formal = 100 <= code < 200
    blames_number = any(
        "waybill" in words(pick(m, "field")).casefold() for m in _messages(envelope)
    )
    if is_formal and blames_number and len(query.number) not in WAYBILL_LENGTHS:
        # Both the carrier and its manual say so; one alone might be a fault of ours.
        return answer(Outcome.INVALID_NUMBER, f"code {code}: waybillNumber refused")
    kind = "formal error" if is_formal else "business error" if 200 <= code < 300 else "error"
    unmapped_code = UnmappedCode(
        kind="code", value=f"return.code {code}", sample=raw[:500].decode("utf-8", "replace")
    )
    return answer(Outcome.NOT_UNDERSTOOD, f"code {code}: {kind}", unmapped_code)


def _find(
    shipments: list[dict[str, Any]], query: TrackingQuery, is_only_one: bool
) -> dict[str, Any] | None:
    wanted = read_number(query.number)
    for shipment in shipments:
        if read_number(pick(shipment, "waybillNumber")) == wanted:
            return shipment
    if is_only_one and len(shipments) == 1 and not read_number(pick(shipments[0], "waybillNumber")):
        return shipments[0]
    return None


def _messages(envelope: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages of ``messages: [{messages: [{code, field, message, ...}]}]``, flat."""
    found: list[dict[str, Any]] = []
    for group in read_items(pick(envelope, "messages")):
        inner = read_items(pick(group, "messages")) or [group]
        found.extend(message for message in inner if isinstance(message, dict))
    return found


def _has_no_results(envelope: dict[str, Any], query: TrackingQuery, is_only_one: bool) -> bool:
    """Tell whether a message says "without results" about ``query``."""
    for message in _messages(envelope):
        if read_whole_number(pick(message, "code")) != NO_RESULTS:
            continue
        said = " ".join(words(pick(message, name)) for name in ("message", "field", "objectName"))
        if is_only_one or read_number(query.number) in read_number(said, len(said)):
            return True
    return False


def _report(outcome: Outcome, detail: str, response: Response | None = None) -> CarrierReport:
    return CarrierReport(
        number="",
        outcome=outcome,
        detail=detail,
        fetched_at=response.received_at if response is not None else 0,
        connector=CONNECTOR_NAME,
    )


def _fill(
    queries: list[TrackingQuery], reports: list[CarrierReport | None], filler: CarrierReport
) -> list[CarrierReport]:
    """Return ``reports`` with ``filler`` where there is none yet."""
    return [
        report if report is not None else msgspec.structs.replace(filler, number=query.number)
        for query, report in zip(queries, reports, strict=True)
    ]
