"""Italian that says the opposite: "non è stata consegnata" holds the word for "delivered".

Works on plain texts (``text_patterns.plain``), in which ``è`` is ``e`` and there are no signs.
"""

import re
from typing import Final

from parcelwire.connectors.status_table import FoundText
from parcelwire.domain.status import Status, Substatus

_NEGATORS: Final = frozenset({"non", "mai", "senza"})
_AUXILIARIES: Final = frozenset(
    {
        *("abbiamo", "ancora", "e", "era", "essere", "fu", "ha", "mai", "piu", "possono", "poteva"),
        *("potra", "potuta", "potuto", "puo", "risulta", "risultava", "risulti", "sara", "si"),
        *("sia", "siamo", "stata", "state", "stati", "stato", "venga", "venne", "verra", "viene"),
    }
)
"""What may stand between "non" and the verb that it denies."""
_CONDITION: Final = re.compile(
    r"(?:^| )(?:se|qualora|altrimenti|in caso (?:d|di|contrario)|nel caso) "
)
_SENTENCE_END: Final = re.compile(r"(?:(?<=\w{4})|(?<=\d))[.!?]+\s+")
"""Not after a short word, which may be an abbreviation: "entro 10 gg. sarà restituita"."""
_FUTURE_TENSE: Final = re.compile(r"\b(?:sar|verr|potr|dovr)(?:a|anno)\b")
_BEFORE_NOUN: Final = frozenset({"ancora", "di", "in", "possibile", "stato"})
"""As in "non in stato di lavorazione", "non possibile restituire"."""
_AFTER_NOUN: Final = frozenset(
    {
        *("al", "alla", "da", "dal", "del", "della", "destinatario", "di", "doganale", "e", "era"),
        *("il", "in", "la", "mittente", "per", "risulta", "spedizione", "stata", "stato"),
    }
)
_ENDED_BADLY: Final = ("annullat", "fallit", "interrott", "revocat", "rinviat", "sospes")
_ENDINGS: Final = (
    *("andat", "autorizzat", "avvenut", "complet", "conclus", "effettuat"),
    *("eseguit", "perfezionat", "possibil", "riuscit", "superat", "terminat"),
)
_PASSIVE: Final = frozenset({"gia", "in", "resa", "stata", "stato"})
_FUTURE: Final = frozenset({"essere", "sara", "saranno", "sia", "venga", "verra", "verranno"})
_SAYS: Final = frozenset({"risulta", "risultava"})
_TO: Final = r"[a-z]? (?:presso|d[aei]|d[ae](?:l|ll[ao]?|i|gli)|al?|all[ao]?|in|nel|nell[ao]?)"
_POSTE = re.compile(rf"{_TO} (?:poste|(?:un )?nostr[oa])\b")
_ANOTHER = re.compile(rf"{_TO}\b(?! (?:mittente|momento|oggi|data)\b)")
"""Who has not got the parcel yet; the sender and the day are not who would get it. A row may end in
a stem, as "ricevut": the word's last letter is still to come."""
_UNDER_WAY = re.compile(
    r"(?<!\bnon )(?<!\bnon ancora )"
    r"\b(?:in transito|in lavorazione|(?:ri)?partit[ao]|arrivat[ao]|inoltrat[ao])\b"
)
_LONGEST_NOUN: Final = 8
_REACHED: Final = frozenset(
    {
        *(one for one in Substatus if one.status is Status.DELIVERED),
        Substatus.EXCEPTION_RETURNED,
        Substatus.PICKUP_READY_FOR_COLLECTION,
    }
)
"""Where a parcel has come to its place. That it will come there is another stage."""


def split_sentences(text: str) -> list[str]:
    """Return the sentences of ``text``, as the carrier printed it."""
    return _SENTENCE_END.split(text)


def begins_with_condition(plain_text: str) -> bool:
    """Tell whether a plain text says first in which case the rest of its sentence would hold."""
    return _CONDITION.match(f"{plain_text} ") is not None


def tells_of_future(plain_text: str) -> bool:
    """Tell whether a verb of a plain text is in the future."""
    return _FUTURE_TENSE.search(plain_text) is not None


def main_clause(plain_text: str) -> str:
    """Return what stands before the first "if": "se non ritirata, sarà restituita" says nothing
    about now.
    """
    return _CONDITION.split(plain_text, maxsplit=1)[0]


def shorten(plain_text: str) -> str:
    """Return a plain text with each denied verb next to its "non", as the status table has it.

    "non puo essere consegnata" and "mai stata consegnata" become "non consegnata", "non e stata
    ancora consegnata" becomes "non ancora consegnata", "impossibile" becomes "non possibile".
    """
    words = plain_text.split()
    # One "ne" is a pronoun ("ne è stata consegnata una"); two are "neither ... nor".
    negators = _NEGATORS | {"ne"} if words.count("ne") > 1 else _NEGATORS
    short: list[str] = []
    is_denying = False
    for word in words:
        if is_denying and word in _AUXILIARIES:
            if word == "ancora" and short[-1] != "ancora":
                short.append(word)
            continue
        is_denying = word in negators
        if is_denying:
            short.append("non")
        elif word == "impossibile":
            short += ["non", "possibile"]
        else:
            short.append(word)
    return " ".join(short)


def is_denied(found: FoundText) -> bool:
    """Tell whether the sentence denies the row's text that was found in it, or puts it off.

    A row that begins with "non" itself is not denied by it.
    """
    before, after = found.before.split(), found.after.split(" ")[1:]
    if _is_denied_before(before):
        return True
    if found.meaning.status is not Status.UNDELIVERED and _is_denied_after(after):
        return True
    return found.meaning.substatus in _REACHED and _is_to_come(before)


def is_elsewhere(found: FoundText, part: str, place: str) -> bool:
    """Tell whether a row's text ``part``, "not received yet", says nothing about the carrier.

    A parcel that Poste Italiane has not got is announced; one that the next office has not got is
    under way, and so is one of which the rest of the text says so. ``place`` is the word that the
    text was cut at.
    """
    if found.meaning.status is not Status.INFORECEIVED or not part.startswith("non ancora "):
        return False
    after = found.after + place
    if part.endswith(" poste") or _POSTE.match(after):
        return False
    return _ANOTHER.match(after) is not None or any(
        _UNDER_WAY.search(rest) is not None for rest in (found.before, after)
    )


def _is_denied_before(before: list[str]) -> bool:
    for word in reversed(before):
        if word not in _BEFORE_NOUN:
            return word == "non"
    return False


def _is_denied_after(after: list[str]) -> bool:
    """Tell whether a noun was denied: "restituzione annullata", "presa in carico non avvenuta"."""
    for place, word in enumerate(after[:_LONGEST_NOUN]):
        if word == "non":
            return any(one.startswith(_ENDINGS) for one in after[place + 1 : place + 2])
        if word not in _AFTER_NOUN:
            return word.startswith(_ENDED_BADLY)
    return False


def _is_to_come(before: list[str]) -> bool:
    """Tell whether the participle is in the future: "verrà", "potrà essere", "sarà stata"."""
    left = list(before)
    while left and left[-1] in _PASSIVE:
        left.pop()
    if not left or left[-1] not in _FUTURE:
        return False
    return left[-1] != "essere" or not (len(left) > 1 and left[-2] in _SAYS)
