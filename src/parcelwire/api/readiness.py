"""Whether this process can do its work now, as ``/readyz`` tells it.

Ready means that a write was just made durable, not that something could be read. Anybody may ask,
so the question costs the same however often it is asked: one write at a time, at most one every
``KEPT_SECONDS``; everybody else is answered what the last one showed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import msgspec

from parcelwire.domain.clock import SECOND, Clock, Instant
from parcelwire.store.port import Store, StoreUnavailableError, UnavailableReason

KEPT_SECONDS: Final = 2.0
"""How long a verdict is repeated."""

DEADLINE_SECONDS: Final = 3.0
"""A write that takes longer counts as failed until it has ended."""

_log: Final = logging.getLogger(__name__)

_LOW_SPACE: Final = "disk space low"
_CLOCK_DIFFERS: Final = "clock differs"


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer, as it is sent."""

    status: str
    reason: str = ""
    """Why it is not ready."""
    warning: str = ""
    """What somebody should see to although it is ready: soon it may not be."""

    @property
    def is_ready(self) -> bool:
        """Tell whether requests may be sent here."""
        return not self.reason


class Readiness:
    """Asks the store, sparingly."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        clock_differs: Callable[[], bool] = lambda: False,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        """Ask nothing yet.

        ``clock_differs`` tells whether this machine's own clock shows another time than counts.
        """
        self._store = store
        self._clock = clock
        self._clock_differs = clock_differs
        self._deadline_seconds = deadline_seconds
        self._verdict = _refused(UnavailableReason.UNREACHABLE)
        self._asked_at: Instant | None = None
        self._probe: asyncio.Task[None] | None = None
        self._is_overdue = False

    async def verdict(self) -> Verdict:
        """Return whether the store can be written to, seen a few seconds ago at most."""
        if self._probe is None and not self._is_fresh():
            self._asked_at = self._clock.now()
            self._probe = asyncio.create_task(self._ask())
        if self._probe is not None and not self._is_overdue:
            # The write goes on when whoever asks goes away or the time is up.
            await asyncio.wait({self._probe}, timeout=self._deadline_seconds)
            if self._probe is not None:
                self._is_overdue = True
                self._verdict = _refused(UnavailableReason.UNREACHABLE)
        return self._verdict

    def _is_fresh(self) -> bool:
        if self._asked_at is None:
            return False
        # A clock that was put back makes nothing last longer.
        return 0 <= self._clock.now() - self._asked_at < KEPT_SECONDS * SECOND

    async def _ask(self) -> None:
        try:
            await self._store.try_write()
        except StoreUnavailableError as error:
            self._verdict = _refused(error.reason)
        except Exception:  # noqa: BLE001  # told as not ready, and logged
            _log.exception("readiness: the write failed for a reason of the program's own")
            self._verdict = _refused(UnavailableReason.UNREACHABLE)
        else:
            self._verdict = Verdict("ready", warning=self._warning())
        finally:
            self._asked_at = self._clock.now()
            self._probe = None
            self._is_overdue = False

    def _warning(self) -> str:
        space = self._store.disk_space()
        if space is not None and space.is_low:
            return _LOW_SPACE
        return _CLOCK_DIFFERS if self._clock_differs() else ""


def _refused(reason: UnavailableReason) -> Verdict:
    return Verdict("not ready", reason=reason.value)
