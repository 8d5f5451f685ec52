"""The carrier's sentences: each row of the table, spelled in every way, and rows that compete."""

import pytest

from parcelwire.connectors.carriers.poste_italiane import CONNECTOR
from parcelwire.connectors.carriers.poste_italiane.text_patterns import (
    plain,
    read_text,
    split_place,
)
from parcelwire.domain.status import Reason, Status, Substatus

# Every wording that a public source reports of the carrier, with its meaning.
SEEN = [
    ("la spedizione è stata presa in carico", Substatus.TRANSIT, None),
    ("La spedizione è stata presa in carico da un nostro operatore", Substatus.TRANSIT, None),
    (
        "presa in carico da un nostro operatore presso l'ufficio postale",
        Substatus.TRANSIT,
        None,
    ),
    ("da un nostro operatore presso l’Ufficio Postale", Substatus.TRANSIT, None),
    ("Presa in carico da Ufficio Postale", Substatus.TRANSIT, None),
    ("Presa in carico all'estero", Substatus.TRANSIT, None),
    ("a seguito di acquisto da poste.it", Substatus.INFORECEIVED, None),
    (
        "La spedizione è stata presa in carico a seguito di acquisto da poste.it",
        Substatus.INFORECEIVED,
        None,
    ),
    ("la spedizione è in transito", Substatus.TRANSIT, None),
    (
        "la spedizione è in transito presso il Centro di lavorazione Internazionale",
        Substatus.TRANSIT,
        None,
    ),
    ("all'estero", Substatus.TRANSIT, None),
    ("presso il paese estero in data", Substatus.TRANSIT, None),
    ("in data", Substatus.TRANSIT, None),
    ("In lavorazione presso il Centro Operativo Postale", Substatus.TRANSIT, None),
    ("La spedizione e' in stato di lavorazione", Substatus.TRANSIT, None),
    ("La spedizione è in lavorazione", Substatus.TRANSIT, None),
    ("La spedizione e' partita", Substatus.TRANSIT_DISPATCHED, None),
    ("La spedizione e' stata ritirata presso il mittente", Substatus.TRANSIT, None),
    (
        "completata la fase di verifica per lo svincolo presso il Centro di lavorazione",
        Substatus.TRANSIT_CUSTOMS_CLEARED,
        None,
    ),
    ("Verifica doganale conclusa", Substatus.TRANSIT_CUSTOMS_CLEARED, None),
    ("la spedizione è in consegna", Substatus.PICKUP_OUT_FOR_DELIVERY, None),
    ("Pronta per la consegna", Substatus.PICKUP_OUT_FOR_DELIVERY, None),
    (
        "disponibile per il ritiro dal giorno lavorativo successivo alla data indicata",
        Substatus.PICKUP_READY_FOR_COLLECTION,
        None,
    ),
    ("La spedizione è in giacenza", Substatus.PICKUP_READY_FOR_COLLECTION, None),
    ("la spedizione è stata consegnata", Substatus.DELIVERED, None),
    ("consegnata con successo in data", Substatus.DELIVERED, None),
    ("con successo in data", Substatus.DELIVERED, None),
    ("Consegnata", Substatus.DELIVERED, None),
    ("La spedizione e' consegnata", Substatus.DELIVERED, None),
    (
        "consegna non andata a buon fine. Contatta Assistenza",
        Substatus.UNDELIVERED_OTHER,
        None,
    ),
    (
        "consegna non andata a buon fine perché l'indirizzo del destinatario risulta errato o"
        " incompleto. Contatta Assistenza",
        Substatus.UNDELIVERED_ADDRESS,
        Reason.ADDRESS_INVALID,
    ),
    (
        "Sono in corso delle verifiche sulla spedizione. Contatta Assistenza",
        Substatus.EXCEPTION_OTHER,
        Reason.CARRIER_INVESTIGATION,
    ),
    ("in restituzione al mittente", Substatus.EXCEPTION_RETURNING, None),
    ("La spedizione è stata restituita al mittente", Substatus.EXCEPTION_RETURNED, None),
    ("restituita", Substatus.EXCEPTION_RETURNED, None),
]

# Texts in which the words of two rows meet.
COMPETING = [
    (
        "Consegna non andata a buon fine. La spedizione sarà di nuovo in consegna domani",
        Substatus.UNDELIVERED_OTHER,
    ),
    (
        "Consegna non andata a buon fine, disponibile per il ritiro",
        Substatus.PICKUP_READY_FOR_COLLECTION,
    ),
    ("La spedizione è stata consegnata al mittente", Substatus.EXCEPTION_RETURNED),
    ("In restituzione per compiuta giacenza", Substatus.EXCEPTION_RETURNING),
    ("Compiuta giacenza", Substatus.EXCEPTION_UNCLAIMED),
    ("La spedizione non è stata consegnata", Substatus.UNDELIVERED_OTHER),
    ("La spedizione non è ancora stata consegnata", Substatus.TRANSIT),
    ("La spedizione verrà consegnata domani", Substatus.TRANSIT),
    ("La spedizione sara' consegnata domani", Substatus.TRANSIT),
    ("Consegnata al corriere", Substatus.TRANSIT),
    ("In transito presso il Centro Consegnata e Restituzione", Substatus.TRANSIT),
    ("Spedizione in verifica doganale", Substatus.TRANSIT),
    # On the shelf or in somebody's hands? A delivery is final, so the lesser meaning counts.
    (
        "La spedizione è stata consegnata presso il Punto di ritiro Bar Sport",
        Substatus.PICKUP_READY_FOR_COLLECTION,
    ),
    ("Consegnata all'Ufficio Postale di zona", Substatus.PICKUP_READY_FOR_COLLECTION),
    ("Consegnata per il destinatario al Punto Poste", Substatus.PICKUP_READY_FOR_COLLECTION),
    (
        "Consegnata all'Ufficio Postale, può essere ritirata dal destinatario",
        Substatus.PICKUP_READY_FOR_COLLECTION,
    ),
    # Somebody's hands, and named: it is over, wherever that was.
    ("Ritirata dal destinatario presso l'Ufficio Postale", Substatus.DELIVERED_COLLECTED),
    ("Consegnato al delegato presso il Punto Poste", Substatus.DELIVERED_COLLECTED),
    (
        "La spedizione è stata consegnata al destinatario presso l'ufficio postale",
        Substatus.DELIVERED_COLLECTED,
    ),
    (
        "LA SPEDIZIONE E' STATA CONSEGNATA AL DESTINATARIO PRESSO L'UFFICIO POSTALE",
        Substatus.DELIVERED_COLLECTED,
    ),
    ("Consegnata a persona delegata presso il locker", Substatus.DELIVERED_COLLECTED),
    ("Consegnata al destinatario", Substatus.DELIVERED),
    (
        "Non consegnata al destinatario presso l'ufficio postale",
        Substatus.UNDELIVERED_OTHER,
    ),
]

REASONS = [
    ("Consegna non andata a buon fine: destinatario assente", Reason.RECIPIENT_ABSENT),
    ("Mancata consegna per assenza del destinatario", Reason.RECIPIENT_ABSENT),
    ("Mancata consegna: destinatario sconosciuto", Reason.RECIPIENT_UNKNOWN),
    ("Mancata consegna: destinatario irreperibile", Reason.RECIPIENT_UNKNOWN),
    ("Mancata consegna: destinatario trasferito", Reason.RECIPIENT_MOVED),
    ("Mancata consegna: destinatario deceduto", Reason.RECIPIENT_DECEASED),
    ("Mancata consegna: indirizzo insufficiente", Reason.ADDRESS_INVALID),
    ("Rifiutata dal destinatario", Reason.RECIPIENT_REFUSED),
    ("In restituzione al mittente per rifiuto", Reason.RECIPIENT_REFUSED),
    ("In restituzione al mittente: spedizione non ritirata", Reason.RECIPIENT_NOT_COLLECTED),
    ("Spedizione danneggiata", Reason.CARRIER_DAMAGED),
    ("Spedizione smarrita", Reason.CARRIER_LOST),
]


@pytest.mark.parametrize(("text", "substatus", "reason"), SEEN)
def test_seen_wording_has_its_meaning(
    text: str, substatus: Substatus, reason: Reason | None
) -> None:
    meaning = read_text(text)
    assert meaning is not None
    assert meaning.substatus is substatus
    assert meaning.status is substatus.status
    assert meaning.reason is reason


@pytest.mark.parametrize("text", [row[0] for row in SEEN])
def test_spelling_changes_nothing(text: str) -> None:
    meaning = read_text(text)
    accents = {"è": "e'", "é": "e'", "à": "a'", "’": "'"}
    ascii_only = "".join(accents.get(char, char) for char in text)
    for spelled in (
        text.upper(),
        ascii_only,
        ascii_only.upper(),
        text.replace("'", "’"),
        text.replace("'", "`"),
        f"  {text.replace(' ', '   ')}\n",
        f"{text}.",
        text.replace("è", "e\N{COMBINING GRAVE ACCENT}"),
    ):
        assert read_text(spelled) == meaning, spelled


@pytest.mark.parametrize(("text", "substatus"), COMPETING)
def test_the_more_telling_row_wins(text: str, substatus: Substatus) -> None:
    meaning = read_text(text)
    assert meaning is not None
    assert meaning.substatus is substatus


@pytest.mark.parametrize(("text", "reason"), REASONS)
def test_reason_is_read_where_the_text_gives_one(text: str, reason: Reason) -> None:
    meaning = read_text(text)
    assert meaning is not None
    assert meaning.status in {Status.UNDELIVERED, Status.EXCEPTION}
    assert meaning.reason is reason


@pytest.mark.parametrize(
    "text", ["", "   ", "…", "nuovo stato", "caricata sul drone", "in", "data", "estero"]
)
def test_unknown_wording_is_never_guessed(text: str) -> None:
    assert read_text(text) is None


def test_fragments_count_only_when_alone() -> None:
    assert read_text("in data") is not None
    assert read_text("controllata in data 3 gennaio") is None
    assert read_text("nota: all'estero forse") is None


@pytest.mark.parametrize("text", ["Consegna prevista venerdì", "Appuntamento concordato"])
def test_notes_keep_the_stage(text: str) -> None:
    meaning = read_text(text)
    assert meaning is not None
    assert meaning.status is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("in transito presso il Centro Operativo Postale", "Centro Operativo Postale"),
        ("in transito presso Latina", "Latina"),
        ("presa in carico presso l’Ufficio Postale di Genova.", "Ufficio Postale di Genova"),
        ("in transito presso il Centro di Roma. Contatta Assistenza", "Centro di Roma"),
        ("presso il paese estero in data", None),
        ("ritirata presso il mittente", None),
        ("in transito", None),
        ("", None),
    ],
)
def test_place_is_cut_off(text: str, place: str | None) -> None:
    assert split_place(text)[1] == place


def test_plain_form() -> None:
    assert plain("LA SPEDIZIONE E' STATA  consegnata!") == plain("la spedizione è stata consegnata")
    assert plain("acquisto da poste.it") == "acquisto da poste it"


@pytest.mark.parametrize(
    ("key", "language", "wording"),
    [
        ("PCP", "it", "In transito presso il Centro Operativo Postale"),
        ("pcp", "de", "Unterwegs im Postzentrum"),
        ("LA SPEDIZIONE E' STATA CONSEGNATA", "en", "The shipment has been delivered"),
        ("la spedizione è in transito presso il Centro X", "fr", "L'envoi est en transit"),
        ("PCP", "ja", None),
        ("XYZ", "en", None),
        ("nuovo stato", "en", None),
        ("", "en", None),
        ("consegnata presso il Punto di ritiro", "en", None),
    ],
)
def test_phrase(key: str, language: str, wording: str | None) -> None:
    assert CONNECTOR.phrase(key, language) == wording
