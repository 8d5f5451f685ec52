"""A connector's files: ``manifest.toml`` and ``status.toml``, read once, checked as they are read.

``status.toml`` maps the carrier's words to ours::

    [[code]]                        # by the carrier's event code; "*" at the end matches any rest
    code = "1003"
    status = "pickup"               # leave out for a note that keeps the stage
    substatus = "pickup001"
    reason = "recipient.absent"     # optional, see domain.status.Reason
    phrases = { de = "...", en = "..." }

    [[text]]                        # by a part of the folded text (see domain.checkpoint.fold);
    first match wins
    contains = "in consegna"
    status = "pickup"
    substatus = "pickup001"

A code or text that no row matches is a gap: the connector reports it and leaves the stage alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import NamedTuple

import msgspec

from parcelwire.connectors.base import Manifest
from parcelwire.domain.checkpoint import fold
from parcelwire.domain.languages import choose_language
from parcelwire.domain.status import DEFAULT_SUBSTATUS, Reason, Status, Substatus


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


class _CodeRow(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    code: str
    status: Status | None = None
    substatus: Substatus | None = None
    reason: Reason | None = None
    phrases: dict[str, str] = {}


class _TextRow(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    contains: str
    status: Status | None = None
    substatus: Substatus | None = None
    reason: Reason | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    code: list[_CodeRow] = []
    text: list[_TextRow] = []


class StatusTable:
    """A carrier's codes and texts with their meanings."""

    def __init__(self, codes: list[_CodeRow], texts: list[_TextRow]) -> None:
        """Index codes (exact and by prefix) and texts (in file order)."""
        self._exact = {row.code: _meaning(row) for row in codes if not row.code.endswith("*")}
        prefixes = [(row.code[:-1], _meaning(row)) for row in codes if row.code.endswith("*")]
        # The longest prefix is the most specific one.
        self._prefixes = sorted(prefixes, key=lambda pair: -len(pair[0]))
        self._texts = [(fold(row.contains), _meaning(row)) for row in texts]
        self._phrases = {row.code: row.phrases for row in codes if row.phrases}

    def by_code(self, code: str) -> Meaning | None:
        """Return the meaning of ``code``, exact before the longest prefix, or None."""
        exact = self._exact.get(code)
        if exact is not None:
            return exact
        for prefix, meaning in self._prefixes:
            if code.startswith(prefix):
                return meaning
        return None

    def by_text(self, text: str) -> Meaning | None:
        """Return the meaning of the first row whose text is in ``text``, both folded, or None."""
        return next((found.meaning for found in self.find_texts(text)), None)

    def find_texts(self, text: str) -> Iterator[FoundText]:
        """Yield every place of ``text``, folded, where a row's text stands, in the rows' order."""
        folded = fold(text)
        for part, meaning in self._texts:
            start = folded.find(part)
            while start >= 0:
                yield FoundText(meaning, folded[:start], folded[start + len(part) :])
                start = folded.find(part, start + 1)

    def phrase(self, code: str, language: str) -> str | None:
        """Return the carrier's wording of ``code`` in ``language``, or None."""
        phrases = self._phrases.get(code, {})
        if language in phrases:
            return phrases[language]
        spoken = choose_language(language, phrases)
        return None if spoken is None else phrases[spoken]


def _meaning(row: _CodeRow | _TextRow) -> Meaning:
    substatus = row.substatus
    if substatus is None and row.status is not None:
        substatus = DEFAULT_SUBSTATUS[row.status]
    if substatus is not None and substatus.status is not row.status:
        msg = f"substatus {substatus} does not refine status {row.status}"
        raise ValueError(msg)
    return Meaning(status=row.status, substatus=substatus, reason=row.reason)


def load_manifest(package: str) -> Manifest:
    """Read ``manifest.toml`` of the connector in ``package`` (a dotted name)."""
    text = (files(package) / "manifest.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Manifest)


def load_status_table(package: str) -> StatusTable:
    """Read ``status.toml`` of the connector in ``package`` (a dotted name).

    Raises:
        msgspec.ValidationError: for a field or a value that is not of the form.
        ValueError: for a substatus that belongs to another status.
    """
    text = (files(package) / "status.toml").read_text("utf-8")
    rows = msgspec.convert(tomllib.loads(text), _File)
    return StatusTable(rows.code, rows.text)
