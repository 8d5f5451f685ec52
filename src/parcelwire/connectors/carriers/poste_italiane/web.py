"""The public transport: "Dovequando", the endpoint behind the page "Cerca spedizioni". No key.

    one    POST {web}/online/dovequando/DQ-REST/ricercasemplice  -> a parcel
    many   POST {web}/online/dovequando/DQ-REST/ricercamultipla  -> a list of parcels

Undocumented; names and values as public clients report them (see README.md). Always HTTP 200 where
it answers; 400 or 403 is a gateway that wants a human check.
"""

from typing import Any, Final

import msgspec

from parcelwire.connectors.base import (
    CarrierReport,
    Exchange,
    Outcome,
    Request,
    Response,
    TrackingQuery,
    common_failure,
    not_understood,
)
from parcelwire.connectors.carriers.poste_italiane.answers import CONNECTOR_NAME, words
from parcelwire.connectors.carriers.poste_italiane.parcel import read_parcel
from parcelwire.connectors.carriers.poste_italiane.text_patterns import plain
from parcelwire.connectors.reading.values import (
    UnreadableError,
    pick,
    raw_part,
    read_items,
    read_json,
    read_number,
)
from parcelwire.domain.report import UnmappedCode

PAGE: Final = "https://www.poste.it"
FOUND: Final = "3"
NOT_FOUND: Final = frozenset({"1", "2"})
# The words by which `descrizioneErrore` says that there is no such parcel.
_NO_SUCH_PARCEL = ("non trovat", "nessuna spedizione", "inesistent", "non presente")


def run_exchange(queries: list[TrackingQuery], base_url: str) -> Exchange:
    """Ask once: the simple search for one number, the multiple one for several."""
    if len(queries) == 1:
        response = yield build_simple_request(queries[0], base_url)
    else:
        response = yield build_multiple_request(queries, base_url)
    return parse(queries, response)


def build_simple_request(query: TrackingQuery, base_url: str) -> Request:
    """Return the request for one number."""
    body = {
        "codiceSpedizione": query.number,
        "tipoRichiedente": "WEB",
        "periodoRicerca": 1,
    }
    return _request(f"{base_url}/online/dovequando/DQ-REST/ricercasemplice", body)


def build_multiple_request(queries: list[TrackingQuery], base_url: str) -> Request:
    """Return the request for several numbers."""
    body = {"tipoRichiedente": "WEB", "listaCodici": [query.number for query in queries]}
    return _request(f"{base_url}/online/dovequando/DQ-REST/ricercamultipla", body)


def _request(url: str, body: dict[str, Any]) -> Request:
    return Request(
        method="POST",
        url=url,
        headers={
            "Content-Type": "application/json;charset=UTF-8",
            "Accept": "application/json",
            # The endpoint serves its own page only.
            "Origin": PAGE,
            "Referer": f"{PAGE}/cerca/index.html",
        },
        body=msgspec.json.encode(body),
    )


def parse(queries: list[TrackingQuery], response: Response) -> list[CarrierReport]:
    """Read the answer of either search: one report per query, in order."""
    is_only_one = len(queries) == 1
    try:
        answer = read_json(response) if common_failure(queries[0], response) is None else None
    except UnreadableError as why:
        reason = str(why)
        return [not_understood(query, response, reason, CONNECTOR_NAME) for query in queries]
    parcels = [entry for entry in read_items(answer) if isinstance(entry, dict)]
    reports = []
    for query in queries:
        refused = common_failure(query, response, CONNECTOR_NAME)
        reports.append(refused or _read(query, parcels, response, is_only_one))
    return reports


def _read(
    query: TrackingQuery, parcels: list[dict[str, Any]], response: Response, is_only_one: bool
) -> CarrierReport:
    parcel = _find(query, parcels, is_only_one)
    if parcel is None:
        report = not_understood(query, response, "the number is missing", CONNECTOR_NAME)
        # An answer about many must not carry other people's parcels into this one's history.
        return report if is_only_one else _without_body(report)
    result = words(pick(parcel, "esitoRicerca"))
    movements = read_items(pick(parcel, "listaMovimenti"))
    complaint = words(pick(parcel, "descrizioneErrore"))
    raw = raw_part(response, parcel, is_only_one=is_only_one)

    def answer(outcome: Outcome, detail: str = "", *unmapped: UnmappedCode) -> CarrierReport:
        return CarrierReport(
            number=query.number,
            outcome=outcome,
            detail=detail,
            unmapped=unmapped,
            raw=raw,
            fetched_at=response.received_at,
            connector=CONNECTOR_NAME,
        )

    if movements or (result == FOUND and not complaint):
        checkpoints, facts, window, unmapped = read_parcel(parcel, response.received_at)
        if result != FOUND:
            unmapped = (
                *unmapped,
                UnmappedCode(kind="code", value=f"esitoRicerca {result}", sample="with events"),
            )
        return msgspec.structs.replace(
            answer(Outcome.FOUND, "", *unmapped),
            checkpoints=checkpoints,
            facts=facts,
            window=window,
        )
    if result in NOT_FOUND:
        return answer(Outcome.UNKNOWN_NUMBER, f"esitoRicerca {result}")
    if complaint:
        if any(part in plain(complaint) for part in _NO_SUCH_PARCEL):
            return answer(Outcome.UNKNOWN_NUMBER, f"descrizioneErrore: {complaint[:200]}")
        unmapped_code = UnmappedCode(kind="text", value=f"descrizioneErrore: {complaint[:200]}")
        return answer(
            Outcome.NOT_UNDERSTOOD, f"descrizioneErrore: {complaint[:200]}", unmapped_code
        )
    if not result and pick(parcel, "listaMovimenti") == [] and pick(parcel, "idTracciatura"):
        # The number echoed, an empty history, no result code: how the site answers about parcels
        # that it has thrown away ("Tracciatura non disponibile" on the page).
        return answer(Outcome.UNKNOWN_NUMBER, "no longer kept: empty history without a result")
    return not_understood(query, response, f"esitoRicerca {result or 'missing'}", CONNECTOR_NAME)


def _without_body(report: CarrierReport) -> CarrierReport:
    unmapped = tuple(msgspec.structs.replace(one, sample="") for one in report.unmapped)
    return msgspec.structs.replace(report, unmapped=unmapped, raw=b"")


def _find(
    query: TrackingQuery, parcels: list[dict[str, Any]], is_only_one: bool
) -> dict[str, Any] | None:
    wanted = read_number(query.number)
    for parcel in parcels:
        if read_number(pick(parcel, "idTracciatura")) == wanted:
            return parcel
    if is_only_one and len(parcels) == 1 and not read_number(pick(parcels[0], "idTracciatura")):
        return parcels[0]
    return None
