"""Sentences that deny, put off or make conditional what their words say: never the opposite.

Not one of them was seen in an answer of the carrier: synthetic, plain Italian.
"""

import tomllib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.connectors.carriers.poste_italiane.negation import main_clause, shorten
from parcelwire.connectors.carriers.poste_italiane.text_patterns import PACKAGE, plain, read_text
from parcelwire.domain.status import Reason, Status, Substatus

FAILED = Substatus.UNDELIVERED_OTHER

NOT_DELIVERED = [
    "La spedizione non può essere consegnata",
    "La spedizione non e' potuta essere consegnata",
    "La spedizione non ha potuto essere consegnata",
    "Il pacco non è stato consegnato",
    "La spedizione non risulta consegnata",
    "La spedizione non risulta essere stata consegnata",
    "La spedizione non è mai stata consegnata",
    "Mai consegnata",
    "La spedizione non verrà consegnata",
    "La spedizione non sara' consegnata",
    "La spedizione non potrà essere consegnata",
    "Rientrata in ufficio senza essere stata consegnata",
    "Non è stato possibile consegnare la spedizione",
    "Non è stato possibile effettuare la consegna",
    "Impossibile consegnare la spedizione",
    "Impossibile effettuare la consegna",
    "Impossibilità di consegna",
    "Consegna impossibile",
    "Consegna fallita",
    "Consegna non effettuata",
    "La consegna non è avvenuta",
    "La consegna non è stata effettuata",
    "La consegna non è riuscita",
    "La consegna non è andata a buon fine",
    "Non siamo riusciti a consegnare la spedizione",
    "La spedizione non è stata recapitata",
    "Non recapitabile",
    "Mancato recapito",
    "Né consegnata né restituita al mittente",
    "Tentativo di consegna fallito",
    "Tentata consegna non riuscita",
    "La spedizione non è stata consegnata presso l'Ufficio Postale di Genova",
]


@pytest.mark.parametrize("text", NOT_DELIVERED)
def test_what_was_not_delivered_is_a_failed_attempt(text: str) -> None:
    for spelled in (text, text.upper(), f"{text}.", f"Avviso: {text}"):
        meaning = read_text(spelled)
        assert meaning is not None, spelled
        assert meaning.substatus is FAILED, spelled


@pytest.mark.parametrize(
    ("text", "reason", "substatus"),
    [
        (
            "La spedizione non può essere consegnata: destinatario sconosciuto",
            Reason.RECIPIENT_UNKNOWN,
            Substatus.UNDELIVERED_ADDRESSEE_NOT_FOUND,
        ),
        (
            "Non può essere consegnata: indirizzo errato",
            Reason.ADDRESS_INVALID,
            Substatus.UNDELIVERED_ADDRESS,
        ),
        (
            "Non è stato possibile consegnare, destinatario assente",
            Reason.RECIPIENT_ABSENT,
            Substatus.UNDELIVERED_NOBODY_HOME,
        ),
        (
            "Non è stata accettata dal destinatario",
            Reason.RECIPIENT_REFUSED,
            Substatus.EXCEPTION_REFUSED,
        ),
        (
            "La spedizione non è stata ritirata dal destinatario",
            Reason.RECIPIENT_NOT_COLLECTED,
            Substatus.EXCEPTION_UNCLAIMED,
        ),
        ("Impossibile consegnare: destinatario non trasferito", None, FAILED),
    ],
)
def test_the_reason_is_read_beside_the_denial(
    text: str, reason: Reason | None, substatus: Substatus
) -> None:
    meaning = read_text(text)
    assert meaning is not None
    assert (meaning.reason, meaning.substatus) == (reason, substatus)


@pytest.mark.parametrize(
    ("text", "substatus"),
    [
        # Not yet: the parcel is on its way, or not even there.
        ("La spedizione non è stata ancora consegnata", Substatus.TRANSIT),
        ("La spedizione non è ancora stata consegnata", Substatus.TRANSIT),
        ("La spedizione non risulta ancora consegnata", Substatus.TRANSIT),
        ("Non ancora disponibile per il ritiro", Substatus.TRANSIT),
        ("La spedizione non è ancora in consegna", Substatus.TRANSIT),
        ("La spedizione non è stata ancora presa in carico", Substatus.INFORECEIVED),
        ("La spedizione non è stata ancora consegnata a Poste Italiane", Substatus.INFORECEIVED),
        ("La spedizione non è ancora in possesso di Poste Italiane", Substatus.INFORECEIVED),
        ("Non ancora ritirata dal destinatario", Substatus.PICKUP_READY_FOR_COLLECTION),
        ("Non è stata ancora restituita al mittente", Substatus.EXCEPTION_RETURNING),
        # To come.
        ("La spedizione sarà restituita al mittente", Substatus.EXCEPTION_RETURNING),
        ("La spedizione verrà restituita al mittente", Substatus.EXCEPTION_RETURNING),
        ("La spedizione deve essere restituita al mittente", Substatus.EXCEPTION_RETURNING),
        ("La spedizione sarà in consegna domani", Substatus.TRANSIT),
        ("Verrà messa in consegna il prossimo giorno lavorativo", Substatus.TRANSIT),
        ("La spedizione sarà disponibile per il ritiro domani", Substatus.TRANSIT),
        ("Verrà resa disponibile per il ritiro", Substatus.TRANSIT),
        (
            "Non consegnata: sarà disponibile per il ritiro da domani",
            Substatus.UNDELIVERED_OTHER,
        ),
        ("Può essere ritirata dal destinatario", Substatus.PICKUP_READY_FOR_COLLECTION),
        # On a condition.
        (
            "In giacenza. Se non ritirata entro 10 giorni sarà restituita al mittente",
            Substatus.PICKUP_READY_FOR_COLLECTION,
        ),
        (
            "Disponibile per il ritiro; in caso di mancato ritiro verrà restituita al mittente",
            Substatus.PICKUP_READY_FOR_COLLECTION,
        ),
        ("La spedizione è in consegna, altrimenti sarà in giacenza", Status.PICKUP),
        # Denied of the one, said of the other.
        ("Non consegnata, disponibile per il ritiro", Substatus.PICKUP_READY_FOR_COLLECTION),
        ("Destinatario non presente: consegnata al vicino", Status.DELIVERED),
        ("Il portiere non ha risposto. La spedizione è stata consegnata", Status.DELIVERED),
        ("Non danneggiata, consegnata", Status.DELIVERED),
        ("Consegnata a Poste Italiane", Status.TRANSIT),
        ("Consegnato al corriere", Status.TRANSIT),
    ],
)
def test_what_holds_now_is_what_counts(text: str, substatus: Substatus | Status) -> None:
    meaning = read_text(text)
    assert meaning is not None
    assert substatus in (meaning.substatus, meaning.status)


@pytest.mark.parametrize(
    "text",
    [
        "La spedizione non è stata restituita al mittente",
        "Non è stato possibile restituire al mittente",
        "Restituzione annullata",
        "La restituzione al mittente non è riuscita",
        "La spedizione non è smarrita",
        "La spedizione non risulta danneggiata",
        "La spedizione non è stata rifiutata",
        "La spedizione non è più disponibile per il ritiro",
        "La spedizione non è in giacenza",
        "La spedizione non è in consegna",
        "Non è pronta per la consegna",
        "La spedizione non è in transito",
        "La spedizione non è in stato di lavorazione",
        "La spedizione non è stata presa in carico",
        "Presa in carico non avvenuta",
        "Presa in carico annullata",
        "La spedizione non è stata accettata",
        "La spedizione non è partita",
        "La spedizione non è stata ritirata presso il mittente",
        "Sarà ritirata dal destinatario",
        "La spedizione sarà in giacenza da domani",
        "La spedizione non è ancora stata danneggiata",
        "L'indirizzo non è ancora stato verificato",
    ],
)
def test_a_denied_wording_without_a_row_is_unknown(text: str) -> None:
    """Reported as an unmapped code: neither the word's meaning nor a guess at its opposite."""
    assert read_text(text) is None


TEXT_ROWS = tomllib.loads((files(PACKAGE) / "status.toml").read_text("utf-8"))["text"]
POSITIVE = [
    row["contains"]
    for row in TEXT_ROWS
    if row.get("status") and "non " not in row["contains"] and row["status"] != "undelivered"
]


@pytest.mark.parametrize("part", POSITIVE)
@pytest.mark.parametrize("denial", ["non", "non e", "non e stata", "non risulta", "mai"])
def test_no_row_means_the_same_when_it_is_denied(part: str, denial: str) -> None:
    said, denied = read_text(f"la spedizione {part}"), read_text(f"la spedizione {denial} {part}")
    assert said is not None
    assert denied is None or denied.substatus is not said.substatus or denied.status is None


def test_every_row_can_be_found() -> None:
    """A row that an earlier one, or the shortening, leaves no text for is a row in vain."""
    for row in TEXT_ROWS:
        meaning = read_text(row["contains"])
        assert meaning is not None, row
        assert shorten(row["contains"]) == row["contains"], row
        assert plain(row["contains"]) == row["contains"], row


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("non puo essere consegnata", "non consegnata"),
        ("non e stata ancora consegnata", "non ancora consegnata"),
        ("non e mai stata", "non"),
        ("impossibile consegnare", "non possibile consegnare"),
        ("ne e stata consegnata una", "ne e stata consegnata una"),
        ("ne consegnata ne restituita", "non consegnata non restituita"),
        ("", ""),
    ],
)
def test_denied_verbs_in_their_shortest_form(text: str, short: str) -> None:
    assert shorten(text) == short


def test_a_condition_ends_what_is_said_about_now() -> None:
    assert main_clause("in giacenza se non ritirata") == "in giacenza"
    assert main_clause("se non ritirata sara restituita") == ""


WORDS = [*shorten("non e stata ancora ne mai senza impossibile essere sara se").split(), *POSITIVE]


@given(st.lists(st.sampled_from([*WORDS, "non", "e", "stata"]), max_size=12).map(" ".join))
def test_whatever_is_said_is_read_or_unknown(text: str) -> None:
    assert shorten(shorten(plain(text))) == shorten(plain(text))
    read_text(text)
