"""How often logging in may be tried: by one source on one account, by one source, on one account.

    (account, source)  five failures, then a wait that doubles, from a minute to an hour
    source             so many failures an hour, whatever the account
    account            so many failures a day from all sources; then each source has one try a day,
                       and after ten times as many none

An IPv6 /48 network counts as a source beside its /64 networks, with eight times as many tries: it
is often one customer's. A try is counted before its password is looked at, and taken back when that
was right.

A browser that logged in before has a token (``login-device``): its failures are counted for it
alone, and nobody else's count for it, so that nobody can keep the owner out. Wrong keys count for
their source; a right one is never asked about here, for it cannot be guessed.

The counters are records of a bounded number. Sources lie in ``SLOTS`` records of a few sources
each, of which the ones that were quiet for longest are forgotten: an attacker with many addresses
frees addresses of his own. Accounts share ``ACCOUNT_SLOTS`` counters by the hash of their address,
existing and invented ones alike, so that nothing tells them apart.
"""

from __future__ import annotations

import hashlib
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from parcelwire.accounts.ports import RecordStore
from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND, Clock, Instant
from parcelwire.domain.source_address import Counted, counted_for

SOURCE_KIND: Final = "login-source"
ACCOUNT_KIND: Final = "login-account"
DEVICE_KIND: Final = "login-device"
SCOPE: Final = "dashboard"

FREE_TRIES: Final = 5
FIRST_WAIT: Final = MINUTE
LONGEST_WAIT: Final = HOUR

SLOTS: Final = 1_024
MOST_SOURCES_OF_A_SLOT: Final = 8
MOST_ACCOUNTS_OF_A_SOURCE: Final = 32
ACCOUNT_SLOTS: Final = 16_384
_HARD_FACTOR: Final = 10

DEVICE_LIFE: Final = 180 * DAY
MOST_DEVICES: Final = 20
"""Of one account; of more, the one that was not used for longest is forgotten."""


class LoginLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What logging in to the dashboard is bounded by. See ``[limits]`` in the settings."""

    failures_per_source_per_hour: int = 30
    failures_per_account_per_day: int = 100
    most_waiting: int = 20


class Failures(msgspec.Struct, frozen=True, omit_defaults=True):
    """Failures in a row, of one source on one account or of one device."""

    count: int = 0
    last_at: Instant = 0

    def wait(self, now: Instant, *, factor: int = 1, is_slowed: bool = False) -> int:
        """Return for how many milliseconds no further try is taken.

        ``factor``: so many times the tries of one source. ``is_slowed``: one a day.
        """
        free = factor * (1 if is_slowed else FREE_TRIES)
        if self.count < free or not 0 <= now - self.last_at < DAY:
            return 0
        pause = DAY if is_slowed else FIRST_WAIT << min(20, self.count - free)
        return max(0, self.last_at + (pause if is_slowed else min(pause, LONGEST_WAIT)) - now)

    def one_more(self, now: Instant) -> Failures:
        """Return them with one more; those of another day are forgotten."""
        is_recent = 0 <= now - self.last_at < DAY
        return Failures((self.count if is_recent else 0) + 1, now)


class Window(msgspec.Struct, frozen=True):
    """Failures since a window began."""

    since: Instant
    count: int = 0

    def at(self, now: Instant, length: int) -> Window:
        """Return the window that ``now`` lies in."""
        return self if 0 <= now - self.since < length else Window(now)


class _Source(msgspec.Struct, frozen=True):
    window: Window
    last_at: Instant
    accounts: dict[str, Failures] = {}


class Device(msgspec.Struct, frozen=True, omit_defaults=True):
    """A browser in which the account's password was given before."""

    seen_at: Instant
    failures: Failures = Failures()


_Slot = dict[str, _Source]
_Dated = TypeVar("_Dated", _Source, Failures)
_decode_slot: Final = msgspec.json.Decoder(_Slot).decode
_decode_window: Final = msgspec.json.Decoder(Window).decode
_decode_device: Final = msgspec.json.Decoder(Device).decode
_encode: Final = msgspec.json.Encoder().encode


class LoginThrottle:
    """Counts tries in the store, for all processes."""

    def __init__(self, store: RecordStore, clock: Clock, limits: LoginLimits) -> None:
        """Allow as many failures as ``limits`` says."""
        self._store = store
        self._clock = clock
        self._limits = limits

    # -- passwords ------------------------------------------------------------------------------

    async def take(self, email: str, source: str) -> int:
        """Count one try of a password; return 0, or for how many seconds none is taken.

        What is refused is not counted, and writes nothing.
        """
        now, account = self._clock.now(), _hash(email.casefold())
        window = await self._account_window(account, now)
        hard = self._limits.failures_per_account_per_day * _HARD_FACTOR
        if window.count >= hard:
            return _seconds(window.since + DAY - now)
        is_slowed = window.count >= self._limits.failures_per_account_per_day
        wait = await self._count(source, account, now=now, is_slowed=is_slowed)
        if wait > 0:
            return _seconds(wait)
        window = await self._change_account(account, 1, now)
        return _seconds(window.since + DAY - now) if window.count > hard else 0

    async def take_back(self, email: str, source: str, *, was_right: bool) -> None:
        """Uncount one try. ``was_right``: the failures of this source on this account, too.

        What the source tried on other accounts stays: who has one account may not guess another's
        password for ever by logging in between.
        """
        now, account = self._clock.now(), _hash(email.casefold())
        for one in counted_for(source):
            await self._uncount(one.name, account, now=now, was_right=was_right)
        await self._change_account(account, -1, now)

    async def _uncount(self, source: str, account: str, *, now: Instant, was_right: bool) -> None:
        tag = _hash(source)

        def take(document: bytes | None) -> bytes | None:
            slot = _decode_slot(document) if document is not None else {}
            one = slot.get(tag)
            if one is None:
                return document
            accounts = dict(one.accounts)
            failures = accounts.pop(account, Failures())
            if not was_right and failures.count > 1:
                accounts[account] = replace(failures, count=failures.count - 1)
            window = replace(one.window, count=max(0, one.window.count - 1))
            slot[tag] = replace(one, window=window, accounts=accounts)
            return _encode(slot)

        await self._store.change_record(SOURCE_KIND, SCOPE, _slot_of(source), take, at=now)

    # -- keys -----------------------------------------------------------------------------------

    async def note_wrong_key(self, source: str) -> int:
        """Count a key that opens nothing; return 0, or for how many seconds none is counted."""
        return _seconds(await self._count(source, "", now=self._clock.now(), is_slowed=False))

    # -- browsers that are known ----------------------------------------------------------------

    async def is_known(self, account_number: int, token: str) -> bool:
        """Tell whether the account's password was given in the browser with this token."""
        document = await self._store.load_record(
            DEVICE_KIND, str(account_number), _device_of(token)
        )
        if document is None or not token:
            return False
        return 0 <= self._clock.now() - _decode_device(document).seen_at < DEVICE_LIFE

    async def take_of_device(self, account_number: int, token: str) -> int:
        """Count one try in a known browser; return 0, or for how many seconds none is taken."""
        now, waits = self._clock.now(), [0]

        def count(document: bytes | None) -> bytes | None:
            if document is None:
                return None
            device = _decode_device(document)
            waits[0] = device.failures.wait(now)
            if waits[0] > 0:
                return document
            return _encode(replace(device, failures=device.failures.one_more(now)))

        await self._store.change_record(
            DEVICE_KIND, str(account_number), _device_of(token), count, at=now
        )
        return _seconds(waits[0])

    async def take_back_of_device(self, account_number: int, token: str) -> None:
        """Uncount one try in a known browser."""

        def take(document: bytes | None) -> bytes | None:
            if document is None:
                return None
            device = _decode_device(document)
            failures = replace(device.failures, count=max(0, device.failures.count - 1))
            return _encode(replace(device, failures=failures))

        await self._store.change_record(
            DEVICE_KIND, str(account_number), _device_of(token), take, at=self._clock.now()
        )

    async def remember(self, account_number: int, token: str) -> None:
        """Know the browser with this token from now on, its failures forgotten."""
        now, scope = self._clock.now(), str(account_number)
        document = _encode(Device(seen_at=now))
        await self._store.change_record(
            DEVICE_KIND, scope, _device_of(token), lambda _: document, at=now
        )
        known = await self._store.list_records(DEVICE_KIND, scope, limit=MOST_DEVICES + 100)
        by_age = sorted((_decode_device(one).seen_at, name) for name, one in known)
        for _, name in by_age[:-MOST_DEVICES]:
            await self._store.change_record(DEVICE_KIND, scope, name, lambda _: None, at=now)

    async def prune(self) -> None:
        """Forget what is over."""
        now = self._clock.now()
        await self._store.prune_records(SOURCE_KIND, now - DAY)
        await self._store.prune_records(ACCOUNT_KIND, now - DAY)
        await self._store.prune_records(DEVICE_KIND, now - DEVICE_LIFE)

    # -- counting -------------------------------------------------------------------------------

    async def _count(self, source: str, account: str, *, now: Instant, is_slowed: bool) -> int:
        """Count one try for a source, and for the wide network it is part of.

        Return 0, or for how many milliseconds none is taken.
        """
        # Read first: somebody who goes on trying costs no writes.
        for one in counted_for(source):
            document = await self._store.load_record(SOURCE_KIND, SCOPE, _slot_of(one.name))
            slot = _decode_slot(document) if document is not None else {}
            if wait := self._wait(slot, one, account, now=now, is_slowed=is_slowed):
                return wait
        for one in counted_for(source):
            if wait := await self._count_one(one, account, now=now, is_slowed=is_slowed):
                return wait
        return 0

    def _wait(
        self, slot: _Slot, counted: Counted, account: str, *, now: Instant, is_slowed: bool
    ) -> int:
        one = slot.get(_hash(counted.name))
        if one is None:
            return 0
        wait = 0
        if account:
            failures = one.accounts.get(account, Failures())
            wait = failures.wait(now, factor=counted.factor, is_slowed=is_slowed)
        window = one.window.at(now, HOUR)
        if window.count >= counted.factor * self._limits.failures_per_source_per_hour:
            wait = max(wait, window.since + HOUR - now)
        return wait

    async def _count_one(
        self, counted: Counted, account: str, *, now: Instant, is_slowed: bool
    ) -> int:
        tag, waits = _hash(counted.name), [0]

        def count(document: bytes | None) -> bytes | None:
            slot = _decode_slot(document) if document is not None else {}
            waits[0] = self._wait(slot, counted, account, now=now, is_slowed=is_slowed)
            if waits[0] > 0:
                return document
            one = slot.pop(tag, _Source(Window(now), now))
            window = one.window.at(now, HOUR)
            accounts = dict(one.accounts)
            if account:
                failures = accounts.pop(account, Failures()).one_more(now)
                accounts = _newest(accounts, MOST_ACCOUNTS_OF_A_SOURCE - 1) | {account: failures}
            slot = _newest(slot, MOST_SOURCES_OF_A_SLOT - 1)
            slot[tag] = _Source(replace(window, count=window.count + 1), now, accounts)
            return _encode(slot)

        await self._store.change_record(SOURCE_KIND, SCOPE, _slot_of(counted.name), count, at=now)
        return waits[0]

    async def _account_window(self, account: str, now: Instant) -> Window:
        document = await self._store.load_record(ACCOUNT_KIND, SCOPE, _account_slot(account))
        window = _decode_window(document) if document is not None else Window(now)
        return window.at(now, DAY)

    async def _change_account(self, account: str, by: int, now: Instant) -> Window:
        def change(document: bytes | None) -> bytes:
            window = _decode_window(document) if document is not None else Window(now)
            window = window.at(now, DAY)
            return _encode(replace(window, count=max(0, window.count + by)))

        document = await self._store.change_record(
            ACCOUNT_KIND, SCOPE, _account_slot(account), change, at=now
        )
        return _decode_window(document or b"")


def _newest(items: dict[str, _Dated], most: int) -> dict[str, _Dated]:
    """Return the ``most`` that failed last."""
    if len(items) <= most:
        return items
    ordered = sorted(items.items(), key=lambda item: item[1].last_at)
    return dict(ordered[len(items) - most :])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _slot_of(source: str) -> str:
    return str(int(_hash(source), 16) % SLOTS)


def _account_slot(account: str) -> str:
    return str(int(account, 16) % ACCOUNT_SLOTS)


def _device_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // SECOND)
