"""Looking a parcel up by its number and something that only its people know.

A tracking number is no secret and a postal code is no password, so the tries are few: five wrong
ones an hour and twenty in all for one number, kept in the store and counted before the answer is
known. One source has three of the five and ten of the twenty, so that a single stranger does not
lock the number for its people. Whether the number is unknown, the word is wrong or the number is
locked, the answer is the same, byte by byte.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Final

import msgspec

from parcelwire.couriers.number import is_plausible, normalise
from parcelwire.domain.account import world_of
from parcelwire.domain.brand import LookupField
from parcelwire.domain.clock import HOUR, Clock, Instant
from parcelwire.domain.tracking import Tracking
from parcelwire.pages.house import PageStore
from parcelwire.pages.recipient import addresses_of, bare, is_order_number, is_postal_code

KIND: Final = "lookup"
TRIES_AN_HOUR: Final = 5
TRIES_IN_ALL: Final = 20
OF_A_SOURCE_AN_HOUR: Final = 3
OF_A_SOURCE_IN_ALL: Final = 10

_BUCKETS: Final = 4_096
"""Numbers that nobody follows share so many counters: guessing numbers fills no table."""


class Tries(msgspec.Struct):
    """The wrong tries for one number."""

    total: int = 0
    recent: list[Instant] = []
    recent_sources: list[str] = []
    """Who made each of ``recent``; not as long where an earlier version counted."""
    by_source: dict[str, int] = {}
    """Of ``total``, by source."""

    def since(self, after: Instant) -> list[tuple[Instant, str]]:
        """Return the newest with their sources."""
        strangers = [""] * (len(self.recent) - len(self.recent_sources))
        both = zip(self.recent, [*strangers, *self.recent_sources], strict=True)
        return [(at, source) for at, source in both if at > after]

    def allow(self, recent: list[tuple[Instant, str]], source: str) -> bool:
        """Tell whether one more of this source is taken."""
        return (
            len(recent) < TRIES_AN_HOUR
            and self.total < TRIES_IN_ALL
            and sum(one == source for _, one in recent) < OF_A_SOURCE_AN_HOUR
            and self.by_source.get(source, 0) < OF_A_SOURCE_IN_ALL
        )


_decode: Final = msgspec.json.Decoder(Tries).decode
_encode: Final = msgspec.json.Encoder().encode


class Lookup:
    """Finds parcels for people who know something about them."""

    def __init__(self, store: PageStore, clock: Clock) -> None:
        """Count tries in ``store``."""
        self._store = store
        self._clock = clock

    async def find(
        self, account_number: int, field: LookupField, number: str, word: str, *, source: str = ""
    ) -> Tracking | None:
        """Return the parcel, or None for every reason there may be."""
        compact = normalise(number[:200])
        if field is LookupField.NONE or not is_plausible(compact) or not word.strip():
            return None
        world_id = world_of(account_number, is_test=False)
        followed = await self._store.find(world_id, compact)
        record = _record_of(compact, is_followed=bool(followed))
        tag = _tag_of(record, source)
        # Counted first: two guesses at one moment are two tries.
        is_open = await self._count(world_id, record, tag)
        for stored in followed:
            if is_open and fits(stored.tracking, field, word[:300]):
                await self._take_back(world_id, record, tag)
                return stored.tracking
        return None

    async def _count(self, world_id: int, record: str, source: str) -> bool:
        now = self._clock.now()
        is_open = False

        def count(document: bytes | None) -> bytes:
            nonlocal is_open
            tries = Tries() if document is None else _decode(document)
            # A clock that jumped back opens nothing.
            recent = tries.since(now - HOUR)
            is_open = tries.allow(recent, source)
            if not is_open:
                return document or b"{}"
            by_source = dict(tries.by_source)
            by_source[source] = by_source.get(source, 0) + 1
            return _encode(_tries_of(tries.total + 1, [*recent, (now, source)], by_source))

        await self._store.change_record(KIND, str(world_id), record, count, at=now)
        return is_open

    async def _take_back(self, world_id: int, record: str, source: str) -> None:
        """The try was right."""

        def take(document: bytes | None) -> bytes | None:
            if document is None:
                return None
            tries = _decode(document)
            recent = tries.since(-1)
            mine = [at for at, (_, one) in enumerate(recent) if one == source]
            if mine:
                del recent[mine[-1]]
            by_source = dict(tries.by_source)
            by_source[source] = by_source.get(source, 0) - 1
            kept = {one: count for one, count in by_source.items() if count > 0}
            return _encode(_tries_of(max(0, tries.total - 1), recent, kept))

        await self._store.change_record(KIND, str(world_id), record, take, at=self._clock.now())


def _tries_of(total: int, recent: list[tuple[Instant, str]], by_source: dict[str, int]) -> Tries:
    return Tries(total, [at for at, _ in recent], [one for _, one in recent], by_source)


def _tag_of(record: str, source: str) -> str:
    """Return what tells sources of one number apart, and tells nobody which they are."""
    return hashlib.sha256(f"{record} {source}".encode()).hexdigest()[:4]


def _record_of(number: str, *, is_followed: bool) -> str:
    if is_followed:
        return hashlib.sha256(number.encode()).hexdigest()
    return f"unknown-{zlib.crc32(number.encode()) % _BUCKETS}"


def fits(tracking: Tracking, field: LookupField, word: str) -> bool:
    """Tell whether ``word`` is what the shop said of this parcel.

    What it did not say, or said to be nothing ("n/a"), fits nobody.
    """
    details = tracking.details
    if field is LookupField.EMAIL:
        return word.strip().casefold() in addresses_of(details)
    if field is LookupField.POSTAL_CODE:
        known = (details.recipient_postcode, details.postal_code)
        return bare(word) in filter(is_postal_code, (bare(one or "") for one in known))
    if field is LookupField.ORDER_NUMBER:
        known = (details.order_number, details.order_id)
        return bare(word) in filter(is_order_number, (bare(one or "") for one in known))
    return False
