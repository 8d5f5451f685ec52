"""What a process knows about damage to its database.

Damage is found by a check, or by any statement that meets it. From then on nothing more is written:
what is built on damaged pages cannot be kept, so it must not be acknowledged. Only a restart, which
checks again, forgets it.
"""

from __future__ import annotations

import logging
import threading
from typing import Final

from parcelwire.store.port import StoreUnavailableError, UnavailableReason

_log: Final = logging.getLogger(__name__)


class Damage:
    """Remembers the first damage that was found. May be used from several threads."""

    def __init__(self, advice: str, *, is_logged: bool = True) -> None:
        """``advice`` tells the operator what to do, in one sentence."""
        self._is_logged = is_logged
        self.found = ""
        """What was found; empty: nothing so far."""
        self._advice = advice
        self._lock = threading.Lock()

    def report(self, what: str) -> None:
        """Refuse writes from now on. Only the first report is logged."""
        with self._lock:
            if self.found:
                return
            self.found = what
        if self._is_logged:
            _log.error(
                "the database is damaged (%s); no more writes are accepted. %s", what, self._advice
            )

    def error(self) -> StoreUnavailableError:
        """Return what a write is refused with."""
        return StoreUnavailableError(
            f"the database is damaged ({self.found})", UnavailableReason.DAMAGED
        )
