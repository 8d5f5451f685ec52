"""Looking a parcel up by its number and something that only its people know.

A tracking number is no secret and a postal code is no password, so the tries are few: five wrong
ones an hour and twenty in all for one number, kept in the store and counted before the answer is
known. Whether the number is unknown, the word is wrong or the number is locked, the answer is the
same, byte by byte.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Final

import msgspec

from parcelwire.couriers.number import is_plausible, normalise
from parcelwire.domain.account import world_of
from parcelwire.domain.brand import LookupField
from parcelwire.domain.checkpoint import fold
from parcelwire.domain.clock import HOUR, MINUTE, Clock, Instant
from parcelwire.domain.tracking import Tracking
from parcelwire.pages.house import PageStore

KIND: Final = "lookup"
TRIES_AN_HOUR: Final = 5
TRIES_IN_ALL: Final = 20
PER_MINUTE: Final = 60
"""Lookups of one account in a minute, in one process: more is no customer."""

_BUCKETS: Final = 4_096
"""Numbers that nobody follows share so many counters: guessing numbers fills no table."""


class Tries(msgspec.Struct):
    """The wrong tries for one number."""

    total: int = 0
    recent: list[Instant] = []


_decode: Final = msgspec.json.Decoder(Tries).decode
_encode: Final = msgspec.json.Encoder().encode


class Lookup:
    """Finds parcels for people who know something about them."""

    def __init__(self, store: PageStore, clock: Clock) -> None:
        """Count tries in ``store``."""
        self._store = store
        self._clock = clock
        self._minutes: dict[int, tuple[Instant, int]] = {}

    def is_busy(self, account_number: int) -> bool:
        """Count one lookup; tell whether there were too many of this account in this minute."""
        minute = self._clock.now() // MINUTE
        then, count = self._minutes.get(account_number, (minute, 0))
        count = count + 1 if then == minute else 1
        self._minutes[account_number] = minute, count
        return count > PER_MINUTE

    async def find(
        self, account_number: int, field: LookupField, number: str, word: str
    ) -> Tracking | None:
        """Return the parcel, or None for every reason there may be."""
        compact = normalise(number[:200])
        if field is LookupField.NONE or not is_plausible(compact) or not word.strip():
            return None
        world_id = world_of(account_number, is_test=False)
        followed = await self._store.find(world_id, compact)
        # Counted first: two guesses at one moment are two tries.
        is_open = await self._count(world_id, compact, is_followed=bool(followed))
        for stored in followed:
            if is_open and fits(stored.tracking, field, word[:300]):
                await self._take_back(world_id, compact)
                return stored.tracking
        return None

    async def _count(self, world_id: int, number: str, *, is_followed: bool) -> bool:
        now = self._clock.now()
        is_open = False

        def count(document: bytes | None) -> bytes:
            nonlocal is_open
            tries = Tries() if document is None else _decode(document)
            # A clock that jumped back opens nothing.
            recent = [at for at in tries.recent if at > now - HOUR]
            is_open = len(recent) < TRIES_AN_HOUR and tries.total < TRIES_IN_ALL
            if is_open:
                recent.append(now)
                return _encode(Tries(tries.total + 1, recent))
            return document or b"{}"

        await self._store.change_record(
            KIND, str(world_id), _record_of(number, is_followed=is_followed), count, at=now
        )
        return is_open

    async def _take_back(self, world_id: int, number: str) -> None:
        """The try was right."""

        def take(document: bytes | None) -> bytes | None:
            if document is None:
                return None
            tries = _decode(document)
            return _encode(Tries(max(0, tries.total - 1), tries.recent[:-1]))

        await self._store.change_record(
            KIND, str(world_id), _record_of(number, is_followed=True), take, at=self._clock.now()
        )


def _record_of(number: str, *, is_followed: bool) -> str:
    if is_followed:
        return hashlib.sha256(number.encode()).hexdigest()
    return f"unknown-{zlib.crc32(number.encode()) % _BUCKETS}"


def fits(tracking: Tracking, field: LookupField, word: str) -> bool:
    """Tell whether ``word`` is what the shop said of this parcel.

    What it did not say fits nobody.
    """
    details = tracking.details
    if field is LookupField.EMAIL:
        return _is_one_of(word.strip().casefold(), (details.customer_email or "").casefold())
    if field is LookupField.POSTAL_CODE:
        known = (details.recipient_postcode, details.postal_code)
        return _is_one_of(_bare(word), *(_bare(one or "") for one in known))
    if field is LookupField.ORDER_NUMBER:
        known = (details.order_number, details.order_id)
        return _is_one_of(_bare(word), *(_bare(one or "") for one in known))
    return False


def _is_one_of(word: str, *known: str) -> bool:
    return bool(word) and word in [one for one in known if one]


def _bare(text: str) -> str:
    return "".join(c for c in fold(text) if c.isalnum())
