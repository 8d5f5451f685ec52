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
    Conversation,
    Outcome,
    Question,
    Request,
    Response,
    not_understood,
    refusal,
)
from parcelwire.connectors.carriers.poste_italiane.answers import CONNECTOR_NAME, words
from parcelwire.connectors.carriers.poste_italiane.parcel import read_parcel
from parcelwire.connectors.carriers.poste_italiane.wording import plain
from parcelwire.connectors.reading.values import (
    UnreadableError,
    pick,
    raw_part,
    read_items,
    read_json,
    read_number,
)
from parcelwire.domain.report import Gap

PAGE: Final = "https://www.poste.it"
FOUND: Final = "3"
NOT_FOUND: Final = frozenset({"1", "2"})
# The words by which `descrizioneErrore` says that there is no such parcel.
_NO_SUCH_PARCEL = ("non trovat", "nessuna spedizione", "inesistent", "non presente")


def converse(questions: list[Question], base_url: str) -> Conversation:
    """Ask once: the simple search for one number, the multiple one for several."""
    if len(questions) == 1:
        response = yield build_simple_request(questions[0], base_url)
    else:
        response = yield build_multiple_request(questions, base_url)
    return parse(questions, response)


def build_simple_request(question: Question, base_url: str) -> Request:
    """Return the request for one number."""
    body = {
        "codiceSpedizione": question.number,
        "tipoRichiedente": "WEB",
        "periodoRicerca": 1,
    }
    return _request(f"{base_url}/online/dovequando/DQ-REST/ricercasemplice", body)


def build_multiple_request(questions: list[Question], base_url: str) -> Request:
    """Return the request for several numbers."""
    body = {"tipoRichiedente": "WEB", "listaCodici": [question.number for question in questions]}
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


def parse(questions: list[Question], response: Response) -> list[CarrierReport]:
    """Read the answer of either search: one report per question, in order."""
    is_only_one = len(questions) == 1
    try:
        answer = read_json(response) if refusal(questions[0], response) is None else None
    except UnreadableError as why:
        reason = str(why)
        return [
            not_understood(question, response, reason, CONNECTOR_NAME) for question in questions
        ]
    parcels = [entry for entry in read_items(answer) if isinstance(entry, dict)]
    reports = []
    for question in questions:
        refused = refusal(question, response, CONNECTOR_NAME)
        reports.append(refused or _read(question, parcels, response, is_only_one))
    return reports


def _read(
    question: Question, parcels: list[dict[str, Any]], response: Response, is_only_one: bool
) -> CarrierReport:
    parcel = _find(question, parcels, is_only_one)
    if parcel is None:
        report = not_understood(question, response, "the number is missing", CONNECTOR_NAME)
        # An answer about many must not carry other people's parcels into this one's history.
        return report if is_only_one else _without_body(report)
    result = words(pick(parcel, "esitoRicerca"))
    movements = read_items(pick(parcel, "listaMovimenti"))
    complaint = words(pick(parcel, "descrizioneErrore"))
    raw = raw_part(response, parcel, is_only_one=is_only_one)

    def answer(outcome: Outcome, detail: str = "", *gaps: Gap) -> CarrierReport:
        return CarrierReport(
            number=question.number,
            outcome=outcome,
            detail=detail,
            gaps=gaps,
            raw=raw,
            fetched_at=response.received_at,
            connector=CONNECTOR_NAME,
        )

    if movements or (result == FOUND and not complaint):
        checkpoints, facts, window, gaps = read_parcel(parcel, response.received_at)
        if result != FOUND:
            gaps = (*gaps, Gap(kind="code", value=f"esitoRicerca {result}", sample="with events"))
        return msgspec.structs.replace(
            answer(Outcome.FOUND, "", *gaps), checkpoints=checkpoints, facts=facts, window=window
        )
    if result in NOT_FOUND:
        return answer(Outcome.UNKNOWN_NUMBER, f"esitoRicerca {result}")
    if complaint:
        if any(part in plain(complaint) for part in _NO_SUCH_PARCEL):
            return answer(Outcome.UNKNOWN_NUMBER, f"descrizioneErrore: {complaint[:200]}")
        gap = Gap(kind="text", value=f"descrizioneErrore: {complaint[:200]}")
        return answer(Outcome.NOT_UNDERSTOOD, f"descrizioneErrore: {complaint[:200]}", gap)
    if not result and pick(parcel, "listaMovimenti") == [] and pick(parcel, "idTracciatura"):
        # The number echoed, an empty history, no result code: how the site answers about parcels
        # that it has thrown away ("Tracciatura non disponibile" on the page).
        return answer(Outcome.UNKNOWN_NUMBER, "no longer kept: empty history without a result")
    return not_understood(question, response, f"esitoRicerca {result or 'missing'}", CONNECTOR_NAME)


def _without_body(report: CarrierReport) -> CarrierReport:
    gaps = tuple(msgspec.structs.replace(gap, sample="") for gap in report.gaps)
    return msgspec.structs.replace(report, gaps=gaps, raw=b"")


def _find(
    question: Question, parcels: list[dict[str, Any]], is_only_one: bool
) -> dict[str, Any] | None:
    wanted = read_number(question.number)
    for parcel in parcels:
        if read_number(pick(parcel, "idTracciatura")) == wanted:
            return parcel
    if is_only_one and len(parcels) == 1 and not read_number(pick(parcels[0], "idTracciatura")):
        return parcels[0]
    return None
