"""Who is to collect a parcel: its recipient, or the carrier that has not got it yet.

"In attesa di essere ritirata" is said of both; only what follows tells them apart. Works on plain
texts (``text_patterns.plain``).
"""

import re
from typing import Final

BY_CARRIER: Final = "essere presa dal corriere"
"""The row of the status table for a parcel that the carrier is to pick up at the sender's."""
_BY_ANOTHER: Final = "essere presa da altri"
"""No row has this: whoever says it leaves the stage open."""

_WHEN: Final = (
    r"(?:oggi|domani|direttamente|a|breve|domicilio|in|giornata|data|entro|il|le|ore|giorno|giorni"
    r"|\d+|gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|settembre|ottobre|novembre"
    r"|dicembre)"
)
_AT_SENDER: Final = (
    r"presso (?:(?:il|la|lo|l|sede|domicilio|casa|indirizzo|magazzino|stabilimento|cliente|del"
    r"|dello) ){0,5}mittente\b"
)
_CARRIER: Final = (
    r"(?:(?:nostro|vostro|tuo|suo) )?"
    r"(?:corrier[ei]|vettore|autista|portalettere|postino|operator[ei]|poste(?: italiane)?)\b"
    r"|nostro incaricato\b|incaricato di poste(?: italiane)?\b"
)
_TO_COLLECT = re.compile(
    r"\b(?:(?:dev[eo]|devono|dovra|puo|potra|in attesa di|pront[ao] per) )?"
    r"(?:(?:essere|sara|verra) ritirat[aeio]|(?:pront[ao]|disponibile) per il ritiro)"
    rf"(?: {_WHEN}){{0,6}} (?:"
    rf"(?P<at_sender>{_AT_SENDER}(?: d[ae]l? (?:un )?(?:{_CARRIER}))?)"
    rf"|(?:da parte )?d(?:[ae]|[ae]ll?|[ae]i|[ae]gli)(?: un)? (?:(?:{_CARRIER})"
    rf"(?P<there> {_AT_SENDER})?|(?P<sender>mittente\b)))"
)
_COLLECTION_PLACE = re.compile(
    r"\b(?:punto di ritiro|punto poste|ufficio postale|locker|fermo ?posta|fermo ?deposito"
    r"|fermo ?point|casella postale)\b"
)


def names_collection_place(plain_text: str) -> bool:
    """Tell whether a place is named at which recipients collect their parcels."""
    return _COLLECTION_PLACE.search(plain_text) is not None


def name_collector(plain_text: str) -> str:
    """Return a plain text with ``BY_CARRIER`` for what the carrier is to pick up at the sender's.

    A parcel that waits for the sender, or for the carrier at a place where recipients collect, is
    at the beginning or at the end of its way: no row of the status table says so.
    """
    is_shelved = names_collection_place(plain_text)

    def rewrite(found: re.Match[str]) -> str:
        if found["at_sender"] or found["there"]:
            return BY_CARRIER
        return _BY_ANOTHER if found["sender"] or is_shelved else BY_CARRIER

    return _TO_COLLECT.sub(rewrite, plain_text)
