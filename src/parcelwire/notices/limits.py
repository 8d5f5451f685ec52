"""How many mails have gone out: of the installation, of one account, to one address.

Counted in the store, so that the limits hold over all processes.
"""

from __future__ import annotations

import logging
from typing import Final, Literal

import msgspec

from parcelwire.domain.clock import DAY, MINUTE, Clock, Instant
from parcelwire.notices.journal import CONFIRM, EVERYWHERE, Entry
from parcelwire.notices.occasions import URGENT
from parcelwire.notices.ports import NoticeStore
from parcelwire.notices.settings import NoticeSettings
from parcelwire.notices.subscriptions import ADDRESS_KIND, address_of

RATE_KIND: Final = "notice-rate"
ACCOUNT: Final = "account"
"""Id of an account's own record; its scope is the account's number."""


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many mails went out: of one account, or of all."""

    minute: int = 0
    """Minutes since 1970, of ``in_minute``."""
    in_minute: int = 0
    day: int = 0
    """Days since 1970 (UTC), of ``in_day``."""
    in_day: int = 0

    def at(self, now: Instant) -> Usage:
        """Return the same as it stands at ``now``: a new minute and a new day begin at 0."""
        usage = self
        if usage.day != now // DAY:
            usage = Usage(day=now // DAY)
        if usage.minute != now // MINUTE:
            usage = msgspec.structs.replace(usage, minute=now // MINUTE, in_minute=0)
        return usage

    def one_more(self) -> Usage:
        """Return the same with one mail more."""
        return msgspec.structs.replace(self, in_minute=self.in_minute + 1, in_day=self.in_day + 1)


_decode: Final = msgspec.json.Decoder(Usage).decode
_encode: Final = msgspec.json.Encoder().encode
_log = logging.getLogger(__name__)


def usage_of(document: bytes | None, now: Instant) -> Usage:
    """Return the content of a record as it stands at ``now``."""
    return (Usage() if document is None else _decode(document)).at(now)


class MailCounts:
    """Counts mails against the limits."""

    def __init__(self, store: NoticeStore, clock: Clock, settings: NoticeSettings) -> None:
        """Keep the counts in ``store``."""
        self._store = store
        self._clock = clock
        self._settings = settings

    async def is_full(self, account_number: int) -> bool:
        """Tell whether an account has had its share for now; nothing is counted."""
        document = await self._store.load_record(RATE_KIND, str(account_number), ACCOUNT)
        return self._is_full(usage_of(document, self._clock.now()))

    def _is_full(self, usage: Usage) -> bool:
        limits = self._settings.limits
        return (0 < limits.account_per_minute <= usage.in_minute) or (
            0 < limits.account_per_day <= usage.in_day
        )

    async def take(self, account_number: int) -> Literal["taken", "full", "account-full"]:
        """Count one mail of an account; or say that everybody, or the account, had enough."""
        if await self.is_full(account_number):
            return "account-full"
        if not await self._take_of_all():
            return "full"
        now, per_day = self._clock.now(), self._settings.limits.account_per_day
        taken: list[int] = []

        def note(document: bytes | None) -> bytes:
            usage = usage_of(document, now)
            taken.clear()
            if not self._is_full(usage):
                usage = usage.one_more()
                taken.append(usage.in_day)
            return _encode(usage)

        await self._store.change_record(RATE_KIND, str(account_number), ACCOUNT, note, at=now)
        if per_day and taken == [per_day]:
            # The count stands at the limit once a day, in one of all processes.
            _log.warning("notices: account %d has reached its daily mail limit", account_number)
        return "taken" if taken else "account-full"

    async def _take_of_all(self) -> bool:
        now = self._clock.now()
        taken: list[bool] = []

        def note(document: bytes | None) -> bytes:
            usage = usage_of(document, now)
            taken[:] = [usage.in_minute < self._settings.per_minute]
            return _encode(usage.one_more() if taken[0] else usage)

        await self._store.change_record(RATE_KIND, EVERYWHERE, "minute", note, at=now)
        return taken[0]

    async def take_of_address(self, entry: Entry) -> Instant | None:
        """Note that an address gets a mail now, and return 0; or return when its pause ends.

        None: it has had all its mails for today. In both cases nothing is noted. Mails that ask to
        confirm something are counted where they are asked for.
        """
        if entry.occasion.startswith(CONFIRM):
            return 0
        now, most = self._clock.now(), self._settings.limits.address_per_day
        pause = round(self._settings.min_interval_minutes * MINUTE)
        rest: list[Instant | None] = []

        def note(document: bytes | None) -> bytes:
            known = address_of(document)
            count = known.count if known.day == now // DAY else 0
            if 0 < most <= count:
                rest[:] = [None]
                return document or b""
            # A time in the future was given by a clock that has jumped back since.
            is_resting = known.last_at <= now < known.last_at + pause
            if is_resting and entry.occasion not in URGENT:
                rest[:] = [known.last_at + pause]
                return document or b""
            rest[:] = [0]
            return _encode(
                msgspec.structs.replace(known, last_at=now, day=now // DAY, count=count + 1)
            )

        await self._store.change_record(ADDRESS_KIND, EVERYWHERE, entry.digest, note, at=now)
        return rest[0]
