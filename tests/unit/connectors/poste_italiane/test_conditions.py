"""Sentences about another collector, another receiver, or a case that has not come: never now.

Not one of them was seen in an answer of the carrier: synthetic, plain Italian.
"""

import pytest

from parcelwire.connectors.carriers.poste_italiane.text_patterns import read_text
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.merge import merge
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Details, Tracking

_WAITING = Substatus.PICKUP_READY_FOR_COLLECTION


@pytest.mark.parametrize(
    "text",
    [
        "In attesa di essere ritirata presso il mittente",
        "La spedizione è in attesa di essere ritirata presso il mittente",
        "La spedizione deve essere ritirata presso il mittente",
        "Il pacco dovrà essere ritirato presso la sede del mittente",
        "In attesa di essere ritirata dal corriere",
        "Pronta per essere ritirata dal corriere",
        "La spedizione deve essere ritirata dal corriere presso il mittente",
        "La spedizione deve essere ritirata presso il mittente dal corriere",
        "Può essere ritirata domani da un nostro operatore",
        "La spedizione sarà ritirata presso il mittente",
        "In attesa di essere ritirata da Poste",
        "In attesa di essere ritirata da Poste Italiane",
        "In attesa di essere ritirata entro il 5 gennaio 2026 dal corriere",
        "In attesa di essere ritirata dall'operatore",
        "Deve essere ritirata da un nostro incaricato",
        "Deve essere ritirata dal vostro portalettere presso la casa del mittente",
        "In attesa di essere ritirata presso il cliente mittente",
        "Pronta per il ritiro presso il mittente",
        "Pronta per il ritiro da parte del corriere",
        "Disponibile per il ritiro presso il mittente",
        "In attesa di essere ritirata dal corriere presso il Centro Consegnata e Restituzione",
    ],
)
def test_what_the_carrier_is_to_pick_up_is_still_with_the_sender(text: str) -> None:
    for spelled in (text, text.upper(), f"{text}. Contatta Assistenza"):
        meaning = read_text(spelled)
        assert meaning is not None, spelled
        assert meaning.status is Status.INFORECEIVED, spelled


@pytest.mark.parametrize(
    "text",
    [
        "La spedizione non deve essere ritirata presso il mittente",
        # Back, and waiting for the sender.
        "Può essere ritirata dal mittente presso l'ufficio postale",
        "Disponibile per il ritiro da parte del mittente",
        # Not sent yet, or on its way back? The words do not say.
        "In attesa di essere ritirata dal corriere presso il Punto Poste",
    ],
)
def test_who_else_collects_is_unknown(text: str) -> None:
    assert read_text(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Può essere ritirata presso l'ufficio postale",
        "In attesa di essere ritirata",
        "In attesa di essere ritirata da un incaricato",
        "In attesa di essere ritirata entro il 5 gennaio 2026 dal destinatario",
        "Può essere ritirata presso Roma. Il mittente è stato informato",
        "Può essere ritirata oggi, portata dal corriere",
        "La spedizione è in attesa di essere ritirata dal destinatario",
        "Destinatario assente, può essere ritirata presso l'ufficio postale",
        "Pronta per il ritiro presso l'ufficio postale del mittente",
        "Portata dal corriere al locker, può essere ritirata",
    ],
)
def test_what_the_recipient_is_to_collect_waits(text: str) -> None:
    meaning = read_text(text)
    assert meaning is not None
    assert meaning.substatus is _WAITING


@pytest.mark.parametrize(
    "text",
    [
        "La spedizione è partita ma non ancora pervenuta al centro di destinazione",
        "La spedizione in transito non è ancora pervenuta al centro",
        "La spedizione in transito non è ancora pervenuta",
        "In transito e non ancora presa in carico dal corriere locale",
        "Arrivata al centro operativo, non ancora presa in carico dal portalettere",
        "Arrivata al centro operativo, non ancora presa in carico",
        "Non ancora ricevuta dal centro di destinazione: la spedizione è in transito",
        "La spedizione non è ancora stata accettata dalla dogana",
    ],
)
def test_a_parcel_that_the_next_one_has_not_got_is_under_way(text: str) -> None:
    for spelled in (text, text.upper(), f"{text}."):
        meaning = read_text(spelled)
        assert meaning is not None, spelled
        assert meaning.status is Status.TRANSIT, spelled


@pytest.mark.parametrize(
    "text",
    [
        "La spedizione non è ancora stata ricevuta dall'ufficio postale di destinazione",
        "Non ancora pervenuta al centro di destinazione",
        "Non ancora pervenuta presso il centro di destinazione",
        "La spedizione è stata spedita all'estero ma non ancora ricevuta dal paese di destinazione",
        "Non è ancora stata presa in carico dal portalettere",
        "Non ancora ricevuta dal Punto Poste",
        "Non ancora accettata dal destinatario",
        "Non ancora affidata al portalettere",
        "La spedizione non è ancora in possesso del corriere locale",
        "La spedizione è ripartita, non ancora ricevuta",
    ],
)
def test_who_else_has_not_got_it_says_nothing_of_where_it_is(text: str) -> None:
    assert read_text(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "La spedizione non è ancora stata presa in carico",
        "La spedizione non è ancora stata presa in carico da Poste Italiane",
        "La spedizione non è ancora stata ricevuta da Poste",
        "Non ancora pervenuta a Poste Italiane",
        "Non ancora presa in carico da un nostro operatore",
        "Non ancora ricevuta dal mittente",
        "Non ancora presa in carico. Contatta Assistenza",
        "Non ancora presa in carico in data 5 gennaio 2026",
        "Spedita dal mittente, non ancora ricevuta",
        "Non ancora in possesso di Poste Italiane",
        "Non ancora presa in carico, non ancora in transito",
        "Partita dal mittente, non ancora ricevuta da Poste Italiane",
    ],
)
def test_what_poste_has_not_got_is_announced_only(text: str) -> None:
    meaning = read_text(text)
    assert meaning is not None
    assert meaning.status is Status.INFORECEIVED


@pytest.mark.parametrize(
    "text",
    [
        "Se non ritirata entro 10 giorni sarà restituita al mittente",
        "Se non ritirata entro 10 gg. sarà restituita al mittente",
        "Se non ritirata, la spedizione verrà restituita al mittente",
        "Se non ritirata entro 10 giorni presso l'ufficio postale, sarà restituita al mittente",
        "Se non ritirata: restituita al mittente",
        "Qualora non ritirata sarà restituita",
        "Qualora non venga ritirata, restituzione al mittente",
        "In caso di mancato ritiro verrà restituita al mittente",
        "In caso di mancata consegna la spedizione sarà in giacenza",
        "In caso d'assenza la spedizione è disponibile per il ritiro",
        "Nel caso in cui il destinatario sia assente la spedizione è in giacenza",
        "Nel caso di mancata consegna, la spedizione è in giacenza",
        "Nel caso non fosse consegnata, sarà in giacenza",
        "Se il destinatario è assente la spedizione sarà in giacenza presso l'ufficio postale",
        "Se non consegnata oggi sarà consegnata domani",
        "In caso di mancato ritiro entro il giorno 10. La spedizione verrà restituita al mittente",
        "In caso di mancato ritiro resta poco tempo. La spedizione potrà essere consegnata",
        "Avviso: se non ritirata sarà restituita al mittente",
        "Altrimenti sarà restituita al mittente",
    ],
)
def test_what_begins_with_its_condition_says_nothing_about_now(text: str) -> None:
    for spelled in (text, text.upper(), f"  «{text}»"):
        assert read_text(spelled) is None, spelled


@pytest.mark.parametrize(
    ("text", "substatus"),
    [
        (
            "In caso di problemi contatta l'assistenza. La spedizione è in consegna",
            Substatus.PICKUP_OUT_FOR_DELIVERY,
        ),
        (
            "Se non ritirata entro 10 giorni verrà restituita al mittente."
            " La spedizione è disponibile per il ritiro presso l'ufficio postale",
            _WAITING,
        ),
        (
            "Qualora assente sarà in giacenza. La spedizione è in consegna. Verrà consegnata oggi",
            Substatus.PICKUP_OUT_FOR_DELIVERY,
        ),
        ("In giacenza, nel caso di mancato ritiro verrà restituita al mittente", _WAITING),
        ("La spedizione verrà restituita al mittente", Substatus.EXCEPTION_RETURNING),
    ],
)
def test_what_the_other_sentences_say_counts(text: str, substatus: Substatus) -> None:
    meaning = read_text(text)
    assert meaning is not None
    assert meaning.substatus is substatus


def _stage_after(texts: list[str]) -> tuple[Status, Substatus | None]:
    """Return where the parcel is once ``texts`` were printed, one a day."""
    parcel = Tracking(
        id="0" * 32,
        world_id=2,
        number="X1",
        typed_number="X1",
        courier_code="poste-italiane",
        created_at=0,
        updated_at=0,
        page_token="t",
        version=1,
        details=Details(),
        status=Status.PENDING,
    )
    scans: list[Checkpoint] = []
    for day, text in enumerate(texts, start=1):
        meaning = read_text(text)
        scans.append(
            Checkpoint(
                local_time=f"2026-01-{day:02}T10:00:00",
                offset_minutes=60,
                text=text,
                status=None if meaning is None else meaning.status,
                substatus=None if meaning is None else meaning.substatus,
            )
        )
    report = CarrierReport(
        number="X1",
        outcome=Outcome.FOUND,
        checkpoints=tuple(scans),
        fetched_at=1_767_700_000_000,
        connector="poste-italiane",
    )
    merged = merge(parcel, report).tracking
    return merged.status, merged.substatus


def test_a_waiting_parcel_waits_on_when_its_return_is_threatened() -> None:
    waiting = "La spedizione è disponibile per il ritiro presso l'ufficio postale"
    threat = "Se non ritirata entro 10 giorni sarà restituita al mittente"
    assert _stage_after([waiting, threat]) == (Status.PICKUP, _WAITING)


def test_a_parcel_under_way_is_not_announced_again() -> None:
    under_way = "La spedizione è in transito presso il Centro Operativo Postale"
    announced = "In attesa di essere ritirata presso il mittente"
    assert _stage_after([announced])[0] is Status.INFORECEIVED
    assert _stage_after([under_way, announced])[0] is Status.TRANSIT
