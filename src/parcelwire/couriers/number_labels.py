"""Words that people copy along with a number: "Tracking ID", "N° de suivi", "Sendungs-Nr.".

A label is a row of words, each with a blank or a mark behind it; a word that runs into digits is
part of the number. No number begins with one of the words below, except with those of two
letters: postal numbers begin with two, and people write "NR 123 456 785 CH". So "No", "Nr" and
"ID" count as words only where a mark or another word of the label says so, and never in front of
what would be the rest of a postal number; "de" or "la" only where another word follows.
"""

import re
from typing import Final

from parcelwire.domain.text import without_marks

_WORDS: Final = frozenset(
    {
        # English
        *("tracking", "track", "trace", "shipment", "shipping", "parcel", "package"),
        *("consignment", "waybill", "airwaybill", "airway", "awb", "number", "code", "barcode"),
        *("item", "article", "delivery", "reference", "label", "note"),
        # German
        *("sendung", "sendungs", "paket", "nummer", "frachtbrief", "sendungsverfolgung"),
        *("verfolgung", "identcode", "kennung"),
        # French
        *("numero", "suivi", "colis", "envoi", "expedition", "bordereau", "paquet", "lettre"),
        *("transport",),
        # Italian
        *("codice", "spedizione", "pacco", "collo", "invio", "lettera", "vettura", "ldv"),
        *("tracciamento", "tracciatura", "rintracciamento", "riferimento"),
        # Spanish, and what Portuguese has besides
        *("codigo", "seguimiento", "envio", "guia", "rastreo", "localizador", "referencia"),
        *("expedicion", "paquete", "albaran", "rastreio", "encomenda"),
    }
)
_COMPOUND: Final = re.compile(
    "(?:sendungs?|paket|tracking|track|fracht(?:brief)?|versand|liefer|shipment|parcel|package"
    "|waybill|consignment|ident|barcode)(?:verfolgungs?)?"
    "(?:nummer|number|num|nr|no|id|code|kennnummer|kennung)"
)
"""Words written together, as German does."""

_SHORT: Final = frozenset({"n", "nr", "no", "num", "nro", "id", "cod"})
_LINKS: Final = frozenset(
    {
        *("air", "of", "the", "your", "our", "my", "and", "for"),
        *("der", "die", "das", "ihre", "deine", "meine", "und"),
        *("de", "d", "du", "des", "l", "la", "le", "les", "votre", "notre", "et", "pour"),
        *("di", "del", "dell", "della", "il", "lo", "tuo", "vostro", "e", "per"),
        *("el", "los", "su", "tu", "mi", "y"),
    }
)
"""Between the words of a label; at its end they may be a number's first letters."""
_VERBS: Final = frozenset({"is", "ist", "lautet", "est", "es"})

_TOKEN: Final = re.compile(r"[\W_]*([^\W\d_]+)([\W_]+)")
_POSTAL_REST: Final = re.compile(r"[0-9]{8,20}[A-Za-z]{2}")
"""What follows the two letters that a postal number begins with."""
_LONGEST_REST: Final = 100
"""Characters of it, blanks included."""


def without_label(text: str) -> str:
    """Return ``text`` without the words in front of its number; itself where there are none.

    The cost grows with the length of the label, not of the text.
    """
    start, at, is_label = 0, 0, False
    while found := _TOKEN.match(text, at):
        word, mark = without_marks(found[1].casefold()), found[2]
        at = found.end()
        if word in _LINKS:
            continue
        if word in _WORDS or _COMPOUND.fullmatch(word):
            pass
        elif word in _SHORT:
            if not (is_label or any(sign in mark for sign in ".:#\u00b0")):
                continue
            if _is_of_number(word, mark, text[at:]):
                break
        elif not (is_label and word in _VERBS) or _is_of_number(word, mark, text[at:]):
            break
        start, is_label = at, True
    return text[start:]


def _is_of_number(word: str, mark: str, rest: str) -> bool:
    """Tell whether two letters are rather those that a postal number begins with."""
    if len(word) != 2 or len(rest) > _LONGEST_REST or any(sign in mark for sign in ":#\u00b0"):
        return False
    return _POSTAL_REST.fullmatch(re.sub(r"[\W_]+", "", rest)) is not None
