"""A connector's files: ``manifest.toml`` and ``status.toml``, read once, checked as they are read.

``status.toml`` maps the carrier's words to ours, from the finest to the broadest::

    [[code]]                        # by the carrier's event code; "*" at the end matches any rest
    code = "1003"
    type = "D"                      # optional: only beside this type; such a row goes first
    status = "pickup"               # leave out for a note that keeps the stage
    substatus = "pickup001"
    reason = "recipient.absent"     # optional, see domain.status.Reason
    phrases = { de = "...", en = "..." }

    [[code]]                        # a code of which nobody knows what it means: unmapped,
    code = "XB"                     # and nothing broader is asked for it
    is_unknown = true

    [[text]]                        # by the whole text, folded (see domain.checkpoint.fold)
    text = "Delivered"
    status = "delivered"

    [[text]]                        # by a part of the folded text; the first row that matches wins
    contains = "in consegna"
    unless = ["non "]               # optional: not where one of these stands in the text, too
    status = "pickup"
    substatus = "pickup001"

    [[broad]]                       # by a category, a type of event, a number of the stage ...
    kind = "category"
    value = "DELIVERED"
    status = "delivered"

A code or text that no row matches is unmapped: the connector reports it and leaves the stage alone.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Final, NamedTuple

import msgspec

from parcelwire.connectors.base import Manifest
from parcelwire.domain.checkpoint import fold
from parcelwire.domain.languages import choose_language
from parcelwire.domain.status import DEFAULT_SUBSTATUS, Reason, Status, Substatus, is_final

_INVISIBLE: Final = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff]")
_LOOK_ALIKE: Final = {
    **dict.fromkeys((0x02BC, 0x2032, 0x201B), "'"),
    **dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-"),
}
_BETWEEN_WORDS: Final = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])")
_NOT_THE_RECIPIENT: Final = (
    *("shop", "store", "locker", "access point", "relay", "relais", "pick up", "pickup"),
    *("collection", "post office", "servicepoint", "service point", "agent", "partner", "broker"),
    *("custom", "return", "sender", "third party", "neighbour", "neighbor"),
    *("packstation", "filiale", "postamt", "zoll", "absender"),
    *("rucksend", "ruecksend", "retour", "zuruck", "zurueck"),
    *("bureau de poste", "point de retrait", "consigne", "douan", "expediteur"),
    *("punto di ritiro", "ufficio postale", "dogan", "giacenza", "mittente", "reso", "restitu"),
    *("oficina", "punto de", "aduan", "devol", "devuel", "remitente"),
    *("servicepunt", "afhaal", "postkantoor", "afzender"),
    *("ombud", "utlamning", "udlevering", "postkontor", "tull", "told", "avsender", "avsandare"),
    *("paczkoma", "punkt", "placowk", "zwrot", "celn", "nadawc"),
)
"""Who may have got a parcel instead of its recipient, as the languages of carriers say it, folded.

One such word too many makes a parcel's end unknown, which somebody hears of; one too few ends a
parcel that waits in a shop.
"""


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """What one code or text means in our words. ``status`` None: a note that keeps the stage."""

    status: Status | None = None
    substatus: Substatus | None = None
    reason: Reason | None = None


class FoundText(NamedTuple):
    """A row's text in a carrier's: what it means, and what stands before and after it, folded."""

    meaning: Meaning
    before: str
    after: str


class _Row(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    status: Status | None = None
    substatus: Substatus | None = None
    reason: Reason | None = None


class _CodeRow(_Row, kw_only=True):
    code: str
    type: str | None = None
    is_unknown: bool = False
    phrases: dict[str, str] = {}

    def __post_init__(self) -> None:
        if self.is_unknown and self.status is not None:
            msg = f"code {self.code}: what is unknown has no status"
            raise ValueError(msg)
        if self.type is not None and self.code.endswith("*"):
            msg = f"code {self.code}: a prefix has no type"
            raise ValueError(msg)


class _TextRow(_Row, kw_only=True):
    text: str | None = None
    contains: str | None = None
    unless: list[str] = []

    def __post_init__(self) -> None:
        if (self.text is None) == (self.contains is None):
            msg = "a text row has either text or contains"
            raise ValueError(msg)
        if self.text is not None and self.unless:
            msg = "unless belongs to contains"
            raise ValueError(msg)


class _BroadRow(_Row, kw_only=True):
    kind: str
    value: str


class _File(msgspec.Struct, forbid_unknown_fields=True):
    code: list[_CodeRow] = []
    text: list[_TextRow] = []
    broad: list[_BroadRow] = []


class _Fragment(NamedTuple):
    part: str
    unless: tuple[str, ...]
    meaning: Meaning


class StatusTable:
    """A carrier's codes and texts with their meanings."""

    def __init__(self, rows: _File) -> None:
        """Index codes (exact and by prefix), whole texts, parts of texts (in file order)."""
        self._exact: dict[tuple[str | None, str], Meaning | None] = {}
        prefixes: list[tuple[str, Meaning | None]] = []
        for row in rows.code:
            meaning = None if row.is_unknown else _meaning(row)
            if row.code.endswith("*"):
                prefixes.append((row.code[:-1], meaning))
            else:
                self._exact[row.type, row.code] = meaning
        # The longest prefix is the most specific one.
        self._prefixes = sorted(prefixes, key=lambda pair: -len(pair[0]))
        self._texts = {
            _folded(row.text): _meaning(row) for row in rows.text if row.text is not None
        }
        self._fragments = [
            _Fragment(_folded(row.contains), tuple(map(_folded, row.unless)), _meaning(row))
            for row in rows.text
            if row.contains is not None
        ]
        self._broad = {(row.kind, row.value): _meaning(row) for row in rows.broad}
        self._phrases = {row.code: row.phrases for row in rows.code if row.phrases}

    def look_up(
        self,
        *,
        code: str | None = None,
        type: str | None = None,  # what carriers call it
        text: str | None = None,
        broad: Mapping[str, str] | None = None,
    ) -> Meaning | None:
        """Return what an event means, by the finest row that there is; None: unmapped.

        The code with its ``type``, the code alone, a prefix of it; the whole text, a part of it;
        then ``broad``, values by their kind, in that order. A broad row does not end a parcel of
        which the code or the text names somebody else than its recipient.
        """
        if code is not None:
            for known in ((type, code), (None, code)):
                if known in self._exact:
                    return self._exact[known]
            for prefix, meaning in self._prefixes:
                if code.startswith(prefix):
                    return meaning
        folded = _folded(text) if text is not None else ""
        found = None
        if folded:
            found = self._texts.get(folded) or next(self._allowed(folded), None)
        if found is not None:
            return found
        for kind, value in (broad or {}).items():
            broadest = self._broad.get((kind, value))
            if broadest is not None:
                told = f"{text or ''} {code or ''}"
                said = f"{_folded(told)} {_words_of(told)}"
                return None if _is_end(broadest) and _names_another(said) else broadest
        return None

    def by_code(self, code: str) -> Meaning | None:
        """Return the meaning of ``code``, exact before the longest prefix, or None."""
        return self.look_up(code=code)

    def find_texts(self, text: str) -> Iterator[FoundText]:
        """Yield every place of ``text``, folded, where a row's text stands, in the rows' order.

        For languages that need more than ``unless`` to tell what is denied.
        """
        folded = _folded(text)
        for part, _, meaning in self._fragments:
            start = folded.find(part)
            while start >= 0:
                yield FoundText(meaning, folded[:start], folded[start + len(part) :])
                start = folded.find(part, start + 1)

    def _allowed(self, folded: str) -> Iterator[Meaning]:
        for part, unless, meaning in self._fragments:
            if part in folded and not any(guard in folded for guard in unless):
                yield meaning

    def phrase(self, code: str, language: str) -> str | None:
        """Return the carrier's wording of ``code`` in ``language``, or None."""
        phrases = self._phrases.get(code, {})
        if language in phrases:
            return phrases[language]
        spoken = choose_language(language, phrases)
        return None if spoken is None else phrases[spoken]


def _is_end(meaning: Meaning) -> bool:
    return meaning.status is not None and is_final(meaning.status, meaning.substatus)


def _folded(text: str) -> str:
    """Return a text for comparing: no soft hyphens and the like, one apostrophe, one hyphen."""
    return fold(_INVISIBLE.sub("", text).translate(_LOOK_ALIKE))


def _words_of(text: str) -> str:
    """Return the words of a text or code, folded: ``DELIVERED_TO_SHOP``, ``deliveredToShop``."""
    return fold(_BETWEEN_WORDS.sub(" ", _INVISIBLE.sub("", text)))


def _names_another(folded: str) -> bool:
    return any(one in folded for one in _NOT_THE_RECIPIENT)


def _meaning(row: _Row) -> Meaning:
    substatus = row.substatus
    if substatus is None and row.status is not None:
        substatus = DEFAULT_SUBSTATUS[row.status]
    if substatus is not None and substatus.status is not row.status:
        msg = f"substatus {substatus} does not refine status {row.status}"
        raise ValueError(msg)
    return Meaning(status=row.status, substatus=substatus, reason=row.reason)


def load_manifest(package: str) -> Manifest:
    """Read ``manifest.toml`` of the connector in ``package`` (a dotted name)."""
    return read_manifest((files(package) / "manifest.toml").read_text("utf-8"))


def read_manifest(text: str) -> Manifest:
    """Return what a ``manifest.toml`` says."""
    return msgspec.convert(tomllib.loads(text), Manifest)


def load_status_table(package: str) -> StatusTable:
    """Read ``status.toml`` of the connector in ``package`` (a dotted name).

    Raises:
        msgspec.ValidationError: for a field or a value that is not of the form.
        ValueError: for a substatus that belongs to another status.
    """
    text = (files(package) / "status.toml").read_text("utf-8")
    return read_status_table(text)


def read_status_table(text: str) -> StatusTable:
    """Return the table of a ``status.toml``; raises as ``load_status_table``."""
    return StatusTable(msgspec.convert(tomllib.loads(text), _File))
