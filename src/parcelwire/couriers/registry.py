"""The registry: every courier Parcelwire knows, under the codes that TrackingMore uses.

The data is compiled by ``tools/compile_couriers.py`` and read once, when first asked for.
"""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final
from urllib.parse import quote

import msgspec

from parcelwire.domain.text import without_marks

LONGEST_WORD: Final = 200
"""Characters of a code, alias or name that is looked for; no courier has a longer one."""


class Courier(msgspec.Struct, frozen=True):
    """One courier.

    ``country`` is ISO 3166 alpha-2 or None where the courier has no single home.
    ``tracking_url`` is the courier's own tracking page; where it holds ``{number}`` it leads
    straight to one parcel. ``required_fields`` names what must be known beside the number:
    ``postal_code``, ``ship_date``, ``account``, ``destination_country``, ``origin_country``,
    ``key``. ``aliases`` maps a vendor (``aftership``, ``17track``) or ``name`` to the words this
    courier goes by there. ``status`` is ``listed``, ``legacy`` (no longer offered to new users
    by TrackingMore) or ``own`` (an entry of ours that TrackingMore does not have).
    """

    code: str
    name: str
    names: dict[str, str] = {}
    country: str | None = None
    homepage: str | None = None
    phone: str | None = None
    kind: str = "express"
    tracking_url: str | None = None
    required_fields: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("en",)
    aliases: dict[str, tuple[str, ...]] = {}
    status: str = "listed"

    def link(self, number: str) -> str | None:
        """Answer the address of the courier's tracking page, for this number if it can."""
        if self.tracking_url is None:
            return None
        return self.tracking_url.replace("{number}", quote(number, safe=""))


def fold(text: str) -> str:
    """Lower-case a code, alias or name, without accents, with ``-`` for ``_`` and spaces."""
    return "-".join(without_marks(text).casefold().replace("_", "-").split())


class Registry:
    """All couriers, found by code, by another vendor's word for them, or by a part of a name."""

    def __init__(self, couriers: tuple[Courier, ...]) -> None:
        """Take the couriers in the order in which ``all`` shall give them."""
        self._couriers = couriers
        self._by_code = {courier.code: courier for courier in couriers}
        self._by_name: dict[str, list[Courier]] | None = None
        self._by_alias: dict[str, Courier] | None = None
        self._texts: list[tuple[str, Courier]] | None = None

    def get(self, code: str) -> Courier | None:
        """Answer the courier with exactly this code."""
        return self._by_code.get(code)

    def all(self) -> tuple[Courier, ...]:
        """Answer every courier, sorted by code."""
        return self._couriers

    def resolve(self, code_or_alias: str) -> Courier | None:
        """Answer the courier meant by a code or another vendor's word for it.

        Case, surrounding spaces and ``_`` for ``-`` do not matter. A code wins over an alias; an
        alias that two couriers share goes to the first listed one that is not legacy.
        """
        exact = self._by_code.get(code_or_alias)
        if exact is not None:
            return exact
        if len(code_or_alias) > LONGEST_WORD:
            return None
        if self._by_alias is None:
            self._by_alias = self._index_aliases()
        return self._by_alias.get(fold(code_or_alias))

    def resolve_or_name(self, word: str) -> Courier | None:
        """Answer the courier meant by a code, another vendor's word or its name.

        As ``resolve`` does; where that finds nothing, the courier whose name in English this is,
        unless several share it. One look-up, so that a file may hold any number of words.
        """
        courier = self.resolve(word)
        if courier is not None or len(word) > LONGEST_WORD:
            return courier
        if self._by_name is None:
            by_name: dict[str, list[Courier]] = {}
            for one in self._couriers:
                by_name.setdefault(one.name.casefold(), []).append(one)
            self._by_name = by_name
        named = self._by_name.get(word.casefold(), [])
        return named[0] if len(named) == 1 else None

    def search(self, text: str) -> list[Courier]:
        """Answer the couriers whose code, names, aliases or home page hold every word of a text.

        Best first: the code itself, then codes and names that begin with the text, then the rest
        in order of code. An empty text finds nothing, and neither does one of more than
        ``LONGEST_WORD`` characters.
        """
        if len(text) > LONGEST_WORD:
            return []
        words = fold(text).replace("-", " ").split()
        if not words:
            return []
        if self._texts is None:
            self._texts = [(_describe(courier), courier) for courier in self._couriers]
        found = [c for described, c in self._texts if all(w in described for w in words)]
        sought = fold(text)
        return sorted(found, key=lambda courier: _rank(courier, sought))

    def with_declared(self, couriers: Iterable[Courier]) -> "Registry":
        """Answer a registry that knows these couriers, too.

        Whatever word means a courier of this registry still means the same one.

        Raises:
            ValueError: there is one with the same code or alias, in any spelling.
        """
        more = {courier.code: courier for courier in self._couriers}
        words = dict[str, str]()
        for courier in couriers:
            if courier.code in more:
                msg = f"courier {courier.code} is in the registry and need not be declared"
                raise ValueError(msg)
            more[courier.code] = courier
            for word in (courier.code, *(one for some in courier.aliases.values() for one in some)):
                known = self.resolve(word)
                other = words.setdefault(fold(word), courier.code) if known is None else known.code
                if other != courier.code:
                    msg = f"courier {courier.code} cannot be called {word}: that is {other}"
                    raise ValueError(msg)
        if not words:
            return self
        return Registry(tuple(more[code] for code in sorted(more)))

    def __len__(self) -> int:
        """Answer how many couriers there are."""
        return len(self._couriers)

    def __contains__(self, code: object) -> bool:
        """Answer whether a courier has exactly this code."""
        return code in self._by_code

    def _index_aliases(self) -> dict[str, Courier]:
        index: dict[str, Courier] = {}
        for courier in sorted(self._couriers, key=lambda c: c.status == "legacy"):
            for words in courier.aliases.values():
                for word in words:
                    index.setdefault(fold(word), courier)
        # Two codes that differ in case only: the one that is not legacy comes last and stays.
        for courier in sorted(self._couriers, key=lambda c: c.status != "legacy"):
            index[fold(courier.code)] = courier
        return index


def _describe(courier: Courier) -> str:
    words = [courier.code, courier.name, *courier.names.values(), courier.homepage or ""]
    words.extend(word for group in courier.aliases.values() for word in group)
    return fold(" ".join(words))


def _rank(courier: Courier, sought: str) -> tuple[int, str]:
    code, name = fold(courier.code), fold(courier.name)
    if code == sought:
        return 0, code
    if name == sought:
        return 1, code
    if code.startswith(sought) or name.startswith(sought):
        return 2, code
    return 3, code


@cache
def default_registry() -> Registry:
    """Answer the registry of the package's own data, read at the first call."""
    raw = (files("parcelwire.couriers") / "data" / "couriers.json").read_bytes()
    return Registry(msgspec.json.decode(raw, type=tuple[Courier, ...]))
