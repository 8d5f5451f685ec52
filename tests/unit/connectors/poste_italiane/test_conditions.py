"""Sentences about another collector, another receiver, or a case that has not come: never now.

Not one of them was seen in an answer of the carrier: synthetic, plain Italian.
"""

import pytest

from parcelwire.connectors.carriers.poste_italiane.wording import read_text
from parcelwire.domain.status import Status, Substatus

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
