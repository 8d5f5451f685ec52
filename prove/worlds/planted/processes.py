"""Bugs that show when processes, clocks and what they stand on are not as they should be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import Any, Final

import apsw

from parcelwire.connectors.gateway import Gateway
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.connectors.routing import Route
from parcelwire.domain.clock import HOUR, Instant
from parcelwire.domain.sealing import DecryptionError, UnknownKeyError
from parcelwire.polling.admission import MISSED
from parcelwire.store.sqlite.ids import id_value
from parcelwire.tracking.journeys import JourneyKeeper
from parcelwire.tracking.ports import Stored
from parcelwire.webhooks.ports import ClaimedMessage
from prove.worlds.clocks import WorldWatch
from prove.worlds.disk import Disk
from prove.worlds.planted.bug import Bug
from prove.worlds.process import Parts
from prove.worlds.stores import WorldStore


class _EndsLeases(WorldStore):
    """A lease on a message ends as soon as it is given."""

    async def claim_messages(
        self, now: Instant, *, lease_until: Instant, **options: Any
    ) -> list[ClaimedMessage]:
        return await super().claim_messages(now, lease_until=now + 1, **options)


class _RecallsNothing(WorldStore):
    """What a clock ahead has put off stays put off."""

    async def recall_messages(
        self, now: Instant, *, beyond: Instant, far_only: bool = False
    ) -> int:
        return 0


class _KeepsItsOwnTime(WorldWatch):
    """Processes go by their own machine's clock."""

    async def step(self) -> int:
        return 0


class _WaitsForPlaces(Gateway):
    """However long a question waits for its place, it counts as the carrier's time."""

    def slot(self, route: Route, account_number: int) -> AbstractAsyncContextManager[None]:
        super().slot(route, account_number)
        return self._slots[route.code].slot(account_number)


class _MakesWaitAgain(WorldStore):
    """Who has missed a turn gets the next one when nobody else waits any more."""

    async def postpone_polls(
        self,
        tracking_ids: Sequence[str],
        *,
        due_at: Instant,
        due_reason: str,
        at: Instant | None = None,
    ) -> None:
        if due_reason == MISSED:
            due_at += HOUR
        await super().postpone_polls(tracking_ids, due_at=due_at, due_reason=due_reason, at=at)


class _LeasesAnyway(WorldStore):
    """Whoever is asked to ask at once does so, although somebody else has the lease."""

    async def lease_poll(self, tracking_id: str, *, lease: Instant, until: Instant) -> bool:
        def work(connection: apsw.Connection) -> None:
            connection.execute(
                "UPDATE poll SET leased_until = ?"
                " WHERE key = (SELECT key FROM tracking WHERE id = ?)",
                (until, id_value(tracking_id)),
            )

        await self._write(work)
        return True


class _CallsItBroken(KeyRing):
    """What this machine has no key for counts as broken, for all machines."""

    def open_value(self, sealed: bytes, bound_to: str) -> bytes:
        try:
            return super().open_value(sealed, bound_to)
        except UnknownKeyError as error:
            raise DecryptionError(str(error)) from error


class _CopiesTheFileAlone(Disk):
    """A backup takes the database's file, and not what its log holds beside it."""

    def back_up(self) -> bytes:
        return self.path.read_bytes()


class _ReadsAllOrNothing(WorldStore):
    """One document that cannot be read makes a whole batch fail."""

    async def load_many(self, tracking_ids: Sequence[str]) -> list[Stored]:
        found = await super().load_many(tracking_ids)
        if len(found) < len(tracking_ids):
            msg = "a stored document cannot be read"
            raise ValueError(msg)
        return found


class _StopsAtAnOddWindow(JourneyKeeper):
    """Journeys are made of windows as they stand, readable or not."""

    async def _save(self, found: Iterable[Stored]) -> None:
        found = list(found)
        for one in found:
            window = one.tracking.window
            if window is not None:
                date.fromisoformat(window.latest[:10])
        await super()._save(found)

    async def _take_in(self, world_id: int) -> int:
        mark = await self._follower.mark(world_id)
        try:
            return await (self._follow(world_id) if mark.is_filled else self._fill(world_id))
        except ValueError as error:
            msg = "this round ends here"
            raise RuntimeError(msg) from error


BUGS: Final = (
    Bug("a lease not honoured", Parts(store=_EndsLeases), 3),
    Bug("a retry lost when the clock goes back", Parts(store=_RecallsNothing), 3),
    Bug("leases by the clock of one's own machine", Parts(watch=_KeepsItsOwnTime), 3),
    Bug("a healthy carrier blamed for our own queue", Parts(gateway=_WaitsForPlaces), 84),
    Bug("a missed turn made up for last of all", Parts(store=_MakesWaitAgain), 52),
    Bug("asked although somebody else has the lease", Parts(store=_LeasesAnyway), 25),
    Bug("a stranger's key taken for broken credentials", Parts(ring=_CallsItBroken), 4),
    Bug("a backup without the log", Parts(disk=_CopiesTheFileAlone), 4),
    Bug("a batch that one document spoils", Parts(store=_ReadsAllOrNothing), 3),
    Bug("journeys that end at an odd window", Parts(journeys=_StopsAtAnOddWindow), 13),
)
