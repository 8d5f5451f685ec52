"""What Poste Italiane's sentences mean: folded, cut before the place, looked up in a table."""

import re
from functools import cache
from typing import Final

import msgspec

from parcelwire.connectors.carriers.poste_italiane.collector import (
    name_collector,
    names_collection_place,
)
from parcelwire.connectors.carriers.poste_italiane.negation import (
    begins_with_condition,
    is_denied,
    is_elsewhere,
    main_clause,
    shorten,
    split_sentences,
    tells_of_future,
)
from parcelwire.connectors.status_table import Meaning, StatusTable, load_status_table
from parcelwire.domain.checkpoint import fold
from parcelwire.domain.status import Reason, Status, Substatus

PACKAGE: Final = "parcelwire.connectors.carriers.poste_italiane"

_SIGNS = re.compile(r"[^a-z0-9]+")
_PLACE = re.compile(r"(?:^|\s)presso\s+", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:(?:il|lo|la|i|gli|le)\s+|l['’]\s*)", re.IGNORECASE)
_PLACE_END = re.compile(r"\.?\s+contatta\b|\s+in data\b", re.IGNORECASE)
_NO_PLACES: Final = frozenset({"mittente", "destinatario", "paese estero"})
_HANDED_OVER = re.compile(
    r"(?<!\bnon )(?<!\bessere )(?<!\bverra )(?<!\bsara )\b(?:consegnat|ritirat)[ao]"
    r" (?:direttamente )?(?:al|alla|a|dal|dalla|da) (?:una )?"
    r"(?:destinatari[oa]|delegat[oa]|incaricat[oa]|intestatari[oa]|familiare|convivente|persona)\b"
)

# Tried in this order on the whole plain text; the substatus is used for a failed attempt only.
# Atomic groups: only the first such word is tried, or a long text takes the square of its length.
_REASONS: Final[tuple[tuple[re.Pattern[str], Reason, Substatus], ...]] = (
    (
        re.compile(
            r"\A(?>.*?\bindirizzo\b).*\b(?:errat|incomplet|insufficient|inesatt|inesistent)"
        ),
        Reason.ADDRESS_INVALID,
        Substatus.UNDELIVERED_ADDRESS,
    ),
    (
        re.compile(r"\A(?>.*?\bdestinatario\b).*\bassent|\bassen(?:te|za)\b"),
        Reason.RECIPIENT_ABSENT,
        Substatus.UNDELIVERED_NOBODY_HOME,
    ),
    (
        re.compile(r"(?<!\bnon )\b(?:sconosciut|irreperibil)"),
        Reason.RECIPIENT_UNKNOWN,
        Substatus.UNDELIVERED_ADDRESSEE_NOT_FOUND,
    ),
    (
        re.compile(r"(?<!\bnon )\btrasferit"),
        Reason.RECIPIENT_MOVED,
        Substatus.UNDELIVERED_ADDRESSEE_NOT_FOUND,
    ),
    (re.compile(r"(?<!\bnon )\bdecedut"), Reason.RECIPIENT_DECEASED, Substatus.UNDELIVERED_OTHER),
    (re.compile(r"(?<!\bnon )\brifiut"), Reason.RECIPIENT_REFUSED, Substatus.UNDELIVERED_OTHER),
    (
        re.compile(r"\bcompiuta giacenza\b|\bnon ritirat"),
        Reason.RECIPIENT_NOT_COLLECTED,
        Substatus.UNDELIVERED_OTHER,
    ),
)

WAITING: Final = Meaning(status=Status.PICKUP, substatus=Substatus.PICKUP_READY_FOR_COLLECTION)
COLLECTED: Final = Meaning(status=Status.DELIVERED, substatus=Substatus.DELIVERED_COLLECTED)


@cache
def table() -> StatusTable:
    """Return the carrier's status table, read once."""
    return load_status_table(PACKAGE)


def plain(text: str) -> str:
    """Return ``text`` as the table writes it: lower case letters and digits, single blanks."""
    return _SIGNS.sub(" ", fold(text)).strip()


def split_place(text: str) -> tuple[str, str | None]:
    """Return the part before "presso", and the place after it without article (None: no place)."""
    found = _PLACE.search(text)
    if found is None:
        return text, None
    place = _PLACE_END.split(text[found.end() :], maxsplit=1)[0]
    place = _ARTICLE.sub("", place).strip(" .,;")
    if plain(place) in _NO_PLACES:
        return text[: found.start()], None
    return text[: found.start()], place or None


def read_text(text: str) -> Meaning | None:
    """Return what ``text`` means, with the reason where it says why; None for an unknown wording.

    A meaning without status is a note that keeps the stage.
    """
    whole = plain(text)
    if begins_with_condition(whole):
        text = _beside_condition(text)
        whole = plain(text)
    if not whole:
        return None
    head = plain(split_place(text)[0])
    meaning = table().by_code(whole)
    short = shorten(main_clause(whole))
    said = name_collector(short)
    if meaning is None and head:
        # Who collects stands behind "presso", too: then the text is cut once that has been read.
        before = shorten(main_clause(head)) if said == short else said.split(" presso ")[0]
        meaning = table().by_code(head) or _by_part(before, " presso" if head != whole else "")
    if meaning is None:
        meaning = _by_part(said)
    if meaning is None:
        return None
    if meaning.status is Status.DELIVERED and names_collection_place(whole):
        if _HANDED_OVER.search(said):
            return COLLECTED
        # "Consegnata presso il Punto di ritiro …" brought it to the shelf. Whether somebody has it
        # already, these words do not say, and a delivery is final: take the lesser meaning.
        return WAITING
    return _with_reason(meaning, said)


def _beside_condition(text: str) -> str:
    """Return the sentences after the first that tell of now: "in caso di …" and what would follow
    is none of them, and neither is a future that hangs on it.
    """
    return ". ".join(one for one in split_sentences(text)[1:] if not tells_of_future(plain(one)))


def _by_part(said: str, place: str = "") -> Meaning | None:
    """Return the meaning of the first row whose text is in ``said`` and not denied there.

    ``place`` is the word that ``said`` was cut at.
    """
    for found in table().find_texts(said):
        part = said[len(found.before) : len(said) - len(found.after)]
        if not is_denied(found) and not is_elsewhere(found, part, place):
            return found.meaning
    return None


def _with_reason(meaning: Meaning, said: str) -> Meaning:
    is_trouble = (
        meaning.status in {Status.UNDELIVERED, Status.EXCEPTION}
        or meaning.substatus is Substatus.PICKUP_READY_FOR_COLLECTION
    )
    if not is_trouble or meaning.reason is not None:
        return meaning
    for pattern, reason, substatus in _REASONS:
        if pattern.search(said):
            if meaning.status is Status.UNDELIVERED:
                return msgspec.structs.replace(meaning, reason=reason, substatus=substatus)
            return msgspec.structs.replace(meaning, reason=reason)
    return meaning


def phrase(key: str, language: str) -> str | None:
    """Return the wording of an event code, or of a known Italian text, in ``language``.

    Italian, where there is one, is the carrier's; English, German and French are our translations
    (the carrier answers in Italian only).
    """
    candidates = [key.strip().upper(), plain(key)]
    if read_text(key) is not WAITING:
        candidates.append(plain(split_place(key)[0]))
    for candidate in candidates:
        found = table().phrase(candidate, language)
        if found is not None:
            return found
    return None
