"""Tells operators, over whatever channels they have, what wants a person.

A broken connection and the day's troubles are found by looking; what happens to webhook endpoints
is handed in by the room that finds it out. Nothing told here holds personal data: it may go through
other companies' services.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec

from parcelwire.domain.account import Account, world_of
from parcelwire.domain.clock import DAY, HOUR, MINUTE, Clock, Instant, iso_utc, to_datetime
from parcelwire.domain.status import Status
from parcelwire.notices.ports import NoticeStore
from parcelwire.tracking.periodic_task import PeriodicTask
from parcelwire.tracking.ports import TrackingFilter

TOLD_KIND: Final = "operator-told"
SCOPE: Final = "operators"
DIGEST_HOUR: Final = 6
"""UTC: the day's digest is told from this hour on."""
KEPT: Final = 60 * DAY
TIMEOUT_SECONDS: Final = 60
"""Channels are other people's servers."""
MOST_TRIES: Final = 12
"""How often something is told to channels that do not take it: over some seven hours."""
FIRST_PAUSE: Final = MINUTE
"""After the first try; twice as long after each further one."""
LONGEST_PAUSE: Final = HOUR
LEASE: Final = 5 * MINUTE
"""So long a try is its process's alone: longer than the channels may take."""

TROUBLES: Final = {
    Status.EXCEPTION: "with an exception",
    Status.UNDELIVERED: "not delivered",
    Status.EXPIRED: "without news for long",
}

_log = logging.getLogger(__name__)


class _Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was told, or is tried to be."""

    tries: int = 0
    next_at: Instant = 0
    """Until then nobody tries (again)."""
    told_at: Instant = 0


_decode: Final = msgspec.json.Decoder(int | _Told).decode


class Channels(Protocol):
    """Ways to reach the operators."""

    async def tell(self, title: str, text: str) -> bool:
        """Tell all of them; False when not all could be told."""
        ...


class ChannelError(Exception):
    """A channel cannot be used as it is written down; the message does not repeat its secrets."""


class AppriseChannels:
    """Over a hundred services by their addresses, through the library ``apprise``."""

    def __init__(self, urls: Sequence[str], *, seconds: float = TIMEOUT_SECONDS) -> None:
        """Prepare.

        Raises:
            ChannelError: the library is missing, or an address is none it knows.
        """
        try:
            import apprise
        except ModuleNotFoundError:
            msg = "operators' channels want: pip install 'parcelwire[notifications]'"
            raise ChannelError(msg) from None
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._is_telling = False
        self._apprise: Any = apprise.Apprise()
        for place, url in enumerate(urls, 1):
            if not self._apprise.add(url):
                scheme = url.partition("://")[0][:20]
                msg = f"address {place} ({scheme}://…) is none that apprise knows"
                raise ChannelError(msg)

    async def tell(self, title: str, text: str) -> bool:
        """See ``Channels``."""
        async with self._lock:
            return await self._tell_in_thread(title, text)

    async def _tell_in_thread(self, title: str, text: str) -> bool:
        if self._is_telling:
            # A server that drips holds one thread, not one for each thing there is to tell.
            _log.error("notices: not told, a channel to the operators still does not answer")
            return False
        loop = asyncio.get_running_loop()
        told: asyncio.Future[bool] = loop.create_future()

        def tell(is_told: bool) -> None:
            if not told.done():
                told.set_result(is_told)

        def work() -> None:
            is_told = self._tell(title, text)
            self._is_telling = False
            # Nobody waits any more when the time was over, or the loop itself.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(tell, is_told)

        # Of its own: the threads that others wait for are few, and an exit waits for those.
        thread = threading.Thread(target=work, name="operators-notices", daemon=True)
        self._is_telling = True
        try:
            thread.start()
        except RuntimeError:  # the system gives no more threads now
            self._is_telling = False
            _log.error("notices: not told, no thread could be started for it")
            return False
        try:
            return await asyncio.wait_for(told, self._seconds)
        except TimeoutError:
            _log.error("notices: a channel to the operators does not answer")
            return False

    def _tell(self, title: str, text: str) -> bool:
        try:
            is_told = bool(self._apprise.notify(body=text, title=title))
        except Exception as error:  # noqa: BLE001  # a hundred services' plug-ins
            _log.error("notices: a channel to the operators broke: %s", type(error).__name__)
            is_told = False
        if not is_told:
            _log.error("notices: not all operators could be told: %s", title)
        return is_told


class OperatorWatch(PeriodicTask):
    """Looks for what operators must know, and tells each thing once, by one of all processes."""

    def __init__(
        self,
        store: NoticeStore,
        channels: Channels,
        *,
        clock: Clock,
        public_url: str = "",
        idle_seconds: float = 60,
    ) -> None:
        """Prepare; ``run`` or ``step`` does the work."""
        super().__init__("operators' notices", clock=clock, idle_seconds=idle_seconds)
        self._store = store
        self._channels = channels
        self._clock = clock
        self._public_url = public_url
        self._pruned_at: Instant = 0

    async def step(self) -> int:
        """Look once; return how many things were told."""
        accounts = await self._store.list_accounts()
        told = await self._broken_connections(accounts) + await self._digest(accounts)
        now = self._clock.now()
        if abs(now - self._pruned_at) >= HOUR:
            self._pruned_at = now
            await self._store.prune_records(TOLD_KIND, now - KEPT)
        return told

    async def _broken_connections(self, accounts: Sequence[Account]) -> int:
        names = {account.number: account.email for account in accounts}
        told = 0
        for connection in await self._store.list_connections():
            since = connection.broken_since
            if since is None:
                continue
            told += await self._tell(
                f"{connection.id}.{since}",
                f"Parcelwire: {connection.connector} refuses its credentials",
                f"The connection {connection.id} of {names.get(connection.account_number, '?')} to"
                f" {connection.connector} has been broken since {iso_utc(since)}:"
                f" {connection.broken_reason or 'the carrier refused the credentials'}. Its parcels"
                " are not asked about until it is mended.",
            )
        return told

    async def _digest(self, accounts: Sequence[Account]) -> int:
        now = to_datetime(self._clock.now())
        if now.hour < DIGEST_HOUR:
            return 0
        lines = []
        for account in accounts:
            counts = await self._store.count_by_status(
                world_of(account.number, is_test=False), TrackingFilter(is_archived=False)
            )
            found = [f"{counts[one]} {what}" for one, what in TROUBLES.items() if counts[one]]
            if found:
                lines.append(f"{account.email}: {', '.join(found)}")
        if not lines:
            return 0
        if self._public_url:
            lines.append(f"{self._public_url}/dashboard")
        return await self._tell(
            f"digest.{now.date().isoformat()}",
            "Parcelwire: parcels with problems",
            "\n".join(lines),
        )

    async def _tell(self, name: str, title: str, text: str) -> int:
        """Tell something if nobody has; return how much was told.

        What not all channels took is told again later, to all of them: twice is better than never.
        """
        tries = await self._take(name)
        if tries is None:
            return 0
        is_told, now = await self._channels.tell(title, text), self._clock.now()
        pause = min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE)
        after = (
            _Told(tries=tries, told_at=now) if is_told else _Told(tries=tries, next_at=now + pause)
        )
        await self._store.change_record(
            TOLD_KIND, SCOPE, name, lambda _: msgspec.json.encode(after), at=now
        )
        if not is_told and tries == MOST_TRIES:
            _log.error("notices: gave up telling the operators after %d tries: %s", tries, title)
        return int(is_told)

    async def _take(self, name: str) -> int | None:
        """Return which try this is, now ours alone; None: it was told, or is somebody else's."""
        now = self._clock.now()
        taken: list[int] = []

        def note(document: bytes | None) -> bytes | None:
            taken.clear()
            known = _Told() if document is None else _decode(document)
            # Records of old hold the time alone.
            if isinstance(known, int) or known.told_at or known.tries >= MOST_TRIES:
                return document
            # A time too far ahead was given by a clock that has jumped back since.
            if now < known.next_at <= now + LONGEST_PAUSE:
                return document
            taken.append(known.tries + 1)
            return msgspec.json.encode(_Told(tries=known.tries + 1, next_at=now + LEASE))

        await self._store.change_record(TOLD_KIND, SCOPE, name, note, at=now)
        return taken[0] if taken else None
